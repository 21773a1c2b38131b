package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"wiretax/analyze"
)

// program is this test's binary, which is wiretax when it is called by that name. The path works for other users too.
func program(args ...string) *exec.Cmd {
	c := exec.Command("/proc/self/exe", args...)
	c.Args[0] = "wiretax"
	return c
}

// nobody is a user and a group without any rights.
const nobody = 65534

// unprivileged makes the command an ordinary user's. Only root can do that; others are ordinary users already.
func unprivileged(c *exec.Cmd) *exec.Cmd {
	if os.Getuid() == 0 {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	return c
}

// needRoot skips where the tests are an ordinary user's; CI is root.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 && os.Getenv("CI") == "" {
		t.Skip("needs another user to become: run the tests as root")
	}
}

// needLab skips where no link can be built; in CI it must be possible.
func needLab(t *testing.T) {
	t.Helper()
	if os.Getenv("CI") == "" && !labWorks() {
		t.Skip("the system lets us build no link (run the tests as root)")
	}
}

func TestOrdinaryUserGetsTheSameFrames(t *testing.T) {
	needLab(t)
	c := unprivileged(program("run", "--runs", "1", "--json"))
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	err := c.Run()
	if os.Getenv("CI") == "" && strings.Contains(stderr.String(), "user namespace") {
		t.Skipf("user namespaces are not allowed here: %s", stderr.String())
	}
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	var r analyze.Run
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	for _, transport := range r.Workloads[0].Transports {
		trial := transport.Trials[0]
		if !trial.Verified() {
			t.Errorf("%s: witnesses %+v, drops %v", transport.Name, trial.Witnesses, trial.Drops)
		}
		if trial.UniquePayloadBytes != 16*90 {
			t.Errorf("%s: %d octets of unique payload, want 1440", transport.Name, trial.UniquePayloadBytes)
		}
		if transport.Name == "udp" && (trial.Frames != 16 || trial.WireBytes != 16*156) {
			t.Errorf("udp: %d frames, %d wire bytes, want 16 and 2496", trial.Frames, trial.WireBytes)
		}
	}
}

// begun starts a run that would take minutes and waits until trials are being saved.
func begun(t *testing.T, as func(*exec.Cmd) *exec.Cmd, further ...string) (c *exec.Cmd, dir string, output *bytes.Buffer) {
	t.Helper()
	needLab(t)
	dir = t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	c = as(program(append([]string{"run", "--runs", "10000", "--out", filepath.Join(dir, "out")}, further...)...))
	output = new(bytes.Buffer)
	c.Stdout, c.Stderr = output, output
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill() })
	manifest := filepath.Join(dir, "out", "run.json")
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if b, err := os.ReadFile(manifest); err == nil && bytes.Count(b, []byte(`"capture": "`)) >= 10 {
			return c, dir, output
		}
		if time.Now().After(deadline) {
			c.Process.Kill()
			c.Wait()
			if os.Getenv("CI") == "" && strings.Contains(output.String(), "user namespace") {
				t.Skipf("user namespaces are not allowed here: %s", output)
			}
			t.Fatalf("no trial after 20 s: %s", output)
		}
	}
}

func TestInterruptPrintsWhatIsComplete(t *testing.T) {
	for name, as := range users() {
		t.Run(name, func(t *testing.T) {
			c, dir, output := begun(t, as)
			if err := c.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			c.Wait()
			if code := c.ProcessState.ExitCode(); code != exitInterrupted {
				t.Errorf("exit code %d, want %d", code, exitInterrupted)
			}
			if s := output.String(); !strings.Contains(s, "tcp-cork") || !strings.Contains(s, "verified") || !strings.Contains(s, "ended after") || !strings.Contains(s, "(wiretax run --resume ") {
				t.Errorf("output: %s", s)
			}
			left, _ := filepath.Glob(filepath.Join(dir, "out", "*"))
			for _, file := range left {
				if ext := filepath.Ext(file); ext != ".pcapng" && ext != ".json" {
					t.Errorf("left behind: %s", file)
				}
			}
		})
	}
}

