package report

import (
	"bytes"
	"strings"
	"testing"

	"wiretax/analyze"
)

func TestSharedAndOwnLinesOfWorkloads(t *testing.T) {
	rtt := func(seconds float64) func(*analyze.Link) { return func(l *analyze.Link) { l.RTTSeconds = seconds } }
	rate := func(bits int64) func(*analyze.Link) { return func(l *analyze.Link) { l.RateBitsPerSecond = bits } }
	sizes := onLinks(rtt(0.001), rtt(0.001))
	sizes.Workloads[1].Size = 1440
	for _, c := range []struct {
		name            string
		run             *analyze.Run
		workloads, link string
		own             []string
	}{
		{"round trips", onLinks(rtt(0.001), rtt(0.02)), "2 workloads: 16 messages of 90 B back to back, 5 trials per transport", "10 Mb/s", []string{"RTT 1 ms", "RTT 20 ms"}},
		{"rates", onLinks(rate(10e6), rate(0)), "2 workloads: 16 messages of 90 B back to back, 5 trials per transport", "RTT 1 ms", []string{"10 Mb/s", "without rate limit"}},
		{"sizes", sizes, "2 workloads: 5 trials per transport", "RTT 1 ms", []string{"16 messages of 90 B back to back", "16 messages of 1440 B back to back"}},
	} {
		workloads, link := sharedLines(c.run)
		if got := unglued(workloads); got != c.workloads {
			t.Errorf("%s: %q, want %q", c.name, got, c.workloads)
		}
		if !strings.Contains(unglued(link), c.link) {
			t.Errorf("%s: no %s in %q", c.name, c.link, unglued(link))
		}
		for i, want := range c.own {
			if strings.Contains(unglued(link), want) {
				t.Errorf("%s: %q is not shared: %q", c.name, want, unglued(link))
			}
			if got := unglued(ownLine(c.run, i)); got != want {
				t.Errorf("%s: %q, want %q", c.name, got, want)
			}
		}
	}
}

// The page of a matrix has the answer before the curves.
func TestMatrixPageBeginsWithTheWinners(t *testing.T) {
	page := htmlRun(t, onLinks(func(l *analyze.Link) { l.RTTSeconds = 0.001 }, func(l *analyze.Link) { l.RTTSeconds = 0.1 }))
	best, curves := strings.Index(page, `id="best-table"`), strings.Index(page, `id="curves"`)
	if best < 0 || curves < best {
		t.Errorf("the winners are at %d, the curves at %d", best, curves)
	}
	if !strings.Contains(page, "RTT, ms (log scale)") {
		t.Error("an axis from 1 to 100 does not say that it is logarithmic")
	}
}

func TestSVGSaysWhatWasSaved(t *testing.T) {
	text := rendered(t, func(b *bytes.Buffer) error { return Run(b, smallRun(), SVG, Style{}) })
	for _, want := range []string{">udp</tspan> 2" + glue + "frames, p50 1.02", ">tcp</tspan> 4 frames more, p50 too few trials to tell (drawn: trial 1"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

func TestMarkdownOfAMatrixLeadsWithTheWinners(t *testing.T) {
	for name, r := range map[string]*analyze.Run{"a table": matrixRun(), "few": onLinks(func(*analyze.Link) {}, func(l *analyze.Link) { l.RTTSeconds = 0.1 })} {
		text := rendered(t, func(b *bytes.Buffer) error { return Run(b, r, Markdown, Style{}) })
		trust, best, figures := strings.Index(text, "trials,"), strings.Index(text, "### who saves most"), strings.Index(text, "| transport |")
		if trust < 0 || best < trust || figures < best {
			t.Errorf("%s: trust at %d, winners at %d, figures at %d", name, trust, best, figures)
		}
		if strings.Contains(text, "has ranges") || strings.Contains(text, `\~ differs`) {
			t.Errorf("%s: a note about a mark that no cell has", name)
		}
	}
}

func TestRecordsBeginWithTheAnswer(t *testing.T) {
	r := sixteenMessages()
	r.Complete()
	records := runRecords(r)
	seen := map[string]bool{}
	for i, c := range records.columns {
		if seen[c.name] {
			t.Errorf("column %s twice", c.name)
		}
		seen[c.name] = true
		if i < len(answerColumns) && c.name != answerColumns[i] {
			t.Errorf("column %d is %s, want %s", i+1, c.name, answerColumns[i])
		}
	}
	if got := records.rows[0][0]; got != "udp" {
		t.Errorf("the first cell of the first row is %q", got)
	}
}
