package report

import (
	"slices"
	"testing"

	"wiretax/analyze"
)

func TestCellNamesSayInWhatWorkloadsDiffer(t *testing.T) {
	slow := wireLink()
	slow.RTTSeconds, slow.IP = 0.02, 6
	r := &analyze.Run{Link: wireLink(), Workloads: []analyze.Workload{
		{Messages: 16, Size: 90},
		{Messages: 16, Size: 90, IntervalSeconds: 0.01, Arrivals: "poisson", Link: &slow},
	}}
	want := []string{"16 x 90 B, at once, RTT 1 ms, IPv4", "16 x 90 B, every 10 ms poisson, RTT 20 ms, IPv6"}
	got := cellNames(r)
	for i := range got {
		got[i] = unglued(got[i])
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestEveryWordOfTheFurtherTablesIsExplained(t *testing.T) {
	r := withCauses()
	r.Workloads = append(r.Workloads, r.Workloads[0])
	r.Preset = &analyze.Preset{Name: "thread", Given: []string{}}
	r.Complete()
	for _, table := range []*table{bestTable(r, false), causeTable(&r.Workloads[0], false), claimTable(r), theoryTable(&r.Workloads[0])} {
		for _, c := range table.columns {
			if _, known := explained(t, c.heading()); !known {
				t.Errorf("column %q is not explained", c.heading())
			}
		}
	}
	for _, c := range r.Claims {
		if claimNames[c.Code] == "" || verdictWords[c.Verdict] == "" {
			t.Errorf("claim %s, %s has no words", c.Code, c.Verdict)
		}
	}
}
