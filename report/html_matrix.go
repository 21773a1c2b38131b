package report

import (
	"cmp"
	"slices"

	"wiretax/analyze"
)

// paretoPicture sets frames saved against added latency: up and to the left is better.
func paretoPicture(w *analyze.Workload, id string) picture {
	p := picture{ID: id, Title: "What the saving costs", Note: "Frames saved against added one-way latency, both compared with " + w.Transports[0].Name +
		". Up and to the left is better; a filled mark has the star of the tables: no other saves more frames at less latency. Lines are, of latency, the 95 % bootstrap interval of the difference; of frames the range over the trials.",
		Data: &table{columns: []column{{name: "transport", left: true}, {name: "frames saved"}, {name: "min"}, {name: "max"},
			{name: "added latency p50", unit: "ms"}, {name: "95 % from", unit: "ms"}, {name: "to", unit: "ms"}}}}
	type trade struct {
		name         string
		saved, added analyze.Summary
		best         bool // of the Pareto set, as the star in the tables says
	}
	var trades []trade
	ref, figure := w.Transports[0], w.LatencyFigure("p50")
	for i, t := range w.Transports {
		saved, added := t.Summary["frames_saved"], addedLatency(ref.Summary[figure], t.Summary[figure])
		if i == 0 {
			added = analyze.Summary{Exact: true}
		}
		if len(t.Summary) == 0 || !saved.Median.Valid() || !added.Median.Valid() {
			continue
		}
		trades = append(trades, trade{t.Name, saved, added, t.Cost != nil && t.Cost.Pareto})
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
		m := mark{Class: "best", Name: t.name, At: point{x.at(1e3 * float64(t.added.Median)), y.at(float64(t.saved.Median))},
			X1: x.at(1e3 * float64(t.added.Min)), X2: x.at(1e3 * float64(t.added.Max)), Y1: y.at(float64(t.saved.Min)), Y2: y.at(float64(t.saved.Max))}
		if !t.best {
			m.Class = "beaten"
		}
		chart.Marks = append(chart.Marks, m)
	}
	placeNames(chart.Marks)
	p.Plots = []*plot{chart}
	return p
}

// addedLatency is the difference of the medians, with the interval of the differences trial by trial in the place of a range: one slow
// trial of the base is no doubt about every other transport. Without an interval there is no line.
func addedLatency(base, of analyze.Summary) analyze.Summary {
	added := analyze.Summary{Median: of.Median - base.Median}
	added.Min, added.Max = added.Median, added.Median
	if d := of.Difference; d != nil && d.CI95 != nil {
		added.Min, added.Max = min(d.CI95[0], added.Median), max(d.CI95[1], added.Median)
	}
	return added
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
