package report

import (
	"slices"
	"strings"
	"unicode"
)

// document is what a report says, in reading order. Every renderer for people shows the same one.
type document []section

// section is a heading with what stands below it, each part optional.
type section struct {
	title string
	lines []line
	table *table
}

// line is one paragraph, indented behind its label.
type line struct {
	label string // bullet for an item of a list
	text  string
	tone  tone
}

// bullet is the label of an item that has no name.
const bullet = "-"

// tone is how a line is meant; the words say it too.
type tone uint8

const (
	plain tone = iota
	good
	bad
	faint
)

// table is rows of finished cells.
type table struct {
	columns []column
	rows    [][]string
	notes   []string
	sketch  *sketch
	derived bool // says more about a table that came before: nobody needs to know what does not fit
}

// column describes the cells below it.
type column struct {
	name     string // one or two lines
	unit     string // of all its numbers; in the head of the column
	left     bool   // words and names; numbers stand to the right
	priority int    // of all columns, those with the highest number leave first where the width does not suffice; 0 never leaves
	least    int    // a cell may be shortened to this many columns of the terminal; 0: never
}

// keep returns the table with the columns for which keep is true.
func (t table) keep(keep func(i int) bool) table {
	out := table{notes: t.notes, sketch: t.sketch, derived: t.derived, rows: make([][]string, len(t.rows))}
	for i, c := range t.columns {
		if !keep(i) {
			continue
		}
		out.columns = append(out.columns, c)
		for r, row := range t.rows {
			out.rows[r] = append(out.rows[r], row[i])
		}
	}
	return out
}

// shows reports whether a cell has the mark.
func (t table) shows(mark string) bool {
	return slices.ContainsFunc(t.rows, func(row []string) bool {
		return slices.ContainsFunc(row, func(cell string) bool { return strings.Contains(cell, mark) })
	})
}

// leading returns the table with the named columns first.
func (t table) leading(names []string) table {
	rank := func(i int) int {
		if at := slices.Index(names, t.columns[i].name); at >= 0 {
			return at
		}
		return len(names)
	}
	order := make([]int, len(t.columns))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return rank(a) - rank(b) })
	out := table{notes: t.notes, rows: make([][]string, len(t.rows))}
	for _, i := range order {
		out.columns = append(out.columns, t.columns[i])
		for r, row := range t.rows {
			out.rows[r] = append(out.rows[r], row[i])
		}
	}
	return out
}

// clone returns a table whose cells can be shortened without changing t's.
func (t table) clone() table { return t.keep(func(int) bool { return true }) }

// withoutBlank returns the table without the columns that say nothing in any row.
func (t table) withoutBlank() table {
	return t.keep(func(i int) bool {
		return slices.ContainsFunc(t.rows, func(row []string) bool { return row[i] != "" })
	})
}

// heading is the name of a column in one line.
func (c column) heading() string {
	return strings.NewReplacer("-\n", "", "+\n", "+", "/\n", "/", "\n", " ").Replace(c.name)
}

// lineBreak ends a line within a text where the format has lines.
const lineBreak = "\n"

// glue is a no-break space: it keeps a number and its range or unit on one line. Renderers write it as a space.
const glue = "\u00a0"

func unglued(s string) string { return strings.ReplaceAll(s, glue, " ") }

// clean makes text from outside (file names, messages) safe to print: control characters could steer a terminal, format
// characters (Unicode category Cf) turn the direction of what follows or hide.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}