func TestKillLeavesNoProcessAndNoNamespace(t *testing.T) {
	for name, as := range users() {
		t.Run(name, func(t *testing.T) {
			c, _, _ := begun(t, as)
			processes := append(children(t, c.Process.Pid), c.Process.Pid)
			own := map[string]bool{}
			for _, pid := range processes {
				for ns := range namespaces(strconv.Itoa(pid)) {
					own[ns] = ns != ownNamespace(t)
				}
			}
			if err := c.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			c.Wait()
			for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
				alive := 0
				for _, pid := range processes {
					if running(pid) {
						alive++
					}
				}
				held := 0
				for ns := range namespaces("[0-9]*") {
					if own[ns] {
						held++
					}
				}
				if alive == 0 && held == 0 {
					return
				}
				if time.Now().After(deadline) {
					t.Fatalf("%d processes left, %d network namespaces of theirs", alive, held)
				}
			}
		})
	}
}

func TestKilledRunIsResumed(t *testing.T) {
	for name, as := range users() {
		t.Run(name, func(t *testing.T) {
			c, dir, _ := begun(t, as, "--runs", "6", "--interval", "2ms", "-t", "udp,tcp,tcp-cork", "--seed", "5")
			if err := c.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			c.Wait()
			out := filepath.Join(dir, "out")
			b, err := as(program("run", "--resume", out, "-t", "udp,tcp,tcp-cork", "--json")).Output()
			if err != nil {
				t.Fatalf("%v: %s", err, err.(*exec.ExitError).Stderr)
			}
			var r analyze.Run
			if err := json.Unmarshal(b, &r); err != nil {
				t.Fatal(err)
			}
			for _, transport := range r.Workloads[0].Transports {
				if len(transport.Trials) != 6 {
					t.Errorf("%s: %d trials, want 6", transport.Name, len(transport.Trials))
				}
			}
			if r.Link.Seed != 5 || r.Workloads[0].IntervalSeconds != 0.002 || !r.Verified() || len(r.Warnings) != 0 {
				t.Errorf("seed %d, interval %v s, warnings %v", r.Link.Seed, r.Workloads[0].IntervalSeconds, r.Warnings)
			}
			if files, _ := filepath.Glob(filepath.Join(out, "*")); len(files) != 18+1 {
				t.Errorf("files: %v, want 18 captures and run.json", files)
			}
		})
	}
}

func users() map[string]func(*exec.Cmd) *exec.Cmd {
	return map[string]func(*exec.Cmd) *exec.Cmd{
		"this user":        func(c *exec.Cmd) *exec.Cmd { return c },
		"an ordinary user": unprivileged,
	}
}

// children are the processes that the process has started.
func children(t *testing.T, pid int) (pids []int) {
	t.Helper()
	tasks, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/children")
	for _, task := range tasks {
		b, err := os.ReadFile(task)
		if errors.Is(err, os.ErrNotExist) {
			continue // threads come and go
		}
		if err != nil {
			t.Fatal(err)
		}
		for word := range strings.FieldsSeq(string(b)) {
			child, err := strconv.Atoi(word)
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, child)
		}
	}
	return pids
}

// running reports whether the process is there and no zombie.
func running(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(state, "Z") && !strings.HasPrefix(state, "X")
}

// namespaces are the network namespaces that the threads of the processes are in; a pattern names the processes.
func namespaces(pid string) map[string]bool {
	seen := map[string]bool{}
	links, _ := filepath.Glob("/proc/" + pid + "/task/[0-9]*/ns/net")
	for _, link := range links {
		if ns, err := os.Readlink(link); err == nil {
			seen[ns] = true
		}
	}
	return seen
}

func ownNamespace(t *testing.T) string {
	t.Helper()
	ns, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	return ns
}

// TestNohup is not parallel: programs that other tests start meanwhile would ignore the signal, too.
func TestNohup(t *testing.T) {
	signal.Ignore(syscall.SIGHUP)
	c := program("analyze", "-")
	in, err := c.StdinPipe()
	if err == nil {
		err = c.Start()
	}
	signal.Reset(syscall.SIGHUP)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(500 * time.Millisecond) // to come to its first read
	c.Process.Signal(syscall.SIGHUP)
	b, err := os.ReadFile("../../testdata/pcap/loss-ip6.pcapng")
	if err != nil {
		t.Fatal(err)
	}
	in.Write(b)
	in.Close()
	if c.Wait(); c.ProcessState.ExitCode() != 0 {
		t.Errorf("exit code %d", c.ProcessState.ExitCode())
	}
}
