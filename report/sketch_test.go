package report

import (
	"bytes"
	"strings"
	"testing"

	"wiretax/analyze"
)

func TestBars(t *testing.T) {
	three := []part{{classPayload, "", 50}, {classHeader, "", 30}, {classFraming, "", 20}}
	for _, c := range []struct {
		name  string
		parts []part
		style Style
		want  string
	}{
		{"the longest is as long as the room", three, Style{}, "█████▒▒▒··"},
		{"without Unicode", three, Style{ASCII: true}, "#####===.."},
		{"half as long", []part{{classPayload, "", 25}, {classHeader, "", 25}}, Style{}, "███▒▒"},
		{"a step of the waterfall stands where it is missed below", []part{{skipped, "", 80}, {classFraming, "", 20}}, Style{}, "        ··"},
		{"less than a character: the largest part", []part{{classHeader, "", 0.7}, {classFraming, "", 0.3}}, Style{}, "▒"},
		{"a step of less than a character", []part{{skipped, "", 60}, {classPadding, "", 1}}, Style{}, "      ░"},
		{"nothing", nil, Style{}, ""},
		{"nothing to repeat", []part{{classPayload, "", 100}, {"retransmit", "", 0}}, Style{}, "██████████"},
	} {
		k := &sketch{rows: [][]part{three, c.parts}}
		if got := k.line(1, 10, c.style); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if got := (&sketch{rows: [][]part{nil}}).line(0, 10, Style{}); got != "" {
		t.Errorf("no figures at all: %q", got)
	}
}

// Each part has a character of its own, so that nobody needs the colours.
func TestBarsWithoutColour(t *testing.T) {
	for _, s := range []Style{{}, {ASCII: true}} {
		known := make(map[string]string)
		for class, b := range brushes {
			if other, ok := known[b.glyph(s)]; ok {
				t.Errorf("%s and %s look the same: %q", class, other, b.glyph(s))
			}
			known[b.glyph(s)] = class
			if s.ASCII && b.glyph(s)[0] >= 0x80 {
				t.Errorf("%s: %q is not ASCII", class, b.glyph(s))
			}
		}
	}
}

// No line is longer than the terminal is wide, with bars in both alphabets and with colours.
func TestReportsFitTheTerminal(t *testing.T) {
	for _, s := range []Style{{Width: 80}, {Width: 80, ASCII: true}, {Width: 60}, {Width: 100, Color: true}} {
		for name, write := range map[string]func(*bytes.Buffer) error{
			"run":      func(b *bytes.Buffer) error { return Run(b, sixteenMessages(), Table, s) },
			"matrix":   func(b *bytes.Buffer) error { return Run(b, matrixRun(), Table, s) },
			"analysis": func(b *bytes.Buffer) error { return Analysis(b, withFrames(onePlusOne()), Table, s) },
			"hosts":    func(b *bytes.Buffer) error { return Analysis(b, byHost(), Table, s) },
		} {
			text := rendered(t, write)
			if most, l := widest(text); !s.Color && most > s.Width {
				t.Errorf("%s in %d columns: %d: %q", name, s.Width, most, l)
			}
			if s.Width >= 80 && !strings.Contains(text, "bars: ") {
				t.Errorf("%s in %d columns: no bars", name, s.Width)
			}
			if s.ASCII && strings.ContainsFunc(text, func(r rune) bool { return r > '~' }) {
				t.Errorf("%s: not ASCII", name)
			}
		}
	}
}

// What the table of a run takes from the wire bytes leaves the unique payload.
func TestWireTableAddsUp(t *testing.T) {
	for _, run := range []*analyze.Run{sixteenMessages(), lossyRun()} {
		for _, parts := range wireTable(referenceFirst(&run.Workloads[0]), false).sketch.rows {
			for _, p := range parts {
				if p.n < 0 {
					t.Errorf("%s: %g", p.name, p.n)
				}
			}
		}
		for i, tr := range referenceFirst(&run.Workloads[0]).Transports {
			if got, want := sum(wireTable(referenceFirst(&run.Workloads[0]), false).sketch.rows[i]), float64(tr.Summary["wire_bytes"].Median); got != want {
				t.Errorf("%s: %g, want %g", tr.Name, got, want)
			}
		}
	}
}
