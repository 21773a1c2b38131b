package report

import (
	"fmt"
	"strconv"

	"wiretax/analyze"
)

// comparable reports whether a mark tells something: several transports have a price.
func comparable(w *analyze.Workload) bool {
	n := 0
	for _, t := range w.Transports {
		if t.Cost != nil && t.Cost.AddedLatency.P50.Valid() {
			n++
		}
	}
	return n > 1
}

// markUnbeaten marks the cells of the Pareto set; the others stay below its digits.
func markUnbeaten(cells []string, w *analyze.Workload) {
	if !comparable(w) {
		return
	}
	for i, t := range w.Transports {
		if t.Cost != nil && t.Cost.Pareto {
			cells[i] += "*"
		} else {
			cells[i] += glue
		}
	}
}

// priceOf is what each frame that was saved cost at the median latency.
func priceOf(percentile string, t analyze.Transport) string {
	if percentile != "p50" || t.Cost == nil || !t.Cost.PerFrameSaved.P50.Valid() {
		return ""
	}
	return " (" + micros(float64(t.Cost.PerFrameSaved.P50)) + glue + "us a frame saved)"
}

// callsSentence tells savings of system calls from those of frames.
func callsSentence(ref, t analyze.Transport) string {
	calls, before, saved := t.Summary["send_calls"], ref.Summary["send_calls"], t.Summary["frames_saved"]
	if !calls.Median.Valid() || calls.Median >= before.Median || saved.Median != 0 || differs(saved, count) {
		return ""
	}
	return fmt.Sprintf("Saved system calls, no frames: %s against %s", quantified(calls, "send call"), ranged(before, count))
}

// costFigures are what a transport's messages cost beside frames, for programs: later additions to recordFigures.
var costFigures = [...]struct{ column, key string }{
	{"latency_from_due_p50_seconds", "latency_from_due_p50"}, {"latency_from_due_p99_seconds", "latency_from_due_p99"},
	{"latency_from_due_max_seconds", "latency_from_due_max"},
	{"cpu_sender_seconds_per_message", "cpu_sender_per_message"}, {"cpu_receiver_seconds_per_message", "cpu_receiver_per_message"},
	{"sender_residence_p50_seconds", "sender_residence_p50"}, {"sender_residence_p99_seconds", "sender_residence_p99"},
	{"sender_residence_max_seconds", "sender_residence_max"},
	{"receiver_residence_p50_seconds", "receiver_residence_p50"}, {"receiver_residence_p99_seconds", "receiver_residence_p99"},
	{"receiver_residence_max_seconds", "receiver_residence_max"},
}

func costNames() (names []string) {
	for _, f := range costFigures {
		names = append(names, f.column+"_median", f.column+"_min", f.column+"_max")
	}
	return append(names, "added_latency_p50_seconds", "added_latency_p99_seconds", "added_latency_max_seconds",
		"added_latency_p50_per_frame_saved_seconds", "pareto")
}

func costCells(t *analyze.Transport) (cells []string) {
	for _, f := range costFigures {
		s, ok := t.Summary[f.key]
		if !ok {
			cells = append(cells, "", "", "")
			continue
		}
		cells = append(cells, number(s.Median), number(s.Min), number(s.Max))
	}
	c := t.Cost
	if c == nil {
		return append(cells, "", "", "", "", "")
	}
	return append(cells, number(c.AddedLatency.P50), number(c.AddedLatency.P99), number(c.AddedLatency.Max),
		number(c.PerFrameSaved.P50), strconv.FormatBool(c.Pareto))
}
