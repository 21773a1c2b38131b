package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"wiretax/analyze"
)

// answer says in words what each transport saved or cost against the reference, and the whole in one sentence at the end, where
// a terminal shows it; not where it stands at the top. Every word follows from the figures.
func answer(w *analyze.Workload, atTop bool) document {
	var d document
	if lines := comparisons(w); len(lines) > 0 {
		d = append(d, section{lines: lines})
	}
	if text := headline(w); text != "" && !atTop {
		d = append(d, section{lines: []line{{text: text}}})
	}
	return d
}

// comparisons are the sentences about each transport.
func comparisons(w *analyze.Workload) []line {
	var lines []line
	ref := w.Transports[0]
	for _, t := range w.Transports[1:] {
		if len(t.Summary) == 0 || len(ref.Summary) == 0 {
			continue
		}
		sentences := []string{
			deliverySentence(w, t), dataSentence(w, ref, t), totalSentence(ref, t), callsSentence(ref, t),
			aheadSentence(w, ref, t), latencySentence(w, ref, t), stabilitySentence(t),
		}
		lines = append(lines, line{label: t.Name, text: joined(sentences)})
	}
	if text := joined([]string{deliverySentence(w, ref)}); text != "" {
		lines = append([]line{{label: ref.Name, text: text}}, lines...)
	}
	if text := competitor(w); text != "" {
		lines = append(lines, line{text: text})
	}
	if text := unclearLatency(w); text != "" {
		lines = append(lines, line{text: text})
	}
	return lines
}

// joined gives each sentence a line of its own.
func joined(sentences []string) string {
	said := slices.DeleteFunc(sentences, func(s string) bool { return s == "" })
	if len(said) == 0 {
		return ""
	}
	return strings.Join(said, "."+lineBreak) + "."
}

// deliverySentence keeps loss from being taken for a saving.
func deliverySentence(w *analyze.Workload, t analyze.Transport) string {
	s, ok := t.Summary["messages_delivered"]
	if !ok || !s.Min.Valid() || float64(s.Min) >= float64(w.Messages) {
		return ""
	}
	return fmt.Sprintf("delivered %s of %s: what got lost is no saving", ranged(s, count), plural(float64(w.Messages), "message"))
}

func dataSentence(w *analyze.Workload, ref, t analyze.Transport) string {
	frames, saved := t.Summary["data_frames"], t.Summary["data_frames_saved"]
	if !frames.Median.Valid() || !saved.Median.Valid() {
		return ""
	}
	than := ranged(saved, count) + " fewer than"
	switch {
	case saved.Median < 0:
		than = ranged(negative(saved), count) + " more than"
	case saved.Median == 0 && !differs(saved, count):
		than = "as many as"
	}
	return fmt.Sprintf("put %s into %s, %s %s", plural(float64(w.Messages), "message"), quantified(frames, "data frame"), than, ref.Name)
}

// totalSentence is what is left of the saving when every frame counts.
func totalSentence(ref, t analyze.Transport) string {
	frames, saved := t.Summary["frames"], t.Summary["frames_saved"]
	if !frames.Median.Valid() || !saved.Median.Valid() {
		return ""
	}
	all := "In all"
	if t.Summary["setup_frames"].Median > 0 {
		all = "With handshake, ACKs and teardown"
	}
	text := fmt.Sprintf("%s %s against %s: %s", all, quantified(frames, "frame"), ranged(ref.Summary["frames"], count), savedOrCost(saved))
	a, b := ref.Summary["wire_bytes"], t.Summary["wire_bytes"]
	if !a.Median.Valid() || !b.Median.Valid() || a.Median == 0 {
		return text
	}
	wire := minus(a, b)
	return fmt.Sprintf("%s.%sWire bytes %s against %s: %s (%s%s%%)", text, lineBreak, ranged(b, count), ranged(a, count), savedOrCost(wire),
		percent(math.Abs(float64(wire.Median/a.Median))), glue)
}

// savedOrCost calls a negative saving what it is.
func savedOrCost(saved analyze.Summary) string {
	switch {
	case saved.Median < 0:
		return "a cost of " + ranged(negative(saved), count)
	case saved.Median == 0 && !differs(saved, count):
		return "nothing saved"
	}
	return ranged(saved, count) + glue + "saved"
}

// percentiles are the latencies that are compared.
var percentiles = [...]string{"p50", "p99"}

// latencySentence says what a saving costs in time, or gains: datagrams of their own can be slower on a slow link. What the
// trials leave open is said once for all transports, by unclearLatency.
func latencySentence(w *analyze.Workload, ref, t analyze.Transport) string {
	var parts []string
	for _, p := range percentiles {
		figure := w.LatencyFigure(p)
		if !compares(ref, t, figure) || unclear(ref, t, figure) {
			continue
		}
		added := float64(t.Summary[figure].Median - ref.Summary[figure].Median)
		switch {
		case added == 0:
			parts = append(parts, p+" no change")
		case added > 0:
			parts = append(parts, p+glue+"+"+millis(added)+glue+"ms"+priceOf(p, t))
		default:
			parts = append(parts, p+glue+millis(added)+glue+"ms")
		}
	}
	if len(parts) == 0 {
		return ""
	}
	kind := "One-way"
	if w.Answered() {
		kind = "Round-trip"
	}
	return kind + " latency " + strings.Join(parts, ", ")
}

