package report

import (
	"slices"
	"strings"
	"testing"

	"wiretax/analyze"
)

func TestTrustSaysWhatIsMissingAndUnsteady(t *testing.T) {
	interrupted := func(r *analyze.Run) {
		r.Warnings = append(r.Warnings, analyze.Warning{Code: "incomplete", Message: "ended after trial 3", Count: 7})
	}
	for _, c := range []struct {
		name string
		p50s []float64
		mend func(*analyze.Run)
		want []string
	}{
		{"steady", []float64{0.001, 0.0012, 0.0014}, nil, []string{"counts verified: capture = wire = interface (all 3 trials, 0 drops)"}},
		{"interrupted", []float64{0.001, 0.001, 0.001}, interrupted,
			[]string{"only 3 of 10 trials were measured; counts verified: capture = wire = interface (3 trials, 0 drops)"}},
		{"a busy machine", []float64{0.001, 0.0012, 0.0019}, nil, []string{"counts verified: capture = wire = interface (all 3 trials, 0 drops)",
			"latency varied: p50 of udp 1.00..1.98" + glue + "ms over its trials (a busy machine?)"}},
		{"a link that loses frames", []float64{0.001, 0.0012, 0.0019}, func(r *analyze.Run) { r.Link.Loss = 0.1 },
			[]string{"counts verified: capture = wire = interface (all 3 trials, 0 drops)"}},
	} {
		var trials []analyze.Trial
		for _, p50 := range c.p50s {
			trials = append(trials, timed(udpTrial(16, 1440), p50, p50, p50))
		}
		r := run(16, 90, transport("udp", trials...))
		if c.mend != nil {
			c.mend(r)
		}
		var got []string
		for _, l := range trustSection(r).lines {
			got = append(got, strings.ReplaceAll(l.text, glue+"trial", " trial"))
		}
		for i := range got {
			got[i] = strings.ReplaceAll(strings.ReplaceAll(got[i], glue+"drop", " drop"), glue+"ms", " ms")
		}
		for i := range c.want {
			c.want[i] = strings.ReplaceAll(c.want[i], glue, " ")
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestCellWithoutTrialsIsNotMeasured(t *testing.T) {
	r := run(16, 90, transport("udp", udpTrial(16, 1440)), transport("tcp", tcpTrial(2, 4, 1, 0, 1440)))
	r.Workloads = append(r.Workloads, analyze.Workload{Messages: 16, Size: 900, Transports: []analyze.Transport{{Name: "udp"}, {Name: "tcp"}}})
	r.Complete()
	rows := bestTable(r, false).rows
	if last := rows[len(rows)-1]; rows[0][3] != "tcp" || last[3] != "not measured" {
		t.Errorf("%q", rows)
	}
}
