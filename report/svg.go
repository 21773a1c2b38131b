package report

import (
	"bytes"
	_ "embed" // the template
	"errors"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"wiretax/analyze"
)

// errNothingToDraw says what a drawing of frames is made of.
var errNothingToDraw = errors.New("draw svg: no frames (a run has them, a capture with --frames)")

//go:embed html/frames.svg.tmpl
var drawingSource string

// drawing is frames on their axes of time as one picture for a page or a slide: SVG 1.1 that needs nothing beside it.
type drawing struct {
	Title  string
	Height int
	Lead   []drawnText
	Keys   []drawnKey
	Charts []drawnChart
}

type drawnText struct {
	Y    int
	Text string
}

type drawnKey struct {
	X, Y int
	swatch
}

// drawnChart is the strips of one workload.
type drawnChart struct {
	*strips
	Head   drawnText
	Rows   []drawnStrip
	AxisY  int
	AxisAt int // where the names of the ticks stand
	Ticks  []tick
}

type drawnStrip struct {
	strip
	TextY, Y int
}

// Places of a drawing, in its own units.
const (
	drawingWidth, drawingLeft                     = 960, 16
	drawnLine, drawnHead, drawnStripHeight, below = 20, 34, 64, 40
)

// writeRunSVG draws the frames of a run as the HTML report does.
func writeRunSVG(w io.Writer, r *analyze.Run) error {
	d := newDrawing()
	if len(r.Workloads) > 0 {
		workloads, link := sharedLines(r)
		d.say(workloads)
		d.say(link)
	}
	for _, l := range trustSection(r).lines[:1] {
		d.say(l.text)
	}
	d.say("above: what the sender sends; below: what the receiver sends")
	d.key(frameLegend[:legendSize(r.Link)])
	for i := range r.Workloads {
		ordered := referenceFirst(&r.Workloads[i])
		if len(ordered.Transports) == 0 {
			continue
		}
		if p := workloadFrames(ordered, *r.LinkOf(ordered), fmt.Sprintf("w%d", i+1)); p != nil {
			title := ""
			if len(r.Workloads) > 1 {
				title = ownLine(r, i)
			}
			for n := range p.Frames.Strips {
				s := &p.Frames.Strips[n]
				s.Text = outcome(ordered, s.Name) + " (drawn: " + s.Text + ")"
			}
			d.chart(title, p.Frames)
		}
	}
	return d.write(w)
}

// outcome is what the transport saved, and at what latency, by the medians of all trials; of the base what it needed.
func outcome(w *analyze.Workload, name string) string {
	ref, figure := w.Transports[0], w.LatencyFigure("p50")
	i := slices.IndexFunc(w.Transports, func(t analyze.Transport) bool { return t.Name == name })
	t := w.Transports[i]
	var parts []string
	switch saved := t.Summary["frames_saved"]; {
	case i == 0 && t.Summary["frames"].Median.Valid():
		parts = append(parts, quantified(t.Summary["frames"], "frame"))
	case !saved.Median.Valid():
	case saved.Median < 0:
		parts = append(parts, ranged(negative(saved), count)+" frames more")
	default:
		parts = append(parts, quantified(saved, "frame")+" saved")
	}
	switch p50 := t.Summary[figure]; {
	case i == 0 && p50.Median.Valid():
		parts = append(parts, "p50 "+median(p50, millis)+glue+"ms")
	case !compares(ref, t, figure):
	case unclear(ref, t, figure):
		parts = append(parts, "p50 "+unclearWord(w))
	default:
		parts = append(parts, "p50 "+signed(float64(p50.Median-ref.Summary[figure].Median))+glue+"ms")
	}
	return strings.Join(parts, ", ")
}

// writeAnalysisSVG draws the records of the largest flows as the HTML report does.
func writeAnalysisSVG(w io.Writer, r *analyze.Result) error {
	d := newDrawing()
	source := sourceSection(r)
	d.say(source.title)
	for _, l := range source.lines {
		d.say(l.text)
	}
	d.say("above: from a, who sent first; below: from b. Widths compare with each other, not with the time")
	d.key(frameLegend[:legendSize(analyze.Link{})])
	if len(r.Frames) > 0 {
		d.chart("", recordsPicture(r).Frames)
	}
	return d.write(w)
}

func newDrawing() *drawing { return &drawing{Height: 8} }

func (d *drawing) say(text string) {
	if d.Title == "" {
		d.Title = unglued(text)
	}
	d.Height += drawnLine
	d.Lead = append(d.Lead, drawnText{d.Height, text})
}

// key is the legend: about 7 units a letter.
func (d *drawing) key(legend []swatch) {
	d.Height += drawnLine + 4
	x := drawingLeft
	for _, s := range legend {
		d.Keys = append(d.Keys, drawnKey{x, d.Height, s})
		x += 36 + 7*len(s.Name)
	}
	d.Height += 8
}

func (d *drawing) chart(title string, s *strips) {
	c := drawnChart{strips: s}
	if title != "" {
		d.Height += drawnHead
		c.Head = drawnText{d.Height, title}
	}
	for _, st := range s.Strips {
		d.Height += drawnLine + 6
		c.Rows = append(c.Rows, drawnStrip{st, d.Height, d.Height + 4})
		d.Height += drawnStripHeight
	}
	c.AxisY, c.AxisAt = d.Height+6, d.Height+20
	milliseconds := axis{hi: float64(s.Span*s.Unit) / 1e6, from: drawingLeft, to: drawingWidth - drawingLeft}
	c.Ticks = milliseconds.ticks(8)
	d.Height += below
	d.Charts = append(d.Charts, c)
}

func (d *drawing) write(w io.Writer) error {
	drawn := 0
	for _, c := range d.Charts {
		drawn += len(c.Rows)
	}
	if drawn == 0 {
		return errNothingToDraw
	}
	t, err := template.New("svg").Parse(drawingSource)
	if err != nil {
		return fmt.Errorf("parse svg template: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, d); err != nil {
		return fmt.Errorf("render svg: %w", err)
	}
	// XML knows no other entity than its five; html/template writes numbers for the rest.
	if _, err := io.WriteString(w, strings.TrimLeft(cleanLines(b.String()), "\n")); err != nil {
		return fmt.Errorf("write svg: %w", err)
	}
	return nil
}
