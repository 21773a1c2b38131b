package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket/layers"
	"github.com/ulikunitz/xz"
)

// A file made to do harm gets an answer as any other does: in bounded time, in bounded memory, with an exit code that
// CONTRACT knows, and at most one line of complaint.
const maxElapsed = time.Minute

// bounded runs a command with at most 1 GiB of memory. The limit is the kernel's, on writable memory (RLIMIT_DATA,
// setrlimit(2)): a child's maximum resident set size would include that of the test, which it is forked from.
const bounded = `ulimit -d 1048576 && exec "$0" "$@"`

func TestHostile(t *testing.T) {
	wiretax := filepath.Join(t.TempDir(), "wiretax")
	if out, err := exec.Command("go", "build", "-o", wiretax, ".").CombinedOutput(); err != nil { // the race detector takes memory of its own
		t.Fatalf("%v: %s", err, out)
	}
	for _, h := range hostiles {
		t.Run(h.name, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "hostile")
			if err := h.write(name); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), maxElapsed)
			defer cancel()
			c := exec.CommandContext(ctx, "sh", "-c", bounded, wiretax, "analyze", "--json", name)
			var stderr bytes.Buffer
			c.Stderr = &stderr
			err := c.Run()
			if ctx.Err() != nil {
				t.Fatalf("no answer after %v", maxElapsed)
			}
			if c.ProcessState == nil || c.ProcessState.ExitCode() != h.code {
				t.Errorf("%v, want exit code %d: %.2000s", err, h.code, &stderr)
			}
			if complaint := stderr.String(); complaint != "" && (!strings.HasPrefix(complaint, "wiretax: ") || strings.Count(complaint, "\n") > 1) {
				t.Errorf("complaint: %.2000s", complaint)
			}
			t.Logf("%v of CPU time", c.ProcessState.UserTime()+c.ProcessState.SystemTime())
		})
	}
}

// huge is the largest that a length field of 32 bits can claim.
const huge = 0xffffffff

