package screen

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/gdamore/tcell/v3"
	"github.com/gdamore/tcell/v3/vt"

	"wiretax/analyze"
)

// grid is a canvas that keeps what is put on it.
type grid struct {
	t             *testing.T
	width, height int
	lines         []string
}

func (g *grid) Clear()           { g.lines = make([]string, g.height) }
func (g *grid) Size() (int, int) { return g.width, g.height }

func (g *grid) PutStrStyled(x, y int, text string, _ tcell.Style) {
	if x != 0 || y < 0 || y >= g.height || len([]rune(text)) > g.width {
		g.t.Errorf("%d x %d: %d columns at %d,%d: %q", g.width, g.height, len([]rune(text)), x, y, text)
		return
	}
	g.lines[y] = text
}

func (g *grid) text() string { return strings.Join(g.lines, "\n") }

// sampleOf is a sample of n flows of UDP, the flow i with i datagrams of 90 octets.
func sampleOf(n int) Sample {
	r := &analyze.Result{Source: analyze.Source{Capture: &analyze.Capture{Interface: "eth0", DurationSeconds: 3723}}}
	var flows []analyze.Flow
	for i := n; i > 0; i-- {
		d := analyze.Direction{Records: int64(i), Frames: int64(i), DataFrames: int64(i), PayloadBytes: 90 * int64(i),
			UniquePayloadBytes: 90 * int64(i), HeaderBytes: 42 * int64(i), WireBytes: 156 * int64(i)}
		flows = append(flows, analyze.Flow{Number: i, Proto: "udp", A: "192.0.2.1", APort: uint16(1000 + i), B: "2001:db8::1234:5678:9abc:def0", BPort: 443, AB: d})
		r.Totals.Frames += d.Frames
		r.Totals.WireBytes += d.WireBytes
		r.Totals.UniquePayloadBytes += d.UniquePayloadBytes
	}
	r.Totals.Efficiency = analyze.Over(r.Totals.UniquePayloadBytes, r.Totals.WireBytes)
	r.Unlisted.Flows = int64(n)
	r.Findings = []analyze.Finding{{Code: "tiny_datagrams", Message: strings.Repeat("a finding with many words ", 8), WireBytes: 5}}
	r.Warnings = []analyze.Warning{{Code: "capture_dropped", Message: "frames are missing"}}
	return Sample{Result: r, Flows: flows, Interval: &analyze.Interval{Seconds: 1, Frames: r.Totals.Frames, WireBytes: r.Totals.WireBytes,
		UniquePayloadBytes: r.Totals.UniquePayloadBytes}}
}

func TestScreenShowsTheWorstFlowsAtEverySize(t *testing.T) {
	for _, size := range []struct {
		width, height int
		want          []string
	}{
		{80, 24, []string{"wiretax watch eth0", "1:02:03", "total   820", "57.7 %", "wire  ", "peak 1.02 Mb/s", ">   40 udp   192.0.2.1:1040", "2.64 kB", "q quit  ? help"}},
		{200, 50, []string{"[2001:db8::1234:5678:9abc:def0]:443", "retrans.", "wire b/s", "frames a>b"}},
		{40, 10, []string{"total 128 kB, eff. 57.7 %", "flows 40, dropped 0", ">192.0.2.1:", "q quit  ? help  p pause"}},
		{21, 7, []string{"wiretax", "q quit"}},
		{80, 6, []string{"wiretax: q quit"}},
		{10, 3, []string{"wiretax: …"}},
		{1, 1, []string{"…"}},
	} {
		m := &model{}
		m.take(sampleOf(40))
		g := &grid{t: t, width: size.width, height: size.height}
		m.draw(g)
		for _, want := range size.want {
			if !strings.Contains(g.text(), want) {
				t.Errorf("%d x %d: no %q in\n%s", size.width, size.height, want, g.text())
			}
		}
	}
}

