package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"wiretax/analyze"
	"wiretax/capture/nic"
	"wiretax/report"
)

// machine is a network namespace that stands for a computer: it has two ports, port1 and port2, with something between.
type machine struct {
	tasks chan func()
	state string // XDG_STATE_HOME of its processes
}

// within runs fn on the machine.
func (m *machine) within(fn func() error) error {
	done := make(chan error)
	m.tasks <- func() { done <- fn() }
	return <-done
}

// live does the tasks on a thread that ends with them, and the namespaces with it. The main thread would not end.
func (m *machine) live() {
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() {
		done := make(chan struct{})
		go func() { defer close(done); m.live() }()
		<-done
		runtime.UnlockOSThread()
		return
	}
	for task := range m.tasks {
		task()
	}
}

// newMachine makes a machine and connects its ports.
func newMachine(t *testing.T, connect func() error) *machine {
	t.Helper()
	needRoot(t) // for interfaces of its own, and another user to become
	m := &machine{tasks: make(chan func()), state: t.TempDir()}
	go m.live()
	t.Cleanup(func() { close(m.tasks) })
	err := m.within(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET | unix.CLONE_NEWNS); err != nil {
			return fmt.Errorf("make machine: %w", err)
		}
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			return err
		}
		for _, dir := range []string{"/run", "/var/lib"} { // what others on this computer have borrowed is not the machine's
			if err := unix.Mount("own", dir, "tmpfs", 0, ""); err != nil {
				return err
			}
		}
		return connect()
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func addPair(name, peer string) error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	return netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: peer})
}

// cable connects the ports directly.
func cable() error {
	if err := addPair("port1", "port2"); err != nil {
		return err
	}
	return configurePorts()
}

// bridge puts a switch between the ports.
func bridge() error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "switch0"
	between := &netlink.Bridge{LinkAttrs: attrs}
	if err := netlink.LinkAdd(between); err != nil {
		return err
	}
	for _, n := range []string{"1", "2"} {
		if err := addPair("port"+n, "far"+n); err != nil {
			return err
		}
		far, err := netlink.LinkByName("far" + n)
		if err != nil {
			return err
		}
		if err := netlink.LinkSetMaster(far, between); err != nil {
			return err
		}
		if err := netlink.LinkSetUp(far); err != nil {
			return err
		}
	}
	if err := netlink.LinkSetUp(between); err != nil {
		return err
	}
	return configurePorts()
}

// taps makes the ports TAP devices, whose frames a goroutine carries from one to the other until the test ends.
func taps(t *testing.T) func() error {
	return func() error {
		var fds [2]int
		for i, name := range []string{"port1", "port2"} {
			fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
			if err != nil {
				return err
			}
			request, err := unix.NewIfreq(name)
			if err != nil {
				return err
			}
			request.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
			if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
				return err
			}
			fds[i] = fd
		}
		for i := range fds {
			carrier := os.NewFile(uintptr(fds[i]), "tap")
			t.Cleanup(func() { carrier.Close() })
			go carry(fds[i], fds[1-i])
		}
		return configurePorts()
	}
}

// carry copies frames until the device is gone.
func carry(from, to int) {
	for b := make([]byte, 65536); ; {
		n, err := unix.Read(from, b)
		if err == unix.EIO || err == unix.EINTR { // down
			time.Sleep(time.Millisecond)
			continue
		}
		if err != nil {
			return
		}
		unix.Write(to, b[:n])
	}
}

// configurePorts gives port1 what can be lost.
func configurePorts() error {
	for _, name := range []string{"port1", "port2", "lo"} {
		link, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		if name == "port1" {
			address, err := netlink.ParseAddr("198.51.100.1/24")
			if err != nil {
				return err
			}
			if err := netlink.AddrAdd(link, address); err != nil {
				return err
			}
		}
		if err := netlink.LinkSetUp(link); err != nil {
			return err
		}
		if name == "port1" {
			far, err := netlink.ParseIPNet("203.0.113.0/24")
			if err != nil {
				return err
			}
			if err := netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Dst: far, Priority: 9}); err != nil {
				return err
			}
		}
	}
	return nil
}

