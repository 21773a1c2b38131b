package report

import (
	"io"

	"wiretax/analyze"
)

// maxPage is how large the report of a run may become, in octets. What does not fit is left out, and the page says so.
const maxPage = 1_000_000

// room is how much of a matrix a page shows.
type room struct {
	workloads int // in full
	plots     int // over the dimensions, in all
	rows      int // of each table of several workloads
}

// wholeRoom is what fits in most cases.
func wholeRoom(r *analyze.Run) room { return room{min(len(r.Workloads), 100), 48, maxTableRows} }

// less halves what takes most; false where nothing can be spared.
func (m *room) less() bool {
	switch {
	case m.workloads > 1:
		m.workloads /= 2
	case m.plots > 3 || m.rows > 20:
		m.plots, m.rows = max(m.plots/2, 3), max(m.rows/2, 20)
	default:
		return false
	}
	return true
}

// cut shortens a table to the rows that there is room for.
func (m room) cut(t *table) {
	if more := len(t.rows) - m.rows; more > 0 {
		t.rows = t.rows[:m.rows]
		t.notes = append(t.notes, plural(float64(more), "more row")+" (--format csv has all)")
	}
}

// writeRunHTML writes the page of a run with as many of its workloads as there is room for.
func writeRunHTML(w io.Writer, r *analyze.Run) error {
	limit := wholeRoom(r)
	for {
		page, err := renderHTML(runPage(r, limit))
		if err != nil {
			return err
		}
		if len(page) <= maxPage || !limit.less() {
			return sendHTML(w, page)
		}
	}
}