// press has the model take keys: letters, or names in angle brackets.
func press(m *model, keys ...string) (last action) {
	named := map[string]tcell.Key{"<up>": tcell.KeyUp, "<down>": tcell.KeyDown, "<enter>": tcell.KeyEnter, "<esc>": tcell.KeyEscape,
		"<end>": tcell.KeyEnd, "<home>": tcell.KeyHome, "<pgdn>": tcell.KeyPgDn, "<pgup>": tcell.KeyPgUp, "<back>": tcell.KeyBackspace,
		"<ctrl-c>": tcell.KeyCtrlC, "<ctrl-z>": tcell.KeyCtrlZ, "<ctrl-l>": tcell.KeyCtrlL}
	for _, k := range keys {
		if key, ok := named[k]; ok {
			last = m.press(tcell.NewEventKey(key, "", 0))
		} else {
			last = m.press(tcell.NewEventKey(tcell.KeyRune, k, 0))
		}
	}
	return last
}

func TestKeys(t *testing.T) {
	for _, tt := range []struct {
		name   string
		keys   string
		action action
		want   string // on the screen afterwards
	}{
		{"quit", "q", quit, ""},
		{"interrupt", "<ctrl-c>", quit, ""},
		{"interrupt while typing", "/ u <ctrl-c>", quit, ""},
		{"suspend", "<ctrl-z>", suspend, ""},
		{"save", "w", save, ""},
		{"next order", "s", ask, "s sort: wire"},
		{"previous order", "S", ask, "s sort: latest"},
		{"pause", "p", none, "PAUSED"},
		{"pause and go on", "p p", none, "p pause"},
		{"second flow", "<down>", none, ">   39 udp"},
		{"last flow", "<end>", none, ">    1 udp"},
		{"not above the first", "<end> <home> <up>", none, ">   40 udp"},
		{"a page down and up", "<pgdn> <pgup>", none, ">   40 udp"},
		{"detail of a flow", "<down> <enter>", none, "a  192.0.2.1:1039"},
		{"back from the detail", "<enter> <esc>", none, ">   40 udp"},
		{"filter", "/ t c p <enter>", none, "/ filter: tcp (Esc: all)"},
		{"filter asks at each letter", "/ t", ask, "filter: t_"},
		{"letters of a filter are no commands", "/ q", ask, "filter: q_"},
		{"correct the filter", "/ t u <back>", ask, "filter: t_"},
		{"give the filter up", "/ t <esc>", ask, "/ filter  "},
		{"drop a filter that was kept", "/ t <enter> <esc>", ask, "/ filter  "},
		{"findings", "f", none, "[tiny_datagrams]"},
		{"help", "?", none, "unique payload bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := &model{}
			m.take(sampleOf(40))
			g := &grid{t: t, width: 100, height: 40}
			m.draw(g)
			if got := press(m, strings.Fields(tt.keys)...); got != tt.action {
				t.Errorf("action %v, want %v", got, tt.action)
			}
			m.draw(g)
			if !strings.Contains(g.text(), tt.want) {
				t.Errorf("no %q in\n%s", tt.want, g.text())
			}
		})
	}
}

func TestPauseHoldsTheScreenAndLosesNothing(t *testing.T) {
	m := &model{}
	g := &grid{t: t, width: 80, height: 24}
	m.take(sampleOf(1))
	press(m, "p")
	m.take(sampleOf(40))
	if m.draw(g); strings.Contains(g.text(), "total   820") {
		t.Error("the screen went on")
	}
	press(m, "p")
	if m.draw(g); !strings.Contains(g.text(), "total   820") {
		t.Errorf("the screen did not go on:\n%s", g.text())
	}
}

func TestSelectedFlowStaysSelected(t *testing.T) {
	m := &model{}
	m.take(sampleOf(10))
	press(m, "<down>", "<down>")
	was := m.flow().Number
	s := sampleOf(10)
	s.Flows[0], s.Flows[2], s.Flows[7] = s.Flows[7], s.Flows[0], s.Flows[2]
	m.take(s)
	if m.flow().Number != was {
		t.Errorf("flow %d is selected, was %d", m.flow().Number, was)
	}
}

