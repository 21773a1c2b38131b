package traffic

import (
	"fmt"
	"math"
	"testing"
	"time"
)

func sizesOf(t *testing.T, s string) Sizes {
	t.Helper()
	d, err := ParseSizes(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func arrivalsOf(t *testing.T, s string) Arrivals {
	t.Helper()
	a, err := ParseArrivals(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestParseSizes(t *testing.T) {
	for _, s := range []string{"uniform:8-8", "uniform:64-1400", "bimodal:64:1400:0.8", "bimodal:1400:64:0", "bimodal:8:16777216:1"} {
		if got := sizesOf(t, s).String(); got != s {
			t.Errorf("%s came back as %s", s, got)
		}
	}
	for name, s := range map[string]string{
		"empty": "", "unknown form": "zipf:1-2", "no limits": "uniform", "limits swapped": "uniform:90-64", "one limit": "uniform:90",
		"no room for a sequence number": "uniform:7-90", "too large": "uniform:8-16777217", "more": "uniform:8-9:3",
		"no probability": "bimodal:64:1400", "probability above 1": "bimodal:64:1400:1.5", "probability that is no number": "bimodal:64:1400:NaN",
		"negative size": "bimodal:-64:1400:0.5", "a word": "bimodal:64:x:0.5",
	} {
		if d, err := ParseSizes(s); err == nil || d != (Sizes{}) {
			t.Errorf("%s: %q was read as %v", name, s, d)
		}
	}
}

func TestParseArrivals(t *testing.T) {
	for _, s := range []string{"constant", "poisson", "bursty:1", "bursty:16"} {
		if got := arrivalsOf(t, s).String(); got != s {
			t.Errorf("%s came back as %s", s, got)
		}
	}
	for _, s := range []string{"", "often", "bursty", "bursty:", "bursty:0", "bursty:-1", "bursty:x", "poisson:3"} {
		if a, err := ParseArrivals(s); err == nil {
			t.Errorf("%q was read as %v", s, a)
		}
	}
}

// A run can be repeated: the same seed gives the same messages at the same times, another one others, and sizes do not
// depend on times.
func TestPlanFollowsTheSeed(t *testing.T) {
	w := Workload{Messages: 2000, Interval: time.Millisecond, Sizes: sizesOf(t, "uniform:64-1400"), Arrivals: arrivalsOf(t, "poisson"), Seed: 7}
	text := func(w Workload) (sizes, times string) {
		p := w.Plan()
		for i := range w.Messages {
			sizes += fmt.Sprint(p.Size(i), " ")
			times += fmt.Sprint(p.Due(i), " ")
		}
		return sizes, times
	}
	sizes, times := text(w)
	if s, d := text(w); s != sizes || d != times {
		t.Error("the same seed drew something else")
	}
	other := w
	other.Seed = 8
	if s, d := text(other); s == sizes || d == times {
		t.Error("another seed drew the same")
	}
	other = w
	other.Arrivals = Arrivals{}
	if s, _ := text(other); s != sizes {
		t.Error("sizes depend on times")
	}
}

func TestPlanFollowsTheDistribution(t *testing.T) {
	const n = 100_000
	for _, tt := range []struct {
		name             string
		w                Workload
		meanSize         float64
		spread           float64 // standard deviation of a size
		least, most      int
		meanInterval     time.Duration
		intervalVariance float64 // of intervals, in units of the mean squared
	}{
		{"uniform", Workload{Messages: n, Sizes: sizesOf(t, "uniform:64-1400"), Interval: time.Millisecond}, 732, 386, 64, 1400, time.Millisecond, 0},
		{"bimodal", Workload{Messages: n, Sizes: sizesOf(t, "bimodal:64:1400:0.75"), Interval: time.Millisecond}, 398, 579, 64, 1400, time.Millisecond, 0},
		{"poisson: exponential intervals", Workload{Messages: n, Size: 90, Interval: time.Millisecond, Arrivals: arrivalsOf(t, "poisson")}, 90, 0, 90, 90, time.Millisecond, 1},
		{"bursts keep the mean", Workload{Messages: n, Size: 90, Interval: time.Millisecond, Arrivals: arrivalsOf(t, "bursty:10")}, 90, 0, 90, 90, time.Millisecond, 9},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := tt.w.Plan()
			sum, squares, last := 0.0, 0.0, int64(0)
			least, most := math.MaxInt, 0
			for i := range n {
				sum += float64(p.Size(i))
				least, most = min(least, p.Size(i)), max(most, p.Size(i))
				gap := float64(p.Due(i)-last) / float64(tt.meanInterval)
				squares += (gap - 1) * (gap - 1)
				last = p.Due(i)
			}
			if mean := sum / n; math.Abs(mean-tt.meanSize) > 5*tt.spread/math.Sqrt(n) || math.Abs(tt.w.MeanSize()-tt.meanSize) > 1e-9 {
				t.Errorf("mean size %v, expected %v, want %v", mean, tt.w.MeanSize(), tt.meanSize)
			}
			if least != tt.least || most != tt.most {
				t.Errorf("sizes from %d to %d, want %d to %d", least, most, tt.least, tt.most)
			}
			if mean := float64(last) / n; math.Abs(mean/float64(tt.meanInterval)-1) > 0.02 {
				t.Errorf("mean interval %v, want %v", time.Duration(mean), tt.meanInterval)
			}
			if v := squares / n; math.Abs(v-tt.intervalVariance) > 0.05*(1+tt.intervalVariance) {
				t.Errorf("variance of intervals %.3f of the mean squared, want %v", v, tt.intervalVariance)
			}
		})
	}
}

func TestOctets(t *testing.T) {
	for _, tt := range []struct {
		name string
		w    Workload
		want int64
	}{
		{"one way", Workload{Messages: 16, Size: 90}, 1440},
		{"echo: answers count", Workload{Messages: 16, Size: 90, Pattern: Echo}, 2880},
		{"an answer to two messages", Workload{Messages: 16, Size: 90, Pattern: WriteWriteRead}, 2160},
	} {
		if got := tt.w.Plan().Octets(); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
	// However the messages are shared, theirs and their answers' sizes add up to the plan's octets.
	for _, pattern := range []Pattern{OneWay, Echo, WriteWriteRead} {
		for _, connections := range []int{1, 2, 3, 5} {
			w := Workload{Messages: 60, Sizes: sizesOf(t, "uniform:8-2000"), Pattern: pattern, Connections: connections, Seed: 3}
			plan, sum := w.Plan(), int64(0)
			for i := range connections {
				x := newExchange(plan, i, connections)
				both := []*exchange{x}
				if w.answered() {
					both = append(both, x.answers(w.group()))
				}
				for _, x := range both {
					for seq := range x.times {
						sum += int64(x.size(seq))
					}
				}
			}
			if got := plan.Octets(); got != sum {
				t.Errorf("%s over %d connections: plan %d octets, connections %d", pattern, connections, got, sum)
			}
		}
	}
}

func TestCheckOfPatterns(t *testing.T) {
	for _, tt := range []struct {
		name string
		w    Workload
		via  string
		want string
	}{
		{"echo", Workload{Messages: 16, Size: 90, Pattern: Echo, Depth: 4, Connections: 3}, "udp", ""},
		{"unknown pattern", Workload{Messages: 16, Size: 90, Pattern: "ping"}, "udp", `unknown pattern "ping" (known: one-way, echo, wwr)`},
		{"depth without answers", Workload{Messages: 16, Size: 90, Depth: 4}, "udp", "a depth of 4 needs answers: pattern echo or wwr"},
		{"an odd message", Workload{Messages: 15, Size: 90, Pattern: WriteWriteRead}, "tcp",
			"pairs of messages over 1 connections: messages must be a multiple of 2, is 15"},
		{"more connections than messages", Workload{Messages: 2, Size: 90, Connections: 3}, "tcp",
			"3 connections need 3 messages at least, there are 2"},
		{"too many connections", Workload{Messages: 1000, Size: 90, Connections: 257}, "tcp", "connections must be 1 to 256, is 257"},
		{"times without an interval", Workload{Messages: 16, Size: 90, Arrivals: arrivalsOf(t, "poisson")}, "tcp", "arrivals poisson need an interval"},
		{"the largest drawn size", Workload{Messages: 16, Sizes: sizesOf(t, "uniform:8-70000")}, "udp",
			"a UDP datagram over IPv4 carries at most 65507 bytes (RFC 768), size is 70000: use a tcp transport or a smaller --size"},
		{"a QUIC datagram", Workload{Messages: 16, Size: 1191}, "quic-datagram",
			"a QUIC datagram has room for 1190 bytes before path MTU discovery (RFC 9221), size is 1191: use quic-stream or a smaller --size"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if err := tt.w.Check(tt.via, 4); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// Whatever is read back is what was meant, and every size drawn lies within it.
func FuzzParseSizes(f *testing.F) {
	for _, s := range []string{"uniform:8-90", "bimodal:64:1400:0.8", "uniform:9-8", "bimodal:::", "uniform:8-16777216"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseSizes(s)
		if err != nil {
			return
		}
		if again, err := ParseSizes(d.String()); err != nil || again != d {
			t.Fatalf("%q was read as %v, that as %v, %v", s, d, again, err)
		}
		w := Workload{Messages: 20, Sizes: d}
		p := w.Plan()
		for i := range w.Messages {
			if n := p.Size(i); n < w.smallest() || n > w.largest() || n < seqLen || n > MaxSize {
				t.Fatalf("%v drew %d", d, n)
			}
		}
	})
}

func TestConnectionsShareThePattern(t *testing.T) {
	p := Workload{Messages: 256, Size: 1 << 20, Connections: 256}.Plan()
	if a, b := newExchange(p, 0, 256), newExchange(p, 1, 256); &a.pattern[0] != &b.pattern[0] {
		t.Error("each connection has a pattern of its own, as large as the largest message")
	}
}
