package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"wiretax/analyze"
)

// BenchmarkWatchBesideTcpdump floods a veth pair with datagrams of 90 octets while wiretax watch and tcpdump -w, with the same
// snap length and ring, capture them side by side: go test -run - -bench Beside -benchtime 1x ./cmd/wiretax, as root.
// FRAMES_A_SECOND in the environment limits the flood.
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
	rate, _ := strconv.ParseFloat(os.Getenv("FRAMES_A_SECOND"), 64)
	sent, err := floodAt(rate, last)
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

// floodAt sends datagrams of 90 octets from v0 to v1, so many a second, 0 for as many as it can. The kernel takes them from a ring that
// it shares with this process, and past the queue (PACKET_TX_RING, PACKET_QDISC_BYPASS, packet(7)): sockets give half as many.
func floodAt(rate float64, last time.Duration) (sent int64, err error) {
	const slot, block, blocks = 256, 1 << 18, 16
	l, err := netlink.LinkByName("v0")
	if err != nil {
		return 0, err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	if err := errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V2),
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1),
		unix.SetsockoptTpacketReq(fd, unix.SOL_PACKET, unix.PACKET_TX_RING,
			&unix.TpacketReq{Block_size: block, Block_nr: blocks, Frame_size: slot, Frame_nr: block / slot * blocks}),
		unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: l.Attrs().Index}),
	); err != nil {
		return 0, err
	}
	ring, err := unix.Mmap(fd, 0, block*blocks, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return 0, err
	}
	defer unix.Munmap(ring)
	frame := udpFrame(90)
	status := func(at int) *uint32 { return (*uint32)(unsafe.Pointer(&ring[at])) }
	for at := 0; at < len(ring); at += slot {
		binary.NativeEndian.PutUint32(ring[at+4:], uint32(len(frame)))
		copy(ring[at+unix.SizeofTpacket2Hdr:], frame)
	}
	send := func(flags int) { unix.Sendto(fd, nil, flags, nil) } // what it cannot take now it takes the next time
	start := time.Now()
	for at := 0; time.Since(start) < last; {
		for rate > 0 && float64(sent) > rate*time.Since(start).Seconds() {
		}
		for range 64 {
			for atomic.LoadUint32(status(at)) != unix.TP_STATUS_AVAILABLE {
				send(0)
			}
			atomic.StoreUint32(status(at), unix.TP_STATUS_SEND_REQUEST)
			at = (at + slot) % len(ring)
			sent++
		}
		send(unix.MSG_DONTWAIT)
	}
	send(0)
	return sent, nil
}
