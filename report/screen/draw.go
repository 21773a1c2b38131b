package screen

import (
	"fmt"
	"strings"

	"github.com/gdamore/tcell/v3"
	"github.com/gdamore/tcell/v3/color"

	"wiretax/analyze"
)

// canvas is a part of tcell.Screen.
type canvas interface {
	Clear()
	Size() (width, height int)
	PutStrStyled(x, y int, text string, style tcell.Style)
}

// The looks of a line. None carries a meaning alone: without colours the text says it too.
var (
	usual  = tcell.StyleDefault
	strong = tcell.StyleDefault.Bold(true)
	marked = tcell.StyleDefault.Reverse(true)
	faint  = tcell.StyleDefault.Dim(true)
	alarm  = tcell.StyleDefault.Bold(true).Foreground(color.Red)
)

// draw fills the canvas.
func (m *model) draw(c canvas) {
	c.Clear()
	width, height := c.Size()
	if width < 20 || height < 7 || m.sample.Result == nil {
		c.PutStrStyled(0, 0, fit("wiretax: q quit", width, true), usual)
		return
	}
	y := m.header(c, width, height)
	m.rows = max(height-y-2, 1)
	switch m.page {
	case flowsPage:
		m.drawFlows(c, y, width, height-1)
	case detailPage:
		m.drawText(c, y, width, height-1, m.detailLines())
	case findingsPage:
		m.drawText(c, y, width, height-1, m.findingLines(width))
	case helpPage:
		m.drawText(c, y, width, height-1, helpLines)
	}
	c.PutStrStyled(0, height-1, fit(m.keys(width), width, true), marked)
}

// header draws what is the same on all pages and returns the line below.
func (m *model) header(c canvas, width, height int) (y int) {
	r, i := m.sample.Result, &m.interval
	capture := r.Source.Capture
	state := clock(capture.DurationSeconds)
	if m.paused {
		state = "PAUSED  " + state
	}
	title := "wiretax watch " + capture.Interface
	if r.Source.Filter != "" {
		title += "  " + r.Source.Filter
	}
	c.PutStrStyled(0, 0, fit(title, width-len(state)-1, true)+" "+state, strong)
	line := func(text string, style tcell.Style) {
		y++
		c.PutStrStyled(0, y, fit(text, width, true), style)
	}
	t := &r.Totals
	now := figures{"now", si(i.PerSecond(i.Frames), "/s"), bits(i.PerSecond(i.WireBytes)), bits(i.PerSecond(i.UniquePayloadBytes)), percent(i.Efficiency())}
	all := figures{"total", si(float64(t.Frames), ""), octets(t.WireBytes), octets(t.UniquePayloadBytes), percent(t.Efficiency)}
	if width >= 60 {
		line(fit("", 6, true)+"  frames       wire         payload      efficiency", faint)
	}
	line(now.line(width), usual)
	line(all.line(width), usual)
	roomy := height >= 32 || m.page == flowsPage && height >= 16
	if roomy {
		m.sparklines(line, width)
	}
	style := usual
	if capture.Dropped() > 0 {
		style = alarm
	}
	drops := fmt.Sprintf("flows   %-11s  dropped by the kernel %s, by the interface %s", integer(r.FlowCount()), integer(capture.KernelDropped), integer(capture.InterfaceDropped))
	if width < 70 {
		drops = fmt.Sprintf("flows %s, dropped %s", integer(r.FlowCount()), integer(capture.Dropped()))
	}
	line(drops, style)
	if roomy && height >= 20 && len(r.Findings) > 0 {
		line(m.latestFinding(), usual)
	}
	return y + 1
}

// figures are those of a line in the header.
type figures struct{ name, frames, wire, payload, efficiency string }

func (f figures) line(width int) string {
	if width < 60 {
		return fmt.Sprintf("%-5s %s, eff. %s %%", f.name, f.wire, f.efficiency)
	}
	return fmt.Sprintf("%-6s  %-11s  %-11s  %-11s  %s %%", f.name, f.frames, f.wire, f.payload, f.efficiency)
}

func (m *model) sparklines(line func(string, tcell.Style), width int) {
	peak := 0.0
	for _, v := range m.wire[max(0, len(m.wire)-width):] {
		peak = max(peak, v)
	}
	right := fmt.Sprintf(" peak %s", bits(peak))
	room := width - 6 - 17
	line("wire  "+sparkline(m.wire, room, 0)+fit(right, 17, true), usual)
	line("eff.  "+sparkline(m.payload, room, 1)+fit(" of 100 %", 17, true), usual)
}

// latestFinding is the finding with most wire bytes at stake.
func (m *model) latestFinding() string {
	list := m.sample.Result.Findings
	most := 0
	for i := range list {
		if list[i].WireBytes > list[most].WireBytes {
			most = i
		}
	}
	more := ""
	if n := len(list) - 1; n > 0 {
		more = fmt.Sprintf("(f: %d more) ", n)
	}
	return "! " + more + list[most].Message
}

