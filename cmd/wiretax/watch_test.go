package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"wiretax/analyze"
)

// watched is what a test asks of a host of its own: a namespace with a veth pair, in which wiretax watches one end while
// frames are sent on the other.
type watched struct {
	frames   int      // to send, as soon as it listens
	signals  []string // to send it afterwards: INT, USR1
	onlyRaw  bool     // leave it CAP_NET_RAW and no other capability
	noCaps   bool     // leave it none
	asleep   bool     // stop it while they are sent
	remove   bool     // take the interface away afterwards
	fetch    string   // URL to fetch after the frames, to standard error
	terminal bool     // it is on a terminal: it does not say when it listens
	args     []string
}

// command is the host as a process, whose output and exit code are those of wiretax watch.
func (w watched) command(t *testing.T) *exec.Cmd {
	t.Helper()
	c := exec.Command("/proc/self/exe", fmt.Sprintf("-frames=%d", w.frames), "-signals="+strings.Join(w.signals, ","),
		fmt.Sprintf("-raw=%v", w.onlyRaw), fmt.Sprintf("-none=%v", w.noCaps), fmt.Sprintf("-terminal=%v", w.terminal), "-fetch="+w.fetch, fmt.Sprintf("-remove=%v", w.remove), fmt.Sprintf("-asleep=%v", w.asleep), "--")
	c.Args = append(c.Args, w.args...)
	c.Args[0] = "watchhost"
	c.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "SUDO_") }) // it has no other user to become
	one := func(id int) []syscall.SysProcIDMap {
		return []syscall.SysProcIDMap{{ContainerID: 0, HostID: id, Size: 1}}
	}
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: one(os.Getuid()), GidMappings: one(os.Getgid()), Pdeathsig: syscall.SIGKILL}
	return c
}

// run runs the host to its end.
func (w watched) run(t *testing.T) (stdout, stderr string, code int) {
	t.Helper()
	needNamespaces(t)
	c := w.command(t)
	var out, diagnostics bytes.Buffer
	c.Stdout, c.Stderr = &out, &diagnostics
	err := c.Run()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		t.Fatalf("%v: %s", err, &diagnostics)
	}
	return out.String(), diagnostics.String(), c.ProcessState.ExitCode()
}

// needNamespaces skips where a process cannot have a user namespace of its own; in CI it must be possible.
func needNamespaces(t *testing.T) {
	t.Helper()
	runtime.LockOSThread() // Pdeathsig is that of the thread
	if err := namespacesWork(); err != nil && os.Getenv("CI") == "" {
		t.Skipf("user namespaces are not allowed here: %v (sysctl kernel.apparmor_restrict_unprivileged_userns=0)", err)
	}
}

var namespacesWork = sync.OnceValue(func() error {
	c := program("--version")
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET}
	return c.Run()
})

// watchHost is the host's main function.
func watchHost() {
	var w watched
	var signals string
	flag.IntVar(&w.frames, "frames", 0, "")
	flag.StringVar(&signals, "signals", "", "")
	flag.BoolVar(&w.onlyRaw, "raw", false, "")
	flag.BoolVar(&w.noCaps, "none", false, "")
	flag.BoolVar(&w.asleep, "asleep", false, "")
	flag.BoolVar(&w.remove, "remove", false, "")
	flag.StringVar(&w.fetch, "fetch", "", "")
	flag.BoolVar(&w.terminal, "terminal", false, "")
	flag.Parse()
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGTERM) // of a terminal: they are for the program
	w.args, w.signals = flag.Args(), strings.FieldsFunc(signals, func(r rune) bool { return r == ',' })
	code, err := w.host()
	if err != nil {
		fmt.Fprintln(os.Stderr, "watchhost:", err)
		os.Exit(99)
	}
	os.Exit(code)
}

