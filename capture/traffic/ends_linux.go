package traffic

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// connection is what one of a run's connections carries; over UDP, what travels between one pair of sockets.
type connection struct {
	*run
	number   int
	messages *inbox // at the receiver
	answers  *inbox // at the sender; nil one way
	window   *window
	late     []int64 // by how much each message was written after it was due; nil where none is due at a time
	cpu      struct{ send, collect, receive stopwatch }

	sentCalls, receivedCalls journal // of the messages' direction
	sealer                   *sealer // nil without TLS

	calls  struct{ send, recv atomic.Int64 }
	octets int64 // that the receive calls for messages returned

	progress atomic.Int64  // reads of messages
	received chan struct{} // closed when all messages have been read
	once     sync.Once
}

func (r *run) newConnection(plan *Plan, number int) *connection {
	w := plan.workload
	x := newExchange(plan, number, w.connections())
	c := &connection{run: r, number: number, messages: newInbox(x), window: &window{group: 1}, received: make(chan struct{})}
	if plan.timed() {
		c.late = make([]int64, len(x.times))
	}
	if w.answered() {
		c.answers = newInbox(x.answers(w.group()))
		c.window = newWindow(w.group(), w.depth())
		if r.via.datagrams {
			c.window.patience = r.answerLimit()
		}
		c.answers.arrived = func(int64, int64) { c.window.release() }
	}
	c.part()
	return c
}

// window limits the transactions under way. Without tokens there is no limit: nothing is answered.
type window struct {
	group  int // messages of a transaction
	tokens chan struct{}
	// patience is how long an answer may take before it is taken for lost; 0: on a reliable transport none is.
	patience time.Duration
}

func newWindow(group, depth int) *window {
	w := &window{group: group, tokens: make(chan struct{}, depth)}
	for range depth {
		w.release()
	}
	return w
}

// release ends a transaction. An answer that was taken for lost may come after all.
func (w *window) release() {
	select {
	case w.tokens <- struct{}{}:
	default:
	}
}

// try begins a transaction if one more may be under way.
func (w *window) try() bool {
	if w.tokens == nil {
		return true
	}
	select {
	case <-w.tokens:
		return true
	default:
		return false
	}
}

