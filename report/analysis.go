package report

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"wiretax/analyze"
)

// analysisDocument accounts for a capture: totals first, then what stands out, where the bytes went, and who sent them. Groups
// that were asked for stand in the place of the flows, and before what nobody asked for.
func analysisDocument(r *analyze.Result, s Style) document {
	d := document{sourceSection(r), {title: "totals", table: totalsTable(&r.Totals)}}
	flows := section{title: "flows"}
	if r.By == "" {
		flows.table = flowsTable(r, s)
	}
	for _, part := range []section{
		{title: "by " + clean(r.By), table: groupsTable(r)},
		{title: "findings", lines: findingLines(r)},
		{title: "where the bytes went", table: waterfall(r)},
		{title: "roles of the frames", table: rolesTable(r)},
		{title: "tcp", lines: tcpLines(&r.TCP)},
		flows,
		{title: "frames", table: framesTable(r)},
		{lines: append(footnotes(r.Warnings), distrust(r.Warnings)...)},
	} {
		if part.table != nil && len(part.table.rows) > 0 || len(part.lines) > 0 {
			d = append(d, part)
		}
	}
	return d
}

func sourceSection(r *analyze.Result) section {
	src := r.Source
	parts := []string{src.Format}
	if src.Compression != "" && src.Compression != "none" {
		parts = append(parts, src.Compression)
	}
	parts = append(parts, strings.Join(src.LinkTypes, " "))
	if src.SnapLen > 0 {
		parts = append(parts, "snaplen "+integer(src.SnapLen))
	}
	if src.Filter != "" {
		parts = append(parts, "filter "+strconv.Quote(src.Filter))
	}
	if src.TruncatedFile {
		parts = append(parts, "cut off at its end")
	}
	s := section{title: clean(fileNames(src.Files))}
	if text := strings.Join(slices.DeleteFunc(parts, isEmpty), ", "); text != "" {
		s.lines = append(s.lines, line{text: text})
	}
	if c := src.Capture; c != nil {
		s.lines = append(s.lines, line{text: fmt.Sprintf("%s captured in %s; dropped by the kernel %s, by the interface %s",
			plural(float64(c.Received-c.KernelDropped), "frame"), duration(time.Duration(c.DurationSeconds*float64(time.Second)).Round(time.Millisecond)),
			integer(c.KernelDropped), integer(c.InterfaceDropped))})
	}
	if span, ok := between(src.First, src.Last); ok {
		text := fmt.Sprintf("%s to %s: %s", src.First, src.Last, duration(span))
		s.lines = append(s.lines, line{text: text})
	}
	return s
}

func isEmpty(s string) bool { return s == "" }

func fileNames(files []string) string {
	const most = 3
	if len(files) == 0 {
		return "no capture"
	}
	if len(files) <= most {
		return strings.Join(files, " ")
	}
	return fmt.Sprintf("%s and %s", strings.Join(files[:most], " "), plural(float64(len(files)-most), "more file"))
}

func totalsTable(t *analyze.Totals) *table {
	out := &table{columns: []column{{left: true}, {}}}
	add := func(name, value string) { out.rows = append(out.rows, []string{name, value}) }
	addSome := func(name string, n int64) {
		if n != 0 {
			add(name, integer(n))
		}
	}
	add("records", integer(t.Records))
	addSome("of which super-frames, expanded", t.ExpandedRecords)
	addSome("of which cut by the snap length", t.TruncatedRecords)
	addSome("of which malformed", t.MalformedRecords)
	add("frames on the wire", integer(t.Frames))
	add("wire bytes", integer(t.WireBytes))
	add("record bytes", integer(t.RecordBytes))
	if t.CapturedBytes != t.RecordBytes {
		add("captured bytes", integer(t.CapturedBytes))
	}
	add("header bytes", integer(t.HeaderBytes))
	add("payload bytes", integer(t.PayloadBytes))
	add("unique payload bytes", integer(t.UniquePayloadBytes))
	add("header bytes per payload byte", ratioOf(t.HeaderBytesPerPayloadByte, ratio))
	add("wire overhead per payload byte", ratioOf(t.WireOverheadPerPayload, ratio))
	add("efficiency", ratioOf(t.Efficiency, func(v float64) string { return percent(v) + glue + "%" }))
	return out
}

func ratioOf(r analyze.Ratio, format func(float64) string) string {
	if !r.Valid() {
		return nothing
	}
	return format(float64(r))
}

func rolesTable(r *analyze.Result) *table {
	t := &table{columns: []column{
		{name: "role", left: true}, {name: "frames"}, {name: "share %", priority: 2}, {name: "wire bytes"}, {name: "share %", priority: 1},
	}}
	for _, role := range analyze.Roles {
		if s := r.Roles[role]; s != (analyze.Share{}) {
			t.rows = append(t.rows, []string{
				string(role), integer(s.Frames), share(s.Frames, r.Totals.Frames),
				integer(s.WireBytes), share(s.WireBytes, r.Totals.WireBytes),
			})
		}
	}
	return t
}

// tcpLines sums up the segments; what did not occur is not mentioned.
func tcpLines(f *analyze.TCP) []line {
	segments := list([]item{
		{f.SYN, "SYN"}, {f.SYNACK, "SYN-ACK"}, {f.FIN, "FIN"}, {f.RST, "RST"}, {f.WithPayload, "with payload"}, {f.PureACK, "pure ACK"},
		{f.DupACK, "duplicate ACK"}, {f.Retransmissions, "retransmitted"}, {f.KeepAlive, "keep-alive"},
		{f.ZeroWindowProbe, "zero-window probe"},
	})
	options := make([]item, 0, len(f.OptionBytes))
	for _, class := range slices.Sorted(maps.Keys(f.OptionBytes)) {
		options = append(options, item{f.OptionBytes[class], class})
	}
	var lines []line
	for _, l := range []line{
		{label: "segments", text: segments},
		{label: "payload bytes", text: list([]item{{f.UniqueBytes, "unique"}, {f.RetransmittedBytes, "retransmitted"}})},
		{label: "option bytes", text: list(options)},
	} {
		if l.text != "" {
			lines = append(lines, l)
		}
	}
	return lines
}

type item struct {
	n    int64
	name string
}

func list(items []item) string {
	var parts []string
	for _, i := range items {
		if i.n != 0 {
			parts = append(parts, integer(i.n)+glue+strings.ReplaceAll(i.name, " ", glue))
		}
	}
	return strings.Join(parts, ", ")
}
