package traffic

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sockets are the open sockets of a run.
type sockets struct {
	mu  sync.Mutex
	fds []int
}

func (s *sockets) add(fd int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fds = append(s.fds, fd)
}

// open creates a socket within the host's namespace, bound to the host's address and a free port. prepare sets options
// before the bind.
func (s *sockets) open(h Host, kind, protocol int, prepare func(fd int) error) (fd int, err error) {
	return s.openAt(h, 0, kind, protocol, prepare)
}

// openAt binds to a port; 0 stands for a free one.
func (s *sockets) openAt(h Host, port uint16, kind, protocol int, prepare func(fd int) error) (fd int, err error) {
	err = h.within(func() error {
		fd, err = unix.Socket(family(h.Addr), kind|unix.SOCK_CLOEXEC, protocol)
		if err != nil {
			return fmt.Errorf("create socket: %w", err)
		}
		s.add(fd)
		if err := prepare(fd); err != nil {
			return err
		}
		if err := unix.Bind(fd, sockaddr(netip.AddrPortFrom(h.Addr, port))); err != nil {
			return fmt.Errorf("bind %v: %w", h.Addr, err)
		}
		return nil
	})
	return fd, err
}

// abortEvery is how often an interrupted run shuts its sockets down. Once is not enough: a socket that is yet to connect or
// to listen forgets it.
const abortEvery = 5 * time.Millisecond

// watch shuts all sockets down, which ends every blocked call on them, when the context ends. release closes them; no call
// may be using them any more.
func (s *sockets) watch(ctx context.Context) (release func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-done:
			return
		case <-ctx.Done():
		}
		for {
			s.abort()
			select {
			case <-done:
				return
			case <-time.After(abortEvery):
			}
		}
	}()
	return func() {
		close(done)
		<-ended
		for _, fd := range s.fds {
			unix.Close(fd)
		}
	}
}

// abort shuts every socket down. What a stream has not sent is thrown away on close, so that the kernel keeps no connection
// of an interrupted run alive.
func (s *sockets) abort() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, fd := range s.fds {
		_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
		_ = unix.Shutdown(fd, unix.SHUT_RDWR)
	}
}

// hangup returns a descriptor that is dead from the end of the run on.
func (s *sockets) hangup() (int, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("create socket pair: %w", err)
	}
	s.add(pair[0])
	s.add(pair[1])
	return pair[0], nil
}

func family(a netip.Addr) int {
	if a.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16(), ZoneId: zoneID(a.Addr().Zone())}
}

// zoneID is the number of the interface that a link-local address is on (RFC 4007 section 11), by its name or number; 0 for none.
func zoneID(zone string) uint32 {
	if zone == "" {
		return 0
	}
	if i, err := net.InterfaceByName(zone); err == nil {
		return uint32(i.Index)
	}
	n, _ := strconv.ParseUint(zone, 10, 32)
	return uint32(n)
}

// port returns the port a socket is bound to.
func port(fd int) (uint16, error) {
	name, err := unix.Getsockname(fd)
	if err != nil {
		return 0, fmt.Errorf("read socket name: %w", err)
	}
	return portOf(name)
}

func portOf(name unix.Sockaddr) (uint16, error) {
	switch a := name.(type) {
	case *unix.SockaddrInet4:
		return uint16(a.Port), nil
	case *unix.SockaddrInet6:
		return uint16(a.Port), nil
	}
	return 0, fmt.Errorf("read socket name: %w", unix.EAFNOSUPPORT)
}

func addressOf(name unix.Sockaddr) netip.Addr {
	switch a := name.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrFrom4(a.Addr)
	case *unix.SockaddrInet6:
		return netip.AddrFrom16(a.Addr)
	}
	return netip.Addr{}
}

func connect(fd int, a netip.AddrPort) error {
	for {
		// A second call after an interruption goes on waiting for the first one's handshake.
		switch err := unix.Connect(fd, sockaddr(a)); err {
		case nil:
			return nil
		case unix.EINTR:
		default:
			return fmt.Errorf("connect %v: %w", a, err)
		}
	}
}

// accept returns the next connection from a host and the port of its other end. Others are closed.
func (s *sockets) accept(listener int, from netip.Addr) (fd int, peer uint16, err error) {
	for {
		switch fd, name, err := unix.Accept4(listener, unix.SOCK_CLOEXEC); err {
		case nil:
			if addressOf(name) != from.WithZone("") {
				unix.Close(fd)
				continue
			}
			s.add(fd)
			peer, err := portOf(name)
			return fd, peer, err
		case unix.EINTR, unix.ECONNABORTED:
		default:
			return -1, 0, fmt.Errorf("accept: %w", err)
		}
	}
}

// getsockopt reads an option that is a structure into p and returns how many octets the kernel filled in.
func getsockopt(fd, level, option int, p unsafe.Pointer, size uintptr) (int, error) {
	length := uint32(size)
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), uintptr(level), uintptr(option), uintptr(p),
		uintptr(unsafe.Pointer(&length)), 0)
	if errno != 0 {
		return 0, errno
	}
	return int(length), nil
}
