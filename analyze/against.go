package analyze

import "wiretax/analyze/stats"

// AgainstBase is a figure of a transport less the base's, trial by trial of the same number: a drift of the machine meets both
// alike, and is no part of it.
type AgainstBase struct {
	Median Ratio     `json:"median"` // of the differences, not the difference of the medians
	CI95   *[2]Ratio `json:"ci95"`   // bootstrap interval of that median; null with fewer than three pairs of trials
	Exact  bool      `json:"exact"`  // the same in every pair
	// Clear reports whether the difference is larger than the noise: the interval of five pairs at least leaves 0 out; or two
	// pairs at least have all the same difference, and it is not 0.
	Clear bool `json:"clear"`
}

// compareWith adds to the summary of each figure its difference from the base's.
func (t *Transport) compareWith(base *Transport) {
	pairs := min(len(t.Trials), len(base.Trials))
	for _, f := range trialFigures {
		var differences []float64
		for i := range pairs {
			if d := f.value(&t.Trials[i]) - f.value(&base.Trials[i]); d == d { // a ratio over nothing takes no part
				differences = append(differences, d)
			}
		}
		s := t.Summary[f.name]
		s.Difference = againstBase(differences)
		t.Summary[f.name] = s
	}
}

// againstBase is nil where there is nothing to compare.
func againstBase(values []float64) *AgainstBase {
	if len(values) == 0 {
		return nil
	}
	s := summary(values)
	d := &AgainstBase{Median: s.Median, CI95: s.CI95, Exact: stats.Exact(values)}
	switch {
	case d.Exact:
		d.Clear = len(values) > 1 && d.Median != 0
	case len(values) >= FewTrials:
		d.Clear = d.CI95[0] > 0 || d.CI95[1] < 0
	}
	return d
}
