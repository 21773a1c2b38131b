package analyze

import (
	"strings"
	"testing"
)

// heard is the thread's experiment with the given figures over tcp: frames with payload, all frames, receive calls, and how
// long a flood of 1000 datagrams of each size takes in seconds.
func heard(data, frames, calls int64, floods map[int]float64) *Run {
	trial := func(data, frames, wire, calls int64) Trial {
		return Trial{DataFrames: data, Frames: frames, WireBytes: wire, UniquePayloadBytes: 1440, Efficiency: Over(1440, wire), RecvCalls: calls, MessagesDelivered: 16}
	}
	r := &Run{Preset: &Preset{Name: "thread"}, Link: Link{Kind: "wire", RateBitsPerSecond: 10e6, RTTSeconds: 0.001, MTU: 1500, IP: 4},
		Workloads: []Workload{{Messages: 16, Size: 90, Transports: []Transport{
			{Name: "udp", Trials: []Trial{trial(16, 16, 16*156, 16)}},
			{Name: "tcp", Trials: []Trial{trial(data, frames, 2266, calls)}},
			{Name: "tcp-cork", Trials: []Trial{trial(1, 8, 2176, 1)}},
		}}}}
	for size, seconds := range floods {
		r.Workloads = append(r.Workloads, Workload{Messages: 1000, Size: size, Transports: []Transport{
			{Name: "udp", Trials: []Trial{{MessagesDelivered: 1000, DurationSeconds: seconds + 0.0005}, {MessagesDelivered: 1000, DurationSeconds: seconds + 1}}},
			{Name: "tcp", Trials: []Trial{{MessagesDelivered: 1000, DurationSeconds: seconds/2 + 0.0005}}},
		}})
	}
	r.Complete()
	return r
}

func TestVerdictsFollowTheFigures(t *testing.T) {
	exact := map[int]float64{18: 1000 * 84 * 8 / 10e6, 90: 1000 * 156 * 8 / 10e6}
	usual := heard(2, 9, 2, exact)
	slow := heard(2, 9, 2, map[int]float64{18: 0.08, 90: 0.2})
	fast := heard(2, 9, 2, map[int]float64{18: 0.06, 90: 0.12})
	coalescing := heard(1, 1, 1, exact)
	wasteful := heard(2, 9, 2, exact)
	wasteful.Workloads[0].Transports[0].Trials[0].Efficiency = 0.5
	wasteful.Complete()
	silent := heard(2, 9, 2, nil)
	for _, tt := range []struct {
		name, code string
		r          *Run
		want       Verdict
		words      string
	}{
		{"42 % are no 48 %", "waste", usual, Fails, "42.3 %, 66 of 156 octets, are no payload. Over 48 % by computation, not measured: messages up to 71 B with as many octets beside them; 84/(84+90) = 48.28 %, the slot of the shortest frame taken for the overhead; UDP over IPv6, 48.86 %."},
		{"50 % are", "waste", wasteful, Holds, "50.0 %"},
		{"one frame by a cork only", "one_data_frame", usual, HoldsIf, "the application holds TCP back: tcp-cork 1; tcp 2; udp 16."},
		{"one frame as the kernel has it", "one_data_frame", coalescing, Holds, "16 over udp, 1 over tcp."},
		{"all frames", "one_frame", usual, Fails, "tcp 9, tcp-cork 8; udp 16."},
		{"receive calls", "one_receive_call", usual, HoldsIf, "tcp-cork 1; tcp 2; udp 16."},
		{"the limit, of the faster trial", "shortest_frames", usual, Holds, "14880 datagrams a second, 100.0 % of 14880."},
		{"the limit of datagrams", "frame_limit", usual, Holds, "8012 datagrams a second, 100.0 % of 8012."},
		{"a machine too slow for the wire", "shortest_frames", slow, HoldsIf, "the wire is kept busy, which this machine did not do: 12500 datagrams a second, 84.0 % of 14880."},
		{"a wire faster than its rate", "shortest_frames", fast, Fails, "16666 datagrams"},
		{"tcp carries more", "more_over_tcp", usual, Holds, "16025 messages a second over tcp, 8012 over udp: 2.00 times as many."},
		{"no flood", "frame_limit", silent, NotMeasured, "Not measured"},
		{"no flood over tcp", "more_over_tcp", silent, NotMeasured, "Not measured"},
	} {
		found := false
		for _, c := range tt.r.Claims {
			if c.Code != tt.code {
				continue
			}
			found = true
			if c.Verdict != tt.want || !strings.Contains(c.Words, tt.words) {
				t.Errorf("%s: %s: %s\nwant %s: %s", tt.name, c.Verdict, c.Words, tt.want, tt.words)
			}
		}
		if !found {
			t.Errorf("%s: no claim %s", tt.name, tt.code)
		}
	}
	if other := heard(2, 9, 2, exact); len(other.Claims) != 7 {
		t.Errorf("%d claims, want 7", len(other.Claims))
	}
	empty := &Run{Preset: &Preset{Name: "thread"}, Workloads: []Workload{{Messages: 1, Size: 1}}}
	empty.Complete()
	for _, c := range empty.Claims {
		if c.Verdict != NotMeasured {
			t.Errorf("nothing measured: %s: %s", c.Code, c.Verdict)
		}
	}
}

// A run.json may come from a stranger: whatever link it names, the claims are words.
func TestClaimsOfAnyLink(t *testing.T) {
	for mtu := range 100 {
		for _, ip := range []int{0, 4, 6, 7} {
			r := heard(2, 9, 2, map[int]float64{18: 0.1, 90: 0.1})
			r.Link.MTU, r.Link.IP, r.Link.RateBitsPerSecond = mtu, ip, int64(mtu)-1
			for i := range r.Workloads {
				r.Workloads[i].Link = nil
			}
			r.Complete()
			if len(r.Claims) != 7 {
				t.Fatalf("MTU %d, IPv%d: %d claims", mtu, ip, len(r.Claims))
			}
		}
	}
}
