package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"wiretax/analyze"
)

// fewWorkloads is up to how many workloads each has tables and sentences of its own. More are one table.
const fewWorkloads = 3

// matrixSections are one table with a row for each workload and transport; what takes a table more for each workload follows.
func matrixSections(r *analyze.Run, wide, inline bool) document {
	all := analyze.Workload{}
	for _, w := range r.Workloads {
		all.Transports = append(all.Transports, w.Transports...)
	}
	head := section{title: fmt.Sprintf("%s, %s", plural(float64(len(r.Workloads)), "workload"), trialCount(&all))}
	head.lines = append(presetLines(r.Preset), line{text: sharedLink(r)})
	if inline { // the winners lead, with the link
		head = section{title: "all figures, workload by workload", lines: presetLines(r.Preset)}
	}
	if wide {
		head.lines = append(head.lines, line{text: hostLine(r)})
	}
	d := document{head, {table: matrixTable(r, wide, inline)}}
	names := cellNames(r)
	for i := range r.Workloads {
		if causes := causeSections(referenceFirst(&r.Workloads[i]), wide || inline); len(causes) > 0 {
			d = append(append(d, section{title: names[i]}), causes...)
		}
	}
	return d
}

// sharedLink is what the links of all workloads have in common; the rest has columns.
func sharedLink(r *analyze.Run) string {
	parts := strings.Split(linkLine(r.Link), ", ")
	for i := range r.Workloads {
		of := strings.Split(linkLine(*r.LinkOf(&r.Workloads[i])), ", ")
		parts = slices.DeleteFunc(parts, func(p string) bool { return !slices.Contains(of, p) })
	}
	if text := strings.Join(parts, ", "); strings.HasPrefix(text, "link: ") {
		return text
	}
	return strings.Join(append([]string{"link: " + r.Link.Kind}, parts...), ", ")
}

// coordinates are what tells the workloads of a run apart, links first.
var coordinates = [...]struct {
	column
	value func(*analyze.Workload, *analyze.Link) string
}{
	{column{name: "rate"}, func(_ *analyze.Workload, l *analyze.Link) string { return bitRate(l.RateBitsPerSecond) }},
	{column{name: "RTT"}, func(_ *analyze.Workload, l *analyze.Link) string { return seconds(l.RTTSeconds) }},
	{column{name: "loss", unit: "%"}, func(_ *analyze.Workload, l *analyze.Link) string { return decimal(sixDigits(100 * l.Loss)) }},
	{column{name: "MTU"}, func(_ *analyze.Workload, l *analyze.Link) string { return strconv.Itoa(l.MTU) }},
	{column{name: "IP"}, func(_ *analyze.Workload, l *analyze.Link) string { return strconv.Itoa(l.IP) }},
	{column{name: "TCP", left: true}, func(_ *analyze.Workload, l *analyze.Link) string { return clean(l.CongestionControl) }},
	{column{name: "mes-\nsages"}, func(w *analyze.Workload, _ *analyze.Link) string { return strconv.Itoa(w.Messages) }},
	{column{name: "size", unit: "B"}, func(w *analyze.Workload, _ *analyze.Link) string { return clean(sizeOf(w)) }},
	{column{name: "interval"}, func(w *analyze.Workload, _ *analyze.Link) string { return spaceOf(w) }},
	{column{name: "arrivals", left: true}, func(w *analyze.Workload, _ *analyze.Link) string { return clean(w.Arrivals) }},
	{column{name: "pattern", left: true}, func(w *analyze.Workload, _ *analyze.Link) string { return clean(w.Pattern) }},
	{column{name: "depth"}, func(w *analyze.Workload, _ *analyze.Link) string { return strconv.Itoa(w.Depth) }},
	{column{name: "connec-\ntions"}, func(w *analyze.Workload, _ *analyze.Link) string { return strconv.Itoa(w.Connections) }},
}

func spaceOf(w *analyze.Workload) string {
	if w.IntervalSeconds == 0 {
		return "0"
	}
	return seconds(w.IntervalSeconds)
}

// matrixTable has the coordinates in which the workloads differ, the transport, and its figures.
func matrixTable(r *analyze.Run, wide, inline bool) *table {
	t := &table{}
	places := make([][]string, len(r.Workloads))
	for _, c := range coordinates {
		values, differ := make([]string, len(places)), false
		for i := range r.Workloads {
			w := &r.Workloads[i]
			values[i] = c.value(w, r.LinkOf(w))
			differ = differ || values[i] != values[0]
		}
		if !differ {
			continue
		}
		t.columns = append(t.columns, c.column)
		for i := range places {
			places[i] = append(places[i], values[i])
		}
	}
	t.columns = append(t.columns, column{name: "transport", left: true})
	figures := matrixFigures(r, wide)
	for _, f := range figures {
		t.columns = append(t.columns, f.column)
	}
	for i := range r.Workloads {
		t.rows = append(t.rows, matrixRows(referenceFirst(&r.Workloads[i]), places[i], figures, inline)...)
	}
	t.notes = matrixNotes(r, t, inline)
	return t
}

// matrixFigures are the figures that any workload has. Latency counts in one column from one moment: from when a message was due
// only where all were due at times.
func matrixFigures(r *analyze.Run, wide bool) []figure {
	mixed := slices.ContainsFunc(r.Workloads, func(w analyze.Workload) bool { return !w.FromDue() })
	return slices.DeleteFunc(slices.Clone(runFigures[:]), func(f figure) bool {
		if mixed && strings.HasPrefix(f.key, "latency_from_due") {
			return true
		}
		return f.wide && !wide || f.when != nil && !slices.ContainsFunc(r.Workloads, func(w analyze.Workload) bool { return f.when(&w) })
	})
}

// matrixRows are those of one workload. Where rows are not sorted by a program, a blank says: the same.
func matrixRows(w *analyze.Workload, place []string, figures []figure, inline bool) [][]string {
	rows := make([][]string, len(w.Transports))
	for i, tr := range w.Transports {
		where := place
		if i > 0 && !inline {
			where = make([]string, len(place))
		}
		rows[i] = append(slices.Clone(where), clean(tr.Name))
	}
	for _, f := range figures {
		cells := f.cells(w)
		if inline {
			cells = f.rangedCells(w)
		}
		if f.key == "frames_saved" {
			markUnbeaten(cells, w)
		}
		for i, cell := range cells {
			rows[i] = append(rows[i], cell)
		}
	}
	return rows
}

func matrixNotes(r *analyze.Run, t *table, inline bool) []string {
	notes := []string{"header and wire overhead: bytes per payload byte; p50: latency from " + countedFrom(r)}
	switch {
	case inline && t.shows("["):
		notes[0] += "; [min..max] over the trials"
	case !inline && t.shows("~"):
		notes[0] += "; ~ differs from trial to trial (--json has ranges)"
	}
	if slices.ContainsFunc(r.Workloads, func(w analyze.Workload) bool { return comparable(&w) }) {
		notes = append(notes, starNote(fewAnywhere(r)))
	}
	return append(notes, noisyNote(t, fewAnywhere(r))...)
}

// countedFrom is the moment from which the latencies of a matrix count.
func countedFrom(r *analyze.Run) string {
	if slices.ContainsFunc(r.Workloads, func(w analyze.Workload) bool { return !w.FromDue() }) {
		return "the send call"
	}
	return "the moment a message was due"
}
