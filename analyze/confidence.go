package analyze

import (
	"fmt"
	"slices"
	"strings"
)

// Narrow reports whether the trials are enough for the confidence asked for: there are five at least, and the 95 % intervals of
// the medians of frames and of wire bytes are no wider than that share of their medians.
func Narrow(trials []Trial, confidence float64) bool {
	if len(trials) < FewTrials {
		return false
	}
	frames, wire := make([]float64, len(trials)), make([]float64, len(trials))
	for i := range trials {
		frames[i], wire[i] = float64(trials[i].Frames), float64(trials[i].WireBytes)
	}
	return summary(frames).narrow(confidence) && summary(wire).narrow(confidence)
}

// FewTrials is below how many trials nothing is concluded from an interval: it would be the luck of the draw.
const FewTrials = 5

func (s Summary) narrow(confidence float64) bool {
	return s.CI95 != nil && float64(s.CI95[1]-s.CI95[0]) <= confidence*float64(s.Median)
}

// addConfidence warns of the transports that had all their trials, and whose intervals are still wider than the plan asked for.
func (r *Run) addConfidence() {
	if r.Plan.Confidence == 0 {
		return
	}
	var names []string
	wide := int64(0)
	for i := range r.Workloads {
		for _, t := range r.Workloads[i].Transports {
			if len(t.Trials) >= r.Plan.Runs && !Narrow(t.Trials, r.Plan.Confidence) {
				wide++
				if !slices.Contains(names, t.Name) {
					names = append(names, t.Name)
				}
			}
		}
	}
	if wide > 0 {
		r.Warnings = append(r.Warnings, Warning{Code: "confidence_not_reached", Count: wide, Message: fmt.Sprintf(
			"after %d trials the 95 %% interval of the median of frames or of wire bytes is still wider than %g %% of it: %s",
			r.Plan.Runs, 100*r.Plan.Confidence, strings.Join(names, ", "))})
	}
}
