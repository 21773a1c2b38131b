package report

import (
	"math"
	"strings"
)

// sketch is a bar beside each row of a table: it shows the figures of the row to scale. A terminal draws it where there is
// room; the other formats have the figures.
type sketch struct {
	rows   [][]part // of each row, from left to right
	legend []swatch
	unit   string // of the parts
	over   int    // columns with at least this priority leave to make room for the bars; 0: none does

	longest float64 // see whole
}

// How wide the bars of a sketch are.
const (
	leastSketch = 10
	mostSketch  = 40
)

// skipped is the class of a part that is not drawn: it moves what follows to its place.
const skipped = "rest"

// brush is how a part looks in a terminal. Each one has a character of its own: colour only helps.
type brush struct {
	block, ascii string
	color        string
}

var brushes = map[string]brush{
	skipped:      {" ", " ", ""},
	classPayload: {"█", "#", blue},
	"retransmit": {"▚", "r", red},
	classHeader:  {"▒", "=", yellow},
	classPadding: {"░", "-", magenta},
	classFraming: {"·", ".", dim},
}

func (b brush) glyph(s Style) string {
	if s.ASCII {
		return b.ascii
	}
	return b.block
}

func (s Style) brush(class string, length int) string {
	return s.paint(brushes[class].color, strings.Repeat(brushes[class].glyph(s), length))
}

// whole is what the longest bar stands for. It is computed once, not for each row.
func (k *sketch) whole() float64 {
	if k.longest == 0 {
		for _, parts := range k.rows {
			k.longest = max(k.longest, sum(parts))
		}
	}
	return k.longest
}

func sum(parts []part) float64 {
	total := 0.0
	for _, p := range parts {
		if p.n > 0 {
			total += p.n
		}
	}
	return total
}

// line draws the bar of a row. The end of each part is rounded to a character, so that equal sums have equal lengths; a bar
// of a single character, or of less, shows its largest part.
func (k *sketch) line(row, width int, s Style) string {
	whole := k.whole()
	if whole == 0 || math.IsInf(whole, 0) {
		return ""
	}
	var b strings.Builder
	at := func(v float64) int { return int(math.Round(float64(width) * v / whole)) }
	parts, upTo := k.rows[row], 0.0
	if len(parts) > 0 && parts[0].class == skipped {
		upTo = parts[0].n
		b.WriteString(s.brush(skipped, min(at(upTo), width-1)))
		parts = parts[1:]
	}
	if largest := largestOf(parts); largest.n > 0 && at(upTo+sum(parts))-at(upTo) <= 1 {
		return b.String() + s.brush(largest.class, 1)
	}
	for _, p := range parts {
		if p.n > 0 {
			b.WriteString(s.brush(p.class, at(upTo+p.n)-at(upTo)))
			upTo += p.n
		}
	}
	return b.String()
}

func largestOf(parts []part) part {
	largest := part{}
	for _, p := range parts {
		if p.n > largest.n {
			largest = p
		}
	}
	return largest
}

// note says what the parts of the bars are and what their length is. Parts that no row has are not mentioned.
func (k *sketch) note(s Style) string {
	used := make(map[string]bool)
	for _, parts := range k.rows {
		for _, p := range parts {
			used[p.class] = used[p.class] || p.n > 0
		}
	}
	text := "bars:"
	for _, l := range k.legend {
		if used[l.Class] {
			text += " " + brushes[l.Class].glyph(s) + glue + strings.ReplaceAll(l.Name, " ", glue) + ";"
		}
	}
	return text + " full length " + count(k.whole()) + glue + strings.ReplaceAll(k.unit, " ", glue)
}

// layout fits the table to the terminal, and the bars into what it leaves. Columns leave for the bars only where the
// bars say the same.
func layout(t table, s Style) (fitted table, gap, bars int) {
	if s.Wide {
		if t.sketch != nil {
			bars = mostSketch
		}
		return t, 2, bars
	}
	fitted, gap = fit(t.clone(), s.width(), s.width())
	if t.sketch == nil {
		return fitted, gap, 0
	}
	bars = s.width() - total(naturalWidths(fitted), gap) - gap
	if bars >= leastSketch {
		return fitted, gap, min(bars, mostSketch)
	}
	if t.sketch.over > 0 {
		narrow, narrowGap := fit(t.clone(), s.width()-leastSketch-1, s.width())
		if keptBelow(t.columns, narrow.columns, t.sketch.over) {
			bars = s.width() - total(naturalWidths(narrow), narrowGap) - narrowGap
			return narrow, narrowGap, min(bars, mostSketch)
		}
	}
	return fitted, gap, 0
}

// keptBelow reports whether no column with a priority below the given one left.
func keptBelow(all, kept []column, priority int) bool {
	n := 0
	for _, c := range all {
		if c.priority < priority {
			n++
		}
	}
	for _, c := range kept {
		if c.priority < priority {
			n--
		}
	}
	return n == 0
}
