package analyze

import (
	"strings"
	"testing"
)

func TestWarningsSayWhyARunIsNotVerified(t *testing.T) {
	agree := Trial{Witnesses: Witnesses{Agree: true}}
	doubtful := Trial{Witnesses: Witnesses{Capture: 9, Wire: 10}}
	lossy := Trial{Witnesses: Witnesses{Agree: true}, Drops: map[string]int64{"capture_ring": 3, LostByRequest: 5}}
	asked := Trial{Witnesses: Witnesses{Agree: true}, Drops: map[string]int64{LostByRequest: 5}}
	for _, c := range []struct {
		name   string
		trials []Trial
		want   map[string]int64
	}{
		{"all verified", []Trial{agree, asked}, nil},
		{"witnesses disagree twice", []Trial{agree, doubtful, doubtful}, map[string]int64{"witnesses_disagree": 2}},
		{"frames dropped", []Trial{agree, lossy}, map[string]int64{"frames_dropped": 1}},
		{"both", []Trial{lossy, doubtful}, map[string]int64{"witnesses_disagree": 1, "frames_dropped": 1}},
	} {
		r := &Run{Workloads: []Workload{{Messages: 1, Size: 1, Transports: []Transport{{Name: "mptcp", Trials: c.trials}}}}}
		r.Complete()
		if r.Verified() != (c.want == nil) {
			t.Errorf("%s: verified %t", c.name, r.Verified())
		}
		if len(r.Warnings) != len(c.want) {
			t.Errorf("%s: %v", c.name, r.Warnings)
		}
		for _, w := range r.Warnings {
			if w.Count != c.want[w.Code] || !w.Distrust || !strings.HasPrefix(w.Message, "mptcp trial ") {
				t.Errorf("%s: %+v", c.name, w)
			}
		}
	}
}

func TestFindingsCountOne(t *testing.T) {
	for f := range finding(numFindings) {
		text := f.say(stake{1, 1, 1, 1}).Message
		for _, plural := range []string{" 1 frames", " 1 wire bytes", " 1 octets"} {
			if strings.Contains(text, plural) {
				t.Errorf("%q", text)
			}
		}
	}
	if text := superFrames.say(stake{11, 21, 31, 0}).Message; !strings.Contains(text, "21 frames") || !strings.Contains(text, "31 wire bytes") {
		t.Errorf("%q", text)
	}
}
