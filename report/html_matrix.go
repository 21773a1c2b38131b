package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"wiretax/analyze"
)

// paretoPicture sets frames saved against added latency: up and to the left is better.
func paretoPicture(w *analyze.Workload, id string) picture {
	p := picture{ID: id, Title: "What the saving costs", Note: "Frames saved against added one-way latency, both compared with " + w.Transports[0].Name +
		". Up and to the left is better; a filled mark is one that no other beats in both. Lines are the ranges over the trials.",
		Data: &table{columns: []column{{name: "transport", left: true}, {name: "frames saved"}, {name: "min"}, {name: "max"},
			{name: "added latency p50", unit: "ms"}, {name: "min", unit: "ms"}, {name: "max", unit: "ms"}}}}
	type trade struct {
		name         string
		saved, added analyze.Summary
	}
	var trades []trade
	ref, figure := w.Transports[0], w.LatencyFigure("p50")
	for i, t := range w.Transports {
		saved, added := t.Summary["frames_saved"], minus(t.Summary[figure], ref.Summary[figure])
		if i == 0 {
			added = analyze.Summary{Exact: true}
		}
		if len(t.Summary) == 0 || !saved.Median.Valid() || !added.Median.Valid() {
			continue
		}
		trades = append(trades, trade{t.Name, saved, added})
		row := []string{t.Name}
		for _, v := range []analyze.Ratio{saved.Median, saved.Min, saved.Max} {
			row = append(row, count(float64(v)))
		}
		for _, v := range []analyze.Ratio{added.Median, added.Min, added.Max} {
			row = append(row, millis(float64(v)))
		}
		p.Data.rows = append(p.Data.rows, row)
	}
	if len(trades) < 2 {
		return p
	}
	x, y := horizontal(0, 0), vertical(0, 0)
	for _, t := range trades {
		x.lo, x.hi = min(x.lo, 1e3*float64(t.added.Min)), max(x.hi, 1e3*float64(t.added.Max))
		y.lo, y.hi = min(y.lo, float64(t.saved.Min)), max(y.hi, float64(t.saved.Max))
	}
	x.lo, x.hi = widened(x.lo-(x.hi-x.lo)/20, x.hi+(x.hi-x.lo)/20, 6)
	y.lo, y.hi = widened(y.lo-(y.hi-y.lo)/20, y.hi+(y.hi-y.lo)/20, 6)
	chart := &plot{Label: "frames saved against added latency", XName: "added latency p50, ms", YName: "frames saved",
		XTicks: x.ticks(6), YTicks: y.ticks(6), Zero: &point{x.at(0), y.at(0)}}
	for _, t := range trades {
		beaten := slices.ContainsFunc(trades, func(o trade) bool {
			return o.saved.Median >= t.saved.Median && o.added.Median <= t.added.Median &&
				(o.saved.Median > t.saved.Median || o.added.Median < t.added.Median)
		})
		m := mark{Class: "best", Name: t.name, At: point{x.at(1e3 * float64(t.added.Median)), y.at(float64(t.saved.Median))},
			X1: x.at(1e3 * float64(t.added.Min)), X2: x.at(1e3 * float64(t.added.Max)), Y1: y.at(float64(t.saved.Min)), Y2: y.at(float64(t.saved.Max))}
		if beaten {
			m.Class = "beaten"
		}
		chart.Marks = append(chart.Marks, m)
	}
	placeNames(chart.Marks)
	p.Plots = []*plot{chart}
	return p
}

// placeNames puts names beside their marks, to the left in the right half, and moves down what would overlap.
func placeNames(marks []mark) {
	const lineHeight = 12
	order := make([]*mark, len(marks))
	for i := range marks {
		order[i] = &marks[i]
	}
	slices.SortStableFunc(order, func(a, b *mark) int { return cmp.Compare(a.At.Y, b.At.Y) })
	var placed []*mark
	for _, m := range order {
		m.Anchor, m.Text = "start", point{tenth(m.At.X + 7), tenth(m.At.Y - 5)}
		if m.At.X > plotWidth/2 {
			m.Anchor, m.Text.X = "end", tenth(m.At.X-7)
		}
		m.Text.Y = max(m.Text.Y, plotTop+8)
		for _, o := range placed {
			if overlap(m, o) && m.Text.Y-o.Text.Y < lineHeight {
				m.Text.Y = tenth(o.Text.Y + lineHeight)
			}
		}
		placed = append(placed, m)
	}
}

