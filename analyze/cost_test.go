package analyze

import (
	"math"
	"testing"
)

// settled is a transport of three equal trials.
func settled(name string, frames int64, p50 float64) Transport {
	t := Trial{Frames: frames, MessagesDelivered: 16, Latency: Latency{Ratio(p50), Ratio(2 * p50), Ratio(3 * p50)}}
	return Transport{Name: name, Trials: []Trial{t, t, t}}
}

func TestCost(t *testing.T) {
	lossy := settled("udp-packed", 1, 0.0001)
	lossy.Trials[1].MessagesDelivered = 15
	r := Run{Workloads: []Workload{{Messages: 16, Size: 90, Transports: []Transport{
		settled("udp", 16, 0.001), settled("tcp", 9, 0.002), settled("tcp-cork", 8, 0.002), settled("tcp-nodelay", 27, 0.0015),
		settled("tcp-more", 8, 0.002), lossy, {Name: "tls"},
	}}}}
	r.Complete()
	for i, want := range []struct {
		name       string
		added, per float64
		pareto     bool
	}{
		{"the base is the fastest", 0, math.NaN(), true},
		{"beaten in frames at the same latency", 0.001, 0.001 / 7, false},
		{"saves the most", 0.001, 0.001 / 8, true},
		{"saves nothing", 0.0005, math.NaN(), false},
		{"as good as another", 0.001, 0.001 / 8, true},
		{"lost a message", -0.0009, -0.0009 / 15, false},
	} {
		c := r.Workloads[0].Transports[i].Cost
		same := func(got Ratio, want float64) bool {
			return math.IsNaN(want) && !got.Valid() || math.Abs(float64(got)-want) < 1e-12
		}
		if c == nil || !same(c.AddedLatency.P50, want.added) || !same(c.AddedLatency.P99, 2*want.added) ||
			!same(c.AddedLatency.Max, 3*want.added) || !same(c.PerFrameSaved.P50, want.per) || c.Pareto != want.pareto {
			t.Errorf("%s: %+v", want.name, c)
		}
	}
	if c := r.Workloads[0].Transports[6].Cost; c != nil {
		t.Errorf("a transport without trials costs %+v", c)
	}
}

// Where messages have times, latencies count from them.
func TestCostFromDue(t *testing.T) {
	late, prompt := settled("udp", 16, 0.001), settled("tcp", 9, 0.002)
	for i := range late.Trials {
		late.Trials[i].LatencyFromDue = &Latency{0.005, 0.006, 0.007}
		prompt.Trials[i].LatencyFromDue = &Latency{0.002, 0.003, 0.004}
	}
	r := Run{Workloads: []Workload{{Messages: 16, Transports: []Transport{late, prompt}}}}
	r.Complete()
	w := &r.Workloads[0]
	if c := w.Transports[1].Cost; !w.FromDue() || math.Abs(float64(c.AddedLatency.P50)+0.003) > 1e-12 || !c.Pareto || w.Transports[0].Cost.Pareto {
		t.Errorf("%+v, %+v", c, w.Transports[0].Cost)
	}
}
