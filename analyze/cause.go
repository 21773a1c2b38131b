package analyze

import (
	"math"

	"wiretax/analyze/stats"
)

// Variant says that a transport is another one with a mechanism of TCP turned off or on, so that the difference of their trials
// is what the mechanism contributes.
type Variant struct {
	Of      string `json:"of"`
	Cause   string `json:"cause"`   // nagle, autocorking, cwnd, delayed_ack, timestamps
	Setting string `json:"setting"` // how the variant is made
	With    bool   `json:"with"`    // the mechanism works in the variant and not in the transport
}

// Cause is what a mechanism contributes to a transport: the trials with it less those without.
type Cause struct {
	Cause         string     `json:"cause"`
	Transport     string     `json:"transport"`
	Variant       string     `json:"variant"` // name of the transport that has it the other way
	Setting       string     `json:"setting"`
	With          bool       `json:"with"` // the variant has the mechanism, the transport has not
	Frames        Difference `json:"frames"`
	DataFrames    Difference `json:"data_frames"`
	WireBytes     Difference `json:"wire_bytes"`
	LatencyP50    Difference `json:"latency_p50"` // seconds; see Workload.LatencyFigure
	TrialsWith    int        `json:"trials_with"`
	TrialsWithout int        `json:"trials_without"`
}

// Difference is that of two medians.
type Difference struct {
	Median Ratio     `json:"median"`
	CI95   *[2]Ratio `json:"ci95"`  // bootstrap interval; null with fewer than three trials of either
	Clear  bool      `json:"clear"` // larger than the noise: the 99.5 % interval, of five trials of each or more, leaves 0 out
}

// addCauses compares the variants with their transports.
func (w *Workload) addCauses() {
	for i := range w.Transports {
		turned := &w.Transports[i]
		of := w.variantBase(turned)
		if of == nil || len(of.Trials) == 0 || len(turned.Trials) == 0 {
			continue
		}
		with, without := of, turned
		if turned.Variant.With {
			with, without = turned, of
		}
		difference := func(figure string) Difference {
			return differenceOf(valuesOf(with.Trials, figure), valuesOf(without.Trials, figure))
		}
		w.Causes = append(w.Causes, Cause{
			Cause: turned.Variant.Cause, Transport: of.Name, Variant: turned.Name, Setting: turned.Variant.Setting, With: turned.Variant.With,
			Frames: difference("frames"), DataFrames: difference("data_frames"), WireBytes: difference("wire_bytes"),
			LatencyP50: difference(w.LatencyFigure("p50")), TrialsWith: len(with.Trials), TrialsWithout: len(without.Trials),
		})
	}
}

// variantBase is the transport that a variant is of; nil where it is none or was not measured.
func (w *Workload) variantBase(v *Transport) *Transport {
	for i := range w.Transports {
		if v.Variant != nil && w.Transports[i].Name == v.Variant.Of {
			return &w.Transports[i]
		}
	}
	return nil
}

// valuesOf are the values that trials have of a figure.
func valuesOf(trials []Trial, figure string) (values []float64) {
	for _, f := range trialFigures {
		if f.name != figure {
			continue
		}
		for i := range trials {
			if v := f.value(&trials[i]); !math.IsNaN(v) {
				values = append(values, v)
			}
		}
	}
	return values
}

// clearTrials is from how many trials of each on a difference is called one: the interval of fewer is the luck of the draw.
const clearTrials = 5

func differenceOf(a, b []float64) Difference {
	d := Difference{Median: Ratio(stats.Median(a) - stats.Median(b))}
	interval, ok := stats.MedianDifference(a, b)
	if !ok {
		return d
	}
	d.CI95 = &[2]Ratio{Ratio(interval.Lo), Ratio(interval.Hi)}
	d.Clear = interval.Clear && min(len(a), len(b)) >= clearTrials
	return d
}
