package report

import (
	"fmt"
	"slices"
	"strings"

	"wiretax/analyze"
)

// trustSection says whether independent counters confirm the figures, and where they don't.
func trustSection(r *analyze.Run) section {
	var trials, dropped int
	var drops int64
	var doubts []line
	for i := range r.Workloads {
		w := &r.Workloads[i]
		for _, t := range w.Transports {
			for n, trial := range t.Trials {
				trials++
				lost := sum(trial.Drops)
				if drops += lost; lost > 0 {
					dropped++
				}
				if text := doubt(trial); text != "" {
					doubts = append(doubts, line{label: trialName(r, i, t.Name, n, trial), text: text, tone: bad})
				}
			}
		}
	}
	if trials == 0 {
		return section{lines: []line{{text: "nothing was measured: no trials", tone: bad}}}
	}
	if len(doubts) == 0 {
		text := fmt.Sprintf("every trial verified: %s (%s, %s)", strings.Join(witnessNames(r), " = "),
			plural(float64(trials), "trial"), plural(float64(drops), "drop"))
		return section{lines: append([]line{{text: text, tone: good}}, distrust(r.Warnings)...)}
	}
	head := fmt.Sprintf("must not be trusted: %d of %s not verified, %s in %s:", len(doubts), plural(float64(trials), "trial"),
		plural(float64(drops), "drop"), plural(float64(dropped), "trial"))
	if more := len(doubts) - mostDoubts; more > 0 {
		doubts = append(doubts[:mostDoubts], line{text: fmt.Sprintf("and %d more", more), tone: bad})
	}
	return section{lines: append([]line{{text: head, tone: bad}}, doubts...)}
}

// mostDoubts bounds the list: who reads ten has understood.
const mostDoubts = 10

func trialName(r *analyze.Run, workload int, transport string, n int, trial analyze.Trial) string {
	name := fmt.Sprintf("%s trial %d", transport, n+1)
	if len(r.Workloads) > 1 {
		w := r.Workloads[workload]
		name = fmt.Sprintf("%d x %d B %s", w.Messages, w.Size, name)
	}
	if trial.Capture != "" {
		name += " (" + trial.Capture + ")"
	}
	return name
}

// doubt says what is wrong with a trial; empty where nothing is.
func doubt(t analyze.Trial) string {
	var parts []string
	if w := t.Witnesses; !w.Agree {
		parts = append(parts, fmt.Sprintf("witnesses disagree: capture %s, wire %s, interface %s, TCP_INFO %s",
			integer(w.Capture), integer(w.Wire), integer(w.Interface), integer(w.TCPInfoSegs)))
		parts = append(parts, w.Disagree...)
	}
	if sum(t.Drops) > 0 {
		parts = append(parts, "dropped: "+counters(t.Drops))
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

func sum(counters map[string]int64) int64 {
	var n int64
	for _, c := range counters {
		n += c
	}
	return n
}

// counters lists those that are not 0, by name.
func counters(m map[string]int64) string {
	var names []string
	for name, n := range m {
		if n != 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for i, name := range names {
		names[i] = name + " " + integer(m[name])
	}
	return strings.Join(names, ", ")
}

// footnotes are the doubts about a result.
func footnotes(warnings []analyze.Warning) []line {
	lines := make([]line, 0, len(warnings))
	for i, w := range warnings {
		l := line{label: fmt.Sprintf("[%d]", i+1), text: w.Message}
		if w.Code != "" {
			l.text += " (" + w.Code + ")"
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