// ports reads the state of both when the kernel has added what it adds itself.
func (m *machine) ports(t *testing.T) (s [2]nic.State) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		err := m.within(func() (err error) {
			for i, name := range []string{"port1", "port2"} {
				if s[i], err = nic.Read(name); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil && len(s[0].Addresses) == 2 && len(s[1].Addresses) >= 1 {
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("addresses %d and %d, want 2 and 1 (%v)", len(s[0].Addresses), len(s[1].Addresses), err)
		}
	}
}

// unchanged fails unless both ports are as they were, and nothing is left of the run.
func (m *machine) unchanged(t *testing.T, was [2]nic.State) {
	t.Helper()
	now := m.ports(t)
	for i := range was {
		if d := was[i].Differences(now[i]); len(d) > 0 {
			t.Errorf("%s: %s", was[i].Name, strings.Join(d, ", "))
		}
	}
	if left := m.journals(); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	m.within(func() error {
		if left, _ := filepath.Glob("/proc/thread-self/root/run/*"); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
		return nil
	})
}

func (m *machine) journals() []string {
	left, _ := filepath.Glob(filepath.Join(m.state, "wiretax", "interfaces-*"))
	return left
}

// awaitReturn waits until a guardian that is still at work is done.
func (m *machine) awaitReturn() {
	for deadline := time.Now().Add(10 * time.Second); len(m.journals()) > 0 && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
}

// asSudo is a user who called sudo.
const asSudo = 1234

// program is wiretax on the machine, called by sudo.
func (m *machine) program(args ...string) *exec.Cmd {
	c := program(args...)
	c.Env = append(os.Environ(), "XDG_STATE_HOME="+m.state, "GORACE=atexit_sleep_ms=0",
		fmt.Sprintf("SUDO_UID=%d", asSudo), fmt.Sprintf("SUDO_GID=%d", asSudo))
	return c
}

// start starts wiretax on the machine.
func (m *machine) start(t *testing.T, args ...string) (c *exec.Cmd, stdout, stderr *bytes.Buffer) {
	t.Helper()
	c = m.program(args...)
	stdout, stderr = new(bytes.Buffer), new(bytes.Buffer)
	c.Stdout, c.Stderr = stdout, stderr
	if err := m.within(c.Start); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill() })
	return c, stdout, stderr
}

// run measures on the ports and returns the result, every trial of which must be verified.
func (m *machine) run(t *testing.T, args ...string) (r analyze.Run) {
	t.Helper()
	c, stdout, stderr := m.start(t, append([]string{"run", "-i", "port1", "--peer-if", "port2", "--json"}, args...)...)
	if err := c.Wait(); err != nil {
		t.Fatalf("%v: %s%s", err, stderr, stdout)
	}
	if err := validate(bytes.NewBuffer(stdout.Bytes())); err != nil {
		t.Error(err)
	}
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if r.Link.Kind != "interface" || len(r.Link.Interfaces) != 2 || r.Link.RTTSeconds <= 0 {
		t.Errorf("link %+v", r.Link)
	}
	return r
}

