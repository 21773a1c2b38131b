package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"testing"
	"time"

	"wiretax/analyze"
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
