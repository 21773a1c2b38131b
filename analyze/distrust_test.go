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

func TestRetransmissionsWithoutLoss(t *testing.T) {
	again := Trial{RetransmitFrames: 2, Witnesses: Witnesses{Agree: true}}
	lost := again
	lost.Drops = map[string]int64{LostByRequest: 1}
	for _, c := range []struct {
		name   string
		link   Link
		trials []Trial
		want   int64
	}{
		{"nothing lost", Link{Kind: "wire"}, []Trial{{}, again, again}, 4},
		{"loss was asked for", Link{Kind: "wire", Loss: 0.01}, []Trial{again}, 0},
		{"a link of somebody else", Link{Kind: "interface"}, []Trial{again}, 0},
		{"something was lost", Link{Kind: "wire"}, []Trial{lost}, 0},
	} {
		r := Run{Link: c.link, Workloads: []Workload{{Messages: 16, Transports: []Transport{{Name: "tcp", Trials: c.trials}}}}}
		r.Complete()
		var got int64
		for _, w := range r.Warnings {
			if w.Code == "retransmissions_without_loss" {
				got = w.Count
			}
		}
		if got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestTrustCountsTrials(t *testing.T) {
	good := Trial{Witnesses: Witnesses{Agree: true}}
	dropped := Trial{Witnesses: Witnesses{Agree: true}, Drops: map[string]int64{"kernel": 3, LostByRequest: 5}}
	for _, c := range []struct {
		trials []Trial
		want   Trust
	}{
		{nil, Trust{}},
		{[]Trial{good, good}, Trust{Verified: true, Trials: 2, TrialsVerified: 2}},
		{[]Trial{good, dropped, {}}, Trust{Trials: 3, TrialsVerified: 1, Drops: 3}},
	} {
		r := Run{Workloads: []Workload{{Transports: []Transport{{Name: "udp", Trials: c.trials}}}}}
		r.Complete()
		if *r.Trust != c.want {
			t.Errorf("%+v, want %+v", *r.Trust, c.want)
		}
	}
}
