package capture

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"wiretax/capture/recording"
	"wiretax/capture/traffic"
)

// interrupted records until so many trials are done.
func interrupted(t *testing.T, e Experiment, trials int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	err := Record(ctx, e, dir, func(p Progress) {
		if p.Done == trials {
			cancel()
		}
	})
	if ctx.Err() == nil {
		skipWithoutLab(t, err)
		t.Fatal("the recording ended before it was interrupted")
	}
	return dir
}

// sequence is the capture of every trial in the order in which they were measured.
func sequence(m manifest) (captures []string) {
	trials := map[int]string{}
	for _, w := range m.Workloads {
		for _, transport := range w.Transports {
			for _, trial := range transport.Trials {
				trials[trial.Order] = trial.Capture
			}
		}
	}
	for i := range len(trials) {
		captures = append(captures, trials[i+1])
	}
	return captures
}

func TestResumedRecordingIsThatOfOneGo(t *testing.T) {
	e := thread()
	e.Transports, e.Optional, e.Trials = []string{"udp", "tcp", "tcp-cork"}, nil, 3
	e.Links = append(e.Links, e.Links[0])
	e.Links[1].RTT *= 2
	dir := interrupted(t, e, 7)
	if got, want := e.ExpectedRest(dir), 2*e.each(0)+9*e.each(1); got != want {
		t.Errorf("the rest takes %v, want %v of %v", got, want, e.Expected())
	}
	if err := os.Remove(filepath.Join(dir, sequence(read(t, dir))[2])); err != nil { // as if it had never been written
		t.Fatal(err)
	}
	measured := 0
	skipWithoutLab(t, Resume(context.Background(), e, dir, func(Progress) { measured++ }))
	m := read(t, dir)
	mustAgree(t, m)
	if measured != 18-6 {
		t.Errorf("%d trials measured, want 12: six were there", measured)
	}
	whole, _ := record(t, e)
	if got, want := sequence(m), sequence(read(t, whole)); !slices.Equal(got, want) {
		t.Errorf("trials in another order:\n%v\n%v", got, want)
	}
	if len(m.Warnings) != 0 {
		t.Errorf("warnings: %v", m.Warnings)
	}
	for _, w := range m.Workloads {
		for _, transport := range w.Transports {
			if len(transport.Trials) != 3 || len(transport.Options) == 0 {
				t.Errorf("%s: %d trials, %d options", transport.Name, len(transport.Trials), len(transport.Options))
			}
		}
	}
}

func TestResumeSaysThatTheMachineIsAnother(t *testing.T) {
	e := thread()
	e.Transports, e.Optional = []string{"udp"}, nil
	dir := interrupted(t, e, 1)
	m := read(t, dir)
	m.Host.Kernel = "2.6.24"
	if err := m.write(dir, "", 0); err != nil {
		t.Fatal(err)
	}
	for range 2 { // said once, however often it is resumed
		skipWithoutLab(t, Resume(context.Background(), e, dir, func(Progress) {}))
	}
	m = read(t, dir)
	if m.Host.Kernel != "2.6.24" || len(m.Warnings) != 1 || m.Warnings[0].Code != hostChanged {
		t.Errorf("kernel %s, warnings %v", m.Host.Kernel, m.Warnings)
	}
}

func TestResumeRefusesAnotherExperiment(t *testing.T) {
	e := thread()
	e.Transports, e.Optional = []string{"udp"}, nil
	dir := interrupted(t, e, 1)
	before, err := recording.ReadManifest(dir)
	if err != nil {
		t.Fatal(err)
	}
	e.Workloads = append(e.Workloads, traffic.Workload{Messages: 1, Size: 1})
	if err := Resume(context.Background(), e, dir, func(Progress) {}); err == nil {
		t.Error("resumed with another number of workloads")
	}
	if after, _ := recording.ReadManifest(dir); string(after) != string(before) {
		t.Error("the recording was changed")
	}
}

// Trials of different messages or links would be summed up as one.
func TestResumeRefusesOtherConditions(t *testing.T) {
	e := thread()
	e.Transports, e.Optional = []string{"udp"}, nil
	dir := interrupted(t, e, 1)
	before, err := recording.ReadManifest(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		want   string
		change func(e *Experiment)
	}{
		{"rate", func(e *Experiment) { e.Links[0].Rate *= 10 }},
		{"RTT", func(e *Experiment) { e.Links[0].RTT *= 2 }},
		{"octets", func(e *Experiment) { e.Workloads[0].Size++ }},
		{"sizes", func(e *Experiment) {
			e.Workloads[0].Schedule = &traffic.Schedule{Sizes: slices.Repeat([]int32{90}, 16), Due: make([]int64, 16), Origin: "flow 1"}
		}},
	} {
		other := e
		other.Links, other.Workloads = slices.Clone(e.Links), slices.Clone(e.Workloads)
		test.change(&other)
		if err := Resume(context.Background(), other, dir, func(Progress) {}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", test.want, err)
		}
	}
	if after, _ := recording.ReadManifest(dir); string(after) != string(before) {
		t.Error("the recording was changed")
	}
}

func TestResumeSaysThatTheKernelHasOtherOptions(t *testing.T) {
	e := thread()
	e.Transports, e.Optional, e.Trials = []string{"tcp"}, nil, 3
	dir := interrupted(t, e, 1)
	m := read(t, dir)
	m.Workloads[0].Transports[0].Options["tcp_timestamps"] = false
	if err := m.write(dir, "", 0); err != nil {
		t.Fatal(err)
	}
	skipWithoutLab(t, Resume(context.Background(), e, dir, func(Progress) {}))
	m = read(t, dir)
	if len(m.Warnings) != 1 || m.Warnings[0].Code != hostChanged || !strings.Contains(m.Warnings[0].Message, "another tcp_timestamps over tcp: false before, true then") {
		t.Errorf("warnings %v", m.Warnings)
	}
}

func TestTrialsEndWhenTheyAreEnough(t *testing.T) {
	e := thread()
	e.Transports, e.Optional, e.Trials, e.Warmup = []string{"udp", "tcp"}, nil, 5, 2
	told := map[string]int{}
	e.Enough = func(m Measured) (bool, error) {
		told[m.Transport]++
		return m.Transport == "udp" && told["udp"] == 2, nil
	}
	dir := t.TempDir()
	shown := 0
	skipWithoutLab(t, Record(context.Background(), e, dir, func(Progress) { shown++ }))
	m := read(t, dir)
	if udp, tcp := m.Workloads[0].Transports[0], m.Workloads[0].Transports[1]; len(udp.Trials) != 2 || len(tcp.Trials) != 5 {
		t.Errorf("udp %d trials, tcp %d: want 2 and 5", len(udp.Trials), len(tcp.Trials))
	}
	if shown != 7+4 || m.Plan.Warmup != 2 {
		t.Errorf("%d trials shown, want 7 and 4 to warm up; plan %+v", shown, m.Plan)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*.pcapng")); len(files) != 7 {
		t.Errorf("captures: %v, want 7", files)
	}
	if len(m.Warnings) != 0 {
		t.Errorf("warnings: %v", m.Warnings)
	}
}
