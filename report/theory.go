package report

import (
	"slices"

	"wiretax/analyze"
)

// theorySections are what the standards determine beside what was measured; none where they determine nothing.
func theorySections(w *analyze.Workload) document {
	t := theoryTable(w)
	if t == nil {
		return nil
	}
	return document{{title: "what the standards determine (>=: at least), beside the medians of the trials", table: t}}
}

// theoryTable has a row for each transport of which something is determined.
func theoryTable(w *analyze.Workload) *table {
	t := &table{columns: []column{
		{name: "transport", left: true}, {name: "data"}, {name: "by\ntheory"}, {name: "frames"}, {name: "by\ntheory"},
		{name: "wire\nbytes"}, {name: "by\ntheory"}, {name: "ahead from\nmessages"}, {name: "by\ntheory"}, {name: "rests on", left: true},
	}}
	for i := range w.Transports {
		tr := &w.Transports[i]
		e := tr.Theory
		if e == nil || len(tr.Summary) == 0 {
			continue
		}
		least := ""
		if e.Minimum {
			least = ">=" + glue
		}
		measured := func(figure string) string { return ranged(tr.Summary[figure], count) }
		t.rows = append(t.rows, []string{
			clean(tr.Name), measured("data_frames"), integer(e.DataFrames), measured("frames"), least + integer(e.Frames),
			measured("wire_bytes"), least + integer(e.WireBytes), ahead(tr.BreakEven), ahead(e.BreakEven), clean(e.RestsOn),
		})
	}
	if len(t.rows) == 0 {
		return nil
	}
	if slices.ContainsFunc(t.rows, func(row []string) bool { return row[7] != "" || row[8] != "" }) {
		t.notes = append(t.notes, "ahead from: messages from which on fewer frames / wire bytes than udp are needed")
	}
	kept := t.withoutBlank()
	return &kept
}

// ahead is a break-even of frames and wire bytes.
func ahead(b *analyze.BreakEven) string {
	if b == nil {
		return ""
	}
	each := func(n *int64) string {
		if n == nil {
			return nothing
		}
		return integer(*n)
	}
	return each(b.Frames) + " / " + each(b.WireBytes)
}

// theoryCells are what the standards determine, for programs: empty where they determine nothing.
func theoryCells(t *analyze.Transport) []string {
	if t.Theory == nil {
		return make([]string, len(theoryColumns))
	}
	e := t.Theory
	least := "exact"
	if e.Minimum {
		least = "minimum"
	}
	return append(decimals(e.DataFrames, e.Frames, e.WireBytes), least)
}

var theoryColumns = [...]string{"theory_data_frames", "theory_frames", "theory_wire_bytes", "theory_is"}
