package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/net/ipv4"

	"wiretax/analyze"
)

// BenchmarkWatchBesideTcpdump floods a veth pair with datagrams of 90 octets while wiretax watch and tcpdump -w, with the same
// snap length and ring, capture them side by side: go test -run - -bench Beside -benchtime 1x ./cmd/wiretax, as root.
func BenchmarkWatchBesideTcpdump(b *testing.B) {
	if os.Getuid() != 0 {
		b.Skip("tcpdump in a namespace needs root")
	}
	if _, err := exec.LookPath("tcpdump"); err != nil {
		b.Skip(err)
	}
	runtime.LockOSThread()
	for b.Loop() {
		c := exec.Command("/proc/self/exe", b.TempDir())
		c.Args[0] = "besidehost"
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
		c.Stderr = os.Stderr
		out, err := c.Output()
		if err != nil {
			b.Fatal(err)
		}
		var figures map[string]float64
		if err := json.Unmarshal(out, &figures); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		for unit, v := range figures {
			b.ReportMetric(v, unit)
		}
		b.ReportMetric(0, "ns/op")
	}
}

// besideHost is the process in the namespace.
func besideHost() {
	flag.Parse()
	figures, err := beside(flag.Arg(0), 3*time.Second)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(figures)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func beside(dir string, last time.Duration) (map[string]float64, error) {
	if err := vethPair(); err != nil {
		return nil, err
	}
	if err := addressVeth(); err != nil {
		return nil, err
	}
	result := filepath.Join(dir, "watch.json")
	watch := exec.Command("/proc/self/exe", "watch", "-i", "v1", "--json", "-o", result, "udp")
	watch.Args[0] = "wiretax"
	tcpdump := exec.Command("tcpdump", "-Z", "root", "-i", "v1", "-s", "256", "-B", "16384", "-w", filepath.Join(dir, "tcpdump.pcap"), "udp")
	said := filepath.Join(dir, "tcpdump.txt")
	for c, name := range map[*exec.Cmd]string{watch: filepath.Join(dir, "watch.txt"), tcpdump: said} {
		if err := startListening(c, name); err != nil {
			return nil, err
		}
	}
	sent, err := floodWith90(last)
	if err != nil {
		return nil, err
	}
	time.Sleep(time.Second) // tcpdump counts what the kernel has handed over
	for _, c := range []*exec.Cmd{watch, tcpdump} {
		c.Process.Signal(os.Interrupt)
		c.Wait()
	}
	var r analyze.Result
	if b, err := os.ReadFile(result); err != nil {
		return nil, err
	} else if err := json.Unmarshal(b, &r); err != nil {
		return nil, err
	}
	words, err := os.ReadFile(said)
	if err != nil {
		return nil, err
	}
	figures := map[string]float64{"frames/s": float64(sent) / last.Seconds(), "watch-missed": float64(sent - r.Totals.Frames),
		"watch-dropped": float64(r.Source.Capture.Dropped())}
	if m := regexp.MustCompile(`(\d+) packets? captured`).FindSubmatch(words); m != nil {
		captured, _ := strconv.ParseInt(string(m[1]), 10, 64)
		figures["tcpdump-missed"] = float64(sent - captured)
	}
	perFrame := func(c *exec.Cmd) float64 {
		return float64((c.ProcessState.UserTime() + c.ProcessState.SystemTime()).Nanoseconds()) / float64(sent)
	}
	figures["watch-CPU-ns/frame"], figures["tcpdump-CPU-ns/frame"] = perFrame(watch), perFrame(tcpdump)
	return figures, nil
}

// startListening starts a program and waits until it says to a file that it listens.
func startListening(c *exec.Cmd, said string) error {
	f, err := os.Create(said)
	if err != nil {
		return err
	}
	defer f.Close()
	c.Stderr = f
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		return err
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if b, err := os.ReadFile(said); err != nil || bytes.Contains(b, []byte("listening on")) {
			return err
		}
	}
	return fmt.Errorf("%s does not listen", c.Path)
}

// addressVeth lets v0 send to 192.0.2.2 without ARP.
func addressVeth() error {
	l, err := netlink.LinkByName("v0")
	if err != nil {
		return err
	}
	address, err := netlink.ParseAddr("192.0.2.1/24")
	if err != nil {
		return err
	}
	if err := netlink.AddrAdd(l, address); err != nil {
		return err
	}
	return netlink.NeighAdd(&netlink.Neigh{LinkIndex: l.Attrs().Index, State: netlink.NUD_PERMANENT, IP: net.IPv4(192, 0, 2, 2),
		HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, 2}})
}

// floodWith90 sends datagrams of 90 octets as fast as it can.
func floodWith90(last time.Duration) (sent int64, err error) {
	c, err := net.DialUDP("udp4", nil, &net.UDPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 9})
	if err != nil {
		return 0, err
	}
	defer c.Close()
	batch := make([]ipv4.Message, 64)
	for i := range batch {
		batch[i].Buffers = [][]byte{make([]byte, 90)}
	}
	p := ipv4.NewPacketConn(c)
	for end := time.Now().Add(last); time.Now().Before(end); {
		n, err := p.WriteBatch(batch, 0)
		if err != nil {
			return sent, err
		}
		sent += int64(n)
	}
	return sent, nil
}
