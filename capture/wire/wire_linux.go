// Package wire is the link of an experiment: it relays Ethernet frames between two ports with the timing of a wire of a
// given rate and delay, and loses frames at a given rate.
package wire

import (
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// What a frame occupies beside itself: preamble and SFD 8, FCS 4, inter-frame gap 12 octets; and the least a frame has
// without FCS (IEEE 802.3 clauses 3.1.1, 4.2.3.3, 4.4.2).
const (
	Overhead = 24
	MinFrame = 60
)

// SentinelType is the EtherType of the frames that prove that a direction has been emptied (IEEE 802 local experimental
// EtherType 1). The wire never loses them and charges no time for them.
const SentinelType = 0x88B5

// Config describes the wire.
type Config struct {
	Rate int64         // bits per second of each direction; 0 for no limit
	RTT  time.Duration // propagation there and back; each direction has half of it
	Loss float64       // probability that a frame is lost, after it has used the wire
	MTU  int           // octets of the largest IP packet
}

// Counters are what one direction did since the last Reset.
type Counters struct {
	In        int64 // frames taken in
	InBytes   int64 // their octets, without FCS
	WireBytes int64 // what they occupied, all that a frame takes included
	// Span is from the beginning of the first frame to the end of the last. With WireBytes it is the rate that was reached.
	Span      time.Duration
	Lost      int64 // lost on purpose
	Full      int64 // lost because the wire's buffer was full
	Failed    int64 // refused by the far port
	Out       int64 // frames delivered
	Sentinels int64 // sentinels delivered; they are in none of the other counts
}

// Empty reports whether every frame that was taken in has left the wire, one way or another.
func (c Counters) Empty() bool { return c.In == c.Out+c.Lost+c.Full+c.Failed }

// Wire relays between two ports. Direction 0 goes from the first port to the second.
type Wire struct {
	directions [2]*direction
	wake       int // eventfd(2)
	reset      chan uint64
	resetDone  chan struct{}
	stop       atomic.Bool
	ended      chan error
	start      time.Time // of the relay's clock
}

// direction is one way of the wire. Only the relay's thread touches the unexported state; the counters are read by others.
type direction struct {
	from, to int
	busy     int64 // when the last frame has left the serializer, in picoseconds of the relay's clock
	queue    queue
	dice     dice

	in, inBytes, lost, full, failed, out, sentinels atomic.Int64
	idle                                            atomic.Int64 // busy, in nanoseconds

	wireBytes   atomic.Int64
	first, last atomic.Int64 // beginning of the first frame, end of the last, in picoseconds of the relay's clock
}

// Start begins to relay between the ports, non-blocking descriptors whose read(2) and write(2) carry one frame each. seed
// decides which frames are lost.
func Start(c Config, ports [2]int, seed uint64) (*Wire, error) {
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("make eventfd: %w", err)
	}
	w := &Wire{wake: wake, reset: make(chan uint64, 1), resetDone: make(chan struct{}), ended: make(chan error, 1), start: time.Now()}
	w.directions[0] = &direction{from: ports[0], to: ports[1]}
	w.directions[1] = &direction{from: ports[1], to: ports[0]}
	w.seed(seed)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread's timer slack is ours
		// ppoll(2) may be late by the timer slack, 50 us unless asked otherwise (prctl(2)).
		unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
		w.ended <- (&relay{wire: w, config: c, frame: make([]byte, c.MTU+linkHeader)}).run()
	}()
	return w, nil
}

// linkHeader leaves room for the Ethernet header and a VLAN tag.
const linkHeader = 18

// Close ends the relay and returns what made it fail, if anything did. Frames on the way are gone.
func (w *Wire) Close() error {
	w.stop.Store(true)
	w.ring()
	err := <-w.ended
	unix.Close(w.wake)
	return err
}

// Reset sets the counters to zero and the loss to the sequence of seed. The wire must be empty.
func (w *Wire) Reset(seed uint64) {
	w.reset <- seed
	w.ring()
	select {
	case <-w.resetDone:
	case err := <-w.ended:
		w.ended <- err
	}
}

// Backlog is how long a direction's serializer will still be busy with what the wire has taken in: a queue that a NIC would have.
func (w *Wire) Backlog(direction int) time.Duration {
	return max(0, time.Duration(w.directions[direction].idle.Load())-time.Since(w.start))
}

// Counters returns the counts of both directions.
func (w *Wire) Counters() [2]Counters {
	var c [2]Counters
	for i, d := range w.directions {
		c[i] = Counters{
			In: d.in.Load(), InBytes: d.inBytes.Load(), Lost: d.lost.Load(), Full: d.full.Load(),
			Failed: d.failed.Load(), Out: d.out.Load(), Sentinels: d.sentinels.Load(),
			WireBytes: d.wireBytes.Load(), Span: time.Duration((d.last.Load() - d.first.Load()) / 1000),
		}
	}
	return c
}

func (w *Wire) ring() {
	one := [8]byte{1}
	unix.Write(w.wake, one[:])
}

