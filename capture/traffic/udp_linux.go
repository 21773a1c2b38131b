package traffic

import (
	"context"
	"fmt"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// udp sends the messages in datagrams: one each, or as many as fit into a packet of the link's MTU.
func (r *run) udp(ctx context.Context) error {
	perDatagram := 1
	if r.via.packed {
		room := min(unfragmented(r.MTU, r.ip), maxDatagram(r.ip))
		perDatagram = max(1, room/r.Workload.Size)
		r.out.Options["datagram_payload_limit"] = room
		r.out.Options["flush_after_seconds"] = flushAfter.Seconds()
	}
	to, err := r.sockets.open(r.To, unix.SOCK_DGRAM, unix.IPPROTO_UDP, func(fd int) error {
		return roomFor(fd, r.Workload, perDatagram)
	})
	if err != nil {
		return fmt.Errorf("receiver: %w", err)
	}
	from, err := r.sockets.open(r.From, unix.SOCK_DGRAM, unix.IPPROTO_UDP, func(int) error { return nil })
	if err != nil {
		return fmt.Errorf("sender: %w", err)
	}
	if err := r.introduce(from, to); err != nil {
		return err
	}

	received := r.end(func() error { return r.receiver.receive(to, r.receiver.datagram) })
	sender := r.sender(from)
	sender.room = r.Room
	sent := r.end(func() error { return sender.send(perDatagram) })
	if err = <-sent; err != nil {
		err = fmt.Errorf("sender: %w", err)
	} else if r.Arrived != nil {
		err = r.Arrived(ctx)
	}
	// The receiver reads what its socket still holds, then the end.
	_ = unix.Shutdown(to, unix.SHUT_RD)
	if e := <-received; e != nil && err == nil {
		err = fmt.Errorf("receiver: %w", e)
	}
	if err != nil {
		return err
	}
	r.out.ReceiverOverflow, err = drops(to)
	return err
}

// introduce connects the two sockets to each other, which keeps the datagrams of others out, and reads their options.
func (r *run) introduce(from, to int) error {
	source, err := port(from)
	if err != nil {
		return fmt.Errorf("sender: %w", err)
	}
	if r.out.Port, err = port(to); err != nil {
		return fmt.Errorf("receiver: %w", err)
	}
	if err := connect(from, netip.AddrPortFrom(r.To.Addr, r.out.Port)); err != nil {
		return fmt.Errorf("sender: %w", err)
	}
	if err := connect(to, netip.AddrPortFrom(r.From.Addr, source)); err != nil {
		return fmt.Errorf("receiver: %w", err)
	}
	discover := discover4
	if r.ip == 6 {
		discover = discover6
	}
	if err := read(r.out.Options, from, protocol, sndBuf, discover); err != nil {
		return fmt.Errorf("sender: %w", err)
	}
	if err := read(r.out.Options, to, rcvBuf); err != nil {
		return fmt.Errorf("receiver: %w", err)
	}
	return nil
}

// A datagram in a receive buffer is charged with all the memory it occupies (truesize): at most about a page for its
// structures and the headroom of a driver, and twice its data, more where it arrived in fragments.
const (
	memoryPerPacket = 4608
	maxRcvBuf       = 256 << 20
)

// roomFor gives a socket a receive buffer for the whole workload, as far as the kernel lets it. The send buffer stays as it
// is: with more room than the device's queue has, a burst would be dropped there instead of waiting in the socket.
func roomFor(fd int, w Workload, perDatagram int) error {
	datagrams := (w.Messages + perDatagram - 1) / perDatagram
	size := perDatagram * w.Size
	packets := 1 + size/1024
	charge := min(int64(datagrams)*int64(packets*memoryPerPacket+2*size), maxRcvBuf)
	// The kernel doubles the value it is given (socket(7)); less than half its default would be a loss.
	have, err := rcvBuf.get(fd)
	if err != nil || int64(have) >= charge {
		return err
	}
	if rcvBufForce.set(fd, int(charge/2)) == nil {
		return nil
	}
	return rcvBuf.set(fd, int(charge/2))
}

// drops returns how many datagrams the socket dropped.
func drops(fd int) (int64, error) {
	var memory [unix.SK_MEMINFO_DROPS + 1]uint32
	if _, err := getsockopt(fd, unix.SOL_SOCKET, unix.SO_MEMINFO, unsafe.Pointer(&memory), unsafe.Sizeof(memory)); err != nil {
		return 0, fmt.Errorf("receiver: read SO_MEMINFO: %w", err)
	}
	return int64(memory[unix.SK_MEMINFO_DROPS]), nil
}
