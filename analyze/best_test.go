package analyze

import "testing"

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