func (w watched) host() (code int, err error) {
	runtime.LockOSThread()
	if err := vethPair(); err != nil {
		return 0, err
	}
	send, err := newFrameSender("v0")
	if err != nil {
		return 0, err
	}
	if err := w.dropCapabilities(); err != nil {
		return 0, err
	}
	c := exec.Command("/proc/self/exe", append([]string{"watch", "-i", "v1"}, w.args...)...)
	c.Args[0] = "wiretax"
	c.Stdin, c.Stdout = os.Stdin, os.Stdout
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var said io.Reader
	if said, err = c.StderrPipe(); err != nil {
		return 0, err
	}
	if err := c.Start(); err != nil {
		return 0, err
	}
	listening := make(chan struct{})
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		buffer, heard := make([]byte, 4096), false
		for {
			n, err := said.Read(buffer)
			os.Stderr.Write(buffer[:n])
			if !heard && bytes.Contains(buffer[:n], []byte("listening on")) || err != nil {
				if !heard {
					close(listening)
				}
				heard = true
			}
			if err != nil {
				return
			}
		}
	}()
	if w.terminal {
		go send.forever()
	} else {
		<-listening
		if w.asleep {
			c.Process.Signal(syscall.SIGSTOP)
		}
		if err := send.frames(w.frames); err != nil {
			return 0, err
		}
		c.Process.Signal(syscall.SIGCONT)
	}
	if err := w.fetchMetrics(); err != nil {
		return 0, err
	}
	if w.remove {
		time.Sleep(300 * time.Millisecond) // what the ring still has would go with the interface
		if err := netlink.LinkDel(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "v0", Index: send.to.Ifindex}}); err != nil {
			return 0, err
		}
	}
	for _, s := range w.signals {
		c.Process.Signal(map[string]syscall.Signal{"INT": syscall.SIGINT, "USR1": syscall.SIGUSR1, "TERM": syscall.SIGTERM}[s])
		time.Sleep(300 * time.Millisecond) // to be taken one after the other
	}
	<-copied
	c.Wait()
	return c.ProcessState.ExitCode(), nil
}

// fetchMetrics copies what is at the URL once all frames are in it.
func (w watched) fetchMetrics() error {
	if w.fetch == "" {
		return nil
	}
	want := fmt.Sprintf("wiretax_frames_total{role=\"data\"} %d\n", w.frames)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		r, err := http.Get(w.fetch)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(r.Body)
		r.Body.Close()
		if bytes.Contains(body, []byte(want)) || time.Now().After(deadline) {
			fmt.Fprintf(os.Stderr, "%s\n%s\n%s", r.Status, r.Header.Get("Content-Type"), body)
			return err
		}
	}
}

// vethPair makes v0 and v1, on which nothing is sent that the test does not send.
func vethPair() error {
	for _, which := range []string{"all", "default"} {
		os.WriteFile("/proc/sys/net/ipv6/conf/"+which+"/disable_ipv6", []byte("1"), 0) // absent without IPv6
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "v0"
	pair := &netlink.Veth{LinkAttrs: attrs, PeerName: "v1"}
	if err := netlink.LinkAdd(pair); err != nil {
		return fmt.Errorf("add veth: %w", err)
	}
	for _, name := range []string{"lo", "v0", "v1"} {
		l, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		if err := netlink.LinkSetUp(l); err != nil {
			return err
		}
	}
	return nil
}

// dropCapabilities limits what programs started by this thread can do, although they are root's (capabilities(7)).
func (w watched) dropCapabilities() error {
	if !w.onlyRaw && !w.noCaps {
		return nil
	}
	for c := uintptr(0); c <= unix.CAP_LAST_CAP; c++ {
		if c == unix.CAP_NET_RAW && w.onlyRaw {
			continue
		}
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil && !errors.Is(err, unix.EINVAL) {
			return fmt.Errorf("drop capability %d: %w", c, err)
		}
	}
	return nil
}

// frameSender sends datagrams of 90 octets, each a frame of 132, from as many ports as it was told.
type frameSender struct {
	fd    int
	to    unix.SockaddrLinklayer
	frame []byte
}

func newFrameSender(device string) (*frameSender, error) {
	l, err := netlink.LinkByName(device)
	if err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
	if err != nil {
		return nil, err
	}
	const payload = 90
	frame := make([]byte, 14+20+8+payload)
	copy(frame, []byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0})
	ip := frame[14:]
	ip[0], ip[8], ip[9] = 0x45, 64, 17
	binary.BigEndian.PutUint16(ip[2:], 20+8+payload)
	copy(ip[12:], []byte{192, 0, 2, 1, 192, 0, 2, 2})
	binary.BigEndian.PutUint16(ip[20:], 4000)
	binary.BigEndian.PutUint16(ip[22:], 9)
	binary.BigEndian.PutUint16(ip[24:], 8+payload)
	return &frameSender{fd: fd, to: unix.SockaddrLinklayer{Ifindex: l.Attrs().Index}, frame: frame}, nil
}

