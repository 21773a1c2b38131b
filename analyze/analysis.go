package analyze

import (
	"math"
	"time"

	"wiretax/analyze/flow"
	"wiretax/analyze/frame"
)

// Options say how records are to be judged and what beyond the result is wanted.
type Options struct {
	// AsEthernet prices frames of links that are no Ethernet as untagged Ethernet frames.
	AsEthernet bool
	// MTU is the longest IP packet that the wire carries, in octets; a longer record is a super-frame. 0: what the
	// capture shows, see superframe.go.
	MTU int
	// MaxFlows is how many flows are kept apart; the rest is summed up in OtherFlows. 0: no limit.
	MaxFlows int
	// EachFrame is called once a record, in order; nil: no rows are made. An error of it ends Add.
	EachFrame func(FrameRow) error
	// FrameOwners fills FrameRow.Owners and FrameRow.Inferred.
	FrameOwners bool
	// From and To limit the records to those from From on and before To; the zero time is no limit. Where a limit is given,
	// records without a time are left out.
	From, To time.Time
	// View asks for Result.Groups.
	View View
	// Charts asks for Result.Charts.
	Charts bool
}

// Analysis takes records one by one and accounts for every octet of them. It is not safe for concurrent use.
type Analysis struct {
	options  Options
	from, to int64 // limits of time, inclusive

	frame  frame.Frame // of the record at hand
	ledger frame.Ledger
	totals Totals // the counts that ledger does not have
	roles  [flow.NumRoles]Share
	tcp    TCP
	option [frame.NumTCPOptions]int64

	flows     *flow.Table
	others    flow.Counts // of no flow
	unmatched int64       // flows that Merge could not take
	fragments fragments
	copies    copies
	mtus      mtus
	clock     clock
	links     []frame.LinkType
	doubts    [numDoubts]int64
	evidence  evidence
	buckets   buckets
	charts    *charts // nil: not asked for
	number    int64   // of the record at hand, those out of time included
}

// New returns an analysis that has seen no record.
func New(o Options) *Analysis {
	a := &Analysis{options: o, flows: flow.New(o.MaxFlows), mtus: mtus{fixed: o.MTU}, buckets: newBuckets(o.View)}
	a.from, a.to = o.limits()
	if o.Charts {
		a.charts = newCharts()
	}
	return a
}

// verdict is what the analysis found out about the record at hand.
type verdict struct {
	flow   *flow.Flow // nil for none
	ref    flow.Ref   // flow.None for none
	dir    int        // 0 from Key.A to Key.B, 1 the other way
	role   flow.Role
	copied bool  // the record repeats an earlier one octet for octet
	unique int64 // octets of payload not sent before
	frames int64 // on the wire
	header int64
	wire   int64
}

// sender and receiver are the directions of the flow that the record at hand belongs to and its answers do.
func (v *verdict) sender() *flow.Stream   { return v.flow.Stream(v.dir) }
func (v *verdict) receiver() *flow.Stream { return v.flow.Stream(1 - v.dir) }

// Add takes one record. It keeps nothing of r.Data.
func (a *Analysis) Add(r *Record) error {
	a.number++
	if r.Nanos < a.from || r.Nanos > a.to {
		return nil
	}
	f := &a.frame
	frame.Parse(f, r.Data, r.WireLen, r.link(), int(r.FCS))
	if f.Defects != 0 {
		a.doubt(r, f)
	}
	if a.options.AsEthernet && f.Defects&frame.NoEthernet != 0 {
		price(&f.Ledger, f)
	}
	v := verdict{ref: flow.None, role: flow.Other, unique: f.Ledger[frame.Payload], frames: 1}
	if f.Flow.IP != 0 {
		a.assign(&v, r, f)
	}
	a.charge(&v, r, f)
	if a.options.EachFrame != nil {
		return a.options.EachFrame(a.row(&v, r, f))
	}
	return nil
}

// Skip passes over a record that is not to be analysed, so that FrameRow.N counts as the capture does.
func (a *Analysis) Skip() { a.number++ }

// limits turns From and To into nanoseconds: the first that is in and the last that is.
func (o *Options) limits() (from, to int64) {
	from, to = NoTime, math.MaxInt64
	if o.From.IsZero() && o.To.IsZero() {
		return from, to
	}
	from++
	if !o.From.IsZero() {
		from = o.From.UnixNano()
	}
	if !o.To.IsZero() {
		to = o.To.UnixNano() - 1
	}
	return from, to
}

