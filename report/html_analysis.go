package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"wiretax/analyze"
)

// analysisPage is the accounting of a capture for a browser.
func analysisPage(r *analyze.Result, s Style) *page {
	source := sourceSection(r)
	p := &page{Heading: source.title, Title: "wiretax: " + unglued(source.title), Trust: analysisVerdict(r), Notes: footnotes(r.Warnings), Words: definitions[:]}
	for _, l := range source.lines {
		p.Lead = append(p.Lead, l.text)
	}
	section := pageSection{ID: "capture", Cards: totalCards(&r.Totals)}
	if lines := findingLines(r); len(lines) > 0 {
		section.Pictures = append(section.Pictures, picture{ID: "findings", Title: "Findings", Lines: lines})
	}
	section.Pictures = append(section.Pictures, wirePicture(r), kindsPicture(r))
	if r.Charts != nil {
		section.Pictures = append(section.Pictures, sizesPicture(r), timesPicture(r))
	}
	if len(r.Frames) > 0 {
		section.Pictures = append(section.Pictures, recordsPicture(r))
	}
	if groups := groupsTable(r); len(groups.rows) > 0 {
		if more := len(groups.rows) - maxTableRows; more > 0 {
			groups.rows = groups.rows[:maxTableRows]
			groups.notes = append(groups.notes, plural(float64(more), "more group")+" (--format csv has all)")
		}
		section.Pictures = append(section.Pictures, picture{ID: "groups", Title: "By " + r.By, Data: groups, Open: true, Filter: true})
	}
	section.Pictures = append(section.Pictures, largestFlows(r), flowsPicture(r, s))
	if lines := tcpLines(&r.TCP); len(lines) > 0 {
		section.Pictures = append(section.Pictures, picture{ID: "tcp", Title: "TCP", Lines: lines})
	}
	totals := totalsTable(&r.Totals)
	totals.columns[0].name, totals.columns[1].name = "figure", "value"
	section.Pictures = append(section.Pictures, picture{ID: "totals", Title: "Totals", Data: totals, Open: true})
	p.Sections = []pageSection{section}
	return p
}

func analysisVerdict(r *analyze.Result) verdict {
	if lines := distrust(r.Warnings); len(lines) > 0 {
		return verdict{Tone: "bad", Word: "Do not trust", Lines: lines}
	}
	if n := len(r.Warnings); n > 0 {
		return verdict{Tone: "plain", Word: plural(float64(n), "note"), Lines: []line{{text: "The accounting is complete; the notes at the end say what is inferred or unusual."}}}
	}
	return verdict{Tone: "good", Word: "Complete", Lines: []line{{text: "every byte of every record has one owner; nothing was cut, dropped or malformed"}}}
}

// totalCards are the figures of a capture to see first.
func totalCards(t *analyze.Totals) []card {
	efficiency := card{Name: "payload share", Figure: nothing, Unit: "of the wire", Tone: "plain"}
	if t.Efficiency.Valid() {
		efficiency.Figure = percent(float64(t.Efficiency)) + glue + "%"
		efficiency.Lines = []string{ratioOf(t.WireOverheadPerPayload, ratio) + " overhead bytes per payload byte"}
	}
	return []card{
		{Name: "frames on the wire", Figure: integer(t.Frames), Unit: "frames", Tone: "plain", Lines: []string{"from " + plural(float64(t.Records), "record")}},
		{Name: "wire", Figure: integer(t.WireBytes), Unit: "wire bytes", Tone: "plain", Lines: []string{integer(t.RecordBytes) + " record bytes, the rest inferred"}},
		{Name: "headers", Figure: integer(t.HeaderBytes), Unit: "header bytes", Tone: "plain", Lines: []string{ratioOf(t.HeaderBytesPerPayloadByte, ratio) + " per payload byte"}},
		{Name: "payload", Figure: integer(t.UniquePayloadBytes), Unit: "unique payload bytes", Tone: "plain", Lines: []string{integer(t.PayloadBytes-t.UniquePayloadBytes) + " retransmitted"}},
		efficiency,
	}
}

// ownerClass is the colour of an owner.
func ownerClass(name string) string {
	switch name {
	case "payload":
		return classPayload
	case "padding", "fill":
		return classPadding
	case "fcs", "preamble", "gap":
		return classFraming
	}
	return classHeader
}

// wirePicture is the waterfall from the wire bytes down to the unique payload.
func wirePicture(r *analyze.Result) picture {
	p := picture{ID: "owners", Title: "Where the wire goes", Legend: ownerLegend, Data: waterfall(r), Bars: &bars{},
		Note: "From the wire bytes down to the unique payload: each owner takes its bytes from what is left above it."}
	whole := float64(r.Totals.WireBytes)
	left := whole
	take := func(name, class string, n int64) {
		if n == 0 {
			return
		}
		left -= float64(n)
		p.Bars.add(name, integer(n)+", "+share(n, r.Totals.WireBytes)+glue+"%", whole, []part{{"rest", "below", left}, {class, name, float64(n)}})
	}
	for _, o := range inOrder(r.Inferred, inferredOwners[:]) {
		take(ownerWord(o), ownerClass(o), r.Inferred[o])
	}
	for _, o := range inOrder(without(r.Owners, "payload"), measuredOwners[:]) {
		take(ownerWord(o), ownerClass(o), r.Owners[o])
	}
	take("retransmitted payload", "retransmit", r.Totals.PayloadBytes-r.Totals.UniquePayloadBytes)
	take("unique payload", classPayload, r.Totals.UniquePayloadBytes)
	for i := range p.Bars.Rows { // the rest is a stair, not a figure
		for j := range p.Bars.Rows[i].Segments {
			if s := &p.Bars.Rows[i].Segments[j]; s.Class == "rest" {
				s.Text = ""
			}
		}
	}
	return p
}

