package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"wiretax/analyze"
)

// trustSection says whether independent counters confirm the figures, and where they don't.
func trustSection(r *analyze.Run) section {
	var trials, dropped, lost, lostOnPath int64
	var doubts []line
	for i := range r.Workloads {
		for _, t := range r.Workloads[i].Transports {
			for n := range t.Trials {
				trial := &t.Trials[n]
				trials++
				dropped += trial.Dropped()
				lost += trial.Drops[analyze.LostByRequest]
				lostOnPath += trial.Drops[analyze.LostOnPath]
				if !trial.Verified() {
					doubts = append(doubts, line{label: trialName(r, i, t.Name, n), text: doubt(trial), tone: bad})
				}
			}
		}
	}
	if trials == 0 {
		return section{lines: []line{{text: "nothing was measured: no trials", tone: bad}}}
	}
	counted := plural(float64(trials), "trial") + ", " + plural(float64(dropped), "drop")
	if lost > 0 {
		counted += ", " + plural(float64(lost), "frame") + " lost by request"
	}
	if lostOnPath > 0 {
		counted += ", " + plural(float64(lostOnPath), "frame") + " lost between the hosts"
	}
	missing := missingTrials(r, trials)
	if len(doubts) == 0 {
		if trials > 1 && missing == "" {
			counted = "all " + counted
		}
		verified := line{text: fmt.Sprintf("%scounts verified: %s (%s)", missing, strings.Join(witnessNames(r), " = "), counted), tone: good}
		return section{lines: slices.Concat([]line{verified}, unsteadyLatency(r), distrust(r.Warnings))}
	}
	head := line{text: fmt.Sprintf("%smust not be trusted: %s not verified (of %s):", missing, plural(float64(len(doubts)), "trial"), counted), tone: bad}
	if more := len(doubts) - mostDoubts; more > 0 {
		doubts = append(doubts[:mostDoubts], line{text: fmt.Sprintf("and %d more", more), tone: bad})
	}
	return section{lines: append([]line{head}, doubts...)}
}

// missingTrials says first of all what a run lacks that ended before its end.
func missingTrials(r *analyze.Run, trials int64) string {
	for _, w := range r.Warnings {
		if w.Code == "incomplete" && w.Count > 0 {
			return fmt.Sprintf("only %s of %s trials were measured; ", integer(trials), integer(trials+w.Count))
		}
	}
	return ""
}

// restless is how far, relative to its median, the latency of equal trials may range before a busy machine is suspected.
const restless = 0.50

// unsteadyLatency names the transport whose latency varied most over its trials, where that is much: nothing verifies a latency as the
// witnesses do the counts. Where the link loses frames, latencies vary for that.
func unsteadyLatency(r *analyze.Run) []line {
	worst, text := restless, ""
	for i := range r.Workloads {
		w := &r.Workloads[i]
		if r.LinkOf(w).Loss > 0 {
			continue
		}
		for _, t := range w.Transports {
			s := t.Summary[w.LatencyFigure("p50")]
			if spread := float64((s.Max - s.Min) / s.Median); t.Variant == nil && s.Median > 0 && spread > worst {
				worst = spread
				text = fmt.Sprintf("latency varied: p50 of %s %s..%s%sms over its trials (a busy machine?)", cellTransport(r, i, t.Name), millis(float64(s.Min)), millis(float64(s.Max)), glue)
			}
		}
	}
	if text == "" {
		return nil
	}
	return []line{{text: text}}
}

// mostDoubts bounds the list: who reads ten has understood.
const mostDoubts = 10

func trialName(r *analyze.Run, workload int, transport string, n int) string {
	return fmt.Sprintf("%s trial %d", cellTransport(r, workload, transport), n+1)
}

// cellTransport is a transport's name, with its workload's where there are several.
func cellTransport(r *analyze.Run, workload int, transport string) string {
	if len(r.Workloads) > 1 {
		return cellNames(r)[workload] + ", " + clean(transport)
	}
	return clean(transport)
}

// doubt says what is wrong with a trial.
func doubt(t *analyze.Trial) string {
	var parts []string
	if w := t.Witnesses; !w.Agree {
		unequal := fmt.Sprintf("capture %s, wire %s, interface %s, TCP_INFO %s",
			integer(w.Capture), integer(w.Wire), integer(w.Interface), integer(w.TCPInfoSegs))
		if len(w.Disagree) > 0 { // which of them differ, or counts of one direction whose sums are equal
			unequal = clean(strings.Join(w.Disagree, "; "))
		}
		parts = append(parts, "witnesses disagree: "+unequal)
	}
	if t.Dropped() > 0 {
		parts = append(parts, "dropped: "+drops(t))
	}
	if t.Capture != "" {
		parts = append(parts, "see "+clean(t.Capture))
	}
	return strings.Join(parts, "; ")
}

// witnessNames lists the counters that were there to compare.
func witnessNames(r *analyze.Run) []string {
	var wire, iface, tcp bool
	for _, w := range r.Workloads {
		for _, t := range w.Transports {
			for _, trial := range t.Trials {
				wire = wire || trial.Witnesses.Wire > 0
				iface = iface || trial.Witnesses.Interface > 0
				tcp = tcp || trial.Witnesses.TCPInfoSegs > 0
			}
		}
	}
	names := []string{"capture"}
	for _, n := range []struct {
		there bool
		name  string
	}{{wire, "wire"}, {iface, "interface"}, {tcp, "TCP_INFO"}} {
		if n.there {
			names = append(names, n.name)
		}
	}
	return names
}

// drops lists where frames got lost, by name.
func drops(t *analyze.Trial) string {
	var parts []string
	for _, reason := range slices.Sorted(maps.Keys(t.Drops)) {
		if n := t.Drops[reason]; n != 0 && reason != analyze.LostByRequest && reason != analyze.LostOnPath {
			parts = append(parts, clean(reason)+glue+integer(n))
		}
	}
	return strings.Join(parts, ", ")
}

// runFootnotes are the doubts about a run beside those that its trust section shows trial by trial.
func runFootnotes(warnings []analyze.Warning) []line {
	return footnotes(slices.DeleteFunc(slices.Clone(warnings), func(w analyze.Warning) bool {
		return w.Code == "witnesses_disagree" || w.Code == "frames_dropped"
	}))
}

// footnotes are the doubts about a result.
func footnotes(warnings []analyze.Warning) []line {
	lines := make([]line, 0, len(warnings))
	for i, w := range warnings {
		l := line{label: fmt.Sprintf("[%d]", i+1), text: withSeparators(clean(w.Message), w.Count)}
		if w.Code != "" {
			l.text += " (" + clean(w.Code) + ")"
		}
		if w.Distrust {
			l.tone = bad
		}
		lines = append(lines, l)
	}
	return lines
}

// distrust points to the footnotes for which the whole result must not be trusted.
func distrust(warnings []analyze.Warning) []line {
	var marks []string
	for i, w := range warnings {
		if w.Distrust {
			marks = append(marks, fmt.Sprintf("[%d]", i+1))
		}
	}
	if marks == nil {
		return nil
	}
	return []line{{text: "this result must not be trusted: see " + strings.Join(marks, " "), tone: bad}}
}
