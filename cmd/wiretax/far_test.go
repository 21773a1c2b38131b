package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"wiretax/analyze"
	"wiretax/capture/lab"
	"wiretax/capture/wire"
)

// farHosts are two network namespaces with a wire between them.
func farHosts(t *testing.T) *lab.Lab {
	t.Helper()
	l, err := lab.Build(lab.Config{MTU: 1500, IP: 4, Queue: 1000})
	if err != nil && os.Getenv("CI") == "" {
		t.Skipf("%v (run the tests as root)", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	w, err := wire.Start(wire.Config{Rate: 10e6, RTT: time.Millisecond, MTU: 1500}, l.Ports, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return l
}

// on starts the program on a host.
func on(t *testing.T, h *lab.Host, args ...string) (c *exec.Cmd, stdout, stderr *output) {
	t.Helper()
	c = program(args...)
	stdout, stderr = new(output), new(output)
	c.Stdout, c.Stderr = stdout, stderr
	c.Env = append(os.Environ(), "XDG_STATE_HOME="+t.TempDir())
	if err := h.Within(c.Start); err != nil { // a child is born in the namespace of the thread
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill() })
	return c, stdout, stderr
}

// output may be looked at while it grows.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// await waits until the output says something.
func (o *output) await(t *testing.T, text string) {
	t.Helper()
	for limit := time.Now().Add(10 * time.Second); !strings.Contains(o.String(), text); time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("%q is not in %q", text, o.String())
		}
	}
}

func keyFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if b, err := program("serve", "--new-key", path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	return path
}

func TestRunToServe(t *testing.T) {
	l, key := farHosts(t), keyFile(t)
	server, _, log := on(t, l.B, "serve", "-1", "-i", lab.Interface, "--key-file", key)
	log.await(t, "listening on")
	out := filepath.Join(t.TempDir(), "out")
	client, stdout, stderr := on(t, l.A, "run", "--to", l.B.Addr.String(), "-i", lab.Interface, "--key-file", key, "--runs", "2", "--json", "--out", out)
	if err := client.Wait(); err != nil {
		t.Fatalf("%v: %s; server: %s", err, stderr, log)
	}
	if err := server.Wait(); err != nil {
		t.Errorf("server: %v: %s", err, log)
	}
	var r analyze.Run
	if err := json.Unmarshal([]byte(stdout.String()), &r); err != nil {
		t.Fatal(err)
	}
	if r.Link.Kind != "interface" || r.FarHost == nil || r.FarHost.Kernel != r.Host.Kernel || r.Link.RTTSeconds <= 0 {
		t.Errorf("link %+v, far host %+v", r.Link, r.FarHost)
	}
	for _, transport := range r.Workloads[0].Transports {
		for i, trial := range transport.Trials {
			if !trial.Verified() || trial.UniquePayloadBytes != 16*90 || !(trial.LatencyUncertainty != nil && trial.LatencyUncertainty.Valid()) {
				t.Errorf("%s, trial %d: %+v", transport.Name, i+1, trial)
			}
		}
		if frames := transport.Trials[0].Frames; transport.Name == "udp" && frames != 16 {
			t.Errorf("udp: %d frames", frames)
		}
	}
	again, err := program("analyze", "--json", out).Output() // the recording alone says the same
	if err != nil || string(again) != stdout.String() {
		t.Errorf("analyze: %v, differs: %t", err, string(again) != stdout.String())
	}
}

func TestServeEndsWithASignal(t *testing.T) {
	l, key := farHosts(t), keyFile(t)
	server, _, log := on(t, l.B, "serve", "-i", lab.Interface, "--key-file", key)
	log.await(t, "listening on")
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", server.Process.Pid))
	if err != nil || !strings.Contains(string(status), "CapEff:\t0000000000000000\n") || !strings.Contains(string(status), "NoNewPrivs:\t1\n") {
		t.Errorf("a server that listens has privileges: %v: %s", err, status)
	}
	client, _, stderr := on(t, l.A, "run", "--to", l.B.Addr.String(), "-i", lab.Interface, "--key-file", key, "--interval", "50ms", "--messages", "1000")
	log.await(t, "session of")
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(); err != nil || !strings.Contains(log.String(), "ended: the server was stopped") {
		t.Errorf("server: %v: %s", err, log)
	}
	var exit *exec.ExitError
	if err := client.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(stderr.String(), "the server was stopped") {
		t.Errorf("client: %v: %s", err, stderr)
	}
}

func TestWrongKey(t *testing.T) {
	l, key := farHosts(t), keyFile(t)
	_, _, log := on(t, l.B, "serve", "-i", lab.Interface, "--key-file", key)
	log.await(t, "listening on")
	client, _, stderr := on(t, l.A, "run", "--to", l.B.Addr.String(), "-i", lab.Interface, "--key-file", keyFile(t))
	if client.Wait(); client.ProcessState.ExitCode() != 1 || !strings.Contains(stderr.String(), "the other end has another key") {
		t.Errorf("exit code %d: %s", client.ProcessState.ExitCode(), stderr)
	}
}