func ownerWord(name string) string { return strings.ReplaceAll(name, "_", " ") }

// kindsPicture shows what the frames were for.
func kindsPicture(r *analyze.Result) picture {
	p := picture{ID: "roles", Title: "What the frames are for", Note: "Wire bytes by role.", Data: rolesTable(r), Bars: &bars{}}
	var whole float64
	for _, s := range r.Roles {
		whole = max(whole, float64(s.WireBytes))
	}
	for _, role := range analyze.Roles {
		if s := r.Roles[role]; s.Frames > 0 {
			p.Bars.add(string(role), plural(float64(s.Frames), "frame")+", "+integer(s.WireBytes)+glue+"B", whole,
				[]part{{string(role), string(role), float64(s.WireBytes)}})
		}
	}
	return p
}

// directionParts splits the wire bytes of a direction, or of both, as far as its figures go.
func directionParts(ds ...analyze.Direction) []part {
	var unique, repeated, header, rest int64
	for _, d := range ds {
		unique += d.UniquePayloadBytes
		repeated += d.PayloadBytes - d.UniquePayloadBytes
		header += d.HeaderBytes
		rest += d.WireBytes - d.PayloadBytes - d.HeaderBytes
	}
	return []part{
		{classPayload, "unique payload", float64(unique)}, {"retransmit", "retransmitted payload", float64(repeated)},
		{classHeader, "headers", float64(header)}, {classFraming, "padding, preamble, FCS, gap", float64(rest)},
	}
}

var directionLegend = []swatch{
	{classPayload, "unique payload"}, {"retransmit", "retransmitted payload"}, {classHeader, "headers"}, {classFraming, "padding, preamble, FCS, gap"},
}

// sizesPicture is the histogram of frame sizes.
func sizesPicture(r *analyze.Result) picture {
	p := picture{ID: "sizes", Title: "Frame sizes", Note: "Frames by their octets with FCS, in the classes of RFC 2819.", Bars: &bars{},
		Data: &table{columns: []column{{name: "octets with FCS", left: true}, {name: "frames"}, {name: "share", unit: "%"}, {name: "payload bytes"}, {name: "wire bytes"}}}}
	var whole float64
	for _, g := range r.Charts.Sizes {
		whole = max(whole, float64(g.Frames))
	}
	for _, g := range r.Charts.Sizes {
		p.Bars.add(g.Key, integer(g.Frames)+", "+share(g.Frames, r.Totals.Frames)+glue+"%", whole, []part{{"data", "frames", float64(g.Frames)}})
		p.Data.rows = append(p.Data.rows, []string{g.Key, integer(g.Frames), share(g.Frames, r.Totals.Frames), integer(g.PayloadBytes), integer(g.WireBytes)})
	}
	return p
}

// timesPicture shows efficiency and rate over time.
func timesPicture(r *analyze.Result) picture {
	c := r.Charts
	p := picture{ID: "times", Title: "Over time", Note: "In steps of " + seconds(c.Every.Seconds()) + "; a step without traffic is empty.",
		Data: &table{columns: []column{{name: "since the start", unit: "s"}, {name: "frames"}, {name: "wire bytes"}, {name: "unique payload bytes"}, {name: "efficiency", unit: "%"}, {name: "rate on the wire", unit: "Mb/s"}}}}
	var start time.Time
	var last float64
	var at, efficiency, rate []float64
	for _, g := range c.Times {
		t, err := time.Parse(time.RFC3339Nano, g.Key)
		if err != nil {
			continue // records without a time
		}
		if start.IsZero() {
			start = t
		}
		last = t.Sub(start).Seconds()
		mbps := 8 * float64(g.WireBytes) / c.Every.Seconds() / 1e6
		at, rate = append(at, last), append(rate, mbps)
		percentage := 0.0
		if g.Efficiency.Valid() {
			percentage = 100 * float64(g.Efficiency)
		}
		efficiency = append(efficiency, percentage)
		p.Data.rows = append(p.Data.rows, []string{round(last), integer(g.Frames), integer(g.WireBytes), integer(g.UniquePayloadBytes),
			ratioOf(g.Efficiency, percent), ratio(mbps)})
	}
	if len(at) == 0 {
		return p
	}
	span := last + c.Every.Seconds()
	highest := slices.Max(rate)
	p.Plots = []*plot{
		columnPlot("efficiency, %", classPayload, at, efficiency, c.Every.Seconds(), span, 100),
		columnPlot("rate on the wire, Mb/s", classHeader, at, rate, c.Every.Seconds(), span, highest),
	}
	return p
}

