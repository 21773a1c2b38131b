package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wiretax/capture/lab"
	"wiretax/capture/peer"
	"wiretax/capture/recording"
	"wiretax/capture/traffic"
	"wiretax/capture/wire"
)

// hosts are two network namespaces with a link between them that knows nothing of experiments.
type hosts struct {
	*lab.Lab
	port   int
	server *Server
	cancel context.CancelFunc
	ended  chan error
	log    chan string
}

// connect makes the hosts and runs a server on the second.
func connect(t *testing.T, c lab.Config, w wire.Config, limits Limits) *hosts {
	t.Helper()
	l, err := lab.Build(c)
	skipWithoutLab(t, err)
	t.Cleanup(l.Close)
	if l.Kind != lab.Veth {
		relay, err := wire.Start(w, l.Ports, 1)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { relay.Close() })
	}
	h := &hosts{Lab: l, port: 5230, ended: make(chan error, 1), log: make(chan string, 100)}
	s := &Server{
		Place: Place{Interface: lab.Interface, Within: l.B.Within}, Key: secretKey(t), Port: uint16(h.port) + 1, Limits: limits, Version: "test",
		Log: func(line string) {
			select {
			case h.log <- line:
			default:
			}
		},
	}
	h.server = s
	listener, err := s.Listen(t.Context(), fmt.Sprintf(":%d", h.port))
	if err != nil {
		t.Fatal(err)
	}
	var ctx context.Context
	ctx, h.cancel = context.WithCancel(context.Background())
	go func() { h.ended <- s.Serve(ctx, listener) }()
	t.Cleanup(func() {
		h.cancel()
		if err := <-h.ended; err != nil {
			t.Error(err)
		}
	})
	return h
}

