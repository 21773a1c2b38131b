package traffic

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// udp sends the messages in datagrams, one each or as many as fit into a packet of the link's MTU. A connection is a pair of
// sockets that are connected to each other; all receivers have the same port.
func (r *run) udp(ctx context.Context) error {
	from, to, err := r.pairs(ctx)
	if err != nil {
		return err
	}
	var receiving, sending []func() <-chan error // none begins before all sockets are ready
	for i, fd := range to {
		c := r.connections[i]
		in, answer := c.receiver(fd)
		if !r.here.sends() {
			answer.room = r.Room
		}
		replies, _, err := c.datagramOutlet(answer)
		if err != nil {
			return fmt.Errorf("receiver: %w", err)
		}
		receiving = append(receiving, func() <-chan error {
			return r.end("receiver", func() error { return c.serve(in, replies) })
		})
	}
	for i, fd := range from {
		c := r.connections[i]
		answers, out := c.sender(fd)
		out.room = r.Room
		outlet, options, err := c.datagramOutlet(out)
		if err == nil {
			err = r.readUDPOptions(c, fd)
		}
		if err != nil {
			return fmt.Errorf("sender: %w", err)
		}
		r.note(c, options)
		sending = append(sending, func() <-chan error {
			return r.end("sender", func() error { return c.send(ctx, outlet, fd) })
		})
		if c.answers != nil {
			receiving = append(receiving, func() <-chan error {
				return r.end("sender", func() error { return c.collect(answers) })
			})
		}
	}
	reading := begin(receiving)
	err = wait(begin(sending))
	if err == nil {
		err = r.arrived(ctx)
	}
	// The receivers read what their sockets still hold, then the end.
	for _, fd := range slices.Concat(from, to) {
		_ = unix.Shutdown(fd, unix.SHUT_RD)
	}
	if e := wait(reading); err == nil {
		err = e
	}
	for _, fd := range to {
		dropped, e := drops(fd)
		if e != nil && err == nil {
			err = e
		}
		r.out.ReceiverOverflow += dropped
	}
	return err
}

func (r *run) arrived(ctx context.Context) error {
	if r.Arrived == nil {
		return nil
	}
	return r.Arrived(ctx)
}

func (r *run) answerLimit() time.Duration {
	if r.AnswerLimit == 0 {
		return time.Second
	}
	return r.AnswerLimit
}

// begin starts ends.
func begin(ends []func() <-chan error) (begun []<-chan error) {
	for _, start := range ends {
		begun = append(begun, start())
	}
	return begun
}

// pairs opens the sockets of all connections and connects the two of each to each other, which keeps the datagrams of others
// out.
func (r *run) pairs(ctx context.Context) (from, to []int, err error) {
	datagrams, size := r.connections[0].datagrams() // the first has the most
	from, err = r.openSenders(unix.SOCK_DGRAM, unix.IPPROTO_UDP, func(fd int) error {
		if r.connections[0].answers == nil {
			return nil
		}
		return roomFor(fd, datagrams, size)
	})
	if err != nil {
		return nil, nil, fmt.Errorf("sender: %w", err)
	}
	if err := r.offer(ctx); err != nil {
		return nil, nil, err
	}
	for i := 0; r.here.receives() && i < len(r.connections); i++ {
		fd, err := r.openReceiver(unix.SOCK_DGRAM, unix.IPPROTO_UDP, func(fd int) error { return roomFor(fd, datagrams, size) })
		if err == nil {
			err = connect(fd, netip.AddrPortFrom(r.From.Addr, r.terms.SenderPorts[i]))
		}
		if err == nil {
			err = r.readReceiverOptions(r.connections[i], fd)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("receiver: %w", err)
		}
		to = append(to, fd)
	}
	if err := r.answer(ctx); err != nil {
		return nil, nil, err
	}
	for _, fd := range from {
		if err := connect(fd, netip.AddrPortFrom(r.To.Addr, r.out.Port)); err != nil {
			return nil, nil, fmt.Errorf("sender: %w", err)
		}
	}
	return from, to, nil
}

// datagramOutlet returns the outlet of a UDP transport and the options that describe it.
func (c *connection) datagramOutlet(out *outflow) (outlet, map[string]any, error) {
	w := c.Workload
	room := min(unfragmented(c.MTU, c.ip), maxDatagram(c.ip))
	switch c.via.outlet {
	case packed:
		return &batch{outflow: out, messages: w.Messages, octets: room, least: w.smallest(), call: out.datagram},
			map[string]any{"datagram_payload_limit": room, "flush_after_seconds": flushAfter.Seconds()}, nil
	case segmented:
		size := 0
		if w.smallest() == w.largest() && w.Size <= room {
			size = w.Size
		}
		if err := segment.set(out.fd, size); err != nil {
			return nil, nil, err
		}
		return &batch{outflow: out, messages: maxSegments, octets: maxDatagram(c.ip), least: w.smallest(), divided: room,
				call: out.segments(room, size)},
			map[string]any{"segments_limit": maxSegments}, nil
	case batched:
		return &batch{outflow: out, messages: maxBatch, octets: maxBatchOctets, least: w.smallest(), call: out.many()},
			map[string]any{"sendmmsg_messages_limit": maxBatch}, nil
	}
	return datagrams{out}, nil, nil
}

func (r *run) readUDPOptions(c *connection, from int) error {
	options := make(map[string]any)
	discover := discover4
	if r.ip == 6 {
		discover = discover6
	}
	if err := read(options, from, protocol, sndBuf, discover); err != nil {
		return err
	}
	if r.via.outlet == segmented {
		if err := read(options, from, segment); err != nil {
			return err
		}
	}
	r.note(c, options)
	return nil
}

func (r *run) readReceiverOptions(c *connection, to int) error {
	options := make(map[string]any)
	if err := read(options, to, rcvBuf); err != nil {
		return err
	}
	r.note(c, options)
	return nil
}

// datagrams is the number of datagrams that a connection may have to receive, and the octets of the largest.
func (c *connection) datagrams() (n, size int) {
	w := c.Workload
	n, size = (w.Messages+w.connections()-1)/w.connections(), w.largest()
	if c.via.outlet != packed {
		return n, size
	}
	per := max(1, min(unfragmented(c.MTU, c.ip), maxDatagram(c.ip))/size)
	return (n + per - 1) / per, per * size
}

// A datagram in a receive buffer is charged with all the memory it occupies (truesize): at most about a page for its
// structures and the headroom of a driver, and twice its data, more where it arrived in fragments.
const (
	memoryPerPacket = 4608
	maxRcvBuf       = 256 << 20
)

// roomFor gives a socket a receive buffer for so many datagrams, as far as the kernel lets it. The send buffer stays as it
// is: with more room than the device's queue has, a burst would be dropped there instead of waiting in the socket.
func roomFor(fd, datagrams, size int) error {
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
