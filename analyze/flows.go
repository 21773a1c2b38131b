package analyze

import (
	"cmp"
	"iter"
	"math"
	"slices"

	"wiretax/analyze/flow"
)

// placed is a flow and where it is.
type placed struct {
	*flow.Flow
	shard *shard
	ref   flow.Ref
}

func (p placed) counts(dir int) flow.Counts { return p.shard.flows.Counts(p.ref, dir) }

// addTo adds the figures of both directions.
func (p placed) addTo(sum *flow.Counts) {
	ab, ba := p.counts(0), p.counts(1)
	sum.Add(&ab)
	sum.Add(&ba)
}

// wireBytes is what both directions took.
func (p placed) wireBytes() int64 { return p.counts(0).Wire + p.counts(1).Wire }

// len is the number of flows that are kept apart.
func (a *Analysis) len() (n int) {
	for _, s := range a.shards {
		n += s.flows.Len()
	}
	return n
}

// flows iterates over the flows of all shards in the order of their first records, numbered from 1; with the numbers that
// rows have where rows are made, which count flows that were given up, too.
func (a *Analysis) flows() iter.Seq2[int, placed] {
	return func(yield func(int, placed) bool) {
		cursors := make([]cursor, len(a.shards))
		for i, s := range a.shards {
			cursors[i] = cursor{shard: s, order: s.flows.Order()}
			cursors[i].next()
		}
		for n := range a.len() {
			first := &cursors[0]
			for i := range cursors {
				if c := &cursors[i]; c.head.Flow != nil && (first.head.Flow == nil || c.born < first.born) {
					first = c
				}
			}
			number := n + 1
			if a.options.EachFrame != nil {
				number = a.numbers.at(first.head)
			}
			if !yield(number, first.head) {
				return
			}
			first.next()
		}
	}
}

// cursor goes through the flows of a shard.
type cursor struct {
	shard *shard
	order []flow.Ref // see flow.Table.Order
	at    int
	head  placed // without a flow at the end
	born  int64
}

func (c *cursor) next() {
	if c.at == c.shard.flows.Len() {
		c.head.Flow = nil
		return
	}
	r := flow.Ref(c.at)
	if c.order != nil {
		r = c.order[c.at]
	}
	c.at++
	c.head = placed{c.shard.flows.At(r), c.shard, r}
	c.born = c.head.Born()
}

// EachFlow gives the flows in order of first appearance, each one's figures ready only when its turn comes.
func (a *Analysis) EachFlow() iter.Seq[*Flow] {
	return func(yield func(*Flow) bool) {
		for n, p := range a.flows() {
			f := p.conversation()
			f.Number = n
			if !yield(&f) {
				return
			}
		}
	}
}

// top returns the n flows that took most wire bytes, in the order of first appearance, and the sum of all others; all flows
// where n is negative.
func (a *Analysis) top(n int) (list []Flow, others OtherFlows) {
	type candidate struct {
		placed
		number int
		wire   int64
	}
	if n < 0 || n > a.len() {
		n = a.len()
	}
	var best []candidate
	var rest flow.Counts
	least := int64(-1) // what the last of n flows has; a later one needs more
	cut := func() {
		slices.SortFunc(best, func(x, y candidate) int {
			return cmp.Or(cmp.Compare(y.wire, x.wire), cmp.Compare(x.number, y.number))
		})
		for _, c := range best[n:] {
			c.addTo(&rest)
		}
		best = best[:n]
	}
	for number, p := range a.flows() {
		wire := p.wireBytes()
		if wire <= least {
			p.addTo(&rest)
			continue
		}
		if best = append(best, candidate{p, number, wire}); len(best) > 2*n {
			cut()
			least = math.MaxInt64
			if n > 0 {
				least = best[n-1].wire
			}
		}
	}
	cut()
	slices.SortFunc(best, func(x, y candidate) int { return cmp.Compare(x.number, y.number) })
	for _, c := range best {
		f := c.conversation()
		f.Number = c.number
		list = append(list, f)
	}
	return list, OtherFlows{Flows: int64(a.len() - n), Direction: figures(&rest)}
}
