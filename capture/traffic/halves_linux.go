package traffic

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"
)

// half says which ends of a run are in this process.
type half uint8

const (
	bothHalves half = iota
	sendHalf
	receiveHalf
)

func (h half) sends() bool    { return h != receiveHalf }
func (h half) receives() bool { return h != sendHalf }

// Terms is what the halves of a run have to know of each other.
type Terms struct {
	SenderPorts  []uint16 // of each connection
	ReceiverPort uint16   // of all
	Certificate  []byte   // DER (RFC 5280): the receiver's, that the sender has to trust
}

// Meeting carries terms between two halves that are in different processes, in order. The sender tells first; then each
// hears as often as the other tells.
type Meeting struct {
	Tell func(ctx context.Context, t Terms) error
	Hear func(ctx context.Context) (Terms, error)
}

// Half is what one end saw.
type Half struct {
	Outcome Outcome // both halves' counts add up to the run's
	// Start is when the first message was due, Last when the last answer or message arrived: CLOCK_MONOTONIC of the half's
	// own host, in nanoseconds. 0 where this half has none.
	Start, Last int64
	// Times are those of the messages of each connection by the same clock: of their writes in the sender's half, of their
	// arrival in the receiver's, 0 for none. They are missing where latency is the round trip, which is the sender's to tell.
	Times [][]int64
	Due   [][]int64 // of the sender's half: when those messages were due; missing where none was at a time
}

// Send is the half of Run that sends; Config.To is at another host, where Receive runs with the same Config. Config.Arrived
// is called as often in both halves: it has to tell them of each other.
func Send(ctx context.Context, c Config, m Meeting) (h *Half, err error) {
	return h, perform(ctx, c, sendHalf, m, func(r *run) { h = r.half() })
}

// Receive is the half of Run that receives, and answers. What it opens takes packets from Config.From alone: whoever else sends
// to its ports gets nothing back.
func Receive(ctx context.Context, c Config, m Meeting) (h *Half, err error) {
	return h, perform(ctx, c, receiveHalf, m, func(r *run) { h = r.half() })
}

// Join makes the outcome of a run from its halves. The receiver's CLOCK_MONOTONIC is ahead of the sender's by so much: one-way
// latencies are as good as that is known, and negative where it is known too badly.
func Join(sender, receiver *Half, ahead time.Duration) *Outcome {
	o, r := sender.Outcome, &receiver.Outcome
	o.SendCalls += r.SendCalls
	o.RecvCalls += r.RecvCalls
	o.MessagesDelivered, o.PayloadBytesDelivered = r.MessagesDelivered, r.PayloadBytesDelivered
	o.Corrupt += r.Corrupt
	o.Duplicated += r.Duplicated
	o.Reordered += r.Reordered
	o.ReceiverOverflow += r.ReceiverOverflow
	o.CPU.Receiver, o.CPU.Floor = r.CPU.Receiver, max(o.CPU.Floor, r.CPU.Floor)
	o.ApplicationBytesDelivered += r.ApplicationBytesDelivered
	o.Port, o.Receivers = r.Port, r.Receivers
	o.CPU.Receiver, o.CPU.Floor, o.CPU.Known = r.CPU.Receiver, max(o.CPU.Floor, r.CPU.Floor), o.CPU.Known && r.CPU.Known
	o.Options = maps.Clone(sender.Outcome.Options)
	maps.Copy(o.Options, r.Options)
	last := sender.Last
	if sender.Times != nil {
		o.Latency = oneWay(sender.Times, receiver.Times, int64(ahead))
		o.LatencyFromDue = oneWay(sender.Due, receiver.Times, int64(ahead))
		last = receiver.Last - int64(ahead)
	}
	if o.Duration = 0; o.MessagesDelivered > 0 {
		o.Duration = time.Duration(last - sender.Start)
	}
	return &o
}

func oneWay(written, arrived [][]int64, ahead int64) Latency {
	var all []int64
	for i := range min(len(written), len(arrived)) {
		for seq := range min(len(written[i]), len(arrived[i])) {
			if w, a := written[i][seq], arrived[i][seq]; w != 0 && a != 0 {
				all = append(all, a-w-ahead)
			}
		}
	}
	return percentiles(all)
}

