package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"wiretax/analyze"
)

// bestSections compare the workloads of a run with each other; none where there is one only.
func bestSections(r *analyze.Run, intervals bool) document {
	t := bestTable(r, intervals)
	if t == nil {
		return nil
	}
	return document{{title: "who saves most against " + baseOf(r) + ", workload by workload", table: t}}
}

func baseOf(r *analyze.Run) string {
	if w := referenceFirst(&r.Workloads[0]); len(w.Transports) > 0 {
		return clean(w.Transports[0].Name)
	}
	return reference
}

// bestTable has a row for each workload, and one for TCP alone where another transport saves more.
func bestTable(r *analyze.Run, intervals bool) *table {
	if len(r.Workloads) < 2 {
		return nil
	}
	base := baseOf(r)
	t := &table{columns: []column{
		{name: "workload", left: true, least: 34}, {name: base + "\nframes", priority: 1}, {name: base + "\nbytes", priority: 2},
		{name: "saves\nmost", left: true}, {name: "frames\nsaved"}, {name: "bytes\nsaved"}, {name: "added\np50", unit: "ms"},
	}}
	names := cellNames(r)
	for i := range r.Workloads {
		w := referenceFirst(&r.Workloads[i])
		if len(w.Transports) == 0 {
			continue
		}
		figures := w.Transports[0].Summary
		if !measured(w) {
			t.rows = append(t.rows, []string{names[i], nothing, nothing, "not measured", "", "", ""})
			continue
		}
		row := []string{names[i], median(figures["frames"], count), median(figures["wire_bytes"], count)}
		for _, winner := range winners(w) {
			t.rows = append(t.rows, append(row, winnerCells(winner, intervals)...))
			if !intervals { // where rows are not sorted, a blank says: the same
				row = []string{"", "", ""}
			}
		}
	}
	if len(t.rows) == 0 {
		return nil
	}
	t.notes = append(t.notes, "first of all transports, then of TCP; a row more where the bytes are another's")
	if t.shows("(") {
		t.notes[0] += ". Brackets: " + whyBrackets(r)
	}
	return t
}

// measured reports whether the base has trials and something to compare it with has.
func measured(w *analyze.Workload) bool {
	with := 0
	for i := range w.Transports {
		if len(w.Transports[i].Trials) > 0 {
			with++
		}
	}
	return len(w.Transports[0].Trials) > 0 && with > 1
}

// winners are who saves most frames, who most bytes, and both of TCP, each once; a nil one where nobody saves.
func winners(w *analyze.Workload) (list []*analyze.Winner) {
	for _, b := range w.Best {
		for _, winner := range []*analyze.Winner{b.Frames, b.WireBytes} {
			if winner != nil && !slices.ContainsFunc(list, func(o *analyze.Winner) bool { return o.Transport == winner.Transport }) {
				list = append(list, winner)
			}
		}
	}
	if list == nil && len(w.Best) > 0 {
		list = []*analyze.Winner{nil}
	}
	return list
}

func winnerCells(w *analyze.Winner, intervals bool) []string {
	if w == nil {
		return []string{"none", "", "", ""}
	}
	return []string{clean(w.Transport), count(float64(w.FramesSaved)), count(float64(w.WireBytesSaved)), contribution(w.AddedLatencyP50, millis, intervals)}
}

// cellNames are the workloads of a run in a few words: the messages, and in what else they differ.
func cellNames(r *analyze.Run) []string {
	dimensions := []func(w *analyze.Workload, l *analyze.Link) string{
		func(w *analyze.Workload, _ *analyze.Link) string { return pace(w) },
		func(w *analyze.Workload, _ *analyze.Link) string { return w.Pattern },
		func(w *analyze.Workload, _ *analyze.Link) string { return fmt.Sprintf("depth %d", w.Depth) },
		func(w *analyze.Workload, _ *analyze.Link) string {
			return plural(float64(w.Connections), "connection")
		},
		func(_ *analyze.Workload, l *analyze.Link) string { return bitRate(l.RateBitsPerSecond) },
		func(_ *analyze.Workload, l *analyze.Link) string { return "RTT" + glue + seconds(l.RTTSeconds) },
		func(_ *analyze.Workload, l *analyze.Link) string {
			return "loss" + glue + decimal(sixDigits(100*l.Loss)) + glue + "%"
		},
		func(_ *analyze.Workload, l *analyze.Link) string { return fmt.Sprintf("MTU%s%d", glue, l.MTU) },
		func(_ *analyze.Workload, l *analyze.Link) string { return fmt.Sprintf("IPv%d", l.IP) },
		func(_ *analyze.Workload, l *analyze.Link) string { return l.CongestionControl },
	}
	names := make([]string, len(r.Workloads))
	for i := range r.Workloads {
		w := &r.Workloads[i]
		names[i] = clean(strconv.Itoa(w.Messages) + " x " + sizeOf(w) + " B")
	}
	for _, of := range dimensions {
		values, differ := make([]string, len(names)), false
		for i := range r.Workloads {
			w := &r.Workloads[i]
			values[i] = of(w, r.LinkOf(w))
			differ = differ || values[i] != values[0]
		}
		for i := range names {
			if differ {
				names[i] += ", " + clean(values[i])
			}
		}
	}
	return names
}

// pace says when messages are due.
func pace(w *analyze.Workload) string {
	text := "at once"
	if w.IntervalSeconds > 0 {
		text = "every " + seconds(w.IntervalSeconds)
	}
	return strings.TrimSpace(strings.TrimSuffix(text+" "+w.Arrivals, " constant"))
}