var hostiles = []struct {
	name  string
	code  int
	write func(name string) error
}{
	{"pcap: capture length of 4 GiB", exitDistrust, fileOf(pcapHeader(huge), lengths(huge, huge), zeros(1000))},
	{"pcap: capture length of 256 KiB, file ends", exitDistrust, fileOf(pcapHeader(0), lengths(1<<18, 1<<18), zeros(1000))},
	{"pcap: a million original lengths of 4 GiB", 0, repeated(1e6, pcapHeader(0), lengths(1, huge), zeros(1))},
	{"pcap: records longer than the snapshot length", 0, repeated(1e4, pcapHeader(1), lengths(132, 132), udpFrame(90))},
	{"pcap: records longer than they were", 0, repeated(1e4, pcapHeader(0), lengths(132, 1), udpFrame(90))},
	{"pcap: a flood of 100,000 connections", 0, flood(100_000)},
	{"pcap: only headers", exitDistrust, fileOf(pcapHeader(0), zeros(15))},

	{"pcapng: block of 4 GiB", exitDistrust, fileOf(ngFile(), words(6, huge), zeros(1000))},
	{"pcapng: section header of 4 GiB", exitDistrust, fileOf(words(0x0a0d0d0a, huge, 0x1a2b3c4d, 1, huge, huge, 28))},
	{"pcapng: second section header of 4 GiB", exitDistrust, fileOf(ngFile(), words(0x0a0d0d0a, huge, 0x1a2b3c4d, 1, huge, huge, 28))},
	{"pcapng: block of no length", exitDistrust, fileOf(ngFile(), words(6, 0, 0, 0), zeros(1000))},
	{"pcapng: a million interfaces", 0, repeated(1e6, ngFile(), ngInterface(linkEthernet))},
	{"pcapng: more interfaces than a file may have", exitDistrust, repeated(1<<20+1, ngFile(), ngInterface(linkEthernet))},
	{"pcapng: a million sections", 0, repeated(1e6, nil, ngFile(ngInterface(linkEthernet)))},
	{"pcapng: a packet of an interface that nobody described", exitDistrust, fileOf(ngFile(ngPacket(7, 0, udpFrame(90))))},
	{"pcapng: packet longer than its block", exitDistrust, fileOf(ngFile(ngInterface(linkEthernet), ngBlock(6, words(0, 0, 0, huge, huge)...)))},
	{"pcapng: options without end", 0, fileOf(ngFile(ngInterface(linkEthernet, bytes.Repeat([]byte{2, 0, 0, 0}, 1<<20)...)))},
	{"pcapng: option longer than its block", 0, fileOf(ngFile(ngInterface(linkEthernet, 2, 0, 0xff, 0xff)))},
	{"pcapng: names of 60 KiB", 0, repeated(2000, ngFile(), ngInterface(linkEthernet, append([]byte{2, 0, 0, 0xf0}, make([]byte, 0xf000)...)...))},
	{"pcapng: time resolution of 2^-127 s", exitDistrust, fileOf(ngFile(ngInterface(linkEthernet, 9, 0, 1, 0, 255, 0, 0, 0), ngPacket(0, 1, udpFrame(90))))},
	{"pcapng: time resolution of 10^-127 s", exitDistrust, fileOf(ngFile(ngInterface(linkEthernet, 9, 0, 1, 0, 127, 0, 0, 0), ngPacket(0, 1, udpFrame(90))))},
	{"pcapng: the last moment of all", 0, fileOf(ngFile(ngInterface(linkEthernet), ngPacket(0, 1<<64-1, udpFrame(90))))},

	{"IP in IP, 1000 times", 0, nested(ipHeader(4, 4), 1000)},
	{"6in4 in 4in6, 1000 times", 0, nested(append(ipHeader(4, 41), ipHeader(6, 4)...), 1000)},
	{"GRE in GRE, 1000 times", 0, nested(append(ipHeader(4, 47), 0, 0, 8, 0), 1000)},
	{"VXLAN in VXLAN, 1000 times", 0, nested(vxlan(), 1000)},
	{"IPv6 extension headers, 30,000 times", 0, nested([]byte{0, 0, 1, 4, 0, 0, 0, 0}, 30_000, ipHeader(6, 0)...)},
	{"VLAN tags, 60,000 times", 0, fileOf(pcapFile(linkEthernet, 0, append(make([]byte, 12), bytes.Repeat([]byte{0x81, 0, 0, 1}, 60_000)...)))},
	{"MPLS labels, 60,000 times", 0, fileOf(pcapFile(linkEthernet, 0, append(append(make([]byte, 12), 0x88, 0x47), make([]byte, 240_000)...)))},
	{"TCP options of no length", 0, fileOf(pcapFile(linkEthernet, 0, append(make([]byte, 12), append(append([]byte{8, 0}, ipHeader(4, 6)...), 0, 80, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0xf0, 2, 0, 0, 0, 0, 0, 0, 99, 0, 99, 0)...)))},

	{"gzip: 2 GiB of zeros", exitFailure, bomb(0, 512, nil)},
	{"zstd: 2 GiB of zeros", exitFailure, bomb(1, 512, nil)},
	{"lz4: 2 GiB of zeros", exitFailure, bomb(2, 512, nil)},
	{"xz: 2 GiB of zeros", exitFailure, bomb(3, 512, nil)},
	{"gzip: 4 million empty records", 0, bomb(0, 16, pcapHeader(0))},
	{"zstd: 4 million empty records", 0, bomb(1, 16, pcapHeader(0))},
	{"lz4: 4 million empty records", 0, bomb(2, 16, pcapHeader(0))},
	{"xz: 4 million empty records", 0, bomb(3, 16, pcapHeader(0))},
	{"zstd: window of 2 GiB", exitFailure, fileOf([]byte{0x28, 0xb5, 0x2f, 0xfd, 0, 21 << 3, 1, 0, 0})},
	{"xz: dictionary of 4 GiB", exitFailure, greedyXZ(nil)},
	{"xz: dictionary of 4 GiB in the second stream", exitFailure, greedyXZ(pcapHeader(0))},
}

// fileOf writes the parts one after the other.
func fileOf(parts ...[]byte) func(string) error {
	return func(name string) error { return os.WriteFile(name, bytes.Join(parts, nil), 0o600) }
}

// repeated writes a head and n times what follows it.
func repeated(n int, head []byte, parts ...[]byte) func(string) error {
	return func(name string) error {
		return os.WriteFile(name, append(head, bytes.Repeat(bytes.Join(parts, nil), n)...), 0o600)
	}
}

