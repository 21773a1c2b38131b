package report

import (
	"bytes"
	_ "embed" // the template
	"errors"
	"fmt"
	"html/template"
	"io"
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
	if len(r.Workloads) == 1 {
		d.say(workloadLine(&r.Workloads[0]))
	}
	d.say(linkLine(r.Link))
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
		if p := workloadFrames(ordered, r.Link, fmt.Sprintf("w%d", i+1)); p != nil {
			title := ""
			if len(r.Workloads) > 1 {
				title = workloadLine(ordered)
			}
			d.chart(title, p.Frames)
		}
	}
	return d.write(w)
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