func TestInterfacesAreMeasuredAndGivenBack(t *testing.T) {
	for name, connect := range map[string]func(*testing.T) func() error{
		"a cable between": func(*testing.T) func() error { return cable }, "a bridge between": func(*testing.T) func() error { return bridge },
		"TAP devices": taps,
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t, connect(t))
			was := m.ports(t)
			frames := map[string]int64{}
			for _, offloads := range []string{"off", "keep"} {
				r := m.run(t, "--offloads", offloads, "--runs", "1", "-t", "udp,tcp,tcp-cork")
				for _, transport := range r.Workloads[0].Transports {
					trial := &transport.Trials[0]
					if !trial.Verified() {
						t.Errorf("%s, offloads %s: %v, drops %v", transport.Name, offloads, trial.Witnesses.Disagree, trial.Drops)
					}
					if before, ok := frames[transport.Name]; ok && transport.Name != "tcp" && before != trial.DataFrames { // tcp's is a race
						t.Errorf("%s: %d data frames with offloads off, %d with them kept", transport.Name, before, trial.DataFrames)
					}
					frames[transport.Name] = trial.DataFrames
				}
				m.unchanged(t, was)
			}
			if frames["udp"] != 16 || frames["tcp-cork"] != 1 {
				t.Errorf("data frames %v, want 16 of udp and 1 of tcp-cork", frames)
			}
		})
	}
}

// With offloads kept a record may stand for dozens of frames: what it is expanded to is what TCP_INFO counted.
func TestSuperFramesOfInterfacesAreTheSegmentsOfTCPInfo(t *testing.T) {
	m := newMachine(t, cable)
	was := m.ports(t)
	for _, offloads := range []string{"keep", "off"} {
		for _, messages := range []string{"1", "16"} {
			r := m.run(t, "--offloads", offloads, "--runs", "1", "-t", "tcp-cork", "--size", strconv.Itoa(1<<20), "--messages", messages)
			trial := &r.Workloads[0].Transports[0].Trials[0]
			if !trial.Verified() || trial.Frames != trial.Witnesses.TCPInfoSegs {
				t.Errorf("%s MiB, offloads %s: %d frames, %d segments: %v", messages, offloads, trial.Frames, trial.Witnesses.TCPInfoSegs, trial.Witnesses.Disagree)
			}
			if expanded := trial.Frames > trial.Witnesses.Capture; expanded != (offloads == "keep") {
				t.Errorf("%s MiB, offloads %s: %d frames of %d records", messages, offloads, trial.Frames, trial.Witnesses.Capture)
			}
		}
	}
	m.unchanged(t, was)
}

// underWay starts a long run on the ports and waits until it is measuring.
func (m *machine) underWay(t *testing.T, args ...string) (c *exec.Cmd, out string) {
	t.Helper()
	out = filepath.Join(publicDir(t), "out")
	c, stdout, stderr := m.start(t, append([]string{"run", "-i", "port1", "--peer-if", "port2", "--runs", "10000", "--out", out}, args...)...)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if captures, _ := filepath.Glob(filepath.Join(out, "*.pcapng")); len(captures) > 3 {
			return c, out
		}
		if time.Now().After(deadline) {
			t.Fatalf("no trial after 20 s: %s%s", stdout, stderr)
		}
	}
}

func TestInterfacesComeBackWhateverEndsTheRun(t *testing.T) {
	for _, tc := range []struct {
		signal  syscall.Signal
		orphans bool // the guardian is killed too
		code    int
	}{
		{syscall.SIGINT, false, exitInterrupted}, {syscall.SIGTERM, false, exitInterrupted}, {syscall.SIGHUP, false, exitInterrupted},
		{syscall.SIGKILL, false, -1}, {syscall.SIGKILL, true, -1},
	} {
		t.Run(fmt.Sprintf("%v, guardian killed %t", tc.signal, tc.orphans), func(t *testing.T) {
			m := newMachine(t, bridge)
			was := m.ports(t)
			c, _ := m.underWay(t)
			if len(m.journals()) != 1 {
				t.Fatalf("journals of a run that goes on: %v", m.journals())
			}
			if tc.orphans {
				for _, pid := range children(t, c.Process.Pid) {
					if ids(t, pid)["Uid"] == "0" {
						syscall.Kill(pid, syscall.SIGKILL)
					}
				}
			}
			c.Process.Signal(tc.signal)
			c.Wait()
			if code := c.ProcessState.ExitCode(); code != tc.code {
				t.Errorf("exit code %d, want %d", code, tc.code)
			}
			if tc.orphans {
				m.repair(t)
			}
			m.awaitReturn()
			m.unchanged(t, was)
		})
	}
}

