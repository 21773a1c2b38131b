package main

import (
	"context"
	"io"
	"math"
	"net"
	"runtime"
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
	answer  net.Listener      // where metrics are asked for; nil: nowhere
	start   time.Time

	full, free chan *live.Batch
	until      atomic.Int64 // the time from which on frames are not counted
	kernel     atomic.Pointer[live.Counters]
	failed     error // of the capture; to be read after full is closed

	link    uint16
	lanes   []lane
	frames  int64       // counted
	asked   chan func() // what is to be done between two batches
	pending func()
	stop    context.CancelFunc
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
	m := &meter{capture: capture, config: config, counted: analyze.New(o), start: time.Now(), link: capture.LinkType(),
		lanes: make([]lane, min(runtime.GOMAXPROCS(0), maxLanes)),
		full:  make(chan *live.Batch, backlog), free: make(chan *live.Batch, backlog), asked: make(chan func())}
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
	go m.tick(ctx, every, each)
	for {
		err := m.counted.Take(m, len(m.lanes))
		for i := range m.lanes {
			m.release(&m.lanes[i])
		}
		switch {
		case err != nil:
			m.stop()
			for b := range m.full { // the capture is closed when it has been read to its end
				m.free <- b
			}
			return err
		case m.pending == nil:
			return m.failed
		}
		m.pending()
	}
}

func (m *meter) tick(ctx context.Context, every time.Duration, each func(now time.Time)) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			m.ask(ctx, func() { each(now) })
		case <-ctx.Done():
			return
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
			m.sampleDrops()
		}
		if quiet += idle; b.Len() > 0 || !ending {
			quiet = 0
		}
		m.full <- b
		if k := m.kernel.Load(); ending && (later || delivered >= k.Received-k.Ring) {
			break
		}
	}
	m.sampleDrops()
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

func (m *meter) sampleDrops() {
	if c, err := m.capture.Counters(); err == nil {
		m.kernel.Store(&c)
	}
}

// Next implements analyze.Input: the frames of the next batch. The input ends, for the time being, where the meter has
// something else to do.
func (m *meter) Next(n int) ([]*analyze.Record, error) {
	l := &m.lanes[n]
	m.release(l)
	select {
	case b, more := <-m.full:
		if !more {
			m.pending = nil
			return nil, io.EOF
		}
		l.batch = b
		return m.choose(l)
	case m.pending = <-m.asked:
		return nil, io.EOF
	}
}

// lane is a batch that is being counted.
type lane struct {
	batch   *live.Batch // nil: none
	records []analyze.Record
	chosen  []*analyze.Record
}

func (m *meter) release(l *lane) {
	if l.batch != nil {
		m.free <- l.batch
		l.batch = nil
	}
}

// choose takes the frames of a batch that came before the end, and copies them.
func (m *meter) choose(l *lane) ([]*analyze.Record, error) {
	if l.records == nil {
		l.records = make([]analyze.Record, live.MostFrames)
	}
	l.chosen = l.chosen[:0]
	until := m.until.Load()
	for i := range l.batch.Len() {
		r := &l.records[i]
		r.Link, r.FCS = m.link, -1
		r.Data, r.WireLen, r.Nanos = l.batch.Next()
		if r.Nanos > until || m.most > 0 && m.frames == m.most {
			break
		}
		m.frames++
		l.chosen = append(l.chosen, r)
		if m.frames == m.most {
			m.until.CompareAndSwap(math.MaxInt64, r.Nanos)
			m.stop()
		}
		if m.copy == nil {
			continue
		}
		if err := m.copy.Write(recording.Record(*r)); err != nil {
			return nil, err
		}
	}
	return l.chosen, nil
}

// ask has something done between two batches. Nothing is done, and false returned, after the end.
func (m *meter) ask(ctx context.Context, do func()) bool {
	done := make(chan struct{})
	select {
	case m.asked <- func() { do(); close(done) }:
		<-done
		return true
	case <-ctx.Done():
		return false
	}
}

// result is what has been counted up to a moment, with so many flows; all where that is negative.
func (m *meter) result(now time.Time, flows int) *analyze.Result {
	r := m.grouped(now, flows)
	r.By, r.Groups = "", nil // nobody but Prometheus asked for groups
	return r
}

// grouped is the result with the groups that metrics need.
func (m *meter) grouped(now time.Time, flows int) *analyze.Result {
	if until := m.until.Load(); until < now.UnixNano() {
		now = time.Unix(0, until)
	}
	r := m.counted.Outline(flows)
	s := &r.Source
	s.Files, s.Format, s.Compression = []string{m.config.Interface}, "live", "none"
	s.LinkTypes = []string{recording.LinkName(m.link)}
	s.SnapLen, s.Filter = int64(m.capture.SnapLen()), m.config.Filter
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
