package report

import (
	"slices"
	"strings"

	"wiretax/analyze"
)

// figure is a column of the tables of a run.
type figure struct {
	column
	key    string // JSON name in Transport.Summary
	plus   string // a second figure, shown behind a plus sign
	format func(float64) string
	always bool // varies by nature (times): not marked
	wide   bool // only with --wide
	when   func(*analyze.Workload) bool
}

// runFigures are the columns in reading order. Priorities: what follows from other columns leaves first.
var runFigures = [...]figure{
	{key: "frames", column: column{name: "frames"}, format: count},
	{key: "data_frames", column: column{name: "data"}, format: count},
	{key: "ack_frames", column: column{name: "ACKs", priority: 2}, format: count},
	{key: "setup_frames", plus: "teardown_frames", column: column{name: "setup+\nteardown", priority: 5}, format: count},
	{key: "retransmit_frames", column: column{name: "retrans-\nmitted", priority: 1}, format: count, when: nonZero("retransmit_frames")},
	{key: "probe_frames", column: column{name: "probes", priority: 4}, format: count, when: nonZero("probe_frames")},
	{key: "messages_delivered", column: column{name: "deliv-\nered", priority: 1}, format: count, when: undelivered},
	{key: "wire_bytes", column: column{name: "wire\nbytes"}, format: count, wide: true},
	{key: "header_bytes", column: column{name: "header\nbytes"}, format: count, wide: true},
	{key: "security_bytes", column: column{name: "of them\nsecurity"}, format: count, wide: true, when: nonZero("security_bytes")},
	{key: "header_bytes_per_payload_byte", column: column{name: "header", priority: 7}, format: ratio},
	{key: "wire_overhead_per_payload_byte", column: column{name: "wire\noverhead", priority: 1}, format: ratio},
	{key: "efficiency", column: column{name: "eff.", unit: "%", priority: 6}, format: percent},
	{key: "messages_per_data_frame", column: column{name: "messages/\ndata frame"}, format: ratio, wide: true},
	{key: "send_calls", column: column{name: "send\ncalls"}, format: count, wide: true},
	{key: "recv_calls", column: column{name: "recv\ncalls", priority: 3}, format: count},
	{key: "auto_corked", column: column{name: "auto-\ncorked", priority: 2}, format: count, when: nonZero("auto_corked")},
	{key: "cpu_sender_per_message", column: column{name: "sender\nCPU", unit: "us"}, format: micros, always: true, wide: true, when: known("cpu_sender_per_message")},
	{key: "cpu_receiver_per_message", column: column{name: "receiver\nCPU", unit: "us"}, format: micros, always: true, wide: true, when: known("cpu_receiver_per_message")},
	{key: "sender_residence_p50", column: column{name: "in send\nbuffer", unit: "us"}, format: micros, always: true, wide: true, when: known("sender_residence_p50")},
	{key: "receiver_residence_p50", column: column{name: "in recv\nbuffer", unit: "us"}, format: micros, always: true, wide: true, when: known("receiver_residence_p50")},
	{key: "latency_p50", column: column{name: "p50", unit: "ms", priority: 1}, format: millis, always: true, when: fromCall},
	{key: "latency_p99", column: column{name: "p99", unit: "ms"}, format: millis, always: true, wide: true, when: fromCall},
	{key: "latency_max", column: column{name: "max", unit: "ms"}, format: millis, always: true, wide: true, when: fromCall},
	{key: "latency_from_due_p50", column: column{name: "due\np50", unit: "ms", priority: 1}, format: millis, always: true, when: (*analyze.Workload).FromDue},
	{key: "latency_from_due_p99", column: column{name: "due\np99", unit: "ms"}, format: millis, always: true, wide: true, when: (*analyze.Workload).FromDue},
	{key: "latency_from_due_max", column: column{name: "due\nmax", unit: "ms"}, format: millis, always: true, wide: true, when: (*analyze.Workload).FromDue},
	{key: "duration_seconds", column: column{name: "duration", unit: "ms"}, format: millis, always: true, wide: true},
	{key: "data_frames_saved", column: column{name: "data\nsaved"}, format: count, wide: true},
	{key: "frames_saved", column: column{name: "frames\nsaved"}, format: count},
}

func nonZero(key string) func(*analyze.Workload) bool {
	return func(w *analyze.Workload) bool {
		return slices.ContainsFunc(w.Transports, func(t analyze.Transport) bool { return t.Summary[key].Max > 0 })
	}
}

// known reports whether a trial has the figure.
func known(key string) func(*analyze.Workload) bool {
	return func(w *analyze.Workload) bool {
		return slices.ContainsFunc(w.Transports, func(t analyze.Transport) bool {
			s, ok := t.Summary[key]
			return ok && s.Median.Valid()
		})
	}
}

func fromCall(w *analyze.Workload) bool { return !w.FromDue() }

// undelivered reports whether a message got lost in any trial.
func undelivered(w *analyze.Workload) bool {
	for _, t := range w.Transports {
		for _, trial := range t.Trials {
			if trial.MessagesDelivered != int64(w.Messages) {
				return true
			}
		}
	}
	return false
}