func (s *frameSender) frames(n int) error {
	for i := range n {
		binary.BigEndian.PutUint16(s.frame[18:], uint16(i)) // identification
		if err := unix.Sendto(s.fd, s.frame, 0, &s.to); err != nil {
			return fmt.Errorf("send frame: %w", err)
		}
	}
	return nil
}

func (s *frameSender) forever() {
	for ; ; time.Sleep(time.Millisecond) {
		s.frames(1)
	}
}

func TestWatchCountsWhatWasSent(t *testing.T) {
	t.Parallel()
	const sent = 20_000
	capture := filepath.Join(t.TempDir(), "watched.pcapng")
	stdout, stderr, code := watched{frames: sent, signals: []string{"USR1", "INT"}, args: []string{"--json", "-w", capture, "udp"}}.run(t)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	if !strings.Contains(stderr, " wire bytes, ") {
		t.Errorf("SIGUSR1 said: %s", stderr)
	}
	if err := validate(strings.NewReader(stdout)); err != nil {
		t.Error(err)
	}
	var live, stored analyze.Result
	if err := json.Unmarshal([]byte(stdout), &live); err != nil {
		t.Fatal(err)
	}
	if live.Totals.Frames != sent || live.Totals.WireBytes != 156*sent || live.Totals.UniquePayloadBytes != 90*sent {
		t.Errorf("%d frames, %d wire bytes, %d of payload", live.Totals.Frames, live.Totals.WireBytes, live.Totals.UniquePayloadBytes)
	}
	if c := live.Source.Capture; c.Interface != "v1" || c.Received != sent || c.Dropped() != 0 || live.Source.Filter != "udp" {
		t.Errorf("capture %+v, filter %q", c, live.Source.Filter)
	}
	var again bytes.Buffer
	if code := wiretax(t.Context(), nil, &again, io.Discard, []string{"analyze", "--json", capture}); code != 0 {
		t.Fatalf("analysis of what was written: exit code %d", code)
	}
	if err := json.Unmarshal(again.Bytes(), &stored); err != nil {
		t.Fatal(err)
	}
	if stored.Totals != live.Totals || len(stored.Flows) != 1 || len(live.Flows) != 1 || stored.Flows[0].AB != live.Flows[0].AB || stored.Flows[0].First != live.Flows[0].First {
		t.Errorf("written %+v, watched %+v", stored.Totals, live.Totals)
	}
}

// While it sleeps the ring runs over: what is missing is counted, said, and the exit code.
func TestWatchThatLostFramesIsNotTrusted(t *testing.T) {
	t.Parallel()
	const sent = 30_000
	stdout, stderr, code := watched{frames: sent, asleep: true, signals: []string{"INT"}, args: []string{"--json", "-B", "1024"}}.run(t)
	if code != exitDistrust {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	var r analyze.Result
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatal(err)
	}
	c := r.Source.Capture
	if c.KernelDropped == 0 || c.Received != sent || r.Totals.Frames+c.KernelDropped != sent {
		t.Errorf("%d frames counted, %d dropped of %d, %d sent", r.Totals.Frames, c.KernelDropped, c.Received, sent)
	}
	if len(r.Warnings) == 0 || r.Warnings[len(r.Warnings)-1].Code != "capture_dropped" || !r.Warnings[len(r.Warnings)-1].Distrust {
		t.Errorf("warnings: %+v", r.Warnings)
	}
}

func TestWatchEndsWhenItWasToldTo(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		w    watched
		code int
		want string
	}{
		"so many frames":                {watched{frames: 500, args: []string{"-c", "100", "--json"}}, 0, `"frames": 100,`},
		"so long":                       {watched{frames: 50, args: []string{"--duration", "1s"}}, 0, "frames on the wire  50"},
		"interrupted before":            {watched{frames: 50, signals: []string{"INT"}, args: []string{"-c", "100"}}, 130, "frames on the wire  50"},
		"with no more than CAP_NET_RAW": {watched{frames: 50, onlyRaw: true, signals: []string{"TERM"}}, 0, "frames on the wire  50"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stdout, stderr, code := tt.w.run(t)
			if squeezed := strings.Join(strings.FieldsFunc(stdout, func(r rune) bool { return r == '\n' }), "\n"); code != tt.code ||
				!strings.Contains(strings.Join(strings.Fields(squeezed), " "), strings.Join(strings.Fields(tt.want), " ")) {
				t.Errorf("exit code %d, want %d and %q\n%s%s", code, tt.code, tt.want, stdout, stderr)
			}
		})
	}
}

