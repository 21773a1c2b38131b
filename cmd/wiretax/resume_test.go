package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What cannot be resumed says so before anything is built.
func TestResumeRefusals(t *testing.T) {
	for _, test := range []struct {
		name, flags string // of the recording
		args        string
		code        int
		want        string
	}{
		{"another size", `{"size":"1,90"}`, "--size 90", exitUsage, "--size 90: the recording in DIR began with 1,90"},
		{"a default given otherwise", `{}`, "--runs 6", exitUsage, "--runs 6: the recording in DIR began with 5"},
		{"another list of transports", `{"transports":"udp,tcp"}`, "-t udp", exitUsage, "--transports udp: the recording in DIR began with udp,tcp"},
		{"another preset", `{"preset":"dns"}`, "--preset rpc", exitUsage, "--preset rpc: the recording in DIR began with dns"},
		{"the usual rate beside a preset with another", `{"preset":"telemetry"}`, "--rate 10M", exitUsage, "--rate 10M: the recording in DIR began with 100M"},
		{"the usual runs beside a confidence", `{"confidence":"0.05"}`, "--runs 5", exitUsage, "--runs 5: the recording in DIR began with 100"},
		{"both places", `{}`, "--out x", exitUsage, "want one of them"},
		{"recorded without flags", `null`, "", exitFailure, "does not say with which flags it began"},
		{"a flag that nobody knows", `{"flux":"1"}`, "", exitFailure, "flag --flux"},
		{"a flag that writes elsewhere", `{"output":"/etc/passwd"}`, "", exitFailure, "flag --output does not say what to measure"},
		{"a value that is none", `{"rtt":"soon"}`, "", exitFailure, "want a time"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			manifest := fmt.Sprintf(`{"schema":"wiretax/1","kind":"run","workloads":[],"flags":%s}`, test.flags)
			if err := os.WriteFile(filepath.Join(dir, "run.json"), []byte(manifest), 0o644); err != nil {
				t.Fatal(err)
			}
			var stderr strings.Builder
			code := wiretax(context.Background(), strings.NewReader(""), io.Discard, &stderr, append([]string{"run", "--resume", dir}, strings.Fields(test.args)...))
			if got := strings.ReplaceAll(stderr.String(), dir, "DIR"); code != test.code || !strings.Contains(got, test.want) {
				t.Errorf("code %d, %s", code, got)
			}
		})
	}
}

// Flags that repeat what the recording has override nothing: not its preset, not what follows from other flags.
func TestRepeatedFlagsRecallTheSame(t *testing.T) {
	dir := t.TempDir()
	manifest := `{"schema":"wiretax/1","kind":"run","workloads":[],"flags":{"preset":"rpc","confidence":"0.05"}}`
	if err := os.WriteFile(filepath.Join(dir, "run.json"), []byte(manifest), 0o644); err != nil {
		t.Fatal(err)
	}
	f := &runFlags{workloads: defaultWorkload(), conditions: defaultConditions()}
	c := newRunCommand()
	c.RunE = nil
	args := []string{"--resume", dir, "--rate", "100M", "--transports", "udp,tcp,tcp-nodelay,tcp-cork,tls", "--runs", "100"}
	if err := c.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	f.resume = dir
	if err := f.recall(c); err != nil {
		t.Fatal(err)
	}
	if got := asked(c.Flags()); len(got) != 2 || got["preset"] != "rpc" || got["confidence"] != "0.05" {
		t.Errorf("flags %v", got)
	}
	f.preset = "rpc"
	if err := f.applyPreset(c); err != nil {
		t.Fatal(err)
	}
	if got := written(c.Flags().Lookup("transports").Value); got != "udp,tcp,tcp-nodelay,tcp-cork,tls" {
		t.Errorf("transports %s", got)
	}
}
