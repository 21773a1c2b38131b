package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"wiretax/analyze"
)

// runPage is the report of an experiment for a browser, as far as there is room.
func runPage(r *analyze.Run, limit room) *page {
	p := &page{Heading: "wiretax run", Lead: append(presetLead(r.Preset), sharedLink(r), hostLine(r)), Trust: runVerdict(r), Notes: runFootnotes(r.Warnings), Words: definitions[:]}
	for i := range r.Workloads[:limit.workloads] {
		w := referenceFirst(&r.Workloads[i])
		s := workloadSection(r, w, i)
		if len(r.Workloads) > 1 {
			s.Title, s.Closed = ownLine(r, i), i > 0
		} else {
			p.Heading = workloadLine(w)
		}
		p.Sections = append(p.Sections, s)
	}
	if len(r.Workloads) > 1 {
		p.Heading, _ = sharedLines(r)
		if limit.workloads < len(r.Workloads) {
			p.Lead = append(p.Lead, fmt.Sprintf("Sampled: the first %d of %d workloads are shown in full; curves and tables are of more, --format csv has all.", limit.workloads, len(r.Workloads)))
		}
		if s := curvesSection(r, limit); len(s.Pictures) > 0 {
			p.Sections = append([]pageSection{s}, p.Sections...)
		}
		if t := bestTable(r, true); t != nil {
			limit.cut(t)
			best := picture{ID: "best-table", Title: "Who saves most, workload by workload", Open: true, Data: t, Filter: true}
			p.Sections = append([]pageSection{{ID: "best", Title: "Comparison of the workloads", Headline: matrixHeadline(r), Pictures: []picture{best}}}, p.Sections...)
		}
	}
	if s := claimPage(r); s != nil {
		p.Sections = append([]pageSection{*s}, p.Sections...)
	}
	p.Title = "wiretax: " + unglued(p.Heading)
	return p
}

func runVerdict(r *analyze.Run) verdict {
	v := verdict{Tone: "good", Word: "Verified", Lines: trustSection(r).lines}
	for _, l := range v.Lines {
		if l.tone == bad {
			v.Tone, v.Word = "bad", "Do not trust"
		}
	}
	return v
}

func workloadSection(r *analyze.Run, w *analyze.Workload, i int) pageSection {
	id := func(name string) string { return "w" + strconv.Itoa(i+1) + "-" + name }
	s := pageSection{ID: "w" + strconv.Itoa(i+1)}
	if len(w.Transports) == 0 {
		return s
	}
	s.Headline = headline(w)
	s.Cards = transportCards(w)
	if frames := workloadFrames(w, *r.LinkOf(w), id("frames")); frames != nil {
		s.Pictures = append(s.Pictures, *frames)
	}
	if lines := comparisons(w); len(lines) > 0 {
		s.Pictures = append(s.Pictures, picture{ID: id("words"), Title: "In words", Lines: lines})
	}
	s.Pictures = append(s.Pictures, rolesPicture(w, id("roles")), ownersPicture(w, id("bytes")))
	if len(w.Transports) > 1 {
		s.Pictures = append(s.Pictures, paretoPicture(w, id("price")))
	}
	s.Pictures = append(s.Pictures, picture{ID: id("figures"), Title: "All figures", Open: true, Data: transportTable(w, true, true),
		Note: "Medians over the trials; [min..max] where they differ."})
	if causes := causeTable(w, true); causes != nil {
		s.Pictures = append(s.Pictures, picture{ID: id("causes"), Title: "What each mechanism contributes", Open: true, Data: causes,
			Note: "Medians of the trials with it less medians of those without, with the 95 % bootstrap interval."})
	}
	if theory := theoryTable(w); theory != nil {
		s.Pictures = append(s.Pictures, picture{ID: id("theory"), Title: "What the standards determine", Open: true, Data: theory,
			Note: "Beside the medians of the trials; >=: the least that conforming hosts can do."})
	}
	if options := optionSection(w); len(options.lines) > 0 {
		s.Pictures = append(s.Pictures, picture{ID: id("options"), Title: "Socket options, read back from the kernel", Lines: options.lines})
	}
	return s
}

