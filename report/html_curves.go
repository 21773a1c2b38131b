package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"wiretax/analyze"
)

// combination is a workload of a matrix on its link.
type combination struct {
	*analyze.Workload
	link *analyze.Link
}

func cellsOf(r *analyze.Run) []combination {
	cells := make([]combination, len(r.Workloads))
	for i := range r.Workloads {
		w := &r.Workloads[i]
		cells[i] = combination{referenceFirst(w), r.LinkOf(w)}
	}
	return cells
}

// dimension is a number that the cells of a matrix differ in; NaN where a cell has no place on its axis.
type dimension struct {
	name, unit string
	value      func(combination) float64
	write      func(float64) string
}

var dimensions = [...]dimension{
	{"size of a message", "B", func(c combination) float64 { return float64(c.Size) }, func(v float64) string { return round(v) + glue + "B" }},
	{"interval", "ms", func(c combination) float64 { return 1e3 * c.IntervalSeconds }, writeInterval},
	{"messages", "", func(c combination) float64 { return float64(c.Messages) }, func(v float64) string { return plural(v, "message") }},
	{"RTT", "ms", func(c combination) float64 { return 1e3 * c.link.RTTSeconds }, func(v float64) string { return "RTT" + glue + round(v) + glue + "ms" }},
	{"rate", "Mb/s", rateOf, writeRate},
	{"loss", "%", func(c combination) float64 { return 100 * c.link.Loss }, func(v float64) string { return "loss" + glue + round(v) + glue + "%" }},
	{"MTU", "B", func(c combination) float64 { return float64(c.link.MTU) }, func(v float64) string { return "MTU" + glue + round(v) }},
}

// kinds are what cells differ in that is no number of an axis.
var kinds = [...]func(combination) string{
	func(c combination) string { return c.Sizes },
	func(c combination) string { return c.Arrivals },
	func(c combination) string { return c.Pattern },
	func(c combination) string { return fmt.Sprintf("depth %d", c.Depth) },
	func(c combination) string { return plural(float64(c.Connections), "connection") },
	func(c combination) string { return fmt.Sprintf("IPv%d", c.link.IP) },
	func(c combination) string { return c.link.CongestionControl },
}

func writeInterval(ms float64) string {
	if ms == 0 {
		return "back to back"
	}
	return "every " + round(ms) + glue + "ms"
}

func rateOf(c combination) float64 {
	if c.link.RateBitsPerSecond <= 0 {
		return math.NaN()
	}
	return float64(c.link.RateBitsPerSecond) / 1e6
}

func writeRate(mbps float64) string {
	if math.IsNaN(mbps) {
		return "no rate limit"
	}
	return bitRate(int64(math.Round(mbps * 1e6)))
}

func (d dimension) title() string { return strings.TrimSuffix(d.name+", "+d.unit, ", ") }

// matrix is the cells of a run and what they differ in.
type matrix struct {
	cells      []combination
	transports []string
	varied     []int  // indexes of dimensions
	kinds      []bool // which of kinds vary
}

func newMatrix(r *analyze.Run) *matrix {
	m := &matrix{cells: cellsOf(r), kinds: make([]bool, len(kinds))}
	for _, c := range m.cells {
		for _, t := range c.Transports {
			if !slices.Contains(m.transports, t.Name) {
				m.transports = append(m.transports, t.Name)
			}
		}
	}
	differ := func(text func(combination) string) bool {
		return slices.ContainsFunc(m.cells, func(c combination) bool { return text(c) != text(m.cells[0]) })
	}
	for i, d := range dimensions {
		if differ(func(c combination) string { return d.write(d.value(c)) }) {
			m.varied = append(m.varied, i)
		}
	}
	for i, kind := range kinds {
		m.kinds[i] = differ(kind)
	}
	return m
}

