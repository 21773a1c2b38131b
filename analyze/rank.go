package analyze

import (
	"cmp"
	"slices"

	"wiretax/analyze/flow"
)

// Rank is an order of flows.
type Rank uint8

// The orders. Flows that are equal stand in the order of their first frames.
const (
	ByWasted     Rank = iota // wire bytes beyond the unique payload, most first
	ByWire                   // wire bytes, most first
	ByPayload                // unique payload bytes, most first
	ByFrames                 // frames, most first
	ByEfficiency             // unique payload over wire bytes, least first
	ByLast                   // time of the last frame, latest first

	NumRanks = ByLast + 1
)

func (by Rank) String() string {
	return [...]string{"wasted", "wire", "payload", "frames", "efficiency", "latest"}[by%NumRanks]
}

// Rank returns the n flows that come first in an order. Where match is not nil, only flows that it takes.
func (a *Analysis) Rank(by Rank, n int, match func(*Flow) bool) []Flow {
	n = max(n, 1)
	var best []ranked
	least := 0.0 // what the last of n flows has; a later one needs more
	cut := func() {
		slices.SortStableFunc(best, func(x, y ranked) int { return cmp.Compare(y.size, x.size) })
		best = best[:min(n, len(best))]
	}
	full := false
	for number, p := range a.flows() {
		r := ranked{p, number, by.size(p)}
		if full && r.size <= least {
			continue
		}
		if match != nil {
			if f := r.flow(); !match(&f) {
				continue
			}
		}
		if best = append(best, r); len(best) > 2*n {
			cut()
			full, least = true, best[n-1].size
		}
	}
	cut()
	list := make([]Flow, len(best))
	for i, r := range best {
		list[i] = r.flow()
	}
	return list
}

type ranked struct {
	placed
	number int
	size   float64
}

func (r *ranked) flow() Flow {
	f := r.conversation()
	f.Number = r.number
	return f
}

// size is what flows are compared by, the largest first.
func (by Rank) size(p placed) float64 {
	if by == ByLast {
		return float64(p.Last)
	}
	var c flow.Counts
	p.addTo(&c)
	unique := c.Payload - c.Repeated
	switch by {
	case ByWire:
		return float64(c.Wire)
	case ByPayload:
		return float64(unique)
	case ByFrames:
		return float64(c.AllFrames())
	case ByEfficiency:
		return -float64(unique) / float64(max(c.Wire, 1))
	}
	return float64(c.Wire - unique)
}
