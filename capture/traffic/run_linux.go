package traffic

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// run is one run in progress.
type run struct {
	Config
	via      transport
	ip       int
	clock    clock
	exchange *exchange
	sockets  sockets
	cancel   context.CancelCauseFunc
	sending  *sender
	receiver receiver
	out      Outcome
}

// Run sends the workload and returns when the receiver has read everything that arrived and, over TCP, both sockets are
// closed. An end of the context ends it at once, with the context's cause as its error. Messages that were lost or damaged
// are no error: the outcome counts them.
func Run(ctx context.Context, c Config) (*Outcome, error) {
	c.From.Addr, c.To.Addr = c.From.Addr.Unmap(), c.To.Addr.Unmap()
	via, err := c.check()
	if err != nil {
		return nil, err
	}
	clock, err := newClock()
	if err != nil {
		return nil, fmt.Errorf("read CLOCK_MONOTONIC: %w", err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	x := newExchange(c.Workload)
	r := &run{Config: c, via: via, ip: c.From.ip(), clock: clock, exchange: x, cancel: cancel,
		receiver: receiver{inbox: newInbox(x), clock: clock},
		out:      Outcome{Options: make(map[string]any)}}
	defer r.sockets.watch(ctx)()

	if via.udp {
		err = r.udp(ctx)
	} else {
		err = r.tcp(ctx)
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if err != nil {
		return nil, fmt.Errorf("send %d messages of %d bytes over %s: %w", c.Workload.Messages, c.Workload.Size, c.Transport, err)
	}
	return r.outcome(), nil
}

func (h Host) ip() int {
	if h.Addr.Is4() {
		return 4
	}
	return 6
}

func (c Config) check() (transport, error) {
	if !c.From.Addr.IsValid() || !c.To.Addr.IsValid() || c.From.ip() != c.To.ip() {
		return transport{}, fmt.Errorf("sender %v and receiver %v must have addresses of one IP version", c.From.Addr, c.To.Addr)
	}
	if err := c.Workload.Check(c.Transport, c.From.ip()); err != nil {
		return transport{}, err
	}
	via, err := lookup(c.Transport)
	if via.packed && unfragmented(c.MTU, c.From.ip()) < 1 {
		return transport{}, fmt.Errorf("an MTU of %d leaves no room for a UDP datagram", c.MTU)
	}
	return via, err
}

// end runs one end of the exchange on a thread of its own. Its error ends the other end too.
func (r *run) end(fn func() error) <-chan error {
	done := make(chan error, 1)
	go func() {
		// Never unlocked: the thread ends with the goroutine, and its timer slack with it.
		runtime.LockOSThread()
		_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
		err := fn()
		if err != nil {
			r.cancel(err)
		}
		done <- err
	}()
	return done
}

// sender returns the sending end on a connected socket.
func (r *run) sender(fd int) *sender {
	r.sending = &sender{exchange: r.exchange, waiter: newWaiter(r.clock, fd), interval: int64(r.Workload.Interval), fd: fd}
	return r.sending
}

func (r *run) outcome() *Outcome {
	o, in := &r.out, r.receiver
	o.SendCalls, o.RecvCalls = r.sending.calls, in.calls
	o.MessagesDelivered, o.PayloadBytesDelivered = in.delivered, in.bytes
	o.Corrupt, o.Duplicated, o.Reordered = in.corrupt, in.duplicated, in.reordered
	o.Latency = r.exchange.latency()
	if in.delivered > 0 {
		o.Duration = time.Duration(in.last - r.sending.start)
	}
	return o
}
