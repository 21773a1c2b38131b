package analyze

import (
	"errors"
	"io"
	"sync"
)

// Input gives records in the order of capture.
type Input interface {
	// Next returns the next records for a lane, io.EOF after the last. They stay valid until Next is called for the same
	// lane again. A nil is a record that is not to be analysed: it only counts in FrameRow.N. Calls never overlap.
	Next(lane int) ([]*Record, error)
}

// Take takes all records of an input, several batches at a time: each of the lanes, which are goroutines, brings one batch
// through all stages. Reading and the stages where order matters are gates, which batches pass one after the other; between
// gates they overtake nobody and wait for nobody. What comes out does not depend on the number of lanes.
func (a *Analysis) Take(in Input, lanes int) error {
	lanes = max(lanes, 1)
	a.underway.Lock()
	for len(a.lanes) < lanes {
		a.lanes = append(a.lanes, a.newLane())
	}
	a.underway.Unlock()
	gates := make([]gate, 2+len(a.shards)+1)
	for i := range gates {
		gates[i] = newGate(lanes)
	}
	var (
		end error // of the input, or what a row was refused for; guarded by the first gate
		wg  sync.WaitGroup
	)
	run := func(n int) {
		l := a.lanes[n]
		for {
			gates[0].enter(n)
			var records []*Record
			if end == nil && a.failed.Load() == nil {
				records, end = in.Next(n)
			}
			a.underway.RLock()
			done := len(records) == 0 && (end != nil || a.failed.Load() != nil)
			gates[0].leave(n)
			if !done {
				a.bring(l, records, n, gates)
			}
			a.underway.RUnlock()
			if done {
				return
			}
		}
	}
	for n := 1; n < lanes; n++ {
		wg.Go(func() { run(n) })
	}
	run(0)
	wg.Wait()
	if err := a.failed.Load(); err != nil {
		return *err
	}
	if errors.Is(end, io.EOF) {
		return nil
	}
	return end
}

// gate lets the lanes pass one after the other, in a circle. A gate of one lane is always open.
type gate []chan struct{}

func newGate(lanes int) gate {
	if lanes == 1 {
		return nil
	}
	g := make(gate, lanes)
	for i := range g {
		g[i] = make(chan struct{}, 1)
	}
	g[0] <- struct{}{}
	return g
}

func (g gate) enter(lane int) {
	if g != nil {
		<-g[lane]
	}
}

func (g gate) leave(lane int) {
	if g != nil {
		g[(lane+1)%len(g)] <- struct{}{}
	}
}

// lane is one batch on its way, and what its records add up to.
type lane struct {
	reader
	digests  []digest
	notables []notable
	clock    clock
	first    int64       // number of the batch's first record
	rows     []row       // by place of the record in the batch; empty where none are wanted
	shards   [][]*digest // the packets of each shard, in order
}

func (a *Analysis) newLane() *lane {
	return &lane{
		reader: reader{tally: newTally(&a.options), options: &a.options, seed: a.seed, shards: a.shardBits},
		shards: make([][]*digest, len(a.shards)),
	}
}

// bring takes a batch through all stages. The gates are those of Take behind the first; without any, the batch is alone.
func (a *Analysis) bring(l *lane, records []*Record, n int, gates []gate) {
	l.digest(records, a.options.EachFrame != nil)
	at := func(stage int) gate {
		if gates == nil {
			return nil
		}
		return gates[stage]
	}

	g := at(1)
	g.enter(n)
	l.first = a.order.number
	a.order.number += int64(len(records))
	a.order.pass(l.notables, a.shardBits)
	a.order.clock.follow(&l.clock)
	g.leave(n)

	l.sort()
	for i, s := range a.shards {
		g := at(2 + i)
		g.enter(n)
		s.take(l.shards[i], l)
		g.leave(n)
	}

	g = at(2 + len(a.shards))
	g.enter(n)
	a.emit(l)
	g.leave(n)
}

// digest reads the records of a batch.
func (l *lane) digest(records []*Record, rows bool) {
	if cap(l.digests) < len(records) {
		l.digests = make([]digest, len(records))
	}
	l.notables, l.rows = l.notables[:0], nil
	if rows {
		l.rows = make([]row, len(records))
	}
	l.clock = clock{}
	n := 0
	digests := l.digests[:len(records)]
	for i, r := range records {
		if r == nil {
			continue
		}
		d := &digests[n]
		n++
		l.read(d, r)
		d.at = uint32(i)
		if d.isNotable() {
			l.notables = append(l.notables, notable{d, l.frame.Fragment})
		}
		l.clock.tick(r.Nanos)
		if rows {
			l.rows[i] = l.row(d, r)
		}
	}
	l.digests = digests[:n]
}

// sort gives each shard its packets, and judges the records of no flow.
func (l *lane) sort() {
	for i := range l.shards {
		l.shards[i] = l.shards[i][:0]
	}
	for i := range l.digests {
		d := &l.digests[i]
		if !d.is(hasFlow) {
			v := l.judgeAlone(d)
			if l.rows != nil {
				l.rows[d.at].judged(&v, d)
			}
			continue
		}
		l.shards[d.shard] = append(l.shards[d.shard], d)
	}
}