// columnPlot draws one upright bar a step.
func columnPlot(name, class string, at, values []float64, width, span, highest float64) *plot {
	x, y := horizontal(0, span), vertical(0, highest)
	_, y.hi = widened(0, highest, 5)
	p := &plot{Label: name + " over time", XName: "seconds since the start", YName: name, XTicks: x.ticks(6), YTicks: y.ticks(5)}
	for i, v := range values {
		left, top := x.at(at[i]), y.at(v)
		p.Columns = append(p.Columns, upright{Class: class, Title: fmt.Sprintf("%s s: %s", round(at[i]), ratio(v)),
			X: left, Y: top, Width: max(tenth(x.at(at[i]+width)-left), 0.5), Height: tenth(y.from - top)})
	}
	return p
}

// recordsPicture draws the records of the largest flows.
func recordsPicture(r *analyze.Result) picture {
	p := picture{ID: "frames", Title: "See the frames", Legend: frameLegend[:legendSize(analyze.Link{})],
		Note: "Each block is a record at its time of capture; above those of the side that sent first (a), below the answers. Widths compare with each other, not with the time."}
	var sources []stripSource
	for _, f := range bySize(r.Flows)[:min(len(r.Flows), maxStrips)] {
		var rows []analyze.FrameRow
		for _, row := range r.Frames {
			if row.Flow == f.Number {
				rows = append(rows, row)
			}
		}
		if len(rows) > 0 {
			name := fmt.Sprintf("flow %d: %s %s > %s", f.Number, f.Proto, endpoint(f.A, f.APort), endpoint(f.B, f.BPort))
			sources = append(sources, stripSource{name, plural(float64(f.AB.Frames+f.BA.Frames), "frame"), rows, f.AB.Records + f.BA.Records})
		}
	}
	if len(r.Flows) > maxStrips {
		p.Note += fmt.Sprintf(" These are the %d largest of %s.", maxStrips, plural(float64(len(r.Flows)), "flow"))
	}
	p.Frames = newStrips("frames", sources, analyze.Link{}, true)
	p.Frames.From, p.Frames.To = "a", "b"
	return p
}

// How many flows are drawn frame by frame, how many as a bar, and how many rows a table has. They bound the report's size.
const (
	maxStrips    = 6
	maxBars      = 12
	maxTableRows = 500
)

func bySize(flows []analyze.Flow) []analyze.Flow {
	flows = slices.Clone(flows)
	slices.SortStableFunc(flows, func(a, b analyze.Flow) int {
		return cmp.Compare(b.AB.WireBytes+b.BA.WireBytes, a.AB.WireBytes+a.BA.WireBytes)
	})
	return flows
}

// largestFlows are the flows that cost most, the rest in one bar.
func largestFlows(r *analyze.Result) picture {
	p := picture{ID: "largest", Title: "The largest flows", Note: "Wire bytes of both directions.", Legend: directionLegend, Bars: &bars{Long: true},
		Data: &table{columns: []column{{name: "flow", left: true}, {name: "wire bytes"}, {name: "share", unit: "%"}, {name: "unique payload bytes"}, {name: "header bytes"}}}}
	flows := bySize(r.Flows)
	rest := []analyze.Direction{r.Unlisted.Direction}
	for _, f := range flows[min(len(flows), maxBars):] {
		rest = append(rest, f.AB, f.BA)
	}
	more := max(len(flows)-maxBars, 0) + int(r.Unlisted.Flows)
	flows = flows[:min(len(flows), maxBars)]
	whole := sum(directionParts(rest...))
	for _, f := range flows {
		whole = max(whole, float64(f.AB.WireBytes+f.BA.WireBytes))
	}
	add := func(name string, ds ...analyze.Direction) {
		var wire, unique, header int64
		for _, d := range ds {
			wire, unique, header = wire+d.WireBytes, unique+d.UniquePayloadBytes, header+d.HeaderBytes
		}
		p.Bars.add(name, integer(wire)+", "+share(wire, r.Totals.WireBytes)+glue+"%", whole, directionParts(ds...))
		p.Data.rows = append(p.Data.rows, []string{name, integer(wire), share(wire, r.Totals.WireBytes), integer(unique), integer(header)})
	}
	for _, f := range flows {
		add(strconv.Itoa(f.Number)+": "+f.Proto+" "+endpoint(f.A, f.APort)+" > "+endpoint(f.B, f.BPort), f.AB, f.BA)
	}
	if more > 0 {
		add(plural(float64(more), "more flow"), rest...)
	}
	return p
}

// flowsPicture is the table of flows to sort and to search.
func flowsPicture(r *analyze.Result, s Style) picture {
	if s.Top <= 0 || s.Top > maxTableRows {
		s.Top = maxTableRows
	}
	return picture{ID: "flows", Title: "Flows", Data: flowsTable(r, s), Open: true, Filter: true}
}