// transportCards are frames saved and the latency of each transport.
func transportCards(w *analyze.Workload) []card {
	cards := make([]card, 0, len(w.Transports))
	ref := w.Transports[0]
	for i, t := range w.Transports {
		c := card{Name: t.Name, Figure: nothing, Unit: "frames saved", Tone: "plain"}
		saved, frames := t.Summary["frames_saved"], t.Summary["frames"]
		switch {
		case !frames.Median.Valid() || len(t.Summary) == 0:
		case i == 0:
			c.Figure, c.Unit = median(frames, count), "frames (base)"
		case saved.Median < 0:
			c.Figure, c.Unit, c.Tone = ranged(negative(saved), count), "frames more", "bad"
		default:
			c.Figure = ranged(saved, count)
			if saved.Median > 0 {
				c.Tone = "good"
			}
		}
		if i > 0 && frames.Median.Valid() && len(t.Summary) > 0 {
			c.Lines = append(c.Lines, fmt.Sprintf("%s, %s with data", quantified(frames, "frame"), ranged(t.Summary["data_frames"], count)))
		}
		figure := w.LatencyFigure("p50")
		if p50 := t.Summary[figure]; p50.Median.Valid() && len(t.Summary) > 0 {
			text := "latency p50 " + median(p50, millis) + glue + "ms"
			switch {
			case i == 0 || !compares(ref, t, figure):
			case unclear(ref, t, figure):
				text += " (" + unclearWord(w) + ")"
			default:
				text += " (" + signed(float64(p50.Median-ref.Summary[figure].Median)) + glue + "ms)"
			}
			c.Lines = append(c.Lines, text)
		}
		cards = append(cards, c)
	}
	return cards
}

// signed writes a difference of seconds in milliseconds.
func signed(seconds float64) string {
	if seconds > 0 {
		return "+" + millis(seconds)
	}
	return millis(seconds)
}

// workloadFrames draws a typical trial of each transport; nil where no frames were kept.
func workloadFrames(w *analyze.Workload, link analyze.Link, id string) *picture {
	var sources []stripSource
	for _, t := range w.Transports {
		if t.Timeline == nil {
			continue
		}
		trial := &t.Trials[t.Timeline.Trial]
		text := fmt.Sprintf("trial %d of %d: %s; %s", t.Timeline.Trial+1, len(t.Trials), plural(float64(trial.Frames), "frame"), roleCounts(trial))
		sources = append(sources, stripSource{t.Name, text, t.Timeline.Rows, t.Timeline.Records})
	}
	if sources == nil {
		return nil
	}
	note := "Each block is a frame, as long as the link needs to carry it; above the sender's frames, below what comes back. It starts when " +
		"the link began to carry it: at its time of capture, or after the frame before it (computed from the rate)."
	if link.RateBitsPerSecond == 0 {
		note = "Each block is a frame at its time of capture; above the sender's frames, below what comes back. The link has no rate: widths compare with each other, not with the time."
	}
	if nonZero("security_bytes")(w) {
		note += " What TLS and QUIC encrypt is drawn as payload, their own bytes included."
	}
	return &picture{ID: id, Title: "See the frames", Note: note, Legend: frameLegend[:legendSize(link)], Frames: newStrips(id, sources, link, false)}
}

// legendSize leaves the way out where frames are there at once.
func legendSize(link analyze.Link) int {
	if link.RTTSeconds > 0 {
		return len(frameLegend)
	}
	return len(frameLegend) - 1
}

// roleFigures are the roles of a trial's frames in the order of a connection.
var roleFigures = [...]struct{ key, class, name string }{
	{"data_frames", "data", "data"}, {"ack_frames", "ack", "ACK"}, {"setup_frames", "setup", "setup"},
	{"teardown_frames", "teardown", "teardown"}, {"retransmit_frames", "retransmit", "retransmitted"}, {"probe_frames", "probe", "probe"},
}

// rolesPicture shows how many frames each transport needed, and for what.
func rolesPicture(w *analyze.Workload, id string) picture {
	p := picture{ID: id, Title: "Frames per transport", Bars: &bars{}, Note: "Medians; the line at a bar's end is the range over the trials.",
		Data: &table{columns: []column{{name: "transport", left: true}, {name: "frames"}, {name: "min"}, {name: "max"}}}}
	var used []int
	for i, f := range roleFigures {
		if nonZero(f.key)(w) {
			used = append(used, i)
			p.Legend = append(p.Legend, swatch{f.class, f.name})
			p.Data.columns = append(p.Data.columns, column{name: f.name})
		}
	}
	whole := most(w, "frames")
	for _, t := range w.Transports {
		s := t.Summary["frames"]
		row := []string{t.Name, median(s, count), median(analyze.Summary{Median: s.Min}, count), median(analyze.Summary{Median: s.Max}, count)}
		var parts []part
		for _, i := range used {
			f := roleFigures[i]
			parts = append(parts, part{f.class, f.name, float64(t.Summary[f.key].Median)})
			row = append(row, median(t.Summary[f.key], count))
		}
		p.Bars.add(t.Name, ranged(s, count), whole, parts).spread(s, whole)
		p.Data.rows = append(p.Data.rows, row)
	}
	return p
}