// repair runs doctor --restore until the killed processes are gone; a second time it has nothing to do. Before, doctor says
// that it is needed.
func (m *machine) repair(t *testing.T) {
	t.Helper()
	examined, found, _ := m.start(t, "doctor", "--json")
	examined.Wait()
	var checkup report.Checkup
	if err := json.Unmarshal(found.Bytes(), &checkup); err != nil {
		t.Fatal(err)
	}
	if c := find(t, checkup, "given back"); c.State != "missing" || !strings.Contains(c.Found, "port1, port2") || c.Fix != "sudo wiretax doctor --restore" {
		t.Errorf("doctor: %+v", c)
	}
	var said string
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		c, stdout, stderr := m.start(t, "doctor", "--restore")
		if err := c.Wait(); err != nil {
			t.Fatalf("%v: %s", err, stderr)
		}
		if said = stdout.String(); !strings.Contains(said, "left alone") || time.Now().After(deadline) {
			break
		}
	}
	if said != "port1, port2: as before the run that was killed\n" {
		t.Errorf("doctor --restore: %s", said)
	}
	c, stdout, _ := m.start(t, "doctor", "--restore")
	if err := c.Wait(); err != nil || !strings.HasPrefix(stdout.String(), "nothing to restore") {
		t.Errorf("doctor --restore again: %v: %s", err, stdout)
	}
}

// ids are values of a process's status, its user and capabilities.
func ids(t *testing.T, pid int) map[string]string {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{}
	for line := range strings.Lines(string(b)) {
		name, value, _ := strings.Cut(line, ":")
		values[name] = strings.Fields(value + " -")[0]
	}
	return values
}