func zeros(n int) []byte { return make([]byte, n) }

func words(list ...uint32) (b []byte) {
	for _, w := range list {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}

func pcapHeader(snaplen uint32) []byte {
	return words(0xa1b2c3d4, 4<<16|2, 0, 0, snaplen, linkEthernet)
}

// lengths is a record header at time 0.
func lengths(captured, original uint32) []byte { return words(0, 0, captured, original) }

// flood writes a SYN each of so many addresses.
func flood(n uint32) func(string) error {
	return func(name string) error {
		b, syn := pcapHeader(0), tcpFrame(false, layers.TCP{SYN: true}, 0)
		for source := range n {
			binary.BigEndian.PutUint32(syn[26:], source)
			b = pcapRecord(b, source/1000, source%1000*1000, syn)
		}
		return os.WriteFile(name, b, 0o600)
	}
}

// ipHeader is one that claims the largest packet.
func ipHeader(version int, proto byte) []byte {
	if version == 4 {
		return []byte{0x45, 0, 0xff, 0xff, 0, 0, 0, 0, 64, proto, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2}
	}
	return append([]byte{0x60, 0, 0, 0, 0xff, 0xff, proto, 64, 0x20, 1, 0xd, 0xb8}, make([]byte, 28)...)
}

// vxlan is IPv4, UDP, VXLAN and the Ethernet header before the next IPv4.
func vxlan() []byte {
	b := append(ipHeader(4, 17), 0x40, 0, 0x12, 0xb5, 0xff, 0xff, 0, 0)
	return append(append(append(b, 8, 0, 0, 0, 0, 0, 1, 0), make([]byte, 12)...), 8, 0)
}

// nested puts n headers into each other, in an Ethernet frame. first comes once, before them.
func nested(header []byte, n int, first ...byte) func(string) error {
	b := append(first, bytes.Repeat(header, n)...)
	eth := append(make([]byte, 12), 8, 0)
	if b[0]>>4 == 6 {
		eth = append(eth[:12], 0x86, 0xdd)
	}
	return fileOf(pcapFile(linkEthernet, 0, append(eth, b...)))
}

// bomb compresses a head and 4 MiB of zeros, and repeats the compressed zeros. Sixteen zeros are an empty record.
func bomb(compression, times int, head []byte) func(string) error {
	return func(name string) error {
		c := compressions[compression]
		var out bytes.Buffer
		compress := func(r io.Reader) ([]byte, error) {
			out.Reset()
			w, err := c.compress(&out)
			if err == nil {
				_, err = io.Copy(w, r)
			}
			if err == nil {
				err = w.Close()
			}
			return bytes.Clone(out.Bytes()), err
		}
		member, err := compress(bytes.NewReader(zeros(4 << 20)))
		if err != nil {
			return err
		}
		var first []byte
		if head != nil {
			if first, err = compress(bytes.NewReader(head)); err != nil {
				return err
			}
		}
		return os.WriteFile(name, append(first, bytes.Repeat(member, times)...), 0o600)
	}
}

// greedyXZ makes an xz file whose last stream claims a dictionary of 4 GiB; a stream of something else may come before it.
// The claim is an octet in the header of the block, 12 octets into the stream, that a CRC-32 protects (.xz file format,
// sections 3.1 and 5.3.1).
func greedyXZ(first []byte) func(string) error {
	return func(name string) error {
		honest, err := xzStream(first)
		if err != nil {
			return err
		}
		greedy, err := xzStream(zeros(1 << 20))
		if err != nil {
			return err
		}
		block := greedy[12:]
		size := (int(block[0]) + 1) * 4
		block[bytes.Index(block[:size], []byte{0x21, 1})+2] = 40 // LZMA2, one octet of properties: 4 GiB - 1
		binary.LittleEndian.PutUint32(block[size-4:], crc32.ChecksumIEEE(block[:size-4]))
		return os.WriteFile(name, append(honest, greedy...), 0o600)
	}
}

// xzStream compresses b; nothing for nil.
func xzStream(b []byte) ([]byte, error) {
	var out bytes.Buffer
	if b == nil {
		return nil, nil
	}
	w, err := xz.NewWriter(&out)
	if err == nil {
		_, err = w.Write(b)
	}
	if err == nil {
		err = w.Close()
	}
	return out.Bytes(), err
}
