package report

import (
	"regexp"
	"slices"
	"strings"
)

// decimalCell is a figure with at most a sign or the mark of one that varied before it.
var decimalCell = regexp.MustCompile(`^[~+-]?[\d,]+(?:\.(\d+))?$`)

// pointed sets the decimal points of each column below each other, where there is room: of 0.0458 and 0.733, both with three
// significant digits, the longer one looks like the larger otherwise.
func pointed(t table, gap, room int) table {
	for i := range t.columns {
		if cells := alignedPoints(t, i); cells != nil {
			wider := t
			wider.rows = make([][]string, len(t.rows))
			for n, row := range t.rows {
				wider.rows[n] = slices.Clone(row)
				wider.rows[n][i] = cells[n]
			}
			if total(naturalWidths(wider), gap) <= room {
				t = wider
			}
		}
	}
	return t
}

// alignedPoints are the cells of a column of figures, blanks behind the shorter fractions; nil where all are equally long, or
// something else stands in it.
func alignedPoints(t table, column int) []string {
	if t.columns[column].left {
		return nil
	}
	behind, longest, shortest := make([]int, len(t.rows)), 0, -1
	for n, row := range t.rows {
		found := decimalCell.FindStringSubmatch(row[column])
		switch {
		case found != nil && found[1] != "":
			behind[n] = 1 + len(found[1])
		case found == nil && row[column] != "" && row[column] != nothing:
			return nil
		}
		if found != nil {
			longest = max(longest, behind[n])
			if shortest < 0 || behind[n] < shortest {
				shortest = behind[n]
			}
		}
	}
	if longest == max(shortest, 0) {
		return nil
	}
	cells := make([]string, len(t.rows))
	for n, row := range t.rows {
		cells[n] = row[column]
		if row[column] != "" {
			cells[n] += strings.Repeat(" ", longest-behind[n])
		}
	}
	return cells
}
