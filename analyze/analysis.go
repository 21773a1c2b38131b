package analyze

import (
	"iter"
	"math"
	"slices"
	"sync/atomic"
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
	// MaxFlows is how many flows are kept apart. Where there are more, those least recently used are summed up in OtherFlows;
	// one that comes again is a new flow. 0: no limit.
	MaxFlows int
	// EachFrame is called once a record, in order; nil: no rows are made. An error of it ends Add and Take.
	EachFrame func(FrameRow) error
	// FrameOwners fills FrameRow.Owners.
	FrameOwners bool
	// From and To limit the records to those from From on and before To; the zero time is no limit. Where a limit is given,
	// records without a time are left out.
	From, To time.Time
	// View asks for Result.Groups.
	View View
}

// Analysis takes records and accounts for every octet of them. It is not safe for concurrent use.
//
// A record passes four stages: it is read by itself (reader), takes its place among all others (order), is judged among the
// packets of its flow (shard), and becomes a row where rows are wanted.
type Analysis struct {
	options   Options
	from, to  int64 // limits of time, inclusive
	seed      flow.Seed
	shardBits uint

	order   order
	lanes   []*lane
	shards  []*shard
	numbers flowNumbers
	failed  atomic.Pointer[error] // what a row was refused for
	single  [1]*Record
}

// usualShards is the number of shards as a power of two: more than lanes are of use, since reading the file is one by one.
// fewFlows is a limit of flows from which on a share of it for each shard is about as good as the whole.
const (
	usualShards = 3
	fewFlows    = 1 << 14
)

// New returns an analysis that has seen no record.
func New(o Options) *Analysis {
	a := &Analysis{options: o, seed: flow.NewSeed(), shardBits: usualShards}
	if o.MaxFlows > 0 && o.MaxFlows < fewFlows {
		a.shardBits = 0
	}
	a.from, a.to = o.limits()
	for range 1 << a.shardBits {
		a.shards = append(a.shards, &shard{
			tally: tally{buckets: newBuckets(o.View)},
			flows: flow.New(o.MaxFlows>>a.shardBits, a.seed),
		})
	}
	a.lanes = []*lane{a.newLane()}
	return a
}

// Add takes one record. It keeps nothing of r.Data.
func (a *Analysis) Add(r *Record) error {
	a.single[0] = r
	a.bring(a.lanes[0], a.single[:], 0, nil)
	if err := a.failed.Load(); err != nil {
		return *err
	}
	return nil
}

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

// LinkTypes are the LINKTYPE_ values of the records, in order of first appearance.
func (a *Analysis) LinkTypes() []frame.LinkType { return a.order.links }

// sum adds up what lanes and shards have counted.
func (a *Analysis) sum() *tally {
	t := &tally{buckets: newBuckets(a.options.View)}
	for _, l := range a.lanes {
		t.add(&l.tally)
	}
	for _, s := range a.shards {
		t.add(&s.tally)
		t.others.Add(&s.flows.Folded.Counts)
		t.doubts[flowLimit] += s.flows.Folded.Records
	}
	return t
}

// folded is the number of flows that were not kept apart.
func (a *Analysis) folded() (n int64) {
	for _, s := range a.shards {
		n += s.flows.Folded.Flows
	}
	return n
}

// placed is a flow and where it is.
type placed struct {
	*flow.Flow
	shard *shard
	ref   flow.Ref
}

func (p placed) counts(dir int) flow.Counts { return p.shard.flows.Counts(p.ref, dir) }

// flows iterates over the flows of all shards in the order of their first records.
func (a *Analysis) flows() iter.Seq[placed] {
	return func(yield func(placed) bool) {
		type cursor struct {
			next func() (flow.Ref, *flow.Flow, bool)
			head placed
		}
		var cursors []*cursor
		for _, s := range a.shards {
			next, stop := iter.Pull2(s.flows.All())
			defer stop()
			if ref, f, ok := next(); ok {
				cursors = append(cursors, &cursor{next, placed{f, s, ref}})
			}
		}
		for len(cursors) > 0 {
			first := 0
			for i, c := range cursors {
				if c.head.Born() < cursors[first].head.Born() {
					first = i
				}
			}
			c := cursors[first]
			if !yield(c.head) {
				return
			}
			var ok bool
			if c.head.ref, c.head.Flow, ok = c.next(); !ok {
				cursors = slices.Delete(cursors, first, first+1)
			}
		}
	}
}

// len is the number of flows that are kept apart.
func (a *Analysis) len() (n int) {
	for _, s := range a.shards {
		n += s.flows.Len()
	}
	return n
}
