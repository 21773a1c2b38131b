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
	for _, f := range trialFigures {
		s := t.Summary[f.name]
		s.Difference = pairedDifference(t, base, f.value)
		t.Summary[f.name] = s
	}
}

// pairedDifference is a figure of t less that of another, trial by trial of the same number; nil where there is nothing to compare.
func pairedDifference(t, other *Transport, value func(*Trial) float64) *AgainstBase {
	var differences []float64
	for i := range min(len(t.Trials), len(other.Trials)) {
		if d := value(&t.Trials[i]) - value(&other.Trials[i]); d == d { // a ratio over nothing takes no part
			differences = append(differences, d)
		}
	}
	return againstBase(differences)
}

// clearly reports whether the transports differ in a figure by more than the noise.
func clearly(a, b *Transport, figure string) bool {
	for _, f := range trialFigures {
		if f.name == figure {
			d := pairedDifference(a, b, f.value)
			return d != nil && d.Clear
		}
	}
	return false
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
