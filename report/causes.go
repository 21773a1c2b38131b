package report

import (
	"wiretax/analyze"
)

// causeNames are the mechanisms by the words that people have for them.
var causeNames = map[string]string{
	"nagle": "Nagle", "autocorking": "autocorking", "cwnd": "initial cwnd", "delayed_ack": "delayed ACK", "timestamps": "timestamps",
}

// causeSections say what each mechanism contributes; none where no variant was measured.
func causeSections(w *analyze.Workload, intervals bool) document {
	t := causeTable(w, intervals)
	if t == nil {
		return nil
	}
	return document{{title: "what each mechanism contributes: medians with it less medians without", table: t}}
}

// causeTable has a row for each transport and mechanism.
func causeTable(w *analyze.Workload, intervals bool) *table {
	if len(w.Causes) == 0 {
		return nil
	}
	t := &table{columns: []column{
		{name: "transport", left: true}, {name: "mechanism", left: true}, {name: "frames"}, {name: "data"}, {name: "wire\nbytes"},
		{name: "p50", unit: "ms"}, {name: "without it", left: true, priority: 1},
	}}
	for i := range w.Causes {
		c := &w.Causes[i]
		name := causeNames[c.Cause]
		if name == "" {
			name = clean(c.Cause)
		}
		setting := clean(c.Setting)
		if c.With {
			setting = "(with: " + setting + ")"
		}
		t.rows = append(t.rows, []string{clean(c.Transport), name, contribution(c.Frames, count, intervals), contribution(c.DataFrames, count, intervals),
			contribution(c.WireBytes, count, intervals), contribution(c.LatencyP50, millis, intervals), setting})
	}
	t.notes = append(t.notes,
		"in brackets: not larger than the noise (99.5 % bootstrap interval with 0 in it, or fewer than 5 trials)",
		"mechanisms work together: contributions do not add up")
	return t
}

// contribution writes a difference with its sign, in brackets where it may be noise.
func contribution(d analyze.Difference, format func(float64) string, intervals bool) string {
	if !d.Median.Valid() {
		return nothing
	}
	text := withSign(float64(d.Median), format)
	if intervals && d.CI95 != nil && d.CI95[0] != d.CI95[1] {
		text += glue + "[" + withSign(float64(d.CI95[0]), format) + ".." + withSign(float64(d.CI95[1]), format) + "]"
	}
	nothingElse := d.Median == 0 && d.CI95 != nil && d.CI95[0] == d.CI95[1]
	if !d.Clear && !nothingElse {
		return "(" + text + ")"
	}
	return text
}

func withSign(v float64, format func(float64) string) string {
	if v > 0 {
		return "+" + format(v)
	}
	return format(v)
}