func (m *model) drawFlows(c canvas, y, width, end int) {
	columns := layout(width)
	c.PutStrStyled(0, y, fit(heading(columns), width, true), strong)
	y++
	rows := end - y
	switch {
	case m.selected < m.top:
		m.top = m.selected
	case m.selected >= m.top+rows:
		m.top = m.selected - rows + 1
	}
	flows := m.sample.Flows
	m.top = max(0, min(m.top, len(flows)-rows))
	for i := m.top; i < len(flows) && y < end; i++ {
		text, style := fit(m.row(columns, &flows[i]), width, true), usual
		if i == m.selected {
			text, style = ">"+strings.TrimPrefix(text, " "), strong
		}
		c.PutStrStyled(0, y, text, style)
		y++
	}
	if len(flows) == 0 && y < end {
		text := " no flows yet"
		if m.query.Filter != "" {
			text = " no flow matches " + m.query.Filter
		}
		c.PutStrStyled(0, y, fit(text, width, true), faint)
	}
}

func (m *model) drawText(c canvas, y, width, end int, lines []string) {
	m.scroll = max(0, min(m.scroll, len(lines)-(end-y)))
	for _, l := range lines[m.scroll:] {
		if y >= end {
			return
		}
		c.PutStrStyled(0, y, fit(l, width, true), usual)
		y++
	}
}

// detailLines is all that is known of one flow.
func (m *model) detailLines() []string {
	f := m.detailed()
	if f == nil {
		return []string{"", " The flow is not among the first " + integer(MostFlows) + " of this order any more."}
	}
	lines := []string{
		fmt.Sprintf(" flow %d  %s %s", f.Number, f.Proto, network(f)),
		" a  " + endpoint(f.A, f.APort),
		" b  " + endpoint(f.B, f.BPort),
		" first " + f.First + "  last " + f.Last,
		"",
		fmt.Sprintf(" %-23s %13s %13s %13s", "", "a > b", "b > a", "both"),
	}
	for _, l := range []struct {
		name  string
		value func(*analyze.Direction) int64
	}{
		{"frames", func(d *analyze.Direction) int64 { return d.Frames }},
		{"  with data", func(d *analyze.Direction) int64 { return d.DataFrames }},
		{"  pure ACKs", func(d *analyze.Direction) int64 { return d.AckFrames }},
		{"  setup", func(d *analyze.Direction) int64 { return d.SetupFrames }},
		{"  teardown", func(d *analyze.Direction) int64 { return d.TeardownFrames }},
		{"  retransmitted", func(d *analyze.Direction) int64 { return d.Retransmissions }},
		{"  probes", func(d *analyze.Direction) int64 { return d.ProbeFrames }},
		{"payload bytes", func(d *analyze.Direction) int64 { return d.PayloadBytes }},
		{"unique payload bytes", func(d *analyze.Direction) int64 { return d.UniquePayloadBytes }},
		{"header bytes", func(d *analyze.Direction) int64 { return d.HeaderBytes }},
		{"wire bytes", func(d *analyze.Direction) int64 { return d.WireBytes }},
		{"wasted bytes", func(d *analyze.Direction) int64 { return d.WireBytes - d.UniquePayloadBytes }},
	} {
		ab, ba := l.value(&f.AB), l.value(&f.BA)
		lines = append(lines, fmt.Sprintf(" %-23s %13s %13s %13s", l.name, integer(ab), integer(ba), integer(ab+ba)))
	}
	efficiency := func(unique, wire int64) string { return percent(analyze.Over(unique, wire)) }
	return append(lines,
		fmt.Sprintf(" %-23s %13s %13s %13s", "efficiency %", efficiency(f.AB.UniquePayloadBytes, f.AB.WireBytes),
			efficiency(f.BA.UniquePayloadBytes, f.BA.WireBytes), efficiency(f.UniquePayloadBytes(), f.WireBytes())),
		fmt.Sprintf(" %-23s %13s %13s %13s", "wire b/s, last interval", "", "", m.rate(f)))
}

// findingLines are what was found and what makes the figures less certain, wrapped.
func (m *model) findingLines(width int) (lines []string) {
	add := func(title string, texts []string) {
		lines = append(lines, " "+title)
		if len(texts) == 0 {
			texts = []string{"none"}
		}
		for _, t := range texts {
			lines = append(lines, wrap(t, width-4)...)
		}
		lines = append(lines, "")
	}
	var findings, warnings []string
	for _, f := range m.sample.Result.Findings {
		findings = append(findings, f.Message+" ["+f.Code+"]")
	}
	for _, w := range m.sample.Result.Warnings {
		warnings = append(warnings, w.Message+" ["+w.Code+"]")
	}
	add("findings (wiretax explain CODE)", findings)
	add("warnings", warnings)
	return lines
}

// wrap breaks a text into lines of so many columns, the first one marked.
func wrap(text string, width int) (lines []string) {
	line := " -"
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > width+3 && line != "  " {
			lines, line = append(lines, line), "  "
		}
		line += " " + word
	}
	return append(lines, line)
}

var helpLines = strings.Split(`
 up down j k      select a flow; also PgUp, PgDn, Home, End
 Enter            all that is known of the flow
 s  S             sort by the next, the last order: wasted, wire, payload,
                  frames, efficiency (least first), latest
 /                show only flows with these words: udp 192.0.2.1 :443
 p  space         hold the screen; counting goes on
 f                findings, and what makes the figures less certain
 w                write the result so far to a file, as wiretax analyze --json
 Ctrl-L           draw anew
 Ctrl-Z           suspend; what the ring cannot hold meanwhile is dropped
 q  Ctrl-C        end, with the report of wiretax analyze

 wasted           wire bytes - unique payload bytes: headers, padding, preamble,
                  FCS and gap, and what was sent again
 eff.%            unique payload bytes / wire bytes
 wire b/s         what the flow took of the wire in the last interval`, "\n")
