package main

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"wiretax/analyze"
	"wiretax/capture"
	"wiretax/capture/traffic"
)

// Every preset is a set of flags that a run takes, with a source and what is assumed.
func TestPresetsAreRuns(t *testing.T) {
	for _, p := range presets {
		c := newRunCommand()
		for _, s := range p.flags {
			if err := c.Flags().Set(s.flag, s.value); err != nil {
				t.Errorf("%s: --%s %s: %v", p.name, s.flag, s.value, err)
			}
		}
		if p.source == "" || p.assumed == "" || p.about == "" {
			t.Errorf("%s lacks its source, what is assumed or what it is about", p.name)
		}
		// A run that was interrupted before it began has read its flags.
		var stdout, stderr bytes.Buffer
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if code := wiretax(ctx, nil, &stdout, &stderr, []string{"run", "--preset", p.name}); code == exitUsage || code == 0 {
			t.Errorf("%s: exit code %d: %s", p.name, code, &stderr)
		}
	}
}

func TestPresetList(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := wiretax(t.Context(), nil, &stdout, &stderr, []string{"run", "--preset", "list"}); code != 0 {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	for _, p := range presets {
		if !strings.Contains(stdout.String(), "\n"+p.name+" ") && !strings.HasPrefix(stdout.String(), p.name+" ") {
			t.Errorf("%s is not in the list", p.name)
		}
	}
	for line := range strings.Lines(stdout.String()) {
		if len(line) > 81 {
			t.Errorf("%d columns: %s", len(line)-1, line)
		}
	}
	if code := wiretax(t.Context(), nil, &stdout, &stderr, []string{"run", "--preset", "treads"}); code != 2 || !strings.Contains(stderr.String(), "want one of list, thread") {
		t.Errorf("an unknown preset: exit code %d: %s", code, &stderr)
	}
}

// A flag given beside the preset wins, in whatever order, and the recording says so.
func TestFlagsOverrideThePreset(t *testing.T) {
	needLab(t)
	c := program("run", "--size", "100", "--preset", "thread", "--runs", "1", "-t", "udp,tcp", "--json")
	stdout, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	var r analyze.Run
	if err := json.Unmarshal(stdout, &r); err != nil {
		t.Fatal(err)
	}
	if r.Preset == nil || r.Preset.Name != "thread" || !slices.Equal(r.Preset.Given, []string{"--size 100", "--runs 1", "--transports udp,tcp"}) {
		t.Errorf("preset %+v", r.Preset)
	}
	if w := r.Workloads[0]; w.Size != 100 || w.Messages != 16 || len(w.Transports) != 2 {
		t.Errorf("%d messages of %d octets over %d transports", w.Messages, w.Size, len(w.Transports))
	}
	verdicts := map[string]analyze.Verdict{}
	for _, claim := range r.Claims {
		verdicts[claim.Code] = claim.Verdict
	}
	// What the definition decides is certain: 66 of 166 octets, and a connection has more than one frame.
	if verdicts["waste"] != analyze.Fails || verdicts["one_frame"] != analyze.Fails || len(verdicts) != 7 {
		t.Errorf("verdicts %v", verdicts)
	}
	for _, code := range []string{"shortest_frames", "frame_limit"} {
		if v := verdicts[code]; v != analyze.Holds && v != analyze.HoldsIf {
			t.Errorf("%s: %s: the wire carried more than its rate, or nothing was measured", code, v)
		}
	}
}

// Whatever the story's messages are, floods that have a size and are back to back measure the frame rates.
func TestFloodsOfAnyStory(t *testing.T) {
	drawn, err := traffic.ParseSizes("uniform:64-100")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		story traffic.Workload
		want  []int
	}{
		{"the thread's", traffic.Workload{Messages: 16, Size: 90}, []int{18, 90}},
		{"drawn sizes", traffic.Workload{Messages: 16, Sizes: drawn}, []int{18, 82}},
		{"as many messages in a rhythm", traffic.Workload{Messages: 1000, Size: 90, Interval: 1e6}, []int{18, 90}},
		{"a flood itself", traffic.Workload{Messages: 1000, Size: 90}, []int{18}},
	} {
		e := capture.Experiment{Links: []capture.Link{{Rate: 10e6, MTU: 1500, IP: 4}}, Workloads: []traffic.Workload{tt.story}}
		new(runFlags).flood(&e)
		var sizes []int
		for _, w := range e.Workloads[1:] {
			sizes = append(sizes, w.Size)
		}
		if !slices.Equal(sizes, tt.want) {
			t.Errorf("%s: floods of %v octets, want %v", tt.name, sizes, tt.want)
		}
	}
}