// assign finds the flow of an IP packet and judges the packet by what the flow has seen.
func (a *Analysis) assign(v *verdict, r *Record, f *frame.Frame) {
	v.dir = direction(f)
	var first firstFragment
	if f.Fragment.Offset != 0 {
		first = a.fragments.first(r, f)
	}
	var added bool
	if first.known {
		v.ref, v.dir = first.flow, first.dir
	} else {
		v.ref, added = a.flows.Find(&f.Flow, r.Interface, f.Reverse)
	}
	if v.ref == flow.None {
		a.stateless(v, f)
		return
	}
	v.flow = a.flows.At(v.ref)
	if added {
		v.flow.First, v.flow.Last = r.Nanos, r.Nanos
	}
	seen(v.flow, r.Nanos)
	switch {
	case f.Fragment.Offset != 0 && !first.known:
		a.doubts[fragmentsUnjoined]++
	case f.Fragment.Offset == 0 && f.Fragment.More:
		a.fragments.add(r, f, v.ref, v.dir)
	}
	v.copied = a.copies.repeats(v, r, f)
	if v.copied {
		a.doubts[duplicateRecords]++
	}
	switch {
	case f.Flow.Proto == frame.ProtoTCP && f.HasTransport:
		a.segment(v, f)
	case f.Flow.Proto == frame.ProtoTCP && first.known:
		a.laterFragment(v, first.seq+uint32(f.Fragment.Offset), f)
	default:
		v.role = withoutState(f)
	}
	a.mtus.learn(v, r, f)
	v.frames = a.expand(v, r, f)
}

// stateless judges a packet whose flow is not kept: nothing it carries is known to be a repetition.
func (a *Analysis) stateless(v *verdict, f *frame.Frame) {
	a.doubts[flowLimit]++
	v.role = withoutState(f)
	if f.Flow.Proto == frame.ProtoTCP && f.HasTransport {
		a.flagFacts(&f.TCP)
		a.tcp.UniqueBytes += v.unique
	}
}

// direction is 0 for a frame from Key.A to Key.B, 1 for the other way.
func direction(f *frame.Frame) int {
	if f.Reverse {
		return 1
	}
	return 0
}

// seen widens the time span of a flow.
func seen(fl *flow.Flow, nanos int64) {
	if nanos == NoTime {
		return
	}
	if fl.First == NoTime || nanos < fl.First {
		fl.First = nanos
	}
	if nanos > fl.Last {
		fl.Last = nanos
	}
}

// charge adds the record to every sum that it belongs to.
func (a *Analysis) charge(v *verdict, r *Record, f *frame.Frame) {
	l := &f.Ledger
	record := int64(max(r.WireLen, 0)) // which the measured owners add up to
	v.header = record - l[frame.Payload] - l[frame.Padding] - l[frame.FCS]
	v.wire = record + l.Inferred()

	t := &a.totals
	t.Records++
	t.Frames += v.frames
	if v.frames > 1 {
		t.ExpandedRecords++
	}
	t.CapturedBytes += int64(len(r.Data))
	if len(r.Data) < r.WireLen {
		t.TruncatedRecords++
	}
	t.UniquePayloadBytes += v.unique
	a.ledger.Add(l)
	if l[frame.TCPOptions] != 0 {
		for i, n := range f.TCP.Options {
			a.option[i] += int64(n)
		}
	}
	a.roles[v.role].Frames += v.frames
	a.roles[v.role].WireBytes += v.wire
	a.clock.tick(r.Nanos)
	a.link(r.link())

	a.evidence.weigh(v, f)
	if a.buckets.sums != nil {
		a.buckets.add(v, r, f)
	}
	if a.charts != nil {
		a.charts.fit(r.Nanos)
		a.charts.sizes.add(v, r, f)
		a.charts.times.add(v, r, f)
	}

	repeated := l[frame.Payload] - v.unique
	if v.flow != nil {
		if f.Flow.Proto == frame.ProtoTCP && f.HasTransport && !v.copied && r.Nanos != NoTime {
			a.evidence.observe(v, r, f)
		}
		a.flows.Charge(v.ref, v.dir, v.role, v.frames, l[frame.Payload], repeated, v.header, v.wire)
		return
	}
	o := &a.others
	o.Records++
	o.Payload += l[frame.Payload]
	o.Repeated += repeated
	o.Header += v.header
	o.Wire += v.wire
	o.Frames[v.role] += v.frames
}

// link notes the link types in order of appearance.
func (a *Analysis) link(l frame.LinkType) {
	for _, known := range a.links {
		if known == l {
			return
		}
	}
	a.links = append(a.links, l)
}

// LinkTypes are the LINKTYPE_ values of the records, in order of first appearance.
func (a *Analysis) LinkTypes() []frame.LinkType { return a.links }

// clock keeps the time span of the records.
type clock struct {
	known       bool
	first, last int64 // earliest and latest
	start, prev int64 // of the first record and of the last one
	backward    int64 // records earlier than the one before
	without     int64 // records without a time
}

func (c *clock) tick(nanos int64) {
	if nanos == NoTime {
		c.without++
		return
	}
	if !c.known {
		*c = clock{known: true, first: nanos, last: nanos, start: nanos, prev: nanos, without: c.without}
		return
	}
	if nanos < c.prev {
		c.backward++
	}
	c.prev = nanos
	c.first, c.last = min(c.first, nanos), max(c.last, nanos)
}
