package report

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"wiretax/analyze"
)

// onLinks is a run of one workload on several links.
func onLinks(links ...func(*analyze.Link)) *analyze.Run {
	r := &analyze.Run{Link: wireLink()}
	for _, change := range links {
		w := sixteenMessages().Workloads[0]
		link := wireLink()
		change(&link)
		w.Link = &link
		r.Workloads = append(r.Workloads, w)
	}
	return r
}

func TestCurvesOverTheLink(t *testing.T) {
	rtt := func(seconds float64) func(*analyze.Link) {
		return func(l *analyze.Link) { l.RTTSeconds = seconds }
	}
	rate := func(bits int64) func(*analyze.Link) {
		return func(l *analyze.Link) { l.RateBitsPerSecond = bits }
	}
	for _, c := range []struct {
		name   string
		run    *analyze.Run
		curves []string // titles of the pictures
		plots  int
	}{
		{"over the round trip", onLinks(rtt(0.001), rtt(0.01), rtt(0.1)), []string{"Over RTT, ms"}, 3},
		{"over the rate, no limit has no place", onLinks(rate(10e6), rate(0), rate(1e9)), []string{"Over rate, Mb/s"}, 3},
		{"one rate and none: nothing to draw", onLinks(rate(10e6), rate(0)), nil, 0},
		{"IP versions are not mixed", onLinks(rtt(0.001), rtt(0.01), func(l *analyze.Link) { l.IP = 6 },
			func(l *analyze.Link) { l.IP, l.RTTSeconds = 6, 0.01 }), []string{"Over RTT, ms"}, 6},
		{"over sizes and intervals", matrixRun(), nil, 0}, // both change at once
	} {
		s := curvesSection(c.run, wholeRoom(c.run))
		var titles []string
		plots := 0
		for _, p := range s.Pictures {
			titles = append(titles, p.Title)
			plots += len(p.Plots)
			if len(p.Data.rows) == 0 {
				t.Errorf("%s: %s has no data", c.name, p.Title)
			}
		}
		if fmt.Sprint(titles) != fmt.Sprint(c.curves) || plots != c.plots {
			t.Errorf("%s: %v with %d plots, want %v with %d", c.name, titles, plots, c.curves, c.plots)
		}
	}
}

// A matrix of many cells fits a page, and says what it leaves out.
func TestHTMLMatrixSize(t *testing.T) {
	r := &analyze.Run{Link: wireLink()}
	cell := sixteenMessages().Workloads[0]
	for i := range 400 {
		w := cell
		link := wireLink()
		link.RTTSeconds = math.Round(float64(1+i%20)) / 1000
		w.Link, w.Size = &link, 10*(1+i/20)
		r.Workloads = append(r.Workloads, w)
	}
	page := htmlRun(t, r)
	t.Logf("%d bytes", len(page))
	if len(page) > maxPage {
		t.Errorf("%d bytes", len(page))
	}
	for _, want := range []string{"Sampled: the first ", " of 400 workloads are shown in full", "Over RTT, ms", "Over size of a message, B", "combinations are drawn"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing", want)
		}
	}
}
