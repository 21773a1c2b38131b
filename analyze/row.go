package analyze

import (
	"wiretax/analyze/flow"
	"wiretax/analyze/frame"
)

// row is a FrameRow in the making.
type row struct {
	FrameRow
	ref   flow.Ref
	shard uint8
	born  bool // the first record of its flow
	flow  bool
}

// row begins the row of the record that was read last.
func (p *reader) row(d *digest, r *Record) row {
	f := &p.frame
	l, body := &f.Ledger, icmpBody(f)
	row := row{shard: d.shard, FrameRow: FrameRow{
		Time: stamp(r.Nanos, r.Nanos != NoTime), Len: int64(d.length), CapLen: int64(len(r.Data)),
		PayloadBytes: int64(d.payload), HeaderBytes: int64(d.header) - body, ICMPBodyBytes: body,
		PaddingBytes: l[frame.Padding] + l[frame.FCS],
	}}
	if p.options.FrameOwners {
		row.Owners, row.Inferred = make(map[string]int64), make(map[string]int64)
		row.charge(l)
	}
	return row
}

// judged completes the row, but for the numbers that need the order of all records.
func (w *row) judged(v *verdict, d *digest) {
	w.Frames, w.UniqueBytes, w.WireBytes = v.frames, v.unique, v.wire
	w.Role, w.Expanded = Roles[v.role], v.frames > 1
	if w.Expanded && w.Inferred != nil {
		var more frame.Ledger
		replicate(&more, d, v.frames, v.last)
		w.charge(&more)
	}
	if v.flow != nil {
		w.flow, w.ref, w.shard, w.born = true, v.ref, d.shard, v.born
		w.AToB = (v.dir == 1) == v.flow.Reversed()
	}
}

// charge adds what a ledger holds to the owners of the row.
func (w *row) charge(l *frame.Ledger) {
	for o, n := range l {
		switch {
		case n == 0:
		case o < frame.NumMeasured:
			w.Owners[frame.Owner(o).String()] += n
		default:
			w.Inferred[frame.Owner(o).String()] += n
		}
	}
}

// flowNumbers numbers the flows in the order of their first records while rows are made.
type flowNumbers struct {
	last   int
	places [][]int // by shard and flow.Ref
}

// of returns the number of the flow that a row belongs to.
func (n *flowNumbers) of(w *row) int {
	for int(w.shard) >= len(n.places) {
		n.places = append(n.places, nil)
	}
	list := &n.places[w.shard]
	for int(w.ref) >= len(*list) {
		*list = append(*list, 0)
	}
	if w.born {
		n.last++
		(*list)[w.ref] = n.last
	}
	return (*list)[w.ref]
}

// at returns the number that rows have for a flow; 0 for one whose rows were refused.
func (n *flowNumbers) at(p placed) int {
	if s := p.shard.number; s < len(n.places) && int(p.ref) < len(n.places[s]) {
		return n.places[s][p.ref]
	}
	return 0
}

// emit hands out the rows of a batch.
func (a *Analysis) emit(l *lane) {
	for i := range l.rows {
		w := &l.rows[i]
		if w.Frames == 0 || a.failed.Load() != nil { // not analysed, or nobody wants more
			continue
		}
		w.N = l.first + int64(i) + 1
		if w.flow {
			w.Flow = a.numbers.of(w)
		}
		if err := a.options.EachFrame(w.FrameRow); err != nil {
			a.failed.Store(&err)
		}
	}
}
