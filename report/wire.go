package report

import (
	"strings"

	"wiretax/analyze"
)

// wireTable goes from the wire bytes of each transport down to its unique payload, by the medians of its trials: the
// reference first, the others relative to it. Ranges stand beside their medians if so wanted. Nil where nothing was counted.
func wireTable(w *analyze.Workload, inline bool) *table {
	ref := w.Transports[0]
	t := &table{sketch: &sketch{legend: directionLegend, unit: "wire bytes"}, columns: []column{
		{name: "transport", left: true}, {name: "wire\nbytes"}, {name: "against\nbase", unit: "%", priority: 2},
		{name: "framing+\npadding", priority: 3}, {name: "header\nbytes", priority: 3}, {name: "repeated\npayload", priority: 3}, {name: "unique\npayload", priority: 1},
	}}
	for i, tr := range w.Transports {
		wire, ok := tr.Summary["wire_bytes"]
		if !ok || !wire.Median.Valid() {
			continue
		}
		parts := medianParts(&tr)
		against := "base"
		if i > 0 {
			against = relative(wire.Median, ref.Summary["wire_bytes"].Median)
		}
		octets := figure{key: "wire_bytes", format: count}.marked(tr)
		if inline {
			octets = strings.ReplaceAll(ranged(wire, count), glue, " ")
		}
		row := []string{clean(tr.Name), octets, against}
		for _, class := range []string{classFraming, classHeader, "retransmit", classPayload} {
			row = append(row, octetsOf(parts, class))
		}
		t.rows = append(t.rows, row)
		t.sketch.rows = append(t.sketch.rows, parts)
	}
	if len(t.rows) == 0 {
		return nil
	}
	*t = t.withoutBlank()
	return t
}

// relative is by how many percent a differs from b.
func relative(a, b analyze.Ratio) string {
	if !a.Valid() || !b.Valid() || b == 0 {
		return nothing
	}
	text := percent(float64(a/b - 1))
	switch {
	case text == "-0.0":
		return "0.0"
	case a > b && text != "0.0":
		return "+" + text
	}
	return text
}

func octetsOf(parts []part, class string) string {
	for _, p := range parts {
		if p.class == class && p.n != 0 {
			return count(p.n)
		}
	}
	if class == "retransmit" { // rare: the column leaves where nobody has any
		return ""
	}
	return "0"
}