func (w *Wire) seed(seed uint64) {
	for i, d := range w.directions {
		d.dice = newDice(seed, uint64(i))
		for _, n := range []*atomic.Int64{&d.in, &d.inBytes, &d.lost, &d.full, &d.failed, &d.out, &d.sentinels, &d.wireBytes, &d.first, &d.last} {
			n.Store(0)
		}
	}
}

// relay is the loop of one wire, on a thread of its own.
type relay struct {
	wire   *Wire
	config Config
	frame  []byte // read buffer
	start  time.Time
}

// spin is how long before a deadline the relay stops sleeping: what a sleeping thread needs to wake up.
const spin = 60 * time.Microsecond

// batch bounds the frames read from one port before the other port and the deadlines get their turn.
const batch = 32

func (r *relay) run() error {
	r.start = r.wire.start
	for !r.wire.stop.Load() {
		if err := r.control(); err != nil {
			return err
		}
		read := 0
		for _, d := range r.wire.directions {
			n, err := r.take(d)
			if err != nil {
				return err
			}
			read += n
		}
		next := r.deliver()
		if read > 0 {
			continue
		}
		if err := r.sleep(next); err != nil {
			return err
		}
	}
	return nil
}

// control does what the other side asked for by the eventfd.
func (r *relay) control() error {
	select {
	case seed := <-r.wire.reset:
		var count [8]byte
		unix.Read(r.wire.wake, count[:])
		r.wire.seed(seed)
		r.wire.resetDone <- struct{}{}
	default:
	}
	return nil
}

// now is the relay's clock in picoseconds: at 1 Gb/s a frame of odd length ends between two nanoseconds.
func (r *relay) now() int64 { return int64(time.Since(r.start)) * 1000 }

// take reads the frames that wait at the port and puts them on the wire.
func (r *relay) take(d *direction) (n int, err error) {
	for n = 0; n < batch; n++ {
		size, err := unix.Read(d.from, r.frame)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return n, nil
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ENETDOWN): // a packet socket says so once when its interface goes down
			continue
		case err != nil:
			return n, fmt.Errorf("read frame from port: %w", err)
		}
		r.accept(d, r.frame[:size])
	}
	return n, nil
}

// accept gives the frame its time on the wire: it departs when the frames before it have left and its own bits are out, and
// arrives half an RTT later. A lost frame has used the wire.
func (r *relay) accept(d *direction, frame []byte) {
	departs := max(r.now(), d.busy)
	if !isSentinel(frame) {
		if d.in.Add(1) == 1 {
			d.first.Store(departs)
		}
		d.inBytes.Add(int64(len(frame)))
		d.wireBytes.Add(occupies(len(frame)))
		departs += r.wireTime(len(frame))
		d.busy = departs
		d.idle.Store(departs / 1000)
		d.last.Store(departs)
		if d.dice.lose(r.config.Loss) {
			d.lost.Add(1)
			return
		}
	}
	if !d.queue.push(departs+int64(r.config.RTT)*1000/2, frame) {
		d.full.Add(1)
	}
}

// wireTime is the time in picoseconds that a frame occupies the wire.
func (r *relay) wireTime(size int) int64 {
	if r.config.Rate == 0 {
		return 0
	}
	return occupies(size) * 8 * 1e12 / r.config.Rate
}

// occupies is what a frame takes of the wire, in octets.
func occupies(size int) int64 { return int64(max(size, MinFrame) + Overhead) }

// deliver hands over what is due and returns when the next frame will be, 0 for none.
func (r *relay) deliver() (next int64) {
	for _, d := range r.wire.directions {
		for n := 0; n < batch && d.queue.len() > 0; n++ {
			due, frame := d.queue.front()
			if due > r.now() {
				break
			}
			if !d.write(frame) {
				break
			}
			d.queue.pop()
		}
		if d.queue.len() > 0 {
			due, _ := d.queue.front()
			if next == 0 || due < next {
				next = due
			}
		}
	}
	return next
}

// write gives the frame to the far port and reports whether it is done with.
func (d *direction) write(frame []byte) bool {
	_, err := unix.Write(d.to, frame)
	switch {
	case err == nil && isSentinel(frame):
		d.sentinels.Add(1)
	case err == nil:
		d.out.Add(1)
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR), errors.Is(err, unix.ENOBUFS):
		return false // full for the moment: the frame keeps its place
	default:
		d.failed.Add(1)
	}
	return true
}

// sleep waits for a frame, for the relay's owner, or until shortly before next.
func (r *relay) sleep(next int64) error {
	var timeout *unix.Timespec
	if next != 0 {
		left := time.Duration((next - r.now()) / 1000)
		if left <= spin {
			return nil
		}
		ts := unix.NsecToTimespec(int64(left - spin))
		timeout = &ts
	}
	fds := []unix.PollFd{
		{Fd: int32(r.wire.directions[0].from), Events: unix.POLLIN},
		{Fd: int32(r.wire.directions[1].from), Events: unix.POLLIN},
		{Fd: int32(r.wire.wake), Events: unix.POLLIN},
	}
	if _, err := unix.Ppoll(fds, timeout, nil); err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("wait for frames: %w", err)
	}
	return nil
}

func isSentinel(frame []byte) bool {
	return len(frame) >= 14 && uint16(frame[12])<<8|uint16(frame[13]) == SentinelType
}