func transportTable(w *analyze.Workload, wide, inline bool) *table {
	t := &table{columns: []column{{name: "transport", left: true}}, rows: make([][]string, len(w.Transports))}
	for i, tr := range w.Transports {
		t.rows[i] = []string{clean(tr.Name)}
	}
	for _, f := range runFigures {
		if f.wide && !wide || f.when != nil && !f.when(w) {
			continue
		}
		cells := f.cells(w)
		if inline {
			cells = f.rangedCells(w)
		}
		if f.key == "frames_saved" {
			markUnbeaten(cells, w)
		}
		t.columns = append(t.columns, f.column)
		for i, cell := range cells {
			t.rows[i] = append(t.rows[i], cell)
		}
	}
	t.notes = append(t.notes, "header and wire overhead: bytes per payload byte; p50: "+latencyOf(w))
	if comparable(w) {
		t.notes = append(t.notes, starNote(fewTrials(w)))
	}
	t.notes = append(t.notes, noisyNote(t, fewTrials(w))...)
	if base := w.Transports[0].Name; base != reference {
		t.notes = append(t.notes, "base: "+clean(base)+"; add udp to compare with a datagram a message (-t udp,"+clean(base)+")")
	}
	if n := strangers(w); n > 0 {
		t.notes = append(t.notes, plural(float64(n), "frame")+" on the link in all trials were not the workload's: in no figure")
	}
	return t
}

// strangers counts the frames that came by: ARP, neighbour discovery and the like.
func strangers(w *analyze.Workload) int64 {
	var n int64
	for _, t := range w.Transports {
		for _, trial := range t.Trials {
			n += trial.OtherFrames
		}
	}
	return n
}

// rangeTable shows from what to what the figures went over the trials; nil where there is nothing to show.
func rangeTable(w *analyze.Workload, wide bool) *table {
	t := &table{columns: []column{{name: "transport", left: true}}, derived: true}
	cells := make([][]string, len(w.Transports))
	for _, f := range runFigures {
		if f.wide && !wide && f.key != w.LatencyFigure("p99") || f.when != nil && !f.when(w) || !slices.ContainsFunc(w.Transports, f.varied) {
			continue
		}
		c := f.column
		switch f.key {
		case "frames_saved":
			c.priority = 8
		case "latency_p99", "latency_from_due_p99":
			c.priority = 4
		}
		t.columns = append(t.columns, c)
		for i, tr := range w.Transports {
			cell := ""
			if f.varied(tr) {
				cell = f.each(tr, interval)
			}
			cells[i] = append(cells[i], cell)
		}
	}
	for i, tr := range w.Transports {
		if strings.Join(cells[i], "") != "" {
			t.rows = append(t.rows, append([]string{clean(tr.Name)}, cells[i]...))
		}
	}
	if len(t.rows) == 0 {
		return nil
	}
	return t
}

// cells returns the figure of each transport; a tilde marks a median of trials that differed.
func (f figure) cells(w *analyze.Workload) []string {
	cells := make([]string, len(w.Transports))
	for i, t := range w.Transports {
		cells[i] = f.marked(t)
		switch {
		case f.isReference(i):
			cells[i] = "base"
		case f.saves() && f.varied(t) && f.noisy(t):
			cells[i] = "?" + f.each(t, median)
		}
	}
	return cells
}

func (f figure) marked(t analyze.Transport) string {
	if !f.always && f.varied(t) {
		return "~" + f.each(t, median)
	}
	return f.each(t, median)
}

// rangedCells returns the figure of each transport with its range behind it.
func (f figure) rangedCells(w *analyze.Workload) []string {
	cells := make([]string, len(w.Transports))
	for i, t := range w.Transports {
		cells[i] = f.each(t, median)
		switch {
		case f.isReference(i):
			cells[i] = "base"
		case f.varied(t):
			cells[i] += " [" + f.each(t, interval) + "]"
			if f.saves() && f.noisy(t) {
				cells[i] = "?" + cells[i]
			}
		}
	}
	return cells
}

// saves reports whether the figure compares with the reference.
func (f figure) saves() bool { return f.key == "frames_saved" || f.key == "data_frames_saved" }

// isReference reports whether the cell would compare the reference with itself.
func (f figure) isReference(transport int) bool { return transport == 0 && f.saves() }

// noisy reports whether the trials differ so much, or are so few, that a saving may be none.
func (f figure) noisy(t analyze.Transport) bool {
	d := t.Summary[f.key].Difference
	return d != nil && d.Median != 0 && !d.Clear && len(t.Trials) > 1
}

// each writes the figure, and the second one behind a plus sign.
func (f figure) each(t analyze.Transport, write func(analyze.Summary, func(float64) string) string) string {
	s, ok := t.Summary[f.key]
	if !ok {
		return nothing
	}
	second := t.Summary[f.plus]
	if f.plus == "" || s.Max == 0 && second.Max == 0 {
		return write(s, f.format)
	}
	return write(s, f.format) + "+" + write(second, f.format)
}

func (f figure) varied(t analyze.Transport) bool {
	return differs(t.Summary[f.key], f.format) || f.plus != "" && differs(t.Summary[f.plus], f.format)
}

// differs reports whether the trials differ in the digits that are shown.
func differs(s analyze.Summary, format func(float64) string) bool {
	return s.Min.Valid() && s.Max.Valid() && format(float64(s.Min)) != format(float64(s.Max))
}

func median(s analyze.Summary, format func(float64) string) string {
	if !s.Median.Valid() {
		return nothing
	}
	return format(float64(s.Median))
}

func interval(s analyze.Summary, format func(float64) string) string {
	if !differs(s, format) {
		return median(s, format)
	}
	return format(float64(s.Min)) + ".." + format(float64(s.Max))
}

// ranged writes a figure in a sentence: 27 [24..27] where the trials differ.
func ranged(s analyze.Summary, format func(float64) string) string {
	if !differs(s, format) {
		return median(s, format)
	}
	return median(s, format) + glue + "[" + interval(s, format) + "]"
}
