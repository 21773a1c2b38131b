package main

import (
	"slices"
	"testing"
	"time"

	"wiretax/analyze"
	"wiretax/capture"
	"wiretax/capture/traffic"
)

// shape measures one workload and returns its transports by name.
func shape(t *testing.T, w traffic.Workload, rtt time.Duration, trials int, transports ...string) map[string]*analyze.Transport {
	t.Helper()
	r := measure(t, capture.Experiment{
		Workloads: []traffic.Workload{w}, Transports: transports, Optional: []string{"udp-gso"}, Trials: trials,
		Links: []capture.Link{{Rate: 10e6, RTT: rtt, MTU: 1500, IP: 4}},
	})
	found := map[string]*analyze.Transport{}
	for i := range r.Workloads[0].Transports {
		found[r.Workloads[0].Transports[i].Name] = &r.Workloads[0].Transports[i]
	}
	return found
}

// dataFrames are those of each trial.
func dataFrames(t *analyze.Transport) (counts []int64) {
	for _, trial := range t.Trials {
		counts = append(counts, trial.DataFrames)
	}
	return counts
}

// A round trip that no scheduler stretches a burst of sixteen writes to.
const longRTT = 50 * time.Millisecond

// What TCP does with sixteen messages of 90 B that come at once: held by the application they are one frame; by Nagle's
// algorithm the first goes alone (RFC 896); by nobody, the initial window of ten segments holds the rest (RFC 6928), unless it
// is larger.
func TestBurstWithinTheRoundTrip(t *testing.T) {
	want := map[string]int64{"tcp-cork": 1, "tcp-more": 1, "tcp-writev": 1, "tcp-buffered": 1, "tcp": 2, "tcp-nodelay": 11, "tcp-nodelay+initcwnd": 16}
	names := make([]string, 0, len(want))
	for name := range want {
		names = append(names, name)
	}
	slices.Sort(names)
	for name, transport := range shape(t, traffic.Workload{Messages: 16, Size: 90}, longRTT, 1, names...) {
		for _, n := range dataFrames(transport) {
			if n != want[name] {
				t.Errorf("%s: %d data frames, want %d", name, n, want[name])
			}
		}
	}
}

// Further apart than the round trip nothing waits for an ACK: a frame a message, with Nagle's algorithm as without. A sender
// that the machine held up writes two at once, so one trial of three is enough.
func TestMessagesFurtherApartThanTheRoundTrip(t *testing.T) {
	w := traffic.Workload{Messages: 16, Size: 90, Interval: 10 * time.Millisecond}
	for name, transport := range shape(t, w, time.Millisecond, 3, "tcp", "tcp-nodelay") {
		if !slices.Contains(dataFrames(transport), 16) {
			t.Errorf("%s: %v data frames, want 16", name, dataFrames(transport))
		}
	}
}

// Nagle's algorithm holds the second write until the receiver's delayed ACK of the first: an ACK more in each transaction.
func TestWriteWriteReadCostsAnACK(t *testing.T) {
	const transactions = 8
	found := shape(t, traffic.Workload{Messages: 2 * transactions, Size: 90, Pattern: traffic.WriteWriteRead}, time.Millisecond, 2, "tcp", "tcp-nodelay")
	for i := range found["tcp"].Trials {
		nagle, without := found["tcp"].Trials[i], found["tcp-nodelay"].Trials[i]
		// The first transaction is still in quick-ACK mode, whatever the option.
		if more := nagle.AckFrames - without.AckFrames; more < transactions/2 {
			t.Errorf("trial %d: %d ACKs with Nagle's algorithm, %d without: %d more in %d transactions", i+1, nagle.AckFrames, without.AckFrames, more, transactions)
		}
	}
}

// UDP_SEGMENT and sendmmsg save calls and no frames.
func TestSegmentationSavesCallsNotFrames(t *testing.T) {
	found := shape(t, traffic.Workload{Messages: 16, Size: 90}, time.Millisecond, 2, "udp", "udp-gso", "udp-sendmmsg")
	udp := found["udp"].Trials[0]
	for _, name := range []string{"udp-gso", "udp-sendmmsg"} {
		transport := found[name]
		if transport == nil {
			t.Logf("%s: this kernel has none", name)
			continue
		}
		for _, trial := range transport.Trials {
			if trial.Frames != udp.Frames || trial.WireBytes != udp.WireBytes {
				t.Errorf("%s: %d frames of %d octets, udp %d of %d", name, trial.Frames, trial.WireBytes, udp.Frames, udp.WireBytes)
			}
			if trial.SendCalls != 1 || udp.SendCalls != 16 {
				t.Errorf("%s: %d send calls, udp %d", name, trial.SendCalls, udp.SendCalls)
			}
		}
	}
}

// Where the standards determine something the kernel does it, over either IP version, with an MTU of its own.
func TestTheoryHolds(t *testing.T) {
	r := measure(t, capture.Experiment{
		Workloads: []traffic.Workload{
			{Messages: 16, Size: 90}, {Messages: 3, Size: 4096}, {Messages: 4, Size: 1, Pattern: traffic.Echo},
		},
		Transports: append(traffic.Set("udp-all"), "tcp", "tcp-nodelay", "tcp-cork", "tcp-more", "tcp-writev", "tcp-buffered"), Optional: []string{"udp-gso"}, Trials: 1,
		Links: []capture.Link{{Rate: 10e6, RTT: 2 * time.Millisecond, MTU: 1500, IP: 4}, {Rate: 10e6, RTT: 2 * time.Millisecond, MTU: 1400, IP: 6}},
	})
	checked := map[string]int{}
	for _, w := range r.Workloads {
		for _, transport := range w.Transports {
			if transport.Theory != nil {
				checked[transport.Name]++
			}
		}
	}
	for _, warning := range r.Warnings {
		if warning.Code == "theory_disagrees" {
			t.Error(warning.Message)
		}
	}
	if checked["udp"] != 6 || checked["tcp-cork"] != 4 {
		t.Errorf("theory of %v", checked)
	}
}
