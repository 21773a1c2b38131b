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
	if len(doubts) == 0 {
		verified := line{text: fmt.Sprintf("every trial verified: %s (%s)", strings.Join(witnessNames(r), " = "), counted), tone: good}
		return section{lines: append([]line{verified}, distrust(r.Warnings)...)}
	}
	head := line{text: fmt.Sprintf("must not be trusted: %s not verified (of %s):", plural(float64(len(doubts)), "trial"), counted), tone: bad}
	if more := len(doubts) - mostDoubts; more > 0 {
		doubts = append(doubts[:mostDoubts], line{text: fmt.Sprintf("and %d more", more), tone: bad})
	}
	return section{lines: append([]line{head}, doubts...)}
}

// mostDoubts bounds the list: who reads ten has understood.
const mostDoubts = 10

func trialName(r *analyze.Run, workload int, transport string, n int) string {
	name := fmt.Sprintf("%s trial %d", transport, n+1)
	if len(r.Workloads) > 1 {
		name = cellNames(r)[workload] + ", " + name
	}
	return name
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