func secretKey(t *testing.T) *peer.Key {
	t.Helper()
	k, err := peer.NewKey([]byte("for these tests alone, 32 octets"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// experiment is the one between the hosts.
func (h *hosts) experiment(t *testing.T) Experiment {
	return Experiment{
		Links: []Link{{CongestionControl: "reno"}}, Workloads: []traffic.Workload{{Messages: 16, Size: 90}},
		Transports: traffic.Names(), Optional: traffic.Names(), Trials: 2, Seed: 1, Version: "test",
		Far: &Far{
			Place:   Place{Interface: lab.Interface, Within: h.A.Within},
			Address: net.JoinHostPort(h.B.Addr.String(), fmt.Sprint(h.port)), Key: secretKey(t),
		},
	}
}

// generous limits are met by nothing here.
var generous = Limits{Bytes: 1 << 30, Duration: time.Hour}

func TestTwoHostsSeeTheLabsFrames(t *testing.T) {
	for name, c := range map[string]struct {
		lab  lab.Config
		wire wire.Config
	}{
		"ipv4, tap devices":    {lab.Config{MTU: 1500, IP: 4, Queue: 1000, Link: lab.TAP}, wire.Config{Rate: 10e6, RTT: time.Millisecond, MTU: 1500}},
		"ipv6, tap devices":    {lab.Config{MTU: 1500, IP: 6, Queue: 1000, Link: lab.TAP}, wire.Config{Rate: 10e6, RTT: time.Millisecond, MTU: 1500}},
		"ipv4, packet sockets": {lab.Config{MTU: 1500, IP: 4, Queue: 1000, Link: lab.Packet}, wire.Config{Rate: 10e6, RTT: time.Millisecond, MTU: 1500}},
		"jumbo frames":         {lab.Config{MTU: 9000, IP: 4, Queue: 1000, Link: lab.TAP}, wire.Config{Rate: 1e9, RTT: time.Millisecond, MTU: 9000}},
		"veth":                 {lab.Config{MTU: 1500, IP: 4, Queue: 1000, Link: lab.Veth}, wire.Config{}},
	} {
		t.Run(name, func(t *testing.T) {
			h := connect(t, c.lab, c.wire, generous)
			e := h.experiment(t)
			if name != "ipv4, tap devices" {
				e.Transports, e.Optional = traffic.Default(), nil
			}
			_, m := record(t, e)
			mustAgree(t, m)
			if m.Link.Kind != "interface" || m.Link.MTU != c.lab.MTU || m.Link.IP != c.lab.IP || m.FarHost == nil || m.FarHost.Kernel == "" {
				t.Errorf("link %+v, far host %+v", m.Link, m.FarHost)
			}
			trials, counted := 0, 0
			for _, transport := range m.Workloads[0].Transports {
				for i, trial := range transport.Trials {
					trials++
					checkResidence(t, transport.Name, trial.Residence, !strings.HasPrefix(transport.Name, "tls"))
					if trial.Witnesses.Interface == trial.Witnesses.Capture {
						counted++
					}
					checkFarTrial(t, fmt.Sprintf("%s trial %d", transport.Name, i+1), &trial)
				}
				// What every link with a round trip of a millisecond makes of the thread's messages.
				want := map[string]int64{"udp": 16, "udp-packed": 1, "udp-sendmmsg": 16, "tcp-cork": 8}[transport.Name]
				got := transport.Trials[0].Witnesses.Capture
				for _, trial := range transport.Trials { // a busy machine's timers may send a segment again
					got = min(got, trial.Witnesses.Capture)
				}
				if want != 0 && got != want && c.lab.Link != lab.Veth && c.lab.IP == 4 {
					t.Errorf("%s: %d frames, want %d as in the lab", transport.Name, got, want)
				}
			}
			if got := len(m.Workloads[0].Transports); got < len(e.Transports)-3 {
				t.Errorf("%d transports: %v", got, m.Warnings)
			}
			// The control connection is on the interfaces too: a busy machine may count it a moment too late.
			if t.Logf("%d of %d trials counted by the interfaces too", counted, trials); counted < trials/2 {
				t.Errorf("the interfaces' counters agree in %d of %d trials", counted, trials)
			}
		})
	}
}

// checkFarTrial checks what holds for every trial on a link without loss.
func checkFarTrial(t *testing.T, name string, trial *trialFacts) {
	t.Helper()
	if trial.MessagesDelivered != 16 {
		t.Errorf("%s: %d messages delivered", name, trial.MessagesDelivered)
	}
	l := trial.Latency
	if u := trial.LatencyUncertainty; l.P50 == nil || u == nil || *u <= 0 || *l.P50 < -*u {
		t.Errorf("%s: latency %+v", name, l)
	}
	if n := trial.Drops[lostOnPath]; n != 0 {
		t.Errorf("%s: %d frames lost", name, n)
	}
}

// checkResidence: each host knows how long messages stayed in its own buffers, the receiver of TLS alone does not know where
// they are.
func checkResidence(t *testing.T, name string, r residenceFacts, receives bool) {
	t.Helper()
	if quic := strings.HasPrefix(name, "quic"); (r.Sender != nil) == quic || (r.Receiver != nil) == (quic || !receives) {
		t.Errorf("%s: residence %+v", name, r)
	}
	for _, l := range []*latencyFacts{r.Sender, r.Receiver} {
		if l != nil && !(*l.P50 >= 0 && *l.P50 <= *l.P99 && *l.Max < 60) {
			t.Errorf("%s: residence %v, %v, %v", name, *l.P50, *l.P99, *l.Max)
		}
	}
}

func TestArrivalsAreRecorded(t *testing.T) {
	h := connect(t, lab.Config{MTU: 1500, IP: 4, Queue: 1000, Link: lab.TAP}, wire.Config{Rate: 10e6, RTT: 2 * time.Millisecond, Loss: 0.1, MTU: 1500}, generous)
	e := h.experiment(t)
	e.Transports, e.Optional, e.Trials = []string{"udp", "tcp"}, nil, 1
	e.Workloads[0].Messages = 60
	dir, m := record(t, e)
	mustAgree(t, m)
	for _, transport := range m.Workloads[0].Transports {
		trial := transport.Trials[0]
		sent := count(t, filepath.Join(dir, trial.Capture))
		arrived := count(t, filepath.Join(dir, arrivedDir, trial.Capture))
		lost := trial.Drops[lostOnPath]
		if lost == 0 && transport.Name == "udp" || sent-arrived != lost || sent != trial.Witnesses.Capture {
			t.Errorf("%s: %d frames sent, %d arrived, %d lost; witnesses %+v", transport.Name, sent, arrived, lost, trial.Witnesses)
		}
		if transport.Name == "udp" && trial.MessagesDelivered != arrived {
			t.Errorf("%d messages delivered in %d datagrams", trial.MessagesDelivered, arrived)
		}
	}
}

func count(t *testing.T, path string) (n int64) {
	t.Helper()
	r, err := recording.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for batch := make([]recording.Record, 64); ; {
		got, err := r.Next(batch)
		n += int64(got)
		if errors.Is(err, io.EOF) {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestPatternsBetweenHosts(t *testing.T) {
	h := connect(t, lab.Config{MTU: 1500, IP: 6, Queue: 1000, Link: lab.TAP}, wire.Config{Rate: 100e6, RTT: time.Millisecond, MTU: 1500}, generous)
	e := h.experiment(t)
	e.Transports, e.Optional, e.Trials = []string{"udp", "tcp-nodelay", "quic-stream", "tls"}, nil, 1
	sizes, err := traffic.ParseSizes("uniform:8-1200")
	if err != nil {
		t.Fatal(err)
	}
	arrivals, err := traffic.ParseArrivals("poisson")
	if err != nil {
		t.Fatal(err)
	}
	e.Workloads = []traffic.Workload{
		{Messages: 16, Size: 604, Sizes: sizes, Pattern: traffic.Echo, Depth: 2, Seed: 3},
		{Messages: 16, Size: 90, Pattern: traffic.WriteWriteRead, Connections: 2},
		{Messages: 16, Size: 90, Interval: time.Millisecond, Arrivals: arrivals, Seed: 4},
		{Messages: 4, Size: 4000},
	}
	_, m := record(t, e)
	mustAgree(t, m)
	for i, w := range m.Workloads {
		for _, transport := range w.Transports {
			trial := transport.Trials[0]
			if trial.MessagesDelivered != int64(w.Messages) || trial.ApplicationBytes.Offered != trial.ApplicationBytes.Delivered {
				t.Errorf("%d %s: %+v", i, transport.Name, trial)
			}
			if answered := w.Pattern != "one-way"; answered != (trial.AnswersDelivered > 0) || answered == (trial.LatencyUncertainty != nil) {
				t.Errorf("%d %s: %d answers, latency %+v", i, transport.Name, trial.AnswersDelivered, trial.Latency)
			}
		}
	}
}

// TestScheduleBetweenHosts has more messages than one message of the control connection holds.
func TestScheduleBetweenHosts(t *testing.T) {
	h := connect(t, lab.Config{MTU: 1500, IP: 4, Queue: 1000, Link: lab.Veth}, wire.Config{}, generous)
	e := h.experiment(t)
	e.Transports, e.Optional, e.Trials = []string{"tcp-cork"}, nil, 2
	s := &traffic.Schedule{Origin: "a test"}
	octets := int64(0)
	for i := range 3*scheduleChunk/dueLen + 1 {
		s.Sizes, s.Due = append(s.Sizes, int32(1+i%20)), append(s.Due, int64(i)*1000)
		octets += int64(s.Sizes[i])
	}
	e.Workloads[0] = traffic.Workload{Messages: len(s.Sizes), Schedule: s, Interval: time.Microsecond}
	_, m := record(t, e)
	mustAgree(t, m)
	for _, trial := range m.Workloads[0].Transports[0].Trials {
		if trial.MessagesDelivered != int64(len(s.Sizes)) || trial.ApplicationBytes.Delivered != octets || trial.FromDue == nil || trial.FromDue.P50 == nil {
			t.Errorf("%+v, want %d messages, %d octets", trial, len(s.Sizes), octets)
		}
	}
}

func TestServerRefuses(t *testing.T) {
	h := connect(t, lab.Config{MTU: 1500, IP: 4, Queue: 1000, Link: lab.Veth}, wire.Config{}, Limits{Bytes: 10_000, Duration: time.Minute, Rate: 1e6})
	for name, c := range map[string]struct {
		change func(*Experiment)
		want   string
	}{
		"too many bytes": {func(e *Experiment) { e.Workloads[0].Messages = 1000 }, "a trial of 90000 bytes is larger than the 10000 that this server allows"},
		"too fast":       {func(e *Experiment) { e.Workloads[0].Interval = time.Microsecond }, "more than the 1000000 bit/s"},
		"too long":       {func(e *Experiment) { e.Workloads[0].Interval = 10 * time.Second }, "longer than the 1m0s"},
		"schedule too large": {func(e *Experiment) {
			e.Workloads[0] = scheduled(slices.Repeat([]int32{1}, 10_001), make([]int64, 10_001)...)
		}, "a schedule of 10001 messages or more is larger than"},
		"another interface":    {func(e *Experiment) { e.Far.Interface = "lo" }, "lo is the loopback interface"},
		"no such interface":    {func(e *Experiment) { e.Far.Interface = "none0" }, "find none0"},
		"unknown congestion":   {func(e *Experiment) { e.Links[0].CongestionControl = "nobody" }, "nobody"},
		"a transport it lacks": {func(e *Experiment) { e.Transports = []string{"tcp-noautocork"} }, "real hosts stay as they are"},
	} {
		t.Run(name, func(t *testing.T) {
			e := h.experiment(t)
			e.Transports, e.Optional = []string{"udp"}, nil
			c.change(&e)
			err := Record(t.Context(), e, t.TempDir(), func(Progress) {})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// TestMoreFramesThanAreKept: one line says what to do, what was complete stays, and the server goes on.
func TestMoreFramesThanAreKept(t *testing.T) {
	h := connect(t, lab.Config{MTU: 1500, IP: 4, Queue: 1000, Link: lab.Veth}, wire.Config{}, generous)
	const frame = 14 + 20 + 8 + 90 + recordHead
	for name, limit := range map[string]func(Experiment) *int{
		"here, sent":     func(e Experiment) *int { return &e.Far.vantage.observer.limit },
		"there, arrived": func(Experiment) *int { return &h.server.vantage.observer.arrived.limit },
	} {
		t.Run(name, func(t *testing.T) {
			e := h.experiment(t)
			e.Transports, e.Optional, e.Trials = []string{"udp"}, nil, 1
			if err := e.Far.Open(); err != nil {
				t.Fatal(err)
			}
			*limit(e) = 100 * frame
			defer func() { h.server.vantage.observer.arrived.limit = mostCaptured }()
			for _, messages := range []int{100, 101, 16} {
				e.Workloads = append(e.Workloads, traffic.Workload{Messages: messages, Size: 90})
			}
			dir := t.TempDir()
			err := Record(t.Context(), e, dir, func(Progress) {})
			var incomplete *IncompleteError
			if !errors.As(err, &incomplete) || incomplete.Done != 2 || !strings.Contains(err.Error(), "more frames than a host keeps") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want what to do after 2 trials", err)
			}
			if captures, _ := filepath.Glob(filepath.Join(dir, "*.pcapng")); len(captures) != 2 {
				t.Errorf("captures %v, want 2", captures)
			}
			if got := int(count(t, filepath.Join(dir, "2-udp-01.pcapng"))); got != 100 {
				t.Errorf("%d frames, want 100", got)
			}
		})
	}
	e := h.experiment(t)
	e.Transports, e.Optional, e.Trials = []string{"udp"}, nil, 1
	if err := Record(t.Context(), e, t.TempDir(), func(Progress) {}); err != nil {
		t.Error(err)
	}
}

// TestServerVanishes: what was complete stays, and one line says what happened.
func TestServerVanishes(t *testing.T) {
	h := connect(t, lab.Config{MTU: 1500, IP: 4, Queue: 1000, Link: lab.Veth}, wire.Config{}, generous)
	e := h.experiment(t)
	e.Transports, e.Optional, e.Trials = []string{"udp"}, nil, 1000
	dir := t.TempDir()
	err := Record(t.Context(), e, dir, func(p Progress) {
		if p.Done == 3 {
			h.cancel()
		}
	})
	var incomplete *IncompleteError
	if !errors.As(err, &incomplete) || incomplete.Done < 3 || !strings.Contains(err.Error(), "the server was stopped") {
		t.Fatal(err)
	}
	if captures, _ := filepath.Glob(filepath.Join(dir, "*.pcapng")); len(captures) != incomplete.Done {
		t.Errorf("%d captures of %d trials", len(captures), incomplete.Done)
	}
}

func TestClientVanishes(t *testing.T) {
	h := connect(t, lab.Config{MTU: 1500, IP: 4, Queue: 1000, Link: lab.Veth}, wire.Config{}, generous)
	e := h.experiment(t)
	e.Transports, e.Optional = []string{"tcp"}, nil
	e.Workloads[0] = traffic.Workload{Messages: 1000, Size: 90, Interval: 10 * time.Millisecond}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(200*time.Millisecond, cancel)
	if err := Record(ctx, e, t.TempDir(), func(Progress) {}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	e.Workloads[0].Messages, e.Workloads[0].Interval, e.Trials = 16, 0, 1 // the next client is served
	if err := Record(t.Context(), e, t.TempDir(), func(Progress) {}); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for len(h.log) > 0 {
		lines = append(lines, <-h.log)
	}
	// The last words get lost where the connection is reset behind them.
	if said := strings.Join(lines, "\n"); !strings.Contains(said, "interrupted") && !strings.Contains(said, "gone") {
		t.Errorf("the server does not say that the client ended:\n%s", said)
	}
}
