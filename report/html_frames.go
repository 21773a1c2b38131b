package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"wiretax/analyze"
)

// strips are the frames of several trials, one strip a trial, on one axis of time.
type strips struct {
	ID       string
	From, To string // who is above, who below
	Span     int64  // units of the axis
	Unit     int64  // nanoseconds a unit has
	Shapes   []shape
	Strips   []strip
}

// strip is the frames of one trial: two lanes, the sender above, and the way between them.
type strip struct {
	Name, Text string
	Left       string // what is not drawn
	Marks      []stripMark
}

// stripMark is one record in its place.
type stripMark struct {
	Shape int
	X     int64
	N     int64 // of the record in its capture
}

// shape is how records look that have the same owners, role and direction.
type shape struct {
	Role, To, Owners string
	Wire, Payload    int64
	Rects            []stripRect
	Lane             int    // y of the lane
	Way              string // the polygon from lane to lane
	Look             string // thin: hardly to be seen without an outline; dense: thin, but many; empty: wide enough
	width            int64
}

type stripRect struct {
	Class    string
	X, Width int64
	Main     bool // the widest of its shape
}

// stripSource is what a strip is drawn from.
type stripSource struct {
	name, text string
	rows       []analyze.FrameRow
	records    int64 // in the capture
}

// timing turns octets and times into units of the axis.
type timing struct {
	unit          int64   // nanoseconds
	nanosPerOctet float64 // that the link needs
	flight        int64   // nanoseconds from one end to the other
	queued        bool    // the rate is the link's: a frame waits for the one before it
}

// The lanes of a strip: the sender's, the receiver's, and the height of both. A strip is 100 high.
const (
	senderLane, receiverLane, laneHeight = 4, 66, 30
	unitNanos                            = 100
)

// Classes of a frame's parts.
const (
	classPayload = "payload"
	classHeader  = "header"
	classPadding = "padding"
	classFraming = "framing"
)

var frameLegend = []swatch{
	{classPayload, "payload"}, {classHeader, "headers"}, {classPadding, "padding to 60 B"}, {classFraming, "preamble, FCS, gap"},
	{"way", "on the way to the other end"},
}

// newStrips draws the sources, each from its own first row on, or together on one clock.
func newStrips(id string, sources []stripSource, link analyze.Link, together bool) *strips {
	out := &strips{ID: id, From: "sender", To: "receiver", Unit: unitNanos, Span: 1}
	t := newTiming(sources, link)
	known := make(map[string]int)
	var first time.Time
	if together {
		first = earliest(sources)
	}
	for _, source := range sources {
		s := strip{Name: source.name, Text: source.text}
		if !together {
			first = time.Time{}
		}
		var free [2]int64 // when the link can take the next frame, by direction
		for i := range source.rows {
			row := &source.rows[i]
			at, err := time.Parse(time.RFC3339Nano, row.Time)
			if err != nil {
				continue
			}
			if first.IsZero() {
				first = at
			}
			place := out.shapeOf(row, t, known)
			if place < 0 {
				break
			}
			start, direction := at.Sub(first).Nanoseconds(), 0
			if row.AToB {
				direction = 1
			}
			if t.queued {
				start = max(start, free[direction])
			}
			free[direction] = start + t.nanos(row.WireBytes)
			out.Span = max(out.Span, (free[direction]+t.flight)/t.unit)
			s.Marks = append(s.Marks, stripMark{place, start / t.unit, row.N})
		}
		if drawn := int64(len(s.Marks)); drawn < source.records {
			s.Left = fmt.Sprintf("sampled: the first %s of %s are drawn", integer(drawn), plural(float64(source.records), "record"))
		}
		out.Strips = append(out.Strips, s)
	}
	out.Span += out.Span / 50
	out.outline()
	return out
}

// outline finds the shapes that are narrower than a pixel of a usual window. Where a lane is nearly empty they need an
// outline to be seen; where it is full, outlines would hide what lies between them.
func (s *strips) outline() {
	const pixels = 1000
	fullest := make(map[int]int64) // units that frames take of a lane, in the strip where they take most
	for _, strip := range s.Strips {
		taken := make(map[int]int64)
		for _, m := range strip.Marks {
			taken[s.Shapes[m.Shape].Lane] += s.Shapes[m.Shape].width
		}
		for lane, n := range taken {
			fullest[lane] = max(fullest[lane], n)
		}
	}
	for i := range s.Shapes {
		sh := &s.Shapes[i]
		switch {
		case sh.width*pixels > s.Span:
		case fullest[sh.Lane]*4 > s.Span:
			sh.Look = "dense"
		default:
			sh.Look = "thin"
		}
	}
}

// earliest is the time of the first row of all.
func earliest(sources []stripSource) time.Time {
	var first time.Time
	for _, source := range sources {
		for i := range source.rows {
			if at, err := time.Parse(time.RFC3339Nano, source.rows[i].Time); err == nil && (first.IsZero() || at.Before(first)) {
				first = at
			}
		}
	}
	return first
}

