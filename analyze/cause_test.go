package analyze

import "testing"

// trialsOf makes trials of the given frames, with their latency in milliseconds.
func trialsOf(frames int64, latencies ...float64) (trials []Trial) {
	for _, ms := range latencies {
		trials = append(trials, Trial{Frames: frames, DataFrames: frames / 2, WireBytes: 100 * frames, Latency: Latency{P50: Ratio(ms / 1000)}})
	}
	return trials
}

func TestCausesAreWithLessWithout(t *testing.T) {
	w := Workload{Messages: 16, Size: 90, Transports: []Transport{
		{Name: "tcp", Trials: trialsOf(9, 2, 2.1, 2.2, 2.3, 2.4)},
		{Name: "tcp-nodelay", Trials: trialsOf(27, 1, 1.1, 1.2, 1.3, 1.4)},
		{Name: "tcp+nodelay", Variant: &Variant{Of: "tcp", Cause: "nagle"}, Trials: trialsOf(27, 1, 1.1, 1.2, 1.3, 2.2)},
		{Name: "tcp-nodelay+nagle", Variant: &Variant{Of: "tcp-nodelay", Cause: "nagle", With: true}, Trials: trialsOf(9, 2, 2.1, 2.2, 2.3, 2.4)},
		{Name: "tcp+quickack", Variant: &Variant{Of: "tcp", Cause: "delayed_ack"}, Trials: trialsOf(10, 2)},
		{Name: "tls+nagle", Variant: &Variant{Of: "tls", Cause: "nagle"}, Trials: trialsOf(10, 2)},
		{Name: "tcp+initcwnd", Variant: &Variant{Of: "tcp", Cause: "cwnd"}},
	}}
	w.addCauses()
	if len(w.Causes) != 3 { // tls and the trials of tcp+initcwnd are not there
		t.Fatalf("%d causes, want 3: %+v", len(w.Causes), w.Causes)
	}
	for i, want := range []struct {
		frames, wire             Ratio
		framesClear, latencClear bool
	}{
		{-18, -1800, true, false}, // the slowest without Nagle is as slow as the fastest with it
		{-18, -1800, true, true},
		{-1, -100, false, false}, // one trial
	} {
		c := w.Causes[i]
		if c.Frames.Median != want.frames || c.WireBytes.Median != want.wire || c.Frames.Clear != want.framesClear || c.LatencyP50.Clear != want.latencClear {
			t.Errorf("%s of %s: %+v", c.Variant, c.Transport, c)
		}
	}
}

// A result that contradicts the theory says so with both numbers, and counts all the same.
func TestTheoryThatTrialsContradict(t *testing.T) {
	link := Link{Kind: "wire", RateBitsPerSecond: 10e6, RTTSeconds: 0.001, MTU: 1500, IP: 4}
	run := func(frames, wire int64) *Run {
		r := &Run{Link: link, Workloads: []Workload{{Messages: 16, Size: 90, Transports: []Transport{
			{Name: "udp", Trials: []Trial{{Frames: frames, DataFrames: frames, WireBytes: wire, Witnesses: Witnesses{Agree: true}}}}}}}}
		r.Complete()
		return r
	}
	if r := run(16, 2496); len(r.Warnings) > 0 || !r.Workloads[0].Transports[0].Theory.Holds {
		t.Errorf("16 frames of 156 octets: %v", r.Warnings)
	}
	r := run(17, 2652)
	if len(r.Warnings) != 1 || r.Warnings[0].Code != "theory_disagrees" || r.Warnings[0].Distrust || r.Workloads[0].Transports[0].Theory.Holds {
		t.Errorf("17 frames for 16 datagrams: %+v", r.Warnings)
	}
	link.Loss = 0.01
	if r := run(17, 2652); len(r.Warnings) > 0 || r.Workloads[0].Transports[0].Theory != nil {
		t.Error("a link that loses frames has a theory")
	}
}
