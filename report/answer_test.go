package report

import (
	"testing"

	"wiretax/analyze"
)

// Pairs are as many as the transport with fewer trials has. What the medians of all trials show must not be called clear by
// pairs that say the opposite.
func TestPairsThatContradictTheMediansAreUnclear(t *testing.T) {
	with := func(median analyze.Ratio, d *analyze.AgainstBase) analyze.Transport {
		return analyze.Transport{Summary: map[string]analyze.Summary{"latency_p50": {Median: median, Difference: d}}}
	}
	ref := with(0.002, nil)
	for _, tt := range []struct {
		name   string
		median analyze.Ratio
		paired analyze.Ratio
		want   bool
	}{
		{"both slower", 0.003, 0.001, false},
		{"slower in the pairs, faster in all", 0.001, 0.001, true},
		{"faster in the pairs, slower in all", 0.003, -0.001, true},
	} {
		if got := unclear(ref, with(tt.median, &analyze.AgainstBase{Median: tt.paired, Clear: true}), "latency_p50"); got != tt.want {
			t.Errorf("%s: unclear %t", tt.name, got)
		}
	}
}
