package analyze

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"wiretax/analyze/frame"
)

func TestCountTakesTheWorkloadsFlowOnly(t *testing.T) {
	packets := append(handshake(), tcp(psh, 1, 1, 90), tcp(frame.ACK, 1, 91, 0).back(), tcp(fin, 91, 1, 0), tcp(fin, 1, 92, 0).back(),
		tcp(frame.ACK, 92, 2, 0), icmp(8), udp(90), tcp(psh, 1, 1, 10).onPort(1).inVLAN(3))
	packets[len(packets)-1].port = 9
	r := analyse(t, Options{}, packets...)
	r.Flows[len(r.Flows)-1].BPort = 22 // some other connection

	trial := Trial{Port: serverPort}
	trial.Count(r, "tcp-cork")
	if trial.Frames != 8 || trial.DataFrames != 1 || trial.AckFrames != 3 || trial.SetupFrames != 2 || trial.TeardownFrames != 2 || trial.OtherFrames != 3 {
		t.Errorf("%+v", trial)
	}
	if trial.PayloadBytes != 90 || trial.UniquePayloadBytes != 90 || trial.HeaderBytes != 8*54+8 || trial.WireBytes != 5*84+2*84+90+78 {
		t.Errorf("%+v", trial)
	}
	if want := Ratio(440.0 / 90); trial.HeaderBytesPerPayloadByte != want {
		t.Errorf("%v header bytes a payload byte, want %v", trial.HeaderBytesPerPayloadByte, want)
	}

	trial.Count(r, "udp-packed")
	if trial.Frames != 1 || trial.DataFrames != 1 || trial.WireBytes != 156 || trial.OtherFrames != 10 {
		t.Errorf("%+v", trial)
	}
}

// What TLS adds is no payload: 112 octets of ciphertext that hold 90 octets of a message.
func TestSecurityBytesAreTheApplicationsToTell(t *testing.T) {
	packets := append(handshake(), tcp(psh, 1, 1, 112), tcp(psh, 1, 1, 112), tcp(frame.ACK, 1, 113, 0).back())
	for _, tt := range []struct {
		name, transport                             string
		offered, payload, unique, security, headers int64
	}{
		{"tls", "tls-buffered", 90, 2*112 - 22, 90, 22, 6*54 + 8 + 22},
		{"a recording that does not say", "tls", 0, 2 * 112, 112, 0, 6*54 + 8},
		{"no encryption", "tcp", 90, 2 * 112, 112, 0, 6*54 + 8},
	} {
		t.Run(tt.name, func(t *testing.T) {
			trial := Trial{Port: serverPort, ApplicationBytes: ApplicationBytes{Offered: tt.offered, Delivered: tt.offered}}
			for range 2 { // counting twice is counting once
				trial.Count(analyse(t, Options{}, packets...), tt.transport)
			}
			if trial.PayloadBytes != tt.payload || trial.UniquePayloadBytes != tt.unique || trial.SecurityBytes != tt.security || trial.HeaderBytes != tt.headers {
				t.Errorf("payload %d, unique %d, security %d, headers %d, want %d, %d, %d, %d", trial.PayloadBytes, trial.UniquePayloadBytes,
					trial.SecurityBytes, trial.HeaderBytes, tt.payload, tt.unique, tt.security, tt.headers)
			}
			if got, want := trial.Efficiency, Over(tt.unique, trial.WireBytes); got != want {
				t.Errorf("efficiency %v, want %v", got, want)
			}
		})
	}
}

func TestFragmentsOfTheWorkloadCount(t *testing.T) {
	var packets []packet
	for i := range 16 {
		packets = append(packets, udp(4096).withID(uint16(i)).fragments(1480)...)
	}
	trial := Trial{Port: serverPort}
	trial.Count(analyse(t, Options{}, packets...), "udp")
	if trial.Frames != 48 || trial.DataFrames != 48 || trial.UniquePayloadBytes != 65536 {
		t.Errorf("%+v, want 48 frames of 65536 octets", trial)
	}
}

// lab is a run of 16 messages of 90 octets, back to back, with the figures of LAB measurements: frames, data frames, ACKs and
// wire bytes of each transport.
func lab(interval float64, transports map[string][4]int64) *Run {
	r := &Run{Link: Link{MTU: 1500, IP: 4}, Workloads: []Workload{{Messages: 16, Size: 90, IntervalSeconds: interval}}}
	w := &r.Workloads[0]
	for _, name := range []string{"udp", "udp-packed", "tcp", "tcp-nodelay", "tcp-cork"} {
		if f, ok := transports[name]; ok {
			trial := Trial{Frames: f[0], DataFrames: f[1], AckFrames: f[2], WireBytes: f[3], PayloadBytes: 1440, UniquePayloadBytes: 1440,
				Latency: Latency{P50: 0.001, P99: Ratio(math.NaN()), Max: 0.002}}
			w.Transports = append(w.Transports, Transport{Name: name, Trials: []Trial{trial, trial, trial}})
		}
	}
	return r
}

