package analyze

import (
	"cmp"
	"math"
)

// Cost is what a transport's saving costs in time, against the base and by the medians of both. The latencies are those from
// the moment a message was due where the workload gives one, else those from the send call.
type Cost struct {
	AddedLatency Latency `json:"added_latency_seconds"` // negative: faster than the base
	// PerFrameSaved is the added latency divided by the frames saved; null where none is.
	PerFrameSaved Latency `json:"added_latency_per_frame_saved_seconds"`
	// Pareto says that no other transport saves more frames at no more latency (p50), or as many at less, as far as the trials can
	// tell: see beats. A transport that lost messages takes no part: what got lost is no saving.
	Pareto bool `json:"pareto"`
}

// LatencyFigure is the key in Transport.Summary of the latency that counts for the workload: percentile is p50, p99 or max.
func (w *Workload) LatencyFigure(percentile string) string {
	for i := range w.Transports {
		if due, ok := w.Transports[i].Summary["latency_from_due_"+percentile]; ok && due.Median.Valid() {
			return "latency_from_due_" + percentile
		}
	}
	return "latency_" + percentile
}

// FromDue reports whether latencies count from when messages were due.
func (w *Workload) FromDue() bool { return w.LatencyFigure("p50") != "latency_p50" }

// price fills the costs of all transports.
func (w *Workload) price(base *Transport) {
	for i := range w.Transports {
		t := &w.Transports[i]
		if len(t.Trials) == 0 || len(base.Trials) == 0 {
			continue
		}
		t.Cost = new(Cost)
		for _, p := range []struct {
			percentile string
			added, per *Ratio
		}{
			{"p50", &t.Cost.AddedLatency.P50, &t.Cost.PerFrameSaved.P50},
			{"p99", &t.Cost.AddedLatency.P99, &t.Cost.PerFrameSaved.P99},
			{"max", &t.Cost.AddedLatency.Max, &t.Cost.PerFrameSaved.Max},
		} {
			figure := w.LatencyFigure(p.percentile)
			*p.added = t.Summary[figure].Median - base.Summary[figure].Median
			*p.per = Over(0, 0)
			if saved := t.Summary["frames_saved"].Median; saved > 0 {
				*p.per = *p.added / saved
			}
		}
	}
	for i := range w.Transports {
		if t := &w.Transports[i]; t.Cost != nil {
			t.Cost.Pareto = w.unbeaten(t)
		}
	}
}

// unbeaten reports whether the transport is one of the Pareto set.
func (w *Workload) unbeaten(t *Transport) bool {
	if !w.tradable(t) {
		return false
	}
	for i := range w.Transports {
		if o := &w.Transports[i]; w.tradable(o) && w.beats(o, t) {
			return false
		}
	}
	return true
}

// beats reports whether o saves at least as many frames as t at a latency that is no worse, and one of the two is better, by more
// than the noise: five pairs of trials at least judge as they do the difference from the base (AgainstBase), with fewer the
// medians alone decide. Better means the medians too, so that no ring of transports can beat each other.
func (w *Workload) beats(o, t *Transport) bool {
	latency := w.LatencyFigure("p50")
	more := o.Summary["frames_saved"].Median - t.Summary["frames_saved"].Median
	later := o.Summary[latency].Median - t.Summary[latency].Median
	if min(len(o.Trials), len(t.Trials)) < FewTrials {
		return more >= 0 && later <= 0 && (more > 0 || later < 0)
	}
	moreClearly := more > 0 && clearly(o, t, "frames")
	apart := clearly(o, t, latency) && math.Abs(float64(later)) > o.ClockDoubt()+t.ClockDoubt()
	return more >= 0 && !(apart && later > 0) && (moreClearly || apart && later < 0)
}

// tradable reports whether a transport's saving has a price: it delivered everything, at a known latency, and is nobody's
// variant.
func (w *Workload) tradable(t *Transport) bool {
	if t.Cost == nil || t.Variant != nil || !t.Cost.AddedLatency.P50.Valid() {
		return false
	}
	for i := range t.Trials {
		if t.Trials[i].MessagesDelivered != int64(w.Messages) {
			return false
		}
	}
	return true
}

// residence is the time in the sockets' buffers, NaN where it is not known.
func (t *Trial) residence() Residence {
	unknown := &Latency{Over(0, 0), Over(0, 0), Over(0, 0)}
	r := Residence{unknown, unknown}
	if t.Residence != nil {
		r = Residence{cmp.Or(t.Residence.Sender, unknown), cmp.Or(t.Residence.Receiver, unknown)}
	}
	return r
}

// fromDue is the latency since messages were due, NaN where it is not known.
func (t *Trial) fromDue() Latency {
	if t.LatencyFromDue == nil {
		return Latency{Over(0, 0), Over(0, 0), Over(0, 0)}
	}
	return *t.LatencyFromDue
}

// perMessage is the CPU time a message, NaN where it is not known.
func (t *Trial) perMessage() CPUPerMessage {
	if t.CPUPerMessage == nil {
		return CPUPerMessage{Over(0, 0), Over(0, 0)}
	}
	return *t.CPUPerMessage
}

// ClockDoubt is how far one-way latencies of the transport may be off, in seconds: how well two hosts' clocks could be compared, in
// the worst trial. It is 0 where one clock measures.
func (t *Transport) ClockDoubt() (worst float64) {
	for i := range t.Trials {
		if u := t.Trials[i].LatencyUncertainty; u != nil && u.Valid() {
			worst = max(worst, float64(*u))
		}
	}
	return worst
}