// begin waits until one more transaction may be under way.
func (w *window) begin(ctx context.Context) error {
	if w.try() {
		return nil
	}
	var lost <-chan time.Time
	if w.patience > 0 {
		timer := time.NewTimer(w.patience)
		defer timer.Stop()
		lost = timer.C
	}
	select {
	case <-w.tokens:
	case <-lost:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// end waits until no transaction is under way.
func (w *window) end(ctx context.Context) error {
	for range cap(w.tokens) {
		if err := w.begin(ctx); err != nil {
			return err
		}
	}
	return nil
}

// send writes all messages, and returns when all that will be answered has been. fd is the socket whose death ends the waits.
func (c *connection) send(ctx context.Context, out outlet, fd int) error {
	x, wait := c.messages.exchange, newWaiter(c.clock, fd)
	message := make([]byte, x.largest())
	start, err := c.together(ctx)
	if err != nil {
		return err
	}
	c.cpu.send.start()
	defer c.cpu.send.stop()
	hold := c.via.hold()
	var flush int64 // when what the outlet holds must leave
	var begun bool  // the transaction of the next message is under way
	for seq := range x.times {
		if !begun && seq%c.window.group == 0 {
			if err := c.beginTransaction(ctx); err != nil {
				return err
			}
		}
		if due := x.due(seq); due > 0 {
			if out.holds() && flush < start+due {
				c.await(wait, flush)
				if err := out.flush(); err != nil {
					return err
				}
			}
			c.await(wait, start+due)
		}
		now := c.clock.now()
		if c.late != nil {
			c.late[seq] = now - start - x.due(seq)
		}
		if !out.holds() {
			flush = now + hold
		}
		b := message[:x.size(seq)]
		x.compose(b, int64(seq), now)
		more := seq+1 < len(x.times)
		begun = true
		if more && (seq+1)%c.window.group == 0 {
			begun = c.window.try()
			more = begun
		}
		if err := out.put(b, more); err != nil {
			return err
		}
		if !more {
			if err := out.flush(); err != nil {
				return err
			}
		}
	}
	c.cpu.send.pause(func() { err = c.window.end(ctx) })
	return err
}

// await waits until the deadline, and takes no account of the CPU time of that.
func (c *connection) await(wait *waiter, deadline int64) {
	if c.clock.now() < deadline {
		c.cpu.send.pause(func() { wait.until(deadline) })
	}
}

// beginTransaction waits until one more transaction may be under way.
func (c *connection) beginTransaction(ctx context.Context) (err error) {
	if !c.window.try() {
		c.cpu.send.pause(func() { err = c.window.begin(ctx) })
	}
	return err
}

// linger keeps the connection open for as long as the workload asks. fd is the socket whose death ends the wait.
func (c *connection) linger(fd int) {
	if c.Workload.Linger > 0 {
		newWaiter(c.clock, fd).until(c.clock.now() + int64(c.Workload.Linger))
	}
}

// hold is how long messages wait for others of the same call, in nanoseconds. Who gathers what is at hand waits for none.
func (t transport) hold() int64 {
	if t.outlet == packed || t.outlet == buffered {
		return int64(flushAfter)
	}
	return 0
}

// serve receives the messages and, where out is not nil, answers them: each read's together, as one who answers does not wait
// for more.
func (c *connection) serve(in io.Reader, out outlet) error {
	if c.answers == nil || out == nil {
		return c.receive(in, c.messages, nil)
	}
	x, group := c.answers.exchange, int64(c.window.group)
	begun := make([]int64, len(x.times)) // when the first message of a transaction that arrived was written, 0 before
	type due struct{ seq, written int64 }
	var answers []due
	c.messages.arrived = func(seq, written int64) {
		t := seq / group
		switch {
		case t >= int64(len(begun)):
		case group == 1:
			answers = append(answers, due{t, written})
		case begun[t] == 0:
			begun[t] = written
		default:
			answers = append(answers, due{t, min(begun[t], written)})
		}
	}
	message := make([]byte, x.largest())
	return c.receive(in, c.messages, func() error {
		for i, a := range answers {
			b := message[:x.size(int(a.seq))]
			x.compose(b, a.seq, a.written)
			if err := out.put(b, i+1 < len(answers)); err != nil {
				return err
			}
		}
		answers = answers[:0]
		return out.flush()
	})
}

// collect receives the answers.
func (c *connection) collect(in io.Reader) error { return c.receive(in, c.answers, nil) }

// readSize takes any datagram whole, and of a stream what gathers while the receiver is not scheduled.
const readSize = 256 << 10

// receive reads into the inbox until the end. after is called behind each read that returned something; nil is not.
func (c *connection) receive(in io.Reader, box *inbox, after func() error) error {
	take, cpu := box.stream, &c.cpu.receive
	if c.via.datagrams {
		take = box.datagram
	}
	if box == c.answers {
		cpu = &c.cpu.collect
	}
	buf := make([]byte, readSize)
	cpu.start()
	defer cpu.stop()
	for {
		n, err := in.Read(buf)
		if n > 0 {
			take(buf[:n], c.clock.now())
			if box == c.messages {
				c.octets += int64(n)
				c.progress.Add(1)
				if c.via.datagrams && box.delivered == int64(len(box.times)) { // a stream says so itself
					c.allReceived()
				}
			}
			if after != nil {
				if err := after(); err != nil {
					return err
				}
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			box.close()
			return nil
		case err != nil:
			return err
		}
	}
}

// allReceived tells the sender of a transport whose close it must not announce too early.
func (c *connection) allReceived() { c.once.Do(func() { close(c.received) }) }

// inflow is the way from the kernel to one end: it counts the calls that returned something.
type inflow struct {
	fd       int
	calls    *atomic.Int64
	clock    clock
	journal  *journal // nil: nobody asks
	quickAck bool     // set TCP_QUICKACK before each call: the kernel forgets it (tcp(7))
}

// Read reads what is there. It returns io.EOF at the end of the stream, and from a datagram socket that was shut down and is
// empty.
func (i *inflow) Read(b []byte) (int, error) {
	for {
		if i.quickAck {
			if err := quickAck.set(i.fd, 1); err != nil {
				return 0, err
			}
		}
		n, err := unix.Read(i.fd, b)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return 0, fmt.Errorf("read: %w", err)
		case n == 0:
			return 0, io.EOF
		}
		i.calls.Add(1)
		if i.journal != nil {
			i.journal.note(i.clock.now(), n)
		}
		return n, nil
	}
}

// sender returns the ways of the sending end, receiver those of the receiving end. Calls that carry messages or answers count.
func (c *connection) sender(fd int) (*inflow, *outflow) {
	in := &inflow{fd: fd, calls: new(atomic.Int64)}
	if c.answers != nil {
		in.calls = &c.calls.recv
	}
	return in, &outflow{fd: fd, calls: &c.calls.send, written: &c.written, clock: c.clock, journal: &c.sentCalls}
}

func (c *connection) receiver(fd int) (*inflow, *outflow) {
	out := &outflow{fd: fd, calls: new(atomic.Int64), written: &c.answered}
	if c.answers != nil {
		out.calls = &c.calls.send
	}
	return &inflow{fd: fd, calls: &c.calls.recv, clock: c.clock, journal: &c.receivedCalls}, out
}
