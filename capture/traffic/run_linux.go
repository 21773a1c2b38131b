package traffic

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// run is one run in progress, or the half of it that is in this process.
type run struct {
	Config
	here        half
	meeting     Meeting // with the other half, where that is elsewhere
	terms       Terms
	farReads    gathering // send half: the receiver has read everything
	via         transport
	ip          int
	clock       clock
	cpuFloor    time.Duration
	connections []*connection
	sockets     sockets
	cancel      context.CancelCauseFunc
	written     volume // in messages of all connections
	answered    volume // in answers
	tls         struct{ client, server *tls.Config }

	// The connections begin together: the last one that is ready opens the gate and says when they start.
	notReady atomic.Int64
	gate     chan struct{}
	start    int64

	mu  sync.Mutex // guards out.Options
	out Outcome
}

// Run sends the workload and returns when the receiver has read everything that arrived and, over TCP, both sockets are
// closed. An end of the context ends it at once, with the context's cause as its error. Messages that were lost or damaged
// are no error: the outcome counts them.
func Run(ctx context.Context, c Config) (*Outcome, error) {
	var o *Outcome
	err := perform(ctx, c, bothHalves, Meeting{}, func(r *run) { o = r.outcome() })
	return o, err
}

// perform does what this process has to do of the run, and hands it over when it is complete and its sockets are still open.
func perform(ctx context.Context, c Config, here half, m Meeting, complete func(*run)) error {
	c.From.Addr, c.To.Addr = c.From.Addr.Unmap(), c.To.Addr.Unmap()
	via, err := c.check()
	if err != nil {
		return err
	}
	clock, err := newClock()
	if err != nil {
		return fmt.Errorf("read CLOCK_MONOTONIC: %w", err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	plan := c.Workload.Plan()
	r := &run{Config: c, here: here, meeting: m, via: via, ip: c.From.ip(), clock: clock, cpuFloor: threadTimeFloor(), cancel: cancel, gate: make(chan struct{}),
		out: Outcome{Options: make(map[string]any), ApplicationBytesOffered: plan.Octets()}}
	for i := range c.Workload.connections() {
		r.connections = append(r.connections, r.newConnection(plan, i))
	}
	r.notReady.Store(int64(len(r.connections)))
	r.farReads.expect(len(r.connections))
	defer r.sockets.watch(ctx)()

	err = r.carry(ctx)
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if err != nil {
		return fmt.Errorf("send %v over %s: %w", c.Workload, c.Transport, err)
	}
	complete(r)
	return nil
}

func (r *run) carry(ctx context.Context) error {
	switch r.via.carrier {
	case overUDP:
		return r.udp(ctx)
	case overQUIC:
		return r.quic(ctx)
	default:
		return r.tcp(ctx)
	}
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
	if via.carrier == overUDP && unfragmented(c.MTU, c.From.ip()) < 1 {
		return transport{}, fmt.Errorf("an MTU of %d leaves no room for a UDP datagram", c.MTU)
	}
	if via.setsHost() && (c.From.Within == nil || c.To.Within == nil) {
		return transport{}, fmt.Errorf("%s sets sysctls or routes, which needs network namespaces of its own", c.Transport)
	}
	return via, err
}

// end runs one end of the exchange on a thread of its own. Its error ends the other ends too.
func (r *run) end(who string, fn func() error) <-chan error {
	done := make(chan error, 1)
	go func() {
		// Never unlocked: the thread ends with the goroutine, and its timer slack with it.
		runtime.LockOSThread()
		_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
		err := fn()
		if err != nil {
			err = fmt.Errorf("%s: %w", who, err)
			r.cancel(err)
		}
		done <- err
	}()
	return done
}

// wait returns the first error of the ends when all have ended.
func wait(ends []<-chan error) (err error) {
	for _, e := range ends {
		err = cmp.Or(err, <-e)
	}
	return err
}

// together waits until all connections are ready, and returns the time of their start.
func (r *run) together(ctx context.Context) (start int64, err error) {
	if r.notReady.Add(-1) == 0 {
		r.start = r.clock.now()
		close(r.gate)
	}
	select {
	case <-r.gate:
		return r.start, nil
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// note adds to the effective options. The connections are alike: the first one's are kept.
func (r *run) note(c *connection, options map[string]any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, value := range options {
		if c.number == 0 {
			r.out.Options[name] = value
		}
	}
}

func (r *run) outcome() *Outcome {
	o := &r.out
	var timed []*exchange
	var fromDue []int64
	last := int64(0)
	o.CPU = CPU{Floor: r.cpuFloor, Known: r.via.carrier != overQUIC}
	for _, c := range r.connections {
		o.SendCalls += c.calls.send.Load()
		o.RecvCalls += c.calls.recv.Load()
		o.PayloadBytesDelivered += c.octets
		o.MessagesDelivered += c.messages.delivered
		o.ApplicationBytesDelivered += c.messages.deliveredOctets()
		boxes, measured := []*inbox{c.messages}, c.messages
		if c.answers != nil {
			o.AnswersDelivered += c.answers.delivered
			o.ApplicationBytesDelivered += c.answers.deliveredOctets()
			boxes, measured = append(boxes, c.answers), c.answers
		}
		for _, in := range boxes {
			o.Corrupt += in.corrupt
			o.Duplicated += in.duplicated
			o.Reordered += in.reordered
			last = max(last, in.last)
		}
		if h, known := c.handovers(); known {
			o.Handovers = append(o.Handovers, h)
		}
		timed = append(timed, measured.exchange)
		fromDue = append(fromDue, c.delaysFromDue()...)
		o.CPU.Sender += c.cpu.send.used + c.cpu.collect.used
		o.CPU.Receiver += c.cpu.receive.used
	}
	o.LatencyFromDue = percentiles(fromDue)
	o.Latency = latency(timed...)
	if o.MessagesDelivered > 0 {
		o.Duration = time.Duration(last - r.start)
	}
	return o
}

// delaysFromDue are the delays of the messages that arrived, or were answered, counted from when they, or the first of their
// transaction, were due; none where nothing is due at a time.
func (c *connection) delaysFromDue() (delays []int64) {
	measured := c.messages.exchange
	if c.answers != nil {
		measured = c.answers.exchange
	}
	if c.late == nil || !c.here.sends() {
		return nil
	}
	for seq, t := range measured.times {
		if t < 0 {
			delays = append(delays, ^t+c.late[seq*c.window.group])
		}
	}
	return delays
}
