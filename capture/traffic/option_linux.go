package traffic

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// option is a socket option whose value is a C int.
type option struct {
	name        string
	level, code int
}

var (
	rcvBuf      = option{"SO_RCVBUF", unix.SOL_SOCKET, unix.SO_RCVBUF}
	rcvBufForce = option{"SO_RCVBUFFORCE", unix.SOL_SOCKET, unix.SO_RCVBUFFORCE}
	sndBuf      = option{"SO_SNDBUF", unix.SOL_SOCKET, unix.SO_SNDBUF}
	reuseAddr   = option{"SO_REUSEADDR", unix.SOL_SOCKET, unix.SO_REUSEADDR}
	protocol    = option{"SO_PROTOCOL", unix.SOL_SOCKET, unix.SO_PROTOCOL}
	keepAlive   = option{"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE}
	noDelay     = option{"TCP_NODELAY", unix.IPPROTO_TCP, unix.TCP_NODELAY}
	cork        = option{"TCP_CORK", unix.IPPROTO_TCP, unix.TCP_CORK}
	quickAck    = option{"TCP_QUICKACK", unix.IPPROTO_TCP, unix.TCP_QUICKACK}
	segment     = option{"UDP_SEGMENT", unix.SOL_UDP, unix.UDP_SEGMENT}
	maxSeg      = option{"TCP_MAXSEG", unix.IPPROTO_TCP, unix.TCP_MAXSEG}
	discover4   = option{"IP_MTU_DISCOVER", unix.IPPROTO_IP, unix.IP_MTU_DISCOVER}
	discover6   = option{"IPV6_MTU_DISCOVER", unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER}
)

func (o option) set(fd, value int) error {
	if err := unix.SetsockoptInt(fd, o.level, o.code, value); err != nil {
		return fmt.Errorf("set %s to %d: %w", o.name, value, err)
	}
	return nil
}

func (o option) get(fd int) (int, error) {
	v, err := unix.GetsockoptInt(fd, o.level, o.code)
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", o.name, err)
	}
	return v, nil
}

// read adds the values that the options have on a socket to the map.
func read(into map[string]any, fd int, options ...option) error {
	for _, o := range options {
		v, err := o.get(fd)
		if err != nil {
			return err
		}
		into[o.name] = v
	}
	return nil
}

// setCongestionControl sets TCP_CONGESTION. It runs within the socket's namespace: which algorithms there are is a property
// of it.
func setCongestionControl(fd int, name string) error {
	err := unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, name)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.EPERM):
		known, readErr := os.ReadFile("/proc/sys/net/ipv4/tcp_available_congestion_control")
		if readErr != nil {
			break
		}
		return fmt.Errorf("set TCP_CONGESTION to %q: %w (available: %s)", name, err, strings.Join(strings.Fields(string(known)), ", "))
	}
	return fmt.Errorf("set TCP_CONGESTION to %q: %w", name, err)
}

// CheckCongestionControl reports why the kernel has no congestion control of that name for the network namespace in which it is
// called. Empty is the namespace's default.
func CheckCongestionControl(name string) error {
	if name == "" {
		return nil
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
	if err != nil {
		return fmt.Errorf("open socket: %w", err)
	}
	defer unix.Close(fd)
	return setCongestionControl(fd, name)
}
