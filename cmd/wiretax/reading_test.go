package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"wiretax/analyze"
	"wiretax/capture/recording"
)

// TestAnInterruptedAnalysisTellsWhatItHasSeen interrupts it while standard input gives nothing.
func TestAnInterruptedAnalysisTellsWhatItHasSeen(t *testing.T) {
	dir := t.TempDir()
	if err := writeCaptures(dir); err != nil {
		t.Fatal(err)
	}
	capture, err := os.ReadFile(dir + "/udp.pcap")
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"--json"}, {"--json", "--frames"}} {
		stdin, out := io.Pipe()
		ctx, interrupt := context.WithCancel(t.Context())
		go func() {
			out.Write(capture[:len(capture)-1])
			time.Sleep(20 * time.Millisecond)
			interrupt()
		}()
		var stdout, stderr bytes.Buffer
		code := wiretax(ctx, stdin, &stdout, &stderr, append([]string{"analyze", "-"}, args...))
		var r analyze.Result
		if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		n := len(r.Warnings)
		if code != exitInterrupted || stderr.Len() > 0 || r.Totals.Records == 0 || n == 0 || r.Warnings[n-1].Code != "interrupted" {
			t.Errorf("exit code %d, stderr %q, %d records, %+v", code, &stderr, r.Totals.Records, r.Warnings)
		}
		out.Close()
	}
}

// TestFilesThatEndEarlyAreNamed takes files of which most are cut off, and one that goes before its time has come.
func TestFilesThatEndEarlyAreNamed(t *testing.T) {
	dir := t.TempDir()
	if err := writeCaptures(dir); err != nil {
		t.Fatal(err)
	}
	capture, err := os.ReadFile(dir + "/udp.pcap")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for i := range 6 {
		names = append(names, filepath.Join(dir, fmt.Sprintf("ring%d.pcap", i)))
		if err := os.WriteFile(names[i], capture[:len(capture)-1], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	in, err := recording.OpenAll(t.Context(), names, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	os.Remove(names[0])
	records := make([]recording.Record, 100)
	for err == nil {
		_, err = in.Next(records)
	}
	w := cutWarning(err)
	want := "open " + names[0] + ": no such file or directory; " + names[1] + ": cut off after frame "
	if w.Count != 6 || !strings.HasPrefix(w.Message, want) || !strings.HasSuffix(w.Message, "; and 3 more") || strings.Count(w.Message, ";") != 3 {
		t.Errorf("%d: %s", w.Count, w.Message)
	}
}

// TestAnIdleStreamIsInterrupted interrupts an analysis before there is anything to analyse.
func TestAnIdleStreamIsInterrupted(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	stdin, out := io.Pipe()
	defer out.Close()
	for _, name := range []string{"-", pipe} {
		ctx, interrupt := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Millisecond, interrupt)
		var stdout, stderr bytes.Buffer
		if code := wiretax(ctx, stdin, &stdout, &stderr, []string{"analyze", name}); code != exitInterrupted || stdout.Len() > 0 {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q", name, code, &stdout, &stderr)
		}
	}
	if f, err := os.OpenFile(pipe, os.O_WRONLY|unix.O_NONBLOCK, 0); err == nil { // lets the reader that waits for it go
		f.Close()
	}
}

// TestARunOutlivesACapture analyses a run of which captures are missing.
func TestARunOutlivesACapture(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../testdata/thread")); err != nil {
		t.Fatal(err)
	}
	remove := func(pattern string) {
		names, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %v, %v", pattern, names, err)
		}
		for _, name := range names {
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove("tcp-0[24].pcapng")
	var stdout, stderr bytes.Buffer
	if code := wiretax(t.Context(), nil, &stdout, &stderr, []string{"analyze", "--json", dir}); code != exitDistrust || stderr.Len() > 0 {
		t.Errorf("exit code %d, stderr %q", code, &stderr)
	}
	var r analyze.Run
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	for _, transport := range r.Workloads[0].Transports {
		want := 5
		if transport.Name == "tcp" {
			want = 3
		}
		if len(transport.Trials) != want {
			t.Errorf("%s: %d trials, want %d", transport.Name, len(transport.Trials), want)
		}
	}
	if len(r.Warnings) != 2 || r.Warnings[0].Code != "capture_unreadable" || !strings.Contains(r.Warnings[1].Message, "tcp-04.pcapng") {
		t.Errorf("warnings %+v", r.Warnings)
	}
	remove("*.pcapng")
	if code := wiretax(t.Context(), nil, &stdout, &stderr, []string{"analyze", dir}); code != exitFailure || !strings.Contains(stderr.String(), "no such file") {
		t.Errorf("without any: exit code %d, stderr %q", code, &stderr)
	}
}

// TestFilesOfARingBufferAreOneCapture analyses a capture in one piece and in several: flows go on across files.
func TestFilesOfARingBufferAreOneCapture(t *testing.T) {
	dir := t.TempDir()
	const whole = "../../testdata/thread/tcp-nodelay-01.pcapng"
	in, err := recording.Open(whole, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var parts []string
	for batch := make([]recording.Record, 7); ; {
		n, err := in.Next(batch)
		if err != nil {
			break
		}
		name := filepath.Join(dir, fmt.Sprintf("part%02d.pcapng", len(parts)))
		w, err := recording.Create(name, in.Interfaces(), "")
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range batch[:n] {
			if err := w.Write(r); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		parts = append(parts, name)
	}
	if len(parts) < 3 {
		t.Fatalf("%d parts", len(parts))
	}
	result := func(files ...string) analyze.Result {
		var stdout, stderr bytes.Buffer
		if code := wiretax(t.Context(), nil, &stdout, &stderr, append([]string{"analyze", "--json", "--frames"}, files...)); code != 0 {
			t.Fatalf("exit code %d, %s", code, &stderr)
		}
		var r analyze.Result
		if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		r.Source.Files = nil
		return r
	}
	if got, want := result(parts...), result(whole); !reflect.DeepEqual(got, want) {
		t.Errorf("in parts %+v\nwhole %+v", got, want)
	}
	if got, want := len(result(whole, whole).Flows), 2*len(result(whole).Flows); got != want {
		t.Errorf("of two places %d flows, want %d", got, want)
	}
}

func TestProgress(t *testing.T) {
	for _, test := range []struct {
		progress
		want string
	}{
		{progress{octets: 500e6, size: 2000e6, records: 5e6, since: 2 * time.Second}, "500.0 of 2000.0 MB, 2.50 M records/s, 6s left"},
		{progress{octets: 500e6, size: -1, records: 5e6, since: 2 * time.Second}, "500.0 MB, 2.50 M records/s"},
		{progress{octets: 0, size: 2000e6, since: time.Second}, "0.0 of 2000.0 MB, 0.00 M records/s"},
		{progress{octets: 2000e6, size: 2000e6, records: 1e6, since: 2 * time.Second}, "2000.0 of 2000.0 MB, 0.50 M records/s"},
	} {
		if got := test.String(); got != test.want {
			t.Errorf("%+v is %q, want %q", test.progress, got, test.want)
		}
	}
}