// Captured octets are parsed by the process inside: an ordinary user, whose one capability is over the namespaces of the run.
func TestRootIsLeftToTheGuardian(t *testing.T) {
	m := newMachine(t, cable)
	c, out := m.underWay(t)
	roots := 0
	for _, pid := range append(children(t, c.Process.Pid), c.Process.Pid) {
		s := ids(t, pid)
		if s["Uid"] == "0" {
			roots++
			continue
		}
		want := "0000000000000000"
		if pid != c.Process.Pid {
			want = fmt.Sprintf("%016x", 1<<unix.CAP_NET_ADMIN)
		}
		if s["Uid"] != strconv.Itoa(asSudo) || s["NoNewPrivs"] != "1" || s["CapEff"] != want || s["CapPrm"] != want {
			t.Errorf("process %d of %d: %v", pid, c.Process.Pid, s)
		}
	}
	if roots != 1 {
		t.Errorf("%d processes of root, want the guardian alone", roots)
	}
	info, err := os.Stat(filepath.Join(out, "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; owner != asSudo {
		t.Errorf("run.json belongs to user %d, want %d", owner, asSudo)
	}
	c.Process.Signal(os.Interrupt)
	c.Wait()
}

// Loopback is a demonstration: it needs no root, and a packet costs there what it has.
func TestLoopbackHasNoEthernet(t *testing.T) {
	needLab(t)
	for _, ip := range []struct {
		version string
		header  int64
	}{{"4", 20}, {"6", 40}} {
		c := unprivileged(program("run", "-i", "lo", "--ip", ip.version, "--runs", "2", "-t", "udp,tcp-cork,udp-gso", "--json"))
		var stdout, stderr bytes.Buffer
		c.Stdout, c.Stderr = &stdout, &stderr
		if err := c.Run(); err != nil {
			if os.Getenv("CI") == "" && strings.Contains(stderr.String(), "user namespace") {
				t.Skipf("user namespaces are not allowed here: %s", &stderr)
			}
			t.Fatalf("%v: %s", err, &stderr)
		}
		var r analyze.Run
		if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		if len(r.Warnings) == 0 || r.Warnings[0].Code != "no_ethernet" || r.Link.Kind != "interface" || r.Link.Interfaces[0].Name != "lo" {
			t.Errorf("warnings %v, link %+v", r.Warnings, r.Link)
		}
		for _, transport := range r.Workloads[0].Transports {
			for _, trial := range transport.Trials {
				if !trial.Verified() {
					t.Errorf("%s over IPv%s: %v, drops %v", transport.Name, ip.version, trial.Witnesses.Disagree, trial.Drops)
				}
				if datagrams := 16 * (ip.header + 8 + 90); transport.Name != "tcp-cork" && trial.WireBytes != datagrams {
					t.Errorf("%s over IPv%s: %d wire bytes, want %d", transport.Name, ip.version, trial.WireBytes, datagrams)
				}
			}
		}
	}
}

// Who calls sudo where no root is needed gets files of his own, and counts as himself.
func TestSudoMeasuresAsItsCaller(t *testing.T) {
	m := newMachine(t, cable)
	out := filepath.Join(publicDir(t), "out")
	c, stdout, stderr := m.start(t, "run", "--runs", "1", "-t", "udp,tcp", "--out", out)
	if err := c.Wait(); err != nil {
		t.Fatalf("%v: %s%s", err, stderr, stdout)
	}
	for _, name := range []string{"", "run.json", "udp-01.pcapng"} {
		info, err := os.Stat(filepath.Join(out, name))
		if err != nil {
			t.Fatal(err)
		}
		if owner := info.Sys().(*syscall.Stat_t).Uid; owner != asSudo {
			t.Errorf("%s belongs to user %d, want %d", info.Name(), owner, asSudo)
		}
	}
}

// publicDir is a temporary directory that every user may write to.
func publicDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// inPlace gives the ports addresses of one network, and, with rules, makes the kernel send between them over the cable.
func inPlace(rules bool) func() error {
	return func() error {
		if err := cable(); err != nil {
			return err
		}
		second, err := netlink.LinkByName("port2")
		if err != nil {
			return err
		}
		address, err := netlink.ParseAddr("198.51.100.2/24")
		if err != nil {
			return err
		}
		if err := netlink.AddrAdd(second, address); err != nil || !rules {
			return err
		}
		for _, s := range []string{"all/rp_filter=0", "port1/rp_filter=0", "port2/rp_filter=0", "port1/accept_local=1", "port2/accept_local=1"} {
			name, value, _ := strings.Cut(s, "=")
			if err := os.WriteFile("/proc/sys/net/ipv4/conf/"+name, []byte(value), 0); err != nil {
				return err
			}
		}
		return routeBySource()
	}
}

// routeBySource asks for the local addresses last, but of what has come in over a port.
func routeBySource() error {
	local := netlink.NewRule()
	local.Priority, local.Table = 100, unix.RT_TABLE_LOCAL
	if err := netlink.RuleAdd(local); err != nil {
		return err
	}
	for i, port := range []string{"port1", "port2"} {
		in := netlink.NewRule()
		in.Priority, in.Table, in.IifName = 10+i, unix.RT_TABLE_LOCAL, port
		out := netlink.NewRule()
		out.Priority, out.Table = 20+i, 101+i
		var err error
		if out.Src, err = netlink.ParseIPNet(fmt.Sprintf("198.51.100.%d/32", 1+i)); err != nil {
			return err
		}
		far, err := netlink.ParseIPNet(fmt.Sprintf("198.51.100.%d/32", 2-i))
		if err != nil {
			return err
		}
		link, err := netlink.LinkByName(port)
		if err != nil {
			return err
		}
		route := &netlink.Route{LinkIndex: link.Attrs().Index, Dst: far, Table: 101 + i, Scope: netlink.SCOPE_LINK}
		for _, err := range []error{netlink.RuleAdd(in), netlink.RuleAdd(out), netlink.RouteAdd(route)} {
			if err != nil {
				return err
			}
		}
	}
	first := netlink.NewRule()
	first.Priority, first.Table = 0, unix.RT_TABLE_LOCAL
	return netlink.RuleDel(first)
}

func TestInPlaceIsRefusedWhereNoFrameWouldLeave(t *testing.T) {
	m := newMachine(t, inPlace(false))
	was := m.ports(t)
	c, _, stderr := m.start(t, "run", "-i", "port1", "--peer-if", "port2", "--in-place")
	c.Wait()
	if code := c.ProcessState.ExitCode(); code != exitFailure || !strings.Contains(stderr.String(), "delivers between them itself") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	m.unchanged(t, was)
}

func TestInPlaceMovesNothing(t *testing.T) {
	m := newMachine(t, inPlace(true))
	was := m.ports(t)
	r := m.run(t, "--in-place", "--runs", "2", "-t", "udp,tcp-cork")
	for _, transport := range r.Workloads[0].Transports {
		for _, trial := range transport.Trials {
			if want := map[string]int64{"udp": 16, "tcp-cork": 1}[transport.Name]; !trial.Verified() || trial.DataFrames != want {
				t.Errorf("%s: %d data frames, want %d; %v", transport.Name, trial.DataFrames, want, trial.Witnesses.Disagree)
			}
		}
	}
	m.unchanged(t, was)

	c, out := m.underWay(t, "--in-place")
	if s := ids(t, c.Process.Pid); s["Uid"] != strconv.Itoa(asSudo) || s["CapEff"] != "0000000000000000" || s["NoNewPrivs"] != "1" {
		t.Errorf("while it measures: %v", s)
	}
	if info, err := os.Stat(filepath.Join(out, "run.json")); err != nil || info.Sys().(*syscall.Stat_t).Uid != asSudo {
		t.Errorf("run.json: %v, %v", info, err)
	}
	c.Process.Kill()
	c.Wait()
	m.awaitReturn()
	m.unchanged(t, was)
}

// Who called sudo names a directory that root may write to: it does not become theirs.
func TestInPlaceGivesNoDirectoryAway(t *testing.T) {
	m := newMachine(t, inPlace(true))
	was := m.ports(t)
	roots := publicDir(t)
	if err := os.Chmod(roots, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{roots, filepath.Join(roots, "new")} {
		c, _, stderr := m.start(t, "run", "-i", "port1", "--peer-if", "port2", "--in-place", "--runs", "1", "-t", "udp", "--out", out)
		if c.Wait(); c.ProcessState.ExitCode() != exitFailure || !strings.Contains(stderr.String(), "permission denied") {
			t.Errorf("exit code %d: %s", c.ProcessState.ExitCode(), stderr)
		}
	}
	if info, err := os.Stat(roots); err != nil || info.Sys().(*syscall.Stat_t).Uid != 0 {
		t.Errorf("%v, %v", info.Sys(), err)
	}
	m.unchanged(t, was)
}

// Without interfaces too nobody who only waits is root.
func TestRootIsGivenUpOnAMadeLink(t *testing.T) {
	m := newMachine(t, cable)
	out := filepath.Join(publicDir(t), "out")
	c, _, stderr := m.start(t, "run", "--runs", "10000", "--out", out)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if captures, _ := filepath.Glob(filepath.Join(out, "*.pcapng")); len(captures) > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("no trial after 20 s: %s", stderr)
		}
	}
	if s := ids(t, c.Process.Pid); s["Uid"] != strconv.Itoa(asSudo) || s["CapEff"] != "0000000000000000" {
		t.Errorf("while it waits: user %s, capabilities %s", s["Uid"], s["CapEff"])
	}
	c.Process.Signal(os.Interrupt) // a killed one would leave its experiment writing for a moment
	c.Wait()
}
