package analyze

import (
	"math"
	"testing"
)

func TestBestSavesMostAndLosesNothing(t *testing.T) {
	trials := func(frames, wire int64, delivered int64, ms float64) []Trial {
		return []Trial{{Frames: frames, WireBytes: wire, MessagesDelivered: delivered, Latency: Latency{P50: Ratio(ms / 1000)}}}
	}
	udp := Transport{Name: "udp", Trials: trials(16, 2496, 16, 1)}
	tcp := Transport{Name: "tcp", Trials: trials(9, 2266, 16, 2)}
	for _, tt := range []struct {
		name                                     string
		others                                   []Transport
		allFrames, allBytes, tcpFrames, tcpBytes string // empty: nobody
	}{
		{"one", []Transport{tcp}, "tcp", "tcp", "tcp", "tcp"},
		{"nobody saves", []Transport{{Name: "tcp", Trials: trials(38, 4876, 16, 1)}}, "", "", "", ""},
		{"as many save nothing", []Transport{{Name: "udp-gso", Trials: trials(16, 2496, 16, 1)}}, "", "", "", ""},
		{"another's bytes", []Transport{tcp, {Name: "tcp-cork", Trials: trials(8, 2300, 16, 2)}}, "tcp-cork", "tcp", "tcp-cork", "tcp"},
		{"of equals the faster", []Transport{tcp, {Name: "tcp-more", Trials: trials(9, 2266, 16, 1.5)}}, "tcp-more", "tcp-more", "tcp-more", "tcp-more"},
		{"loss is no saving", []Transport{tcp, {Name: "udp-packed", Trials: trials(1, 1506, 10, 1)}}, "tcp", "tcp", "tcp", "tcp"},
		{"no variant", []Transport{tcp, {Name: "tcp+nodelay", Variant: &Variant{Of: "tcp"}, Trials: trials(1, 1506, 16, 1)}}, "tcp", "tcp", "tcp", "tcp"},
		{"best of all is no TCP", []Transport{tcp, {Name: "udp-packed", Trials: trials(1, 1506, 16, 1)}}, "udp-packed", "udp-packed", "tcp", "tcp"},
		{"without trials", []Transport{{Name: "tcp"}}, "", "", "", ""},
	} {
		r := &Run{Workloads: []Workload{{Messages: 16, Size: 90, Transports: append([]Transport{udp}, tt.others...)}}}
		r.Complete()
		name := func(w *Winner) string {
			if w == nil {
				return ""
			}
			return w.Transport
		}
		b := r.Workloads[0].Best
		if name(b[0].Frames) != tt.allFrames || name(b[0].WireBytes) != tt.allBytes || name(b[1].Frames) != tt.tcpFrames || name(b[1].WireBytes) != tt.tcpBytes {
			t.Errorf("%s: %s, %s; of TCP %s, %s", tt.name, name(b[0].Frames), name(b[0].WireBytes), name(b[1].Frames), name(b[1].WireBytes))
		}
	}
}

// Added latency is what the tables show: where messages have times, from when they were due. A message lost in any trial is lost.
func TestBestCountsFromDueAndEveryLoss(t *testing.T) {
	late, prompt := settled("udp", 16, 0.001), settled("tcp", 9, 0.002)
	variant := settled("tcp+nodelay", 12, 0.001)
	variant.Variant = &Variant{Of: "tcp", Cause: "nagle"}
	lossy := settled("udp-packed", 1, 0.001)
	lossy.Trials[1].MessagesDelivered = 0
	for i := range late.Trials {
		late.Trials[i].LatencyFromDue = &Latency{P50: 0.005}
		prompt.Trials[i].LatencyFromDue = &Latency{P50: 0.009}
		variant.Trials[i].LatencyFromDue = &Latency{P50: 0.006}
	}
	r := Run{Workloads: []Workload{{Messages: 16, Transports: []Transport{late, prompt, variant, lossy}}}}
	r.Complete()
	w := &r.Workloads[0]
	if b := w.Best[0].Frames; b == nil || b.Transport != "tcp" || math.Abs(float64(b.AddedLatencyP50.Median)-0.004) > 1e-12 {
		t.Errorf("best %+v, want tcp and 4 ms", b)
	}
	if len(w.Causes) != 1 || math.Abs(float64(w.Causes[0].LatencyP50.Median)-0.003) > 1e-12 {
		t.Errorf("causes %+v, want 3 ms", w.Causes)
	}
}
