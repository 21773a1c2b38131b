package main

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"wiretax/analyze"
	"wiretax/capture/live"
	"wiretax/capture/recording"
)

// meter counts the frames of an interface as they come. One goroutine empties the kernel's ring, another counts.
type meter struct {
	capture *live.Bulk
	config  live.Config
	counted *analyze.Analysis
	copy    *recording.Writer // of the frames that are counted; nil: none
	most    int64             // frames to count at most; 0: no limit
	start   time.Time

	full, free chan *live.Batch
	until      atomic.Int64 // the time from which on frames are not counted
	kernel     atomic.Pointer[live.Counters]
	failed     error // of the capture; to be read after full is closed

	frames int64
	asked  chan func()
	stop   context.CancelFunc
	record analyze.Record
}

const (
	// backlog is how many batches the counting may be behind the capture: 32 MB. Above that, frames wait in the ring.
	backlog = 128
	// idle is how long the capture waits for frames, and so how long it takes to notice that it is to end.
	idle = 50 * time.Millisecond
	// settled is how long nothing has to come until everything has: the kernel hands over what it has after 100 ms.
	settled = 250 * time.Millisecond
	// sampling is how often drops are counted.
	sampling = 250 * time.Millisecond
)

func newMeter(capture *live.Bulk, config live.Config, o analyze.Options) *meter {
	m := &meter{capture: capture, config: config, counted: analyze.New(o), start: time.Now(),
		full: make(chan *live.Batch, backlog), free: make(chan *live.Batch, backlog), asked: make(chan func())}
	m.until.Store(math.MaxInt64)
	m.kernel.Store(new(live.Counters))
	return m
}

// run counts until the context ends or enough frames have come, and calls each at every interval. Frames that came before the
// end are counted, however late the kernel hands them over.
func (m *meter) run(ctx context.Context, every time.Duration, each func(now time.Time)) error {
	ctx, m.stop = context.WithCancel(ctx)
	defer m.stop()
	go m.read(ctx)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case b, more := <-m.full:
			if !more {
				return m.failed
			}
			if err := m.take(b); err != nil {
				m.stop()
				for range m.full { // the capture is closed when nobody reads it any more
				}
				return err
			}
			m.free <- b
		case now := <-ticker.C:
			each(now)
		case do := <-m.asked:
			do()
		}
	}
}

// read empties the ring until the context ends, and then what came before.
func (m *meter) read(ctx context.Context) {
	defer close(m.full)
	defer m.capture.Close()
	var delivered int64
	made := 0
	sampled := time.Now()
	for quiet := time.Duration(0); quiet < settled; {
		if ctx.Err() != nil && m.until.Load() == math.MaxInt64 {
			m.until.Store(time.Now().UnixNano())
		}
		b := m.batch(&made)
		if m.failed = m.capture.Read(b, idle); m.failed != nil {
			break
		}
		delivered += int64(b.Len())
		ending, later := m.until.Load() != math.MaxInt64, b.Last() > m.until.Load()
		if now := time.Now(); ending || now.Sub(sampled) > sampling {
			sampled = now
			m.sample()
		}
		if quiet += idle; b.Len() > 0 || !ending {
			quiet = 0
		}
		m.full <- b
		if k := m.kernel.Load(); ending && (later || delivered >= k.Received-k.Ring) {
			break
		}
	}
	m.sample()
}

// batch returns one that nobody uses. Memory grows only as far as the counting is behind.
func (m *meter) batch(made *int) *live.Batch {
	select {
	case b := <-m.free:
		return b
	default:
	}
	if *made < backlog {
		*made++
		return new(live.Batch)
	}
	return <-m.free
}

func (m *meter) sample() {
	if c, err := m.capture.Counters(); err == nil {
		m.kernel.Store(&c)
	}
}

// take counts the frames of a batch.
func (m *meter) take(b *live.Batch) error {
	until := m.until.Load()
	r := &m.record
	r.Link, r.FCS = m.capture.LinkType(), -1
	for range b.Len() {
		r.Data, r.WireLen, r.Nanos = b.Next()
		if r.Nanos > until || m.most > 0 && m.frames == m.most {
			break
		}
		m.frames++
		if err := m.counted.Add(r); err != nil {
			return err
		}
		if m.copy == nil {
			continue
		}
		if err := m.copy.Write(recording.Record(*r)); err != nil {
			return err
		}
	}
	if m.most > 0 && m.frames == m.most {
		m.until.CompareAndSwap(math.MaxInt64, r.Nanos)
		m.stop()
	}
	return nil
}

// ask has the goroutine that counts do something. It must not be called after run has returned.
func (m *meter) ask(ctx context.Context, do func()) {
	done := make(chan struct{})
	select {
	case m.asked <- func() { do(); close(done) }:
		<-done
	case <-ctx.Done():
	}
}

// result is what has been counted up to a moment.
func (m *meter) result(now time.Time) *analyze.Result {
	if until := m.until.Load(); until < now.UnixNano() {
		now = time.Unix(0, until)
	}
	r := m.counted.Result()
	s := &r.Source
	s.Files, s.Format, s.Compression = []string{m.config.Interface}, "live", "none"
	s.LinkTypes = []string{recording.LinkName(m.capture.LinkType())}
	s.SnapLen, s.Filter = int64(m.config.SnapLen), m.config.Filter
	k := m.kernel.Load()
	r.Captured(analyze.Capture{Interface: m.config.Interface, DurationSeconds: max(now.Sub(m.start).Seconds(), 0),
		Received: k.Received, KernelDropped: k.Ring, InterfaceDropped: k.Interface})
	return r
}

// close ends the copy with the counters of the capture.
func (m *meter) close(end time.Time) error {
	if m.copy == nil {
		return nil
	}
	k := m.kernel.Load()
	m.copy.AddStatistics(0, recording.Statistics{Start: m.start, End: end, Received: k.Received, OSDropped: k.Ring,
		IfDropped: k.Interface, Delivered: m.frames})
	return m.copy.Close()
}
