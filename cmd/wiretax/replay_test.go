package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wiretax/capture"
	"wiretax/capture/traffic"
)

// replayed are the messages of the first flow of a capture, from the end that sent more.
func replayed(t *testing.T, file string) *traffic.Schedule {
	t.Helper()
	f := replayFlags{from: file, flow: 1}
	s, err := f.messages(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestReplayHasTheMessagesOfTheCapture(t *testing.T) {
	thread := func(name string) string { return filepath.Join("..", "..", "testdata", "thread", name) }
	for name, sizes := range map[string][]int32{
		"udp-01.pcapng":      slices.Repeat([]int32{90}, 16),
		"tcp-01.pcapng":      {90, 1350},
		"tcp-cork-01.pcapng": {1440},
	} {
		if got := replayed(t, thread(name)); !slices.Equal(got.Sizes, sizes) || len(got.Due) != len(sizes) || got.Due[0] != 0 {
			t.Errorf("%s: %v at %v, want sizes %v", name, got.Sizes, got.Due, sizes)
		}
	}
}

func TestReplaySaysWhatTheCaptureCannotTell(t *testing.T) {
	for _, c := range []struct {
		name, file string
		flow       int
		said, err  string
	}{
		{"a flow that is not there", "udp-01.pcapng", 9, "", "no flow 9; the capture has 1 "},
		{"writes that were coalesced", "tcp-01.pcapng", 1, "the frames saved are a lower bound", ""},
		{"datagrams", "udp-01.pcapng", 1, "", ""},
	} {
		f := replayFlags{from: filepath.Join("..", "..", "testdata", "thread", c.file), flow: c.flow}
		var stderr strings.Builder
		_, err := f.messages(t.Context(), &stderr)
		if (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.err)
		}
		if said := stderr.String(); (said != "") != (c.said != "") || !strings.Contains(said, c.said) {
			t.Errorf("%s: said %q, want %q", c.name, said, c.said)
		}
	}
}

func TestTimeWithoutUnit(t *testing.T) {
	for text, want := range map[string]string{"20": ", did you mean 20ms?", "0.5": ", did you mean 0.5ms?", "soon": "", "-1": "", "99999999": "", "NaN": "", "20 ms": ""} {
		if _, err := parseSpan(text); err == nil || err.Error() != "want a time from 0 to 1m, such as 1ms or 200us"+want {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// What a run sends of a capture is, captured again, the same messages.
func TestReplayOfAReplay(t *testing.T) {
	original := &traffic.Schedule{Origin: "a test"}
	for i := range 60 {
		original.Sizes = append(original.Sizes, int32(1+i*i%1400))
		original.Due = append(original.Due, int64(i/3)*int64(2*time.Millisecond))
	}
	needLab(t)
	dir := t.TempDir()
	err := capture.Record(t.Context(), capture.Experiment{
		Workloads: []traffic.Workload{scheduled(traffic.Workload{}, original)}, Transports: []string{"udp", "tcp-nodelay"}, Trials: 1,
		Links: []capture.Link{{Rate: 100e6, RTT: time.Millisecond, MTU: 1500, IP: 4, CongestionControl: "reno"}}, Seed: 1, Version: version,
	}, dir, func(capture.Progress) {})
	if err != nil {
		t.Fatal(err)
	}
	if again := replayed(t, filepath.Join(dir, "udp-01.pcapng")); !slices.Equal(again.Sizes, original.Sizes) {
		t.Errorf("sizes %v, want %v", again.Sizes, original.Sizes)
	}
	r, err := loadRun(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	w := &r.Workloads[0]
	if w.Replay != "a test" || w.Messages != 60 || !w.FromDue() || w.Sizes == "" {
		t.Errorf("%+v", w)
	}
	for _, transport := range w.Transports {
		if trial := transport.Trials[0]; !trial.Verified() || trial.MessagesDelivered != 60 {
			t.Errorf("%s: %d delivered, %v", transport.Name, trial.MessagesDelivered, trial.Witnesses.Disagree)
		}
	}
}