// overlap reports whether two names share some width: about 6 units a letter.
func overlap(a, b *mark) bool {
	ends := func(m *mark) (float64, float64) {
		width := float64(6 * len(m.Name))
		if m.Anchor == "end" {
			return m.Text.X - width, m.Text.X
		}
		return m.Text.X, m.Text.X + width
	}
	a1, a2 := ends(a)
	b1, b2 := ends(b)
	return a1 < b2 && b1 < a2
}

// dimension is something that the workloads of a matrix differ in.
type dimension struct {
	name  string
	value func(*analyze.Workload) float64
	write func(float64) string
}

var dimensions = [...]dimension{
	{"size of a message, B", func(w *analyze.Workload) float64 { return float64(w.Size) }, func(v float64) string { return round(v) + glue + "B" }},
	{"interval, ms", func(w *analyze.Workload) float64 { return 1e3 * w.IntervalSeconds }, writeInterval},
	{"messages", func(w *analyze.Workload) float64 { return float64(w.Messages) }, func(v float64) string { return plural(v, "message") }},
}

func writeInterval(ms float64) string {
	if ms == 0 {
		return "back to back"
	}
	return "every " + round(ms) + glue + "ms"
}

// curveFigures are drawn over a dimension.
var curveFigures = [...]struct {
	key, name string
	factor    float64
}{
	{"frames_saved", "frames saved", 1}, {"wire_overhead_per_payload_byte", "wire overhead per payload byte", 1}, {"latency_p50", "latency p50, ms", 1e3},
}

// maxCurvePlots bounds the plots: beyond it, the tables of the workloads say more.
const maxCurvePlots = 24

// curvesSection draws the figures of a matrix over each dimension, one plot for each value of the other dimensions.
func curvesSection(r *analyze.Run) pageSection {
	s := pageSection{ID: "curves", Title: "Over the matrix"}
	names := transportNames(r)
	var legend []swatch
	for i, name := range names {
		legend = append(legend, swatch{fmt.Sprintf("c%d", i%numCurveClasses), name})
	}
	for d, dim := range dimensions {
		p := picture{ID: fmt.Sprintf("curve%d", d), Title: "Over " + dim.name, Legend: legend, Data: curveTable(r)}
		for _, group := range along(r, d) {
			for _, f := range curveFigures {
				if len(p.Plots) < maxCurvePlots {
					p.Plots = append(p.Plots, curvePlot(group, dim, f.key, f.name, f.factor, names, restOf(group[0], d)))
				}
			}
		}
		if len(p.Plots) > 0 {
			p.Note = "Medians of each workload."
			if len(p.Plots) == maxCurvePlots {
				p.Note += " More combinations are in the tables below."
			}
			s.Pictures = append(s.Pictures, p)
		}
	}
	return s
}

// numCurveClasses is how many curves the style tells apart by colour and dashes.
const numCurveClasses = 8

