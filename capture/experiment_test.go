package capture

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wiretax/capture/lab"
	"wiretax/capture/recording"
	"wiretax/capture/traffic"
)

// thread is the experiment of the 2008 thread on the default link.
func thread() Experiment {
	return Experiment{
		Workloads: []traffic.Workload{{Messages: 16, Size: 90}}, Transports: traffic.Names(), Optional: traffic.Names(), Trials: 2,
		Links: []Link{{Rate: 10e6, RTT: time.Millisecond, MTU: 1500, IP: 4, CongestionControl: "reno"}}, Seed: 1, Version: "test",
	}
}

// direct is a link with nothing between the hosts.
func direct(ip int) []Link { return []Link{{MTU: 1500, IP: ip, CongestionControl: "reno"}} }

// record runs the experiment or skips where the system does not let us; in CI it must.
func record(t *testing.T, e Experiment) (dir string, m manifest) {
	t.Helper()
	dir = t.TempDir()
	skipWithoutLab(t, Record(context.Background(), e, dir, func(Progress) {}))
	return dir, read(t, dir)
}

// skipWithoutLab fails for an error, unless it says that the system does not let us build a lab.
func skipWithoutLab(t *testing.T, err error) {
	t.Helper()
	var refused *lab.NamespaceError
	var missing *lab.NoTUNError
	if (errors.As(err, &refused) || errors.As(err, &missing)) && os.Getenv("CI") == "" {
		t.Skipf("%v (run the tests as root)", err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// read returns what the recording says.
func read(t *testing.T, dir string) (m manifest) {
	t.Helper()
	b, err := recording.ReadManifest(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// mustAgree checks what every trial of a machine that keeps up has to show.
func mustAgree(t *testing.T, m manifest) {
	t.Helper()
	for _, w := range m.Workloads {
		for _, transport := range w.Transports {
			for i, trial := range transport.Trials {
				if !trial.Witnesses.Agree {
					t.Errorf("%s, trial %d: witnesses disagree: %v (%v)", transport.Name, i+1, trial.Witnesses.Disagree, trial.Witnesses.Detail)
				}
				for name, n := range trial.Drops {
					if n != 0 && name != "lost_by_request" && name != lostOnPath {
						t.Errorf("%s, trial %d: %d drops: %s", transport.Name, i+1, n, name)
					}
				}
			}
		}
	}
}

func TestWitnessesAgree(t *testing.T) {
	for name, change := range map[string]func(*Experiment){
		"ipv4 on tap":            func(e *Experiment) { e.Devices = lab.TAP },
		"ipv6 on tap":            func(e *Experiment) { e.Devices = lab.TAP; e.Links[0].IP = 6 },
		"ipv4 on veth":           func(e *Experiment) { e.Devices = lab.Veth; e.Links = direct(4) },
		"ipv6 on veth":           func(e *Experiment) { e.Devices = lab.Veth; e.Links = direct(6) },
		"ipv4 on packet sockets": func(e *Experiment) { e.Devices = lab.Packet },
		"ipv6 on packet sockets": func(e *Experiment) { e.Devices = lab.Packet; e.Links[0].IP = 6 },
		"offloads kept": func(e *Experiment) {
			e.Devices, e.KeepOffloads, e.Links = lab.Veth, true, direct(4)
			e.Workloads[0] = traffic.Workload{Messages: 16, Size: 65000}
		},
		"jumbo frames": func(e *Experiment) { e.Links[0].MTU = 9000; e.Workloads[0].Size = 4096 },
		"fragments":    func(e *Experiment) { e.Workloads[0].Size = 4096 },
		"neither rate nor delay": func(e *Experiment) {
			e.Links[0].Rate, e.Links[0].RTT = 0, 0
			e.Workloads[0].Messages = 2000
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := thread()
			e.Workloads = append([]traffic.Workload(nil), e.Workloads...)
			if !strings.HasSuffix(name, "on tap") {
				e.Transports = append(traffic.Default(), "tls", "quic-stream")
			}
			change(&e)
			_, m := record(t, e)
			mustAgree(t, m)
			for _, transport := range m.Workloads[0].Transports {
				queue := transport.Name == "quic-datagram" && e.Links[0].Rate == 0 // the library's, which a flood overflows
				if len(transport.Trials) != e.Trials {
					t.Errorf("%s: %d trials, want %d", transport.Name, len(transport.Trials), e.Trials)
				}
				for _, trial := range transport.Trials {
					if trial.MessagesDelivered != int64(e.Workloads[0].Messages) && !queue {
						t.Errorf("%s: %d messages delivered", transport.Name, trial.MessagesDelivered)
					}
				}
			}
		})
	}
}

// A datagram is a frame: here the capture has no freedom at all.
func TestDatagramsAreFrames(t *testing.T) {
	e := thread()
	e.Transports = []string{"udp"}
	dir, m := record(t, e)
	for _, trial := range m.Workloads[0].Transports[0].Trials {
		if trial.Witnesses.Capture != 16 {
			t.Errorf("%d frames, want 16", trial.Witnesses.Capture)
		}
		r, err := recording.Open(filepath.Join(dir, trial.Capture), nil)
		if err != nil {
			t.Fatal(err)
		}
		records := make([]recording.Record, 64)
		n, _ := r.Next(records)
		for _, record := range records[:n] {
			if record.WireLen != 132 { // 14 Ethernet, 20 IPv4, 8 UDP, 90 payload
				t.Errorf("frame of %d octets, want 132", record.WireLen)
			}
		}
		r.Close()
	}
}

func TestWitnessesAgreeWithLoss(t *testing.T) {
	e := thread()
	e.Links[0].Loss, e.Trials, e.Links[0].Rate = 0.05, 2, 0
	e.Workloads = []traffic.Workload{{Messages: 64, Size: 400}}
	_, m := record(t, e)
	mustAgree(t, m)
	lost := int64(0)
	for _, transport := range m.Workloads[0].Transports {
		for _, trial := range transport.Trials {
			lost += trial.Drops["lost_by_request"]
			reliable := !strings.HasPrefix(transport.Name, "udp") && transport.Name != "quic-datagram"
			if reliable && trial.MessagesDelivered != 64 {
				t.Errorf("%s delivered %d of 64 messages", transport.Name, trial.MessagesDelivered)
			}
		}
	}
	if lost == 0 {
		t.Error("no frame lost at 5 %")
	}
}

func TestInterruptedExperimentKeepsWholeTrials(t *testing.T) {
	e := thread()
	e.Trials = 1000
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	dir := t.TempDir()
	err := Record(ctx, e, dir, func(p Progress) {
		if p.Done == 7 {
			cancel()
		}
	})
	var refused *lab.NamespaceError
	if errors.As(err, &refused) && os.Getenv("CI") == "" {
		t.Skipf("%v (run the tests as root)", err)
	}
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want %v", err, context.Canceled)
	}
	m := read(t, dir)
	kept := 0
	for _, transport := range m.Workloads[0].Transports {
		kept += len(transport.Trials)
	}
	if kept != 7 {
		t.Errorf("%d trials kept, want 7", kept)
	}
	mustAgree(t, m)
	if files, _ := filepath.Glob(filepath.Join(dir, "*")); len(files) != kept+1 {
		t.Errorf("files left: %v, want %d captures and run.json", files, kept)
	}
}

func TestTrialsGoRoundByRound(t *testing.T) {
	e := thread()
	e.Transports, e.Optional = traffic.Default(), nil
	e.Workloads = append(e.Workloads, traffic.Workload{Messages: 1, Size: 1})
	e.Links = append(e.Links, Link{MTU: 1500, IP: 6, CongestionControl: "reno"})
	var said []Progress
	dir := t.TempDir()
	skipWithoutLab(t, Record(context.Background(), e, dir, func(p Progress) { said = append(said, p) }))
	if want := len(e.Links) * len(e.Workloads) * len(e.Transports) * e.Trials; len(said) != want {
		t.Fatalf("%d trials, want %d", len(said), want)
	}
	for i := 0; i < len(said); i += len(e.Transports) {
		seen := map[string]bool{}
		for _, p := range said[i : i+len(e.Transports)] {
			seen[p.Transport] = true
			if p.Workload != said[i].Workload || p.Link != said[i].Link {
				t.Errorf("trial %d is of another cell", p.Done)
			}
		}
		if len(seen) != len(e.Transports) {
			t.Errorf("round %d has %d transports", i, len(seen))
		}
	}
	m := read(t, dir)
	mustAgree(t, m)
	for i, want := range []int{4, 4, 6, 6} {
		if w := m.Workloads[i]; w.Link.IP != want || w.Messages != e.Workloads[i%2].Messages {
			t.Errorf("cell %d: IPv%d, %d messages", i+1, w.Link.IP, w.Messages)
		}
	}
}