// half is what this process saw of the run.
func (r *run) half() *Half {
	h := &Half{Start: r.start}
	for _, c := range r.connections {
		for _, in := range []*inbox{c.messages, c.answers} {
			if in != nil {
				h.Last = max(h.Last, in.last)
			}
		}
		if c.answers != nil {
			continue
		}
		times := slices.Clone(c.messages.times)
		for i, t := range times {
			if t < 0 {
				times[i] = ^t
			}
		}
		h.Times = append(h.Times, times)
		if c.late != nil && r.here.sends() {
			due := make([]int64, len(times))
			for seq := range due {
				due[seq] = r.start + c.messages.due(seq)
			}
			h.Due = append(h.Due, due)
		}
	}
	h.Outcome = *r.outcome()
	if !r.here.sends() {
		h.Outcome.Latency, h.Outcome.Duration = Latency{}, 0 // of another clock's times
	}
	return h
}

// part makes a connection take messages that the other half composes.
func (c *connection) part() {
	switch {
	case c.here == receiveHalf:
		c.messages.elsewhere = func(int64) int64 { return 0 }
	case c.here == sendHalf && c.answers != nil:
		group := int64(c.window.group)
		c.answers.elsewhere = func(seq int64) int64 { return atomic.LoadInt64(&c.messages.times[seq*group]) }
	}
}

// openSenders opens the sender's sockets, one a connection, where this half sends.
func (r *run) openSenders(kind, protocol int, prepare func(fd int) error) (fds []int, err error) {
	if !r.here.sends() {
		return nil, nil
	}
	for range r.connections {
		fd, err := r.sockets.open(r.From, kind, protocol, prepare)
		if err != nil {
			return nil, err
		}
		source, err := port(fd)
		if err != nil {
			return nil, err
		}
		fds, r.terms.SenderPorts = append(fds, fd), append(r.terms.SenderPorts, source)
	}
	return fds, nil
}

// openReceiver opens a socket of the receiver. All of a run have the same port.
func (r *run) openReceiver(kind, protocol int, prepare func(fd int) error) (int, error) {
	r.out.Port = max(r.out.Port, r.Port)
	fd, err := r.sockets.openAt(r.To, r.out.Port, kind, protocol, func(fd int) error {
		if r.Port != 0 || len(r.connections) > 1 {
			if err := reuseAddr.set(fd, 1); err != nil {
				return err
			}
		}
		if !r.here.sends() {
			if err := onlyFrom(fd, kind, r.From.Addr); err != nil {
				return err
			}
		}
		return prepare(fd)
	})
	if err == nil {
		r.out.Port, err = port(fd)
	}
	return fd, err
}

// from is the connection from the sender's port; nil for none.
func (r *run) from(port uint16) *connection {
	if i := slices.Index(r.terms.SenderPorts, port); i >= 0 {
		return r.connections[i]
	}
	return nil
}

// offer tells the receiver the sender's ports.
func (r *run) offer(ctx context.Context) (err error) {
	switch r.here {
	case sendHalf:
		return r.meeting.Tell(ctx, r.terms)
	case receiveHalf:
		if r.terms, err = r.meeting.Hear(ctx); err == nil && len(r.terms.SenderPorts) != len(r.connections) {
			err = fmt.Errorf("sender has %d ports, %d connections", len(r.terms.SenderPorts), len(r.connections))
		}
	}
	return err
}

// answer tells the sender where the receiver waits.
func (r *run) answer(ctx context.Context) error {
	switch r.here {
	case sendHalf:
		t, err := r.meeting.Hear(ctx)
		r.out.Port, r.terms.Certificate = t.ReceiverPort, t.Certificate
		return err
	case receiveHalf:
		return r.meeting.Tell(ctx, Terms{ReceiverPort: r.out.Port, Certificate: r.terms.Certificate})
	}
	return nil
}

// gathering is a point that all connections have to reach.
type gathering struct {
	missing atomic.Int64
	done    chan struct{}
	err     error
}

func (g *gathering) expect(n int) {
	g.missing.Store(int64(n))
	g.done = make(chan struct{})
}

// farReceived tells the receiver that all connections have sent everything, and waits until it has read that.
func (r *run) farReceived(ctx context.Context) error {
	if r.farReads.missing.Add(-1) == 0 {
		if r.farReads.err = r.meeting.Tell(ctx, Terms{}); r.farReads.err == nil {
			_, r.farReads.err = r.meeting.Hear(ctx)
		}
		close(r.farReads.done)
	}
	select {
	case <-r.farReads.done:
		return r.farReads.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// tellReceived is the other side of farReceived, in the receiver's half.
func (r *run) tellReceived(ctx context.Context) error {
	if r.here != receiveHalf {
		return nil
	}
	if _, err := r.meeting.Hear(ctx); err != nil {
		return err
	}
	for _, c := range r.connections {
		if err := c.quicReceived(ctx); err != nil {
			return err
		}
	}
	return r.meeting.Tell(ctx, Terms{})
}
