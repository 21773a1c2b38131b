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

// Noise takes nobody's star; with fewer than five trials nothing tells noise.
func TestStarIsNotDecidedByNoise(t *testing.T) {
	trials := func(name string, frames int64, ms ...float64) Transport {
		t := Transport{Name: name}
		for _, p50 := range ms {
			t.Trials = append(t.Trials, Trial{Frames: frames, MessagesDelivered: 16, Latency: Latency{P50: Ratio(p50 / 1000)}})
		}
		return t
	}
	base := trials("udp", 16, 1.20, 1.22, 1.19, 1.24, 1.21)
	for _, tt := range []struct {
		name  string
		other Transport
		few   int
		stars [2]bool
	}{
		{"as many frames, a little faster by chance", trials("udp-sendmmsg", 16, 1.17, 1.25, 1.16, 1.26, 1.18), 5, [2]bool{true, true}},
		{"the same of two trials", trials("udp-sendmmsg", 16, 1.17, 1.21), 2, [2]bool{false, true}},
		{"as many frames, clearly faster", trials("udp-sendmmsg", 16, 1.10, 1.11, 1.09, 1.12, 1.10), 5, [2]bool{false, true}},
		{"fewer frames, slower by chance", trials("tcp", 9, 1.19, 1.23, 1.18, 1.25, 1.22), 5, [2]bool{false, true}},
		{"fewer frames, clearly slower", trials("tcp", 9, 2.2, 2.3, 2.1, 2.4, 2.2), 5, [2]bool{true, true}},
		{"more frames, slower by chance", trials("tcp", 27, 1.19, 1.23, 1.18, 1.25, 1.22), 5, [2]bool{true, false}},
	} {
		b := base
		b.Trials = b.Trials[:tt.few]
		r := Run{Workloads: []Workload{{Messages: 16, Size: 90, Transports: []Transport{b, tt.other}}}}
		r.Complete()
		got := r.Workloads[0].Transports
		if stars := [2]bool{got[0].Cost.Pareto, got[1].Cost.Pareto}; stars != tt.stars {
			t.Errorf("%s: stars %v, want %v", tt.name, stars, tt.stars)
		}
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