func TestCompleteComparesWithUDP(t *testing.T) {
	r := lab(0, map[string][4]int64{"udp": {16, 16, 0, 2496}, "tcp": {9, 2, 3, 2266}, "tcp-nodelay": {27, 11, 11, 3886}})
	nodelay := &r.Workloads[0].Transports[2]
	nodelay.Trials[1].Frames = 25
	r.Complete()
	tcp := &r.Workloads[0].Transports[1]
	if got := tcp.Trials[0]; got.FramesSaved != 7 || got.DataFramesSaved != 14 || got.MessagesPerDataFrame != 8 {
		t.Errorf("%+v", got)
	}
	saved := nodelay.Summary["frames_saved"]
	if saved.Median != -11 || saved.Min != -11 || saved.Max != -9 || saved.Exact || saved.CI95 == nil {
		t.Errorf("frames saved by tcp-nodelay: %+v", saved)
	}
	if s := tcp.Summary["frames"]; s.Median != 9 || !s.Exact || s.CI95[0] != 9 {
		t.Errorf("frames of tcp: %+v", s)
	}
	if s := tcp.Summary["latency_p99"]; s.Median.Valid() || s.Exact || s.CI95 != nil {
		t.Errorf("a figure that no trial has: %+v", s)
	}
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), "NaN") {
		t.Error("NaN in the JSON")
	}
	for _, f := range trialFigures {
		if _, ok := tcp.Summary[f.name]; !ok {
			t.Errorf("no summary of %s", f.name)
		}
	}
}

// Where the base needed fewer trials, all of them are what the others are compared with, not the last one alone.
func TestFewerTrialsOfTheBaseAreTakenInTurn(t *testing.T) {
	r := lab(0, map[string][4]int64{"tcp": {9, 2, 3, 2266}, "tcp-cork": {8, 1, 3, 2176}})
	base, cork := &r.Workloads[0].Transports[0], &r.Workloads[0].Transports[1]
	base.Trials[2].Frames = 99
	for range 2 {
		cork.Trials = append(cork.Trials, cork.Trials...)
	}
	r.Complete()
	if saved := cork.Summary["frames_saved"].Median; saved != 1 {
		t.Errorf("median of frames saved %g, want 1: two of three trials of the base had 9", saved)
	}
}

func TestCompleteWithoutUDPOrTrials(t *testing.T) {
	r := lab(0, map[string][4]int64{"tcp": {9, 2, 3, 2266}, "tcp-cork": {8, 1, 3, 2176}})
	r.Complete()
	if got := r.Workloads[0].Transports[1].Trials[2].FramesSaved; got != 1 {
		t.Errorf("tcp-cork saved %d frames against tcp, want 1", got)
	}
	r.Workloads[0].Transports[0].Trials = nil
	r.Workloads = append(r.Workloads, Workload{})
	r.Complete()
	if got := r.Workloads[0].Transports[1].BreakEven; got != nil {
		t.Errorf("break-even with a base of no trials: %+v", got)
	}
}

func TestNoBreakEvenWhereTheShapeDoesNotHold(t *testing.T) {
	for name, change := range map[string]func(*Workload){
		"answers":                func(w *Workload) { w.Pattern = "echo" },
		"several connections":    func(w *Workload) { w.Connections = 4 },
		"a handshake that shows": func(w *Workload) { w.Transports[1].Name = "quic-stream" },
	} {
		r := lab(0, map[string][4]int64{"udp": {16, 16, 0, 2496}, "tcp-cork": {8, 1, 3, 2176}})
		change(&r.Workloads[0])
		r.Complete()
		if got := r.Workloads[0].Transports[1].BreakEven; got != nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestBreakEven(t *testing.T) {
	none := int64(-1)
	tests := []struct {
		name         string
		interval     float64
		transport    string
		figures      [4]int64
		frames, wire int64
	}{
		{"the application packs", 0, "udp-packed", [4]int64{1, 1, 0, 1506}, 2, 2},
		{"cork", 0, "tcp-cork", [4]int64{8, 1, 3, 2176}, 9, 12},
		{"Nagle, a burst shorter than the round trip", 0, "tcp", [4]int64{9, 2, 3, 2266}, 10, 13},
		{"the congestion window coalesces", 0, "tcp-nodelay", [4]int64{27, 11, 12, 3886}, 30, 40}, // measured: 29 and 39
		{"nothing is coalesced, every message has its ACK", 0.01, "tcp", [4]int64{38, 16, 18, 4876}, none, none},
		{"nothing is coalesced back to back either", 0, "tcp-nodelay", [4]int64{38, 16, 18, 4876}, none, none},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := lab(test.interval, map[string][4]int64{"udp": {16, 16, 0, 2496}, test.transport: test.figures})
			r.Complete()
			if r.Workloads[0].Transports[0].BreakEven != nil {
				t.Error("the base has a break-even with itself")
			}
			got := r.Workloads[0].Transports[1].BreakEven
			value := func(n *int64) int64 {
				if n == nil {
					return none
				}
				return *n
			}
			if f, w := value(got.Frames), value(got.WireBytes); f != test.frames || w != test.wire {
				t.Errorf("ahead in frames from %d, in wire bytes from %d, want %d and %d", f, w, test.frames, test.wire)
			}
		})
	}
}