// newTiming takes the link's rate. Without one, the widths of frames compare with each other only: the busiest source
// fills a quarter of the time.
func newTiming(sources []stripSource, link analyze.Link) timing {
	t := timing{unit: unitNanos, flight: int64(link.RTTSeconds * 1e9 / 2)}
	if link.RateBitsPerSecond > 0 {
		t.nanosPerOctet, t.queued = 8e9/float64(link.RateBitsPerSecond), true
		return t
	}
	for _, source := range sources {
		var octets int64
		for i := range source.rows {
			octets += source.rows[i].WireBytes
		}
		if n := len(source.rows); n > 0 && octets > 0 {
			span, _ := between(source.rows[0].Time, source.rows[n-1].Time)
			t.nanosPerOctet = max(t.nanosPerOctet, float64(span.Nanoseconds())/float64(4*octets))
		}
	}
	t.nanosPerOctet = cmp.Or(t.nanosPerOctet, 1)
	return t
}

func (t timing) nanos(octets int64) int64 { return int64(float64(octets) * t.nanosPerOctet) }
func (t timing) units(octets int64) int64 { return max(t.nanos(octets)/t.unit, 1) }

// maxShapes bounds the size of a report whose frames all differ.
const maxShapes = 1000

// shapeOf finds or makes the shape of a row; -1 where there is no room for another.
func (s *strips) shapeOf(row *analyze.FrameRow, t timing, known map[string]int) int {
	owners := ownerList(row)
	key := fmt.Sprint(row.Role, row.AToB, row.Expanded, row.Frames, owners)
	if i, ok := known[key]; ok {
		return i
	}
	if len(s.Shapes) >= maxShapes {
		return -1
	}
	width, flight := t.units(row.WireBytes), t.flight/t.unit
	sh := shape{width: width, Role: frameRole(*row), To: "to the " + s.From, Owners: owners, Wire: row.WireBytes, Payload: row.PayloadBytes, Lane: receiverLane}
	if row.Expanded {
		sh.Role += fmt.Sprintf(", %s", plural(float64(row.Frames), "frame"))
	}
	from, to := receiverLane, senderLane+laneHeight
	if row.AToB {
		sh.To, sh.Lane = "to the "+s.To, senderLane
		from, to = to, from
	}
	if flight > 0 {
		sh.Way = fmt.Sprintf("0,%d %d,%d %d,%d %d,%d", from, width, from, width+flight, to, flight, to)
	}
	var octets, x int64
	for _, p := range frameParts(row) {
		octets += p.octets
		if end := t.nanos(octets) / t.unit; end > x || p.class == classHeader {
			sh.Rects = append(sh.Rects, stripRect{Class: p.class, X: x, Width: max(end-x, 1)})
			x = max(end, x)
		}
	}
	if len(sh.Rects) > 0 {
		widest := slices.MaxFunc(sh.Rects, func(a, b stripRect) int { return cmp.Compare(a.Width, b.Width) })
		sh.Rects[slices.Index(sh.Rects, widest)].Main = true
	}
	known[key] = len(s.Shapes)
	s.Shapes = append(s.Shapes, sh)
	return known[key]
}

type framePart struct {
	class  string
	octets int64
}

// frameParts is a frame in the order of the wire. A super-frame is drawn as if it were one.
func frameParts(row *analyze.FrameRow) []framePart {
	in := row.Inferred
	headers := row.Len - row.PayloadBytes - row.PaddingBytes
	return slices.DeleteFunc([]framePart{
		{classFraming, in["preamble"]},
		{classHeader, headers + in["replicated_headers"] + in["priced_ethernet"]},
		{classPayload, row.PayloadBytes},
		{classPadding, row.PaddingBytes - row.Owners["fcs"] + in["fill"]},
		{classFraming, row.Owners["fcs"] + in["fcs"] + in["gap"]},
	}, func(p framePart) bool { return p.octets <= 0 })
}

// ownerList names the octets of a frame, from its inside to its outside.
func ownerList(row *analyze.FrameRow) string {
	var parts []string
	add := func(names []string, octets map[string]int64) {
		for _, name := range slices.Backward(names) {
			if n := octets[name]; n != 0 {
				parts = append(parts, strings.ReplaceAll(name, "_", " ")+glue+strconv.FormatInt(n, 10))
			}
		}
	}
	add(append(inOrder(without(row.Owners, "payload"), measuredOwners[:]), "payload"), row.Owners)
	add(inOrder(row.Inferred, inferredOwners[:]), row.Inferred)
	return strings.Join(parts, ", ")
}

func without(m map[string]int64, name string) map[string]int64 {
	m = maps.Clone(m)
	delete(m, name)
	return m
}

// roleCounts says in words which frames a trial has.
func roleCounts(t *analyze.Trial) string {
	return list([]item{
		{t.SetupFrames, "setup"}, {t.DataFrames, "data"}, {t.AckFrames, "ACK"}, {t.TeardownFrames, "teardown"},
		{t.RetransmitFrames, "retransmitted"}, {t.ProbeFrames, "probe"},
	})
}