// restOf says what the cell has where cells differ, but for dimension d.
func (m *matrix) restOf(c combination, d int) string {
	var parts []string
	for _, i := range slices.Backward(m.varied) {
		if i != d {
			parts = append(parts, dimensions[i].write(dimensions[i].value(c)))
		}
	}
	if text := m.kindOf(c); text != "" {
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}

func (m *matrix) kindOf(c combination) string {
	var parts []string
	for i, kind := range kinds {
		if text := clean(kind(c)); m.kinds[i] && text != "" {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, ", ")
}

// along groups the cells that differ in dimension d only, two at least, in its order.
func (m *matrix) along(d int) [][]combination {
	var keys []string
	groups := make(map[string][]combination)
	for _, c := range m.cells {
		if math.IsNaN(dimensions[d].value(c)) {
			continue
		}
		key := m.restOf(c, d)
		if groups[key] == nil {
			keys = append(keys, key)
		}
		groups[key] = append(groups[key], c)
	}
	var list [][]combination
	for _, key := range keys {
		g := groups[key]
		slices.SortStableFunc(g, func(a, b combination) int { return cmp.Compare(dimensions[d].value(a), dimensions[d].value(b)) })
		if dimensions[d].value(g[0]) != dimensions[d].value(g[len(g)-1]) {
			list = append(list, g)
		}
	}
	return list
}

// curveFigures are drawn over a dimension.
var curveFigures = [...]struct {
	key, name string
	factor    float64
}{
	{"frames_saved", "frames saved", 1}, {"wire_overhead_per_payload_byte", "wire overhead, B/B payload", 1}, {"latency_p50", "latency p50, ms", 1e3},
}

// curvesSection draws the figures of a matrix over each dimension, one plot for each value of the others.
func curvesSection(r *analyze.Run, limit room) pageSection {
	s := pageSection{ID: "curves", Title: "Over the matrix"}
	m := newMatrix(r)
	var legend []swatch
	for i, name := range m.transports {
		legend = append(legend, swatch{fmt.Sprintf("c%d", i%numCurveClasses), name})
	}
	for _, d := range m.varied {
		dim, groups := dimensions[d], m.along(d)
		if len(groups) == 0 {
			continue
		}
		p := picture{ID: fmt.Sprintf("curve%d", d), Title: "Over " + dim.title(), Legend: legend, Note: "Medians of each workload."}
		if most := max(limit.plots/len(m.varied)/len(curveFigures), 1); len(groups) > most {
			p.Note += fmt.Sprintf(" Sampled: the first %d of %d combinations are drawn (--format csv has all).", most, len(groups))
			groups = groups[:most]
		}
		for _, group := range groups {
			for _, f := range curveFigures {
				p.Plots = append(p.Plots, curvePlot(group, dim, f.key, f.name, f.factor, m.transports, m.restOf(group[0], d)))
			}
		}
		p.Data = m.table(slices.Concat(groups...))
		limit.cut(p.Data)
		s.Pictures = append(s.Pictures, p)
	}
	return s
}

// numCurveClasses is how many curves the style tells apart by colour and dashes.
const numCurveClasses = 8

func curvePlot(group []combination, dim dimension, key, name string, factor float64, transports []string, rest string) *plot {
	first, last := dim.value(group[0]), dim.value(group[len(group)-1])
	x := horizontal(first, last)
	x.log = first > 0 && last/first > 8
	y := vertical(math.Inf(1), math.Inf(-1))
	type series struct{ xs, ys []float64 }
	lines := make([]series, len(transports))
	for _, c := range group {
		for _, t := range c.Transports {
			v := float64(t.Summary[key].Median) * factor
			if len(t.Summary) == 0 || math.IsNaN(v) {
				continue
			}
			line := &lines[slices.Index(transports, t.Name)]
			line.xs, line.ys = append(line.xs, dim.value(c)), append(line.ys, v)
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
	p := &plot{Title: rest, Label: strings.TrimSuffix(name+" over "+dim.title()+", "+rest, ", "), XName: x.named(dim.title()), YName: y.named(name), YTicks: y.ticks(5)}
	for _, c := range group {
		p.XTicks = append(p.XTicks, tick{x.at(dim.value(c)), round(dim.value(c))})
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

// table is the data of the curves through the cells.
func (m *matrix) table(cells []combination) *table {
	t := &table{}
	for _, d := range m.varied {
		t.columns = append(t.columns, column{name: dimensions[d].name, unit: dimensions[d].unit})
	}
	t.columns = append(t.columns, column{name: "conditions", left: true}, column{name: "transport", left: true})
	for _, f := range curveFigures {
		name, unit, _ := strings.Cut(f.name, ", ")
		t.columns = append(t.columns, column{name: name, unit: unit})
	}
	for _, c := range cells {
		for _, tr := range c.Transports {
			var row []string
			for _, d := range m.varied {
				text := nothing
				if v := dimensions[d].value(c); !math.IsNaN(v) {
					text = round(v)
				}
				row = append(row, text)
			}
			row = append(row, m.kindOf(c), tr.Name)
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
	*t = t.withoutBlank()
	return t
}
