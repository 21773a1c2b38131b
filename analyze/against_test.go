package analyze

import "testing"

func TestDifferenceIsLargerThanTheNoise(t *testing.T) {
	for _, test := range []struct {
		name   string
		values []float64 // of the pairs
		exact  bool
		clear  bool
	}{
		{"one trial shows nothing", []float64{7}, true, false},
		{"the same in both trials", []float64{7, 7}, true, true},
		{"none, exactly", []float64{0, 0, 0, 0, 0}, true, false},
		{"four that vary are too few", []float64{7, 8, 7, 8}, false, false},
		{"five of one sign", []float64{-3, -7, -5, -4, -5}, false, true},
		{"five of both signs", []float64{-3, 7, -5, 4, 5}, false, false},
		{"one of twenty of the other sign", []float64{-1, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2}, false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if d := againstBase(test.values); d.Exact != test.exact || d.Clear != test.clear {
				t.Errorf("got %+v", d)
			}
		})
	}
	if againstBase(nil) != nil {
		t.Error("nothing has a difference")
	}
}

// What both transports share from trial to trial is no noise of the difference.
func TestDifferenceIsOfPairs(t *testing.T) {
	r := Run{Link: Link{MTU: 1500, IP: 4}, Workloads: []Workload{{Messages: 16, Size: 90, Transports: []Transport{{Name: "udp"}, {Name: "tcp"}}}}}
	for i := range 5 {
		drift := Ratio(10 * i)
		r.Workloads[0].Transports[0].Trials = append(r.Workloads[0].Transports[0].Trials, Trial{Frames: 16, Latency: Latency{P50: drift}})
		r.Workloads[0].Transports[1].Trials = append(r.Workloads[0].Transports[1].Trials, Trial{Frames: 9, Latency: Latency{P50: drift + 1 + Ratio(i)/10}})
	}
	r.Complete()
	base, tcp := r.Workloads[0].Transports[0], r.Workloads[0].Transports[1]
	if base.Summary["frames"].Difference != nil {
		t.Error("the base is compared with itself")
	}
	if d := tcp.Summary["frames"].Difference; d == nil || d.Median != -7 || !d.Exact || !d.Clear {
		t.Errorf("frames: %+v", d)
	}
	if d := tcp.Summary["latency_p50"].Difference; d == nil || !d.Clear || d.CI95[0] < 1 || d.CI95[1] > 1.5 {
		t.Errorf("latency: %+v", d)
	}
}

func TestNarrow(t *testing.T) {
	trials := func(frames ...int64) (list []Trial) {
		for _, n := range frames {
			list = append(list, Trial{Frames: n, WireBytes: 100 * n})
		}
		return list
	}
	for _, test := range []struct {
		name   string
		trials []Trial
		want   bool
	}{
		{"four are too few", trials(9, 9, 9, 9), false},
		{"all the same", trials(9, 9, 9, 9, 9), true},
		{"wide", trials(9, 27, 9, 27, 9), false},
		{"one of many strays", trials(9, 27, 9, 9, 9, 9, 9, 9, 9, 9), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Narrow(test.trials, 0.05); got != test.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