// most is the largest value of a figure in any trial.
func most(w *analyze.Workload, key string) float64 {
	largest := 0.0
	for _, t := range w.Transports {
		if s, ok := t.Summary[key]; ok && s.Max.Valid() {
			largest = max(largest, float64(s.Max))
		}
	}
	return largest
}

// ownersPicture goes from the wire bytes of each transport down to its unique payload: exactly, where a trial was kept,
// otherwise by the medians.
func ownersPicture(w *analyze.Workload, id string) picture {
	p := picture{ID: id, Title: "Wire bytes per transport: who owns them", Bars: &bars{}, Legend: ownerLegend,
		Note: "The trials drawn above; the line at a bar's end is the range over all trials.", Data: ownersTable(w)}
	if p.Data == nil {
		p.Note = "Medians; the line at a bar's end is the range over the trials."
		p.Data = transportTable(w, true, true)
	}
	whole := most(w, "wire_bytes")
	for _, t := range w.Transports {
		s := t.Summary["wire_bytes"]
		figure := ranged(s, count)
		if e := t.Summary["efficiency"]; e.Median.Valid() && len(t.Summary) > 0 {
			figure += ", " + median(e, percent) + glue + "% payload"
		}
		p.Bars.add(t.Name, figure, whole, transportParts(&t)).spread(s, whole)
	}
	return p
}

var ownerLegend = []swatch{
	{classPayload, "unique payload"}, {"retransmit", "retransmitted payload"}, {classHeader, "headers"}, {classPadding, "padding"},
	{classFraming, "preamble, FCS, gap"},
}

func transportParts(t *analyze.Transport) []part {
	if t.Timeline != nil {
		return ownerParts(drawnTrial(t))
	}
	return medianParts(t)
}

// medianParts are the wire bytes as far as the figures of all trials tell them apart.
func medianParts(t *analyze.Transport) []part {
	unique, payload, header := t.Summary["unique_payload_bytes"].Median, t.Summary["payload_bytes"].Median, t.Summary["header_bytes"].Median
	return []part{
		{classPayload, "unique payload", float64(unique)}, {"retransmit", "retransmitted payload", float64(payload - unique)},
		{classHeader, "headers", float64(header)},
		{classFraming, "padding, preamble, FCS, gap", float64(t.Summary["wire_bytes"].Median - payload - header)},
	}
}

// drawnTrial is the trial that was kept, as the analysis of a capture.
func drawnTrial(t *analyze.Transport) *analyze.Result {
	trial := &t.Trials[t.Timeline.Trial]
	return &analyze.Result{Owners: t.Timeline.Owners, Inferred: t.Timeline.Inferred, Totals: analyze.Totals{
		WireBytes: trial.WireBytes, PayloadBytes: trial.PayloadBytes, UniquePayloadBytes: trial.UniquePayloadBytes}}
}

// ownerParts are the wire bytes of a result from the inside of its frames to the outside; they add up.
func ownerParts(r *analyze.Result) []part {
	padding := r.Owners["padding"] + r.Inferred["fill"]
	framing := r.Owners["fcs"] + r.Inferred["fcs"] + r.Inferred["gap"] + r.Inferred["preamble"]
	return []part{
		{classPayload, "unique payload", float64(r.Totals.UniquePayloadBytes)},
		{"retransmit", "retransmitted payload", float64(r.Totals.PayloadBytes - r.Totals.UniquePayloadBytes)},
		{classHeader, "headers", float64(r.Totals.WireBytes - r.Totals.PayloadBytes - padding - framing)},
		{classPadding, "padding", float64(padding)}, {classFraming, "preamble, FCS, gap", float64(framing)},
	}
}

// ownersTable is the waterfall of every transport, owner by owner; nil where a trial was not kept.
func ownersTable(w *analyze.Workload) *table {
	t := &table{columns: []column{{name: "owner", left: true}}}
	var keys []string // of the rows: an owner can be measured and inferred
	cells := make(map[string][]string)
	for i := range w.Transports {
		tr := &w.Transports[i]
		if tr.Timeline == nil {
			return nil
		}
		t.columns = append(t.columns, column{name: tr.Name})
		after := 0
		for _, row := range waterfall(drawnTrial(tr)).rows {
			key := row[0] + lineBreak + row[4]
			if !slices.Contains(keys, key) {
				keys = slices.Insert(keys, after, key)
				cells[key] = make([]string, len(w.Transports))
			}
			after = slices.Index(keys, key) + 1
			cells[key][i] = row[1]
		}
	}
	t.columns = append(t.columns, column{name: "how", left: true})
	for _, key := range keys {
		name, how, _ := strings.Cut(key, lineBreak)
		t.rows = append(t.rows, append(append([]string{name}, cells[key]...), how))
	}
	return t
}