// No keys in any order and at any size, with flows coming and going, draw out of bounds or fail.
func TestAnyKeysAtAnySize(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	keys := strings.Fields("<up> <down> <enter> <esc> <end> <home> <pgdn> <pgup> <back> <ctrl-l> q p s S / w f ? j k u 1 é")
	m := &model{}
	for range 5000 {
		switch random.IntN(4) {
		case 0:
			m.take(sampleOf(random.IntN(60)))
		default:
			press(m, keys[random.IntN(len(keys))])
		}
		m.draw(&grid{t: t, width: 1 + random.IntN(120), height: 1 + random.IntN(40)})
	}
}

// The whole screen on an emulated terminal: it draws, follows keys and sizes, and gives the terminal back.
func TestScreenOnATerminal(t *testing.T) {
	terminal := vt.NewMockTerm(vt.MockOptSize{X: 80, Y: 24})
	t.Setenv("LC_ALL", "C.UTF-8")
	t.Setenv("TERM", "xterm-256color")
	display, err := tcell.NewTerminfoScreenFromTty(terminal, tcell.OptNegotiation(false))
	if err != nil {
		t.Fatal(err)
	}
	s, err := open(display)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ended := make(chan error, 1)
	asked := make(chan Query, 10)
	go func() {
		ended <- s.Run(t.Context(), Actions{Ask: func() { asked <- s.Query() }, Save: func() (string, error) { return "", errors.New("disk full") }})
	}()
	s.Show(sampleOf(40))
	waitFor(t, terminal, 80, ">   40 udp")
	terminal.SendRaw([]byte("w"))
	waitFor(t, terminal, 80, "disk full")
	s.Say("statistics")
	waitFor(t, terminal, 80, "statistics")
	terminal.SendRaw([]byte("s"))
	if q := <-asked; q.By != analyze.ByWire {
		t.Errorf("asked for %v", q)
	}
	terminal.SetSize(vt.Coord{X: 40, Y: 10})
	waitFor(t, terminal, 40, "total 128 kB")
	terminal.SendRaw([]byte("q"))
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestScreenEndsWithItsContext(t *testing.T) {
	display, err := tcell.NewTerminfoScreenFromTty(vt.NewMockTerm(vt.MockOptSize{X: 80, Y: 24}), tcell.OptNegotiation(false))
	if err != nil {
		t.Fatal(err)
	}
	s, err := open(display)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Run(ctx, Actions{}); err != nil {
		t.Error(err)
	}
	s.Close()
	s.Close() // once more does no harm
}

// waitFor waits until the emulated terminal of so many columns shows a text.
func waitFor(t *testing.T, terminal vt.MockTerm, width int, want string) {
	t.Helper()
	var shown strings.Builder
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		shown.Reset()
		size := terminal.Backend().GetSize()
		for y := range size.Y {
			for x := range size.X {
				if c := terminal.GetCell(vt.Coord{X: x, Y: y}).C; c != "" {
					shown.WriteString(c)
				} else {
					shown.WriteString(" ")
				}
			}
			shown.WriteString("\n")
		}
		if int(size.X) == width && strings.Contains(shown.String(), want) {
			return
		}
	}
	t.Fatalf("no %q on the terminal:\n%s", want, shown.String())
}

func TestNumbers(t *testing.T) {
	for v, want := range map[float64]string{0: "0 B", 7: "7 B", 999: "999 B", 999.7: "1.00 kB", 1000: "1.00 kB", 12_345: "12.3 kB", 999_600: "1.00 MB", 1.5e9: "1.50 GB", 0.25: "0.25 B"} {
		if got := si(v, "B"); got != want {
			t.Errorf("%v: %q, want %q", v, got, want)
		}
	}
	if got := sparkline([]float64{0, 1, 4, 8}, 6, 0); got != "   ▂▅█" {
		t.Errorf("%q", got)
	}
}
