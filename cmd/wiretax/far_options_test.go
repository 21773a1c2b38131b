package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wiretax/analyze"
	"wiretax/capture/lab"
)

// A flow of a capture, and the one cause that needs no setting of a host: Nagle's algorithm.
func TestFlowIsReplayedBetweenHosts(t *testing.T) {
	l, key := farHosts(t), keyFile(t)
	_, _, log := on(t, l.B, "serve", "-1", "-i", lab.Interface, "--key-file", key)
	log.await(t, "listening on")
	client, stdout, stderr := on(t, l.A, "run", "--to", l.B.Addr.String(), "-i", lab.Interface, "--key-file", key, "--runs", "1", "--json",
		"-t", "udp,tcp", "--from", "../../testdata/pcap/loss-ip6.pcapng", "--flow", "1", "--explain-causes")
	if err := client.Wait(); err != nil {
		t.Fatalf("%v: %s; server: %s", err, stderr, log)
	}
	var r analyze.Run
	if err := json.Unmarshal([]byte(stdout.String()), &r); err != nil {
		t.Fatal(err)
	}
	w := r.Workloads[0]
	var names []string
	for _, transport := range w.Transports {
		names = append(names, transport.Name)
		trial := transport.Trials[0]
		if !trial.Verified() || trial.MessagesDelivered != 38 || trial.UniquePayloadBytes != 16_000 || trial.LatencyFromDue == nil || !trial.LatencyFromDue.P50.Valid() {
			t.Errorf("%s: %+v", transport.Name, trial)
		}
	}
	if got := strings.Join(names, " "); got != "udp tcp tcp+nodelay" || !strings.HasPrefix(w.Replay, "flow 1 of loss-ip6.pcapng") {
		t.Errorf("transports %s, messages of %s", got, w.Replay)
	}
	if len(r.Warnings) != 1 || r.Warnings[0].Code != "transport_left_out" || !strings.HasPrefix(r.Warnings[0].Message, "tcp+noautocork, ") {
		t.Errorf("warnings: %v", r.Warnings)
	}
}

func TestKilledRunBetweenHostsIsResumed(t *testing.T) {
	l, key := farHosts(t), keyFile(t)
	_, _, log := on(t, l.B, "serve", "-i", lab.Interface, "--key-file", key)
	log.await(t, "listening on")
	out := filepath.Join(t.TempDir(), "out")
	killed, _, stderr := on(t, l.A, "run", "--to", l.B.Addr.String(), "-i", lab.Interface, "--key-file", key, "-t", "udp,tcp", "--runs", "4",
		"--messages", "40", "--interval", "5ms", "--out", out)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if b, err := os.ReadFile(filepath.Join(out, "run.json")); err == nil && strings.Contains(string(b), `"capture": "`) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("no trial after 20 s: %s", stderr)
		}
	}
	killed.Process.Kill()
	killed.Wait()
	moved := key + ".moved"
	if err := os.Rename(key, moved); err != nil {
		t.Fatal(err)
	}
	client, stdout, stderr := on(t, l.A, "run", "--resume", out, "--key-file", moved, "--json")
	if err := client.Wait(); err != nil {
		t.Fatalf("%v: %s; server: %s", err, stderr, log)
	}
	var r analyze.Run
	if err := json.Unmarshal([]byte(stdout.String()), &r); err != nil {
		t.Fatal(err)
	}
	if r.FarHost == nil || len(r.Warnings) != 0 || !r.Verified() {
		t.Errorf("far host %v, warnings %v", r.FarHost, r.Warnings)
	}
	for _, transport := range r.Workloads[0].Transports {
		if len(transport.Trials) != 4 {
			t.Errorf("%s: %d trials, want 4", transport.Name, len(transport.Trials))
		}
	}
	for _, dir := range []string{out, filepath.Join(out, "arrived")} {
		if captures, _ := filepath.Glob(filepath.Join(dir, "*.pcapng")); len(captures) != 8 {
			t.Errorf("%v, want 8 captures", captures)
		}
	}
}

// TestNoRightsAreLeftWhenTheServerIsHeard: whoever listens there may send anything.
func TestNoRightsAreLeftWhenTheServerIsHeard(t *testing.T) {
	l, key := farHosts(t), keyFile(t)
	var stranger net.Listener
	if err := l.B.Within(func() (err error) { stranger, err = net.Listen("tcp", fmt.Sprintf(":%d", controlPort)); return err }); err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	client, _, stderr := on(t, l.A, "run", "--to", l.B.Addr.String(), "-i", lab.Interface, "--key-file", key)
	conn, err := stranger.Accept()
	if err != nil {
		t.Fatal(err)
	}
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", client.Process.Pid))
	if len(threads) == 0 {
		t.Errorf("no threads: %s", stderr)
	}
	for _, thread := range threads {
		status, err := os.ReadFile(thread)
		if err == nil && (!strings.Contains(string(status), "CapPrm:\t0000000000000000\n") || !strings.Contains(string(status), "NoNewPrivs:\t1\n")) {
			t.Errorf("a client that is connected has privileges: %s", status)
		}
	}
	conn.Write([]byte("no TLS\n"))
	conn.Close()
	if client.Wait(); client.ProcessState.ExitCode() != 1 || strings.Count(stderr.String(), "\n") != 1 {
		t.Errorf("exit code %d: %s", client.ProcessState.ExitCode(), stderr)
	}
}

func TestPresetWithMessagesThatAreNotThere(t *testing.T) {
	l, key := farHosts(t), keyFile(t)
	client, _, stderr := on(t, l.A, "run", "--to", l.B.Addr.String(), "-i", lab.Interface, "--key-file", key, "--preset", "thread", "--from", "none.pcap")
	if client.Wait(); client.ProcessState.ExitCode() != 1 || stderr.String() != "wiretax: open none.pcap: no such file or directory\n" {
		t.Errorf("exit code %d: %s", client.ProcessState.ExitCode(), stderr)
	}
}