// transportNames lists the transports of all workloads in order of appearance.
func transportNames(r *analyze.Run) []string {
	var names []string
	for i := range r.Workloads {
		for _, t := range referenceFirst(&r.Workloads[i]).Transports {
			if name := t.Name; !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// restOf says what the workload has in the other dimensions.
func restOf(w *analyze.Workload, d int) string {
	text := ""
	for i := len(dimensions) - 1; i >= 0; i-- {
		if i != d {
			text += ", " + dimensions[i].write(dimensions[i].value(w))
		}
	}
	return text[2:]
}

// along groups the workloads that differ in dimension d only, two at least, in its order.
func along(r *analyze.Run, d int) [][]*analyze.Workload {
	var keys []string
	groups := make(map[string][]*analyze.Workload)
	for i := range r.Workloads {
		w := referenceFirst(&r.Workloads[i])
		key := restOf(w, d)
		if groups[key] == nil {
			keys = append(keys, key)
		}
		groups[key] = append(groups[key], w)
	}
	var list [][]*analyze.Workload
	for _, key := range keys {
		g := groups[key]
		slices.SortStableFunc(g, func(a, b *analyze.Workload) int {
			return cmp.Compare(dimensions[d].value(a), dimensions[d].value(b))
		})
		if dimensions[d].value(g[0]) != dimensions[d].value(g[len(g)-1]) {
			list = append(list, g)
		}
	}
	return list
}

func curvePlot(group []*analyze.Workload, dim dimension, key, name string, factor float64, transports []string, rest string) *plot {
	first, last := dim.value(group[0]), dim.value(group[len(group)-1])
	x := horizontal(first, last)
	x.log = first > 0 && last/first > 8
	y := vertical(math.Inf(1), math.Inf(-1))
	type series struct{ xs, ys []float64 }
	lines := make([]series, len(transports))
	for _, w := range group {
		for _, t := range w.Transports {
			v := float64(t.Summary[key].Median) * factor
			if len(t.Summary) == 0 || math.IsNaN(v) {
				continue
			}
			line := &lines[slices.Index(transports, t.Name)]
			line.xs, line.ys = append(line.xs, dim.value(w)), append(line.ys, v)
			y.lo, y.hi = min(y.lo, v), max(y.hi, v)
		}
	}
	if y.lo > y.hi {
		y.lo, y.hi = 0, 1
	}
	if y.log = y.lo > 0 && y.hi/y.lo > 50; y.log {
		y.lo, y.hi = math.Pow(10, math.Floor(math.Log10(y.lo))), math.Pow(10, math.Ceil(math.Log10(y.hi)))
	} else {
		y.lo, y.hi = widened(min(y.lo, 0), y.hi, 5)
	}
	p := &plot{Title: rest, Label: name + " over " + dim.name + ", " + rest, XName: dim.name, YName: name, YTicks: y.ticks(5)}
	for _, w := range group {
		p.XTicks = append(p.XTicks, tick{x.at(dim.value(w)), round(dim.value(w))})
	}
	p.XTicks = spaced(p.XTicks)
	for i, line := range lines {
		c := curve{Class: fmt.Sprintf("c%d", i%numCurveClasses), Name: transports[i]}
		for j := range line.xs {
			c.Points = append(c.Points, point{x.at(line.xs[j]), y.at(line.ys[j])})
		}
		c.Path = path(c.Points)
		p.Curves = append(p.Curves, c)
	}
	return p
}

// spaced drops ticks whose labels would touch.
func spaced(ticks []tick) []tick {
	var kept []tick
	for _, t := range ticks {
		if len(kept) == 0 || t.At-kept[len(kept)-1].At >= 26 {
			kept = append(kept, t)
		}
	}
	return kept
}

// curveTable is the data of all curves.
func curveTable(r *analyze.Run) *table {
	t := &table{columns: []column{{name: "messages"}, {name: "size", unit: "B"}, {name: "interval", unit: "ms"}, {name: "transport", left: true}}}
	for _, f := range curveFigures {
		t.columns = append(t.columns, column{name: f.name})
	}
	for i := range r.Workloads {
		w := referenceFirst(&r.Workloads[i])
		for _, tr := range w.Transports {
			row := []string{round(float64(w.Messages)), round(float64(w.Size)), round(1e3 * w.IntervalSeconds), tr.Name}
			for _, f := range curveFigures {
				text := nothing
				if v := float64(tr.Summary[f.key].Median) * f.factor; len(tr.Summary) > 0 && !math.IsNaN(v) {
					text = ratio(v)
				}
				row = append(row, text)
			}
			t.rows = append(t.rows, row)
		}
	}
	return t
}
