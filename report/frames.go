package report

import (
	"strconv"
	"strings"

	"wiretax/analyze"
)

// framesTable is one row a record, with times from the first one.
func framesTable(r *analyze.Result) *table {
	t := &table{sketch: &sketch{legend: directionLegend, unit: "wire bytes", over: 2}, columns: []column{
		{name: "n"}, {name: "time", unit: "s"}, {name: "role", left: true}, {name: "flow"}, {name: "len"}, {name: "caplen", priority: 4},
		{name: "frames"}, {name: "payload", priority: 1}, {name: "unique", priority: 1}, {name: "header", priority: 2},
		{name: "icmp\nbody", priority: 3}, {name: "padding", priority: 3}, {name: "wire\nbytes"}, {name: "owners", left: true, priority: 5},
	}}
	for _, f := range r.Frames {
		since := nothing
		if span, ok := between(r.Source.First, f.Time); ok {
			since = strconv.FormatFloat(span.Seconds(), 'f', 6, 64)
		}
		frames, captured, unique := "", "", ""
		if f.Frames != 1 || f.Expanded {
			frames = integer(f.Frames)
		}
		if f.CapLen != f.Len {
			captured = integer(f.CapLen)
		}
		if f.UniqueBytes != f.PayloadBytes {
			unique = integer(f.UniqueBytes)
		}
		t.rows = append(t.rows, []string{
			strconv.FormatInt(f.N, 10), since, frameRole(f), frameFlow(f), integer(f.Len), captured, frames, integer(f.PayloadBytes),
			unique, integer(f.HeaderBytes), blankZero(f.ICMPBodyBytes), blankZero(f.PaddingBytes), integer(f.WireBytes), frameOwners(f),
		})
		t.sketch.rows = append(t.sketch.rows, rowParts(&f))
	}
	if len(t.rows) > 0 {
		t.notes = []string{"time: since the earliest record; flow: number and direction; len: original length; blank: one frame, nothing cut, nothing repeated, no padding"}
	}
	*t = t.withoutBlank()
	return t
}

// rowParts are the wire bytes of a record.
func rowParts(f *analyze.FrameRow) []part {
	header := f.HeaderBytes + f.ICMPBodyBytes
	return []part{
		{classPayload, "unique payload", float64(f.UniqueBytes)},
		{"retransmit", "retransmitted payload", float64(f.PayloadBytes - f.UniqueBytes)},
		{classHeader, "headers", float64(header)},
		{classFraming, "padding, preamble, FCS, gap", float64(f.WireBytes - f.PayloadBytes - header)},
	}
}

// frameRole is what the record is for; one that stood for several frames says so.
func frameRole(f analyze.FrameRow) string {
	if f.Expanded {
		return clean(string(f.Role)) + " (expanded)"
	}
	return clean(string(f.Role))
}

// frameFlow is the number of the flow and the direction within it.
func frameFlow(f analyze.FrameRow) string {
	switch {
	case f.Flow == 0:
		return ""
	case f.AToB:
		return strconv.Itoa(f.Flow) + " a>b"
	}
	return strconv.Itoa(f.Flow) + " b>a"
}

// ownerShort has short names for owners that nearly every frame has.
var ownerShort = strings.NewReplacer("ethernet", "eth", "ipv4_options", "options", "tcp_options", "options", "ipv6_ext", "ext")

// frameOwners are the headers of the record from the outside to the inside.
func frameOwners(f analyze.FrameRow) string {
	var names []string
	for _, o := range inOrder(f.Owners, measuredOwners[:]) {
		switch {
		case f.Owners[o] == 0, o == "payload", o == "padding", o == "fcs": // they have columns of their own
		default:
			names = append(names, ownerShort.Replace(clean(o)))
		}
	}
	return strings.Join(names, " ")
}
