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
			{Name: "udp", Trials: lasting(seconds, seconds, seconds+1)},
			{Name: "tcp", Trials: lasting(seconds / 2)},
		}})
	}
	r.Complete()
	return r
}

// lasting are floods of 1000 messages that kept the wire busy so many seconds.
func lasting(seconds ...float64) (trials []Trial) {
	for _, s := range seconds {
		trials = append(trials, Trial{MessagesDelivered: 1000, DurationSeconds: s + 0.0005})
	}
	return trials
}

// Messages a second are judged by all trials: none is better than the others because it was the fastest.
func TestARateIsThatOfNoSingleTrial(t *testing.T) {
	const wire = 1000 * 156 * 8 / 10e6
	for _, tt := range []struct {
		name     string
		udp, tcp []float64
		limit    Verdict // of claim 6
		words    string
		more     Verdict // of claim 7
		said     string
	}{
		{"one trial of five in time", []float64{wire, 0.2, 0.2, 0.2, 0.25}, []float64{0.09, 0.09, 0.09, 0.09, 0.09},
			HoldsIf, "did in 1 of 5 trials: 5000 datagrams a second (4000..8012 in 5 trials), 62.4 % of 8012.", Holds, "11111 messages a second (11111..11111 in 5 trials) over tcp"},
		{"tcp no faster than chance", []float64{wire, wire, wire, wire, wire}, []float64{0.1, 0.2, 0.2, 0.09, 0.12},
			Holds, "8012 datagrams a second (8012..8012 in 5 trials), 100.0 % of 8012.", Undecided, "Not decided: the difference is no larger than the noise, or there are fewer than 5 trials: 8333 messages a second (5000..11111 in 5 trials) over tcp"},
		{"tcp slower each time", []float64{wire, wire, wire, wire, wire}, []float64{0.2, 0.21, 0.2, 0.19, 0.22},
			Holds, "", Fails, "5000 messages"},
		{"one trial, tcp above what datagrams can do", []float64{wire}, []float64{0.1}, Holds, "8012 datagrams a second, 100.0 %", Holds, "10000 messages a second over tcp, 8012"},
		{"one trial, tcp above a slow machine's datagrams", []float64{0.3}, []float64{0.2}, HoldsIf, "", Undecided, ""},
	} {
		r := heard(2, 9, 2, map[int]float64{90: wire})
		r.Workloads[1].Transports[0].Trials, r.Workloads[1].Transports[1].Trials = lasting(tt.udp...), lasting(tt.tcp...)
		r.Complete()
		limit, more := r.Claims[5], r.Claims[6]
		if limit.Verdict != tt.limit || !strings.Contains(limit.Words, tt.words) {
			t.Errorf("%s: %s: %s, want %s: %s", tt.name, limit.Verdict, limit.Words, tt.limit, tt.words)
		}
		if more.Verdict != tt.more || !strings.Contains(more.Words, tt.said) {
			t.Errorf("%s: %s: %s, want %s: %s", tt.name, more.Verdict, more.Words, tt.more, tt.said)
		}
	}
}

// Where trials differ, the words of a count have their range.
func TestClaimsOfCountsHaveTheirRange(t *testing.T) {
	r := heard(2, 9, 2, nil)
	tcp := &r.Workloads[0].Transports[1]
	tcp.Trials = append(tcp.Trials, tcp.Trials[0], tcp.Trials[0])
	tcp.Trials[1].DataFrames, tcp.Trials[2].DataFrames = 1, 3
	r.Complete()
	if c := r.Claims[1]; !strings.Contains(c.Words, "tcp 2 (1..3); udp 16.") || c.Range == nil || *c.Range != [2]Ratio{1, 3} {
		t.Errorf("%s, range %v", c.Words, c.Range)
	}
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
		{"the limit", "shortest_frames", usual, Holds, "14880 datagrams a second (937..14880 in 3 trials), 100.0 % of 14880."},
		{"the limit of datagrams", "frame_limit", usual, Holds, "8012 datagrams a second (889..8012 in 3 trials), 100.0 % of 8012."},
		{"a machine too slow for the wire", "shortest_frames", slow, HoldsIf, "the wire is kept busy, which this machine did in 0 of 3 trials: 12500 datagrams a second (925..12500 in 3 trials), 84.0 % of 14880."},
		{"a wire faster than its rate", "shortest_frames", fast, Fails, "16666 datagrams"},
		{"tcp carries more", "more_over_tcp", usual, Holds, "16025 messages a second over tcp, 8012 messages a second (889..8012 in 3 trials) over udp: 2.00 times as many."},
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
