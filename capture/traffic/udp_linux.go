package traffic

import (
	"cmp"
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
	var ends datagramEnds
	var err error
	for _, c := range r.connections {
		if err = r.beginUDP(ctx, c, &ends); err != nil {
			r.cancel(err) // the connections that began end too
			break
		}
	}
	err = cmp.Or(err, wait(ends.sending))
	if err == nil {
		err = r.arrived(ctx)
	}
	// The receivers read what their sockets still hold, then the end.
	for _, fd := range slices.Concat(ends.receivers, ends.senders) {
		_ = unix.Shutdown(fd, unix.SHUT_RD)
	}
	err = cmp.Or(err, wait(ends.receiving))
	for _, fd := range ends.receivers {
		dropped, e := drops(fd)
		err = cmp.Or(err, e)
		r.out.ReceiverOverflow += dropped
	}
	return err
}

// datagramEnds are the ends of a run's connections and their sockets.
type datagramEnds struct {
	sending, receiving []<-chan error
	senders, receivers []int
}

// beginUDP opens the sockets of a connection and lets its ends run.
func (r *run) beginUDP(ctx context.Context, c *connection, ends *datagramEnds) error {
	from, to, err := r.pair(c)
	if err != nil {
		return err
	}
	ends.senders, ends.receivers = append(ends.senders, from), append(ends.receivers, to)
	in, answer := c.receiver(to)
	answers, out := c.sender(from)
	out.room = r.Room
	outlet, options, err := c.datagramOutlet(out)
	if err != nil {
		return fmt.Errorf("sender: %w", err)
	}
	replies, _, err := c.datagramOutlet(answer)
	if err != nil {
		return fmt.Errorf("receiver: %w", err)
	}
	r.note(c, options)
	if err := r.readUDPOptions(c, from, to); err != nil {
		return err
	}
	ends.receiving = append(ends.receiving, r.end("receiver", func() error { return c.serve(in, replies) }))
	ends.sending = append(ends.sending, r.end("sender", func() error { return c.send(ctx, outlet, from) }))
	if c.answers != nil {
		ends.receiving = append(ends.receiving, r.end("sender", func() error { return c.collect(answers) }))
	}
	return nil
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

// pair opens the two sockets of a connection and connects them to each other, which keeps the datagrams of others out.
func (r *run) pair(c *connection) (from, to int, err error) {
	datagrams, size := c.datagrams()
	shared := func(fd int) error {
		if len(r.connections) == 1 {
			return nil
		}
		return reuseAddr.set(fd, 1)
	}
	to, err = r.sockets.openAt(r.To, r.out.Port, unix.SOCK_DGRAM, unix.IPPROTO_UDP, func(fd int) error {
		if err := shared(fd); err != nil {
			return err
		}
		return roomFor(fd, datagrams, size)
	})
	if err != nil {
		return 0, 0, fmt.Errorf("receiver: %w", err)
	}
	from, err = r.sockets.open(r.From, unix.SOCK_DGRAM, unix.IPPROTO_UDP, func(fd int) error {
		if c.answers == nil {
			return nil
		}
		return roomFor(fd, datagrams, size)
	})
	if err != nil {
		return 0, 0, fmt.Errorf("sender: %w", err)
	}
	source, err := port(from)
	if err != nil {
		return 0, 0, fmt.Errorf("sender: %w", err)
	}
	if r.out.Port, err = port(to); err != nil {
		return 0, 0, fmt.Errorf("receiver: %w", err)
	}
	if err := connect(from, netip.AddrPortFrom(r.To.Addr, r.out.Port)); err != nil {
		return 0, 0, fmt.Errorf("sender: %w", err)
	}
	if err := connect(to, netip.AddrPortFrom(r.From.Addr, source)); err != nil {
		return 0, 0, fmt.Errorf("receiver: %w", err)
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

func (r *run) readUDPOptions(c *connection, from, to int) error {
	options := make(map[string]any)
	discover := discover4
	if r.ip == 6 {
		discover = discover6
	}
	if err := read(options, from, protocol, sndBuf, discover); err != nil {
		return fmt.Errorf("sender: %w", err)
	}
	if r.via.outlet == segmented {
		if err := read(options, from, segment); err != nil {
			return fmt.Errorf("sender: %w", err)
		}
	}
	if err := read(options, to, rcvBuf); err != nil {
		return fmt.Errorf("receiver: %w", err)
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