func TestWatchWithoutPrivilegeSaysWhatToDo(t *testing.T) {
	t.Parallel()
	_, stderr, code := watched{noCaps: true}.run(t)
	if code != exitFailure || !strings.Contains(stderr, "open v1 for capture: operation not permitted (sudo setcap cap_net_raw=ep /") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func TestWatchAnswersPrometheus(t *testing.T) {
	t.Parallel()
	stdout, stderr, code := watched{frames: 1000, fetch: "http://127.0.0.1:9469/metrics", signals: []string{"INT"},
		args: []string{"--metrics", "127.0.0.1:9469", "--json"}}.run(t)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	for _, want := range []string{
		"wiretax: metrics at http://127.0.0.1:9469/metrics\n", "200 OK\ntext/plain; version=0.0.4",
		`wiretax_wire_bytes_total{role="data"} 156000`, `wiretax_protocol_wire_bytes_total{protocol="udp"} 156000`,
		`wiretax_watch_info{interface="v1",filter="",version="` + version + `"} 1`, `wiretax_capture_dropped_frames_total{by="kernel"} 0`,
	} {
		if !strings.Contains(stderr, want) {
			t.Errorf("no %q in %s", want, stderr)
		}
	}
	if strings.Contains(stdout, `"groups"`) {
		t.Error("the result has groups that nobody asked for")
	}
}

func TestWatchWritesLines(t *testing.T) {
	t.Parallel()
	stdout, stderr, code := watched{frames: 500, args: []string{"--duration", "1200ms", "--every", "400ms"}}.run(t)
	if code != 0 || !strings.HasPrefix(stdout, "    time    frames/s   wire Mb/s  payload Mb/s  eff.%     flows   dropped\n") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	if n := strings.Count(stdout, " 57.7         1         0\n"); n < 1 {
		t.Errorf("no line with the traffic: %s", stdout)
	}
	stdout, stderr, code = watched{frames: 500, args: []string{"--duration", "1200ms", "--every", "400ms", "--ndjson"}}.run(t)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	kinds, err := validateLines(strings.NewReader(stdout))
	if err != nil {
		t.Error(err)
	}
	if kinds["analysis"] < 3 || kinds["flow"] != 1 {
		t.Errorf("objects: %v", kinds)
	}
}

func TestWatchOfWhatGoesAwayReportsWhatCame(t *testing.T) {
	t.Parallel()
	stdout, stderr, code := watched{frames: 50, remove: true}.run(t)
	if code != exitFailure || !strings.Contains(stderr, "wiretax: read frames of v1: the interface disappeared\n") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if !strings.Contains(stdout, "192.0.2.1:4000") {
		t.Errorf("no report: %s", stdout)
	}
}

func TestWatchOnLoopbackSeesNoEthernet(t *testing.T) {
	t.Parallel()
	stdout, stderr, code := watched{args: []string{"-i", "lo", "--duration", "100ms"}}.run(t)
	if code != 0 || !strings.Contains(stdout, "live, RAW, snaplen 242") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
}

func TestWatchOnAnyHasRoomForTheCookedHeader(t *testing.T) {
	t.Parallel()
	stdout, stderr, code := watched{frames: 500, args: []string{"-i", "any", "-s", "1", "--duration", "1s"}}.run(t)
	if code != 0 || !strings.Contains(stdout, "1,000 frames captured in ") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	stdout, stderr, code = watched{args: []string{"-i", "lo", "-s", "1", "--duration", "100ms"}}.run(t)
	if code != 0 || !strings.Contains(stdout, "live, RAW, snaplen 1\n") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
}

func TestWatchKeepsTheCaptureOfWhoReadsNoFurther(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	capture := filepath.Join(t.TempDir(), "watched.pcapng")
	c := watched{frames: 50, args: []string{"--every", "1s", "--duration", "1m", "-w", capture}}.command(t)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	c.Stdout, c.Stderr = write, &stderr
	read.Close()
	c.Run()
	write.Close()
	if code := c.ProcessState.ExitCode(); code != exitFailure || !strings.Contains(stderr.String(), "broken pipe") {
		t.Errorf("exit code %d: %s", code, &stderr)
	}
	var stored analyze.Result
	stdout, err := program("analyze", "--json", capture).Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(stdout, &stored); err != nil || stored.Totals.Records != 50 {
		t.Errorf("%d records are kept, want 50: %v", stored.Totals.Records, err)
	}
}
