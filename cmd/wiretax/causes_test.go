package main

import (
	"testing"
	"time"

	"wiretax/capture"
	"wiretax/capture/traffic"
)

// Each variant has what it is named after and nothing else, and leaves nothing behind: trials take turns in drawn order, and
// those of the transport itself are as ever.
func TestVariantsTurnOneThingEach(t *testing.T) {
	for _, ip := range []int{4, 6} {
		names := append([]string{"tcp-nodelay"}, traffic.Variants("tcp-nodelay")...)
		r := measure(t, capture.Experiment{
			Workloads: []traffic.Workload{{Messages: 16, Size: 90}}, Transports: names, Trials: 3,
			Links: []capture.Link{{Rate: 10e6, RTT: time.Millisecond, MTU: 1500, IP: ip, CongestionControl: "reno"}},
		})
		usual := map[string]any{"TCP_NODELAY": 1., "tcp_autocorking": true, "initial_cwnd": 10., "route_quickack": false, "tcp_timestamps": true}
		turned := map[string]any{
			"tcp-nodelay+nagle": 0., "tcp-nodelay+noautocork": false, "tcp-nodelay+initcwnd": 1000.,
			"tcp-nodelay+quickack": true, "tcp-nodelay+notimestamps": false,
		}
		option := map[string]string{
			"tcp-nodelay+nagle": "TCP_NODELAY", "tcp-nodelay+noautocork": "tcp_autocorking", "tcp-nodelay+initcwnd": "initial_cwnd",
			"tcp-nodelay+quickack": "route_quickack", "tcp-nodelay+notimestamps": "tcp_timestamps",
		}
		if len(names) != len(turned)+1 {
			t.Fatalf("variants: %v", names)
		}
		for _, transport := range r.Workloads[0].Transports {
			for name, want := range usual {
				if option[transport.Name] == name {
					want = turned[transport.Name]
				}
				have, known := transport.Options[name]
				if have != want && (known || transport.Variant != nil) {
					t.Errorf("IPv%d: %s: %s is %v, want %v", ip, transport.Name, name, have, want)
				}
			}
		}
		if n := len(r.Workloads[0].Causes); n != len(turned) {
			t.Errorf("IPv%d: %d causes, want %d", ip, n, len(turned))
		}
		// A segment without the timestamp option is twelve octets shorter (RFC 7323): certain in the SYNs alone.
		for _, c := range r.Workloads[0].Causes {
			if c.Cause == "timestamps" && !(c.WireBytes.Median > 0) {
				t.Errorf("IPv%d: timestamps contribute %v wire bytes", ip, c.WireBytes.Median)
			}
		}
	}
}

// What one trial set may not meet the next trial: the sysctls and routes are put back.
func TestVariantsLeaveNothingBehind(t *testing.T) {
	names := append(traffic.Variants("tcp"), "tcp")
	r := measure(t, capture.Experiment{
		Workloads: []traffic.Workload{{Messages: 2, Size: 90}}, Transports: names, Trials: 4, Seed: 3,
		Links: []capture.Link{{Rate: 10e6, RTT: time.Millisecond, MTU: 1500, IP: 4, CongestionControl: "reno"}},
	})
	for _, transport := range r.Workloads[0].Transports {
		if transport.Name != "tcp" {
			continue
		}
		if cwnd, stamps := transport.Options["initial_cwnd"], transport.Options["tcp_timestamps"]; cwnd != 10. || stamps != true {
			t.Errorf("tcp among its variants: initial_cwnd %v, tcp_timestamps %v", cwnd, stamps)
		}
		if transport.Variant != nil {
			t.Error("tcp is a variant")
		}
	}
}

func TestVariantsOfWhatIsNoTCP(t *testing.T) {
	for _, name := range []string{"udp", "udp-packed", "quic-stream", "mptcp", "tcp+nodelay", "nonsense"} {
		if v := traffic.Variants(name); len(v) > 0 {
			t.Errorf("%s has variants %v", name, v)
		}
	}
	for _, name := range []string{"udp+nodelay", "tcp+nagle", "tcp+", "+nodelay", "tcp+nodelay+initcwnd", "tcp-quickack+quickack"} {
		if err := (traffic.Workload{Messages: 1, Size: 1}).Check(name, 4); err == nil {
			t.Errorf("%s is a transport", name)
		}
	}
}
