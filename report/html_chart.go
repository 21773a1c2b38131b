package report

import (
	"fmt"
	"math"
	"strings"

	"wiretax/analyze"
)

// bars is a chart of one stacked bar a row. Lengths are percent of the chart's width.
type bars struct {
	Long bool // names stand above their bars
	Rows []bar
}

type bar struct {
	Name     string
	Segments []segment
	Range    *extent // over the trials, where they differ
	Figure   string
}

type segment struct {
	Class, Title string
	Width        float64
	Text         string // empty where there is no room
}

type extent struct{ From, Width float64 }

// part is what a segment is made of.
type part struct {
	class, name string
	n           float64
}

// roomy is the percent of the width from which a segment has room for its number.
const roomy = 7

// add appends a row; scale gives all its lengths the meaning 100 % = whole.
func (b *bars) add(name, figure string, whole float64, parts []part) *bar {
	row := bar{Name: name, Figure: figure}
	for _, p := range parts {
		if p.n <= 0 || whole <= 0 || math.IsNaN(p.n) {
			continue
		}
		s := segment{Class: p.class, Title: p.name + " " + count(p.n), Width: 100 * p.n / whole}
		if s.Width >= roomy {
			s.Text = count(p.n)
		}
		row.Segments = append(row.Segments, s)
	}
	b.Rows = append(b.Rows, row)
	return &b.Rows[len(b.Rows)-1]
}

// spread marks from where to where the bar's end went over the trials.
func (r *bar) spread(s analyze.Summary, whole float64) {
	if whole > 0 && s.Min.Valid() && s.Max.Valid() && s.Min < s.Max {
		r.Range = &extent{100 * float64(s.Min) / whole, 100 * float64(s.Max-s.Min) / whole}
	}
}

// The size of a plot in its own units, and the margins of its frame. They are those of a phone, so that the text stays
// readable there.
const (
	plotWidth, plotHeight                    = 360, 250
	plotLeft, plotRight, plotTop, plotBottom = 46, 20, 12, 40
)

// plot is a chart with two axes.
type plot struct {
	Title, Label   string // Label says in words what is drawn
	XName, YName   string
	XTicks, YTicks []tick
	Zero           *point // where both axes are 0, if it is worth a cross
	Curves         []curve
	Columns        []upright
	Marks          []mark
}

type tick struct {
	At    float64
	Label string
}

type point struct{ X, Y float64 }

// curve is a line through points.
type curve struct {
	Class, Name string
	Path        string
	Points      []point
}

// upright is an upright bar.
type upright struct {
	Class, Title        string
	X, Y, Width, Height float64
}

// mark is a named point with its ranges.
type mark struct {
	Class, Name  string
	At           point
	X1, X2       float64
	Y1, Y2       float64
	Ranged       bool
	Text         point // where the name stands
	Anchor, Note string
}

// axis maps figures to places.
type axis struct {
	lo, hi   float64
	from, to float64
	log      bool
}

func (a axis) at(v float64) float64 {
	lo, hi := a.lo, a.hi
	if a.log {
		v, lo, hi = math.Log(v), math.Log(lo), math.Log(hi)
	}
	if hi == lo {
		return (a.from + a.to) / 2
	}
	return tenth(a.from + (a.to-a.from)*(v-lo)/(hi-lo))
}

// named is the name of an axis; a logarithmic one says so.
func (a axis) named(name string) string {
	if a.log {
		return name + " (log scale)"
	}
	return name
}

func tenth(v float64) float64 { return math.Round(10*v) / 10 }

func horizontal(lo, hi float64) axis {
	return axis{lo: lo, hi: hi, from: plotLeft, to: plotWidth - plotRight}
}

func vertical(lo, hi float64) axis {
	return axis{lo: lo, hi: hi, from: plotHeight - plotBottom, to: plotTop}
}

// step is the smallest of 1, 2 and 5 times a power of ten that divides the span into at most so many parts.
func step(span float64, most int) float64 {
	if !(span > 0) || math.IsInf(span, 0) {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(span/float64(most))))
	for _, m := range []float64{1, 2, 5} {
		if span/(m*power) <= float64(most) {
			return m * power
		}
	}
	return 10 * power
}

// ticks are round figures on the axis: powers of ten on a logarithmic one.
func (a axis) ticks(most int) []tick {
	if a.log {
		var list []tick
		for v := a.lo; v <= a.hi*(1+1e-9) && len(list) <= most+1; v *= 10 {
			list = append(list, tick{a.at(v), round(v)})
		}
		return list
	}
	by := step(a.hi-a.lo, most)
	var list []tick
	for i := math.Ceil(a.lo/by - 1e-9); i*by <= a.hi+by*1e-9 && len(list) <= most+1; i++ {
		list = append(list, tick{a.at(i * by), round(i * by)})
	}
	return list
}

// round writes a round figure without what binary fractions add.
func round(v float64) string {
	text := decimal(sixDigits(v))
	if text == "-0" {
		return "0"
	}
	return separated(text)
}

// widened is the axis a little longer than its figures, from round to round.
func widened(lo, hi float64, most int) (float64, float64) {
	if lo == hi {
		lo, hi = lo-math.Abs(lo)/2, hi+math.Abs(hi)/2
	}
	if lo == hi {
		lo, hi = 0, 1
	}
	by := step(hi-lo, most)
	return math.Floor(lo/by+1e-9) * by, math.Ceil(hi/by-1e-9) * by
}

// path connects points; it is empty without at least two.
func path(points []point) string {
	if len(points) < 2 {
		return ""
	}
	var b strings.Builder
	for i, p := range points {
		letter := "L"
		if i == 0 {
			letter = "M"
		}
		fmt.Fprintf(&b, "%s%s %s", letter, decimal(p.X), decimal(p.Y))
	}
	return b.String()
}