func compares(ref, t analyze.Transport, figure string) bool {
	return ref.Summary[figure].Median.Valid() && t.Summary[figure].Median.Valid() && len(ref.Summary) > 0 && len(t.Summary) > 0
}

// unclear reports whether the difference from the reference is no larger than the noise: the medians differ, but say nothing.
func unclear(ref, t analyze.Transport, figure string) bool {
	s, base := t.Summary[figure], ref.Summary[figure]
	if apart := math.Abs(float64(base.Median - s.Median)); apart > 0 && apart <= ref.ClockDoubt()+t.ClockDoubt() && strings.HasPrefix(figure, "latency") {
		return true
	}
	if s.Difference != nil && (s.Median-base.Median)*s.Difference.Median < 0 {
		return true // where one had more trials, those beyond the pairs say the opposite
	}
	return base.Median != s.Median && (s.Difference == nil || !s.Difference.Clear)
}

// unclearLatency names the latencies that no transport's line mentions, because they did not clearly change.
func unclearLatency(w *analyze.Workload) string {
	ref := w.Transports[0]
	var open []string
	for _, t := range w.Transports[1:] {
		var names []string
		for _, p := range percentiles {
			if figure := w.LatencyFigure(p); compares(ref, t, figure) && unclear(ref, t, figure) {
				names = append(names, p)
			}
		}
		if len(names) > 0 {
			open = append(open, t.Name+glue+strings.Join(names, " and "))
		}
	}
	if len(open) == 0 {
		return ""
	}
	return "No clear change of latency against " + ref.Name + " (" + whyUnclear(w) + "): " + strings.Join(open, ", ") + "."
}

func whyUnclear(w *analyze.Workload) string {
	why := "no larger than the noise"
	if fewTrials(w) {
		why = fewNote
	}
	for i := range w.Transports {
		if w.Transports[i].ClockDoubt() > 0 {
			return why + ", or less than the hosts' clocks can tell"
		}
	}
	return why
}

// steady is how far, relative to its median, a figure may range over the trials before it is called unstable.
const steady = 0.10

func stabilitySentence(t analyze.Transport) string {
	var parts []string
	for _, f := range []struct{ name, key string }{{"frames", "frames"}, {"data frames", "data_frames"}, {"wire bytes", "wire_bytes"}} {
		s := t.Summary[f.key]
		spread := float64(s.Max-s.Min) / math.Abs(float64(s.Median))
		if spread > steady && !math.IsInf(spread, 0) {
			parts = append(parts, fmt.Sprintf("%s by %s%s%%", f.name, percent(spread), glue))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "Unstable: the trials differ in " + strings.Join(parts, ", ")
}

// competitor compares TCP with an application that fills its datagrams itself: whoever can wait for TCP to coalesce can
// pack as well.
func competitor(w *analyze.Workload) string {
	var packed, best *analyze.Transport
	for i := range w.Transports {
		t := &w.Transports[i]
		switch {
		case len(t.Summary) == 0:
		case t.Name == "udp-packed":
			packed = t
		case strings.HasPrefix(t.Name, "tcp") && (best == nil || cheaper(t, best)):
			best = t
		}
	}
	if packed == nil || best == nil {
		return ""
	}
	frames, wire := minus(best.Summary["frames"], packed.Summary["frames"]), minus(best.Summary["wire_bytes"], packed.Summary["wire_bytes"])
	return fmt.Sprintf("TCP's real competitor packs its datagrams itself: udp-packed needed %s and %s than %s, the TCP with the fewest frames.",
		fewer(frames, "frame"), fewer(wire, "wire byte"), best.Name)
}

// cheaper compares by frames, then by wire bytes.
func cheaper(a, b *analyze.Transport) bool {
	return cmp.Or(cmp.Compare(a.Summary["frames"].Median, b.Summary["frames"].Median),
		cmp.Compare(a.Summary["wire_bytes"].Median, b.Summary["wire_bytes"].Median)) < 0
}

// fewer compares in words: a positive difference is what the transport did without.
func fewer(s analyze.Summary, noun string) string {
	switch {
	case s.Median > 0:
		return quantified(s, "fewer "+noun)
	case s.Median < 0:
		return quantified(negative(s), "more "+noun)
	}
	return "no fewer " + noun + "s"
}

// quantified writes a figure with its noun.
func quantified(s analyze.Summary, noun string) string {
	if s.Median == 1 && s.Max == 1 {
		return "1" + glue + noun
	}
	return ranged(s, count) + glue + noun + "s"
}

func negative(s analyze.Summary) analyze.Summary {
	return analyze.Summary{Median: -s.Median, Min: -s.Max, Max: -s.Min, Exact: s.Exact}
}

// minus is a-b: the medians subtracted, the range as wide as the trials allow.
func minus(a, b analyze.Summary) analyze.Summary {
	return analyze.Summary{Median: a.Median - b.Median, Min: a.Min - b.Max, Max: a.Max - b.Min, Exact: a.Exact && b.Exact}
}
