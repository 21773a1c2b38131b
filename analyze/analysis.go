package analyze

import (
	"sync"
	"sync/atomic"

	"wiretax/analyze/flow"
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
	// FrameOwners fills FrameRow.Owners and FrameRow.Inferred.
	FrameOwners bool
	// View asks for Result.Groups.
	View View
	// Charts asks for Result.Charts.
	Charts bool
}

// Analysis takes records and accounts for every octet of them. One goroutine calls Add or Take; Result and Outline may be
// called by others meanwhile.
//
// A record passes four stages: it is read by itself (reader), takes its place among all others (order), is judged among the
// packets of its flow (shard), and becomes a row where rows are wanted.
type Analysis struct {
	options   Options
	seed      flow.Seed
	shardBits uint

	order   order
	lanes   []*lane
	shards  []*shard
	numbers flowNumbers
	failed  atomic.Pointer[error] // what a row was refused for
	// underway is held by each batch from the moment that it is read until it is counted, and alone by whoever wants to see
	// whole batches only.
	underway sync.RWMutex
	single   [1]*Record
}

// usualShards is the number of shards as a power of two. More would not be faster: reading, one batch after the other, takes
// longer than a quarter of the flows.
// fewFlows is a limit of flows from which on a share of it for each shard is about as good as the whole.
const (
	usualShards = 2
	fewFlows    = 1 << 14
)

// OctetsPerFlow is how much memory a flow that is kept apart takes at most.
const OctetsPerFlow = flow.OctetsPerFlow

// New returns an analysis that has seen no record.
func New(o Options) *Analysis {
	a := &Analysis{options: o, seed: flow.NewSeed(), shardBits: usualShards}
	if o.MaxFlows > 0 && o.MaxFlows < fewFlows {
		a.shardBits = 0
	}
	for number := range 1 << a.shardBits {
		a.shards = append(a.shards, &shard{
			tally:  newTally(&o),
			number: number,
			flows:  flow.New(o.MaxFlows>>a.shardBits, a.seed),
		})
	}
	a.lanes = []*lane{a.newLane()}
	return a
}

// Add takes one record. It keeps nothing of r.Data.
func (a *Analysis) Add(r *Record) error {
	a.single[0] = r
	a.underway.RLock()
	a.bring(a.lanes[0], a.single[:], 0, nil)
	a.underway.RUnlock()
	if err := a.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// sum adds up what lanes and shards have counted.
func (a *Analysis) sum() *tally {
	t := newTally(&a.options)
	for _, l := range a.lanes {
		t.add(&l.tally)
	}
	for _, s := range a.shards {
		t.add(&s.tally)
		t.others.Add(&s.flows.Folded.Counts)
		t.doubts[flowLimit] += s.flows.Folded.Records
	}
	return &t
}

// folded is the number of flows that were not kept apart.
func (a *Analysis) folded() (n int64) {
	for _, s := range a.shards {
		n += s.flows.Folded.Flows
	}
	return n
}
