package report

import (
	"slices"
	"strings"
	"testing"

	"wiretax/analyze"
)

// withCauses is the usual case with one mechanism the other way.
func withCauses() *analyze.Run {
	turned := sixteenMessages()
	w := &turned.Workloads[0]
	for _, t := range slices.Clone(w.Transports) {
		switch t.Name {
		case "tcp":
			w.Transports = append(w.Transports, analyze.Transport{Name: "tcp+nodelay", Trials: w.Transports[3].Trials,
				Variant: &analyze.Variant{Of: "tcp", Cause: "nagle", Setting: "TCP_NODELAY=1"}})
		case "tcp-nodelay":
			w.Transports = append(w.Transports, analyze.Transport{Name: "tcp-nodelay+nagle", Trials: w.Transports[2].Trials,
				Variant: &analyze.Variant{Of: "tcp-nodelay", Cause: "nagle", Setting: "TCP_NODELAY=0", With: true}})
		}
	}
	return complete(turned)
}

func TestVariantsStandInTheTableOfCausesOnly(t *testing.T) {
	r := withCauses()
	var text strings.Builder
	if err := Run(&text, r, Table, Style{}); err != nil {
		t.Fatal(err)
	}
	table, _, _ := strings.Cut(text.String(), "what each mechanism contributes")
	if strings.Contains(table, "tcp+nodelay") {
		t.Error("a variant has a row in the table of transports")
	}
	for _, row := range []string{"tcp          Nagle         -18    -9  -1,620", "TCP_NODELAY=1", "(with: TCP_NODELAY=0)"} {
		if !strings.Contains(text.String(), row) {
			t.Errorf("no %q in the table of causes:\n%s", row, text.String())
		}
	}
	var rows strings.Builder
	if err := Run(&rows, r, CSV, Style{}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(rows.String(), "\ntcp-nodelay+nagle,") {
		t.Error("a variant has no row in CSV")
	}
	for _, c := range causeTable(&r.Workloads[0], true).columns {
		if _, known := explained(t, c.heading()); !known {
			t.Errorf("column %q is not explained", c.heading())
		}
	}
}

// Every format writes a matrix with variants; a browser draws curves of the transports themselves.
func TestVariantsInEveryFormat(t *testing.T) {
	r := withCauses()
	r.Workloads = append(r.Workloads, r.Workloads[0])
	r.Workloads[1].Size = 180
	for _, f := range []Format{Table, Markdown, CSV, JSON, HTML} {
		var text strings.Builder
		if err := Run(&text, r, f, Style{Wide: true}); err != nil || text.Len() == 0 {
			t.Errorf("%s: %v", f, err)
		}
	}
}

func TestContribution(t *testing.T) {
	interval := func(lo, hi analyze.Ratio) *[2]analyze.Ratio { return &[2]analyze.Ratio{lo, hi} }
	for want, d := range map[string]analyze.Difference{
		"-18":          {Median: -18, CI95: interval(-18, -18), Clear: true},
		"0":            {CI95: interval(0, 0)},
		"(+2 [0..+3])": {Median: 2, CI95: interval(0, 3)},
		"+2 [+1..+3]":  {Median: 2, CI95: interval(1, 3), Clear: true},
		"(+1)":         {Median: 1},
		"-":            {Median: analyze.Over(1, 0)},
	} {
		if got := unglued(contribution(d, count, true)); got != want {
			t.Errorf("%+v: %s, want %s", d, got, want)
		}
	}
}

// What the note under the tables says holds of every cell: a few trials that agree by chance are no proof, nor is an interval of
// one value that leaves the noise out.
func TestContributionsThatMayBeNoiseAreInBrackets(t *testing.T) {
	interval := func(lo, hi analyze.Ratio) *[2]analyze.Ratio { return &[2]analyze.Ratio{lo, hi} }
	for _, tt := range []struct {
		name string
		d    analyze.Difference
		want string
	}{
		{"clear", analyze.Difference{Median: -18, CI95: interval(-18, -18), Clear: true}, "-18"},
		{"three trials that agree", analyze.Difference{Median: -18, CI95: interval(-18, -18)}, "(-18)"},
		{"noise", analyze.Difference{Median: 1, CI95: interval(-1, 3)}, "(+1)"},
		{"one trial", analyze.Difference{Median: 1}, "(+1)"},
		{"no change in any trial", analyze.Difference{CI95: interval(0, 0)}, "0"},
	} {
		if got := contribution(tt.d, count, false); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
