package main

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/gopacket/layers"
)

// TestCompressionsGiveOneAnswer analyses 10 MB of traffic from a plain file, from every compression, from one in another, and from
// standard input as a file and as a pipe.
func TestCompressionsGiveOneAnswer(t *testing.T) {
	plain := mixedTraffic(10_000_000)
	dir := t.TempDir()
	name := filepath.Join(dir, "plain.pcap")
	if err := os.WriteFile(name, plain, 0o600); err != nil {
		t.Fatal(err)
	}
	want, compression := answer(t, nil, name)
	if compression != "none" {
		t.Errorf("compression %s, want none", compression)
	}
	compare := func(how, wantCompression string, stdin io.Reader, name string) {
		t.Helper()
		got, compression := answer(t, stdin, name)
		if !bytes.Equal(got, want) {
			t.Errorf("%s: the answer differs from that of the plain file", how)
		}
		if compression != wantCompression {
			t.Errorf("%s: compression %s, want %s", how, compression, wantCompression)
		}
	}
	compare("standard input, a file", "none", openFile(t, name), "-")
	compare("standard input, a pipe", "none", io.MultiReader(bytes.NewReader(plain)), "-")
	for _, c := range compressions {
		name := filepath.Join(dir, "capture"+c.end)
		if err := compressed(name, c.compress, bytes.NewReader(plain)); err != nil {
			t.Fatal(err)
		}
		compare(c.name, c.name, nil, name)
		compare(c.name+" on standard input", c.name, openFile(t, name), "-")
	}
	inner, outer := compressions[1], compressions[0]
	name = filepath.Join(dir, "twice")
	if err := compressed(name, outer.compress, openFile(t, filepath.Join(dir, "capture"+inner.end))); err != nil {
		t.Fatal(err)
	}
	compare(inner.name+" in "+outer.name, outer.name, nil, name)
}

// answer is what analyze says as JSON, without the name of the file and its compression, which it returns beside.
func answer(t *testing.T, stdin io.Reader, name string) (rest []byte, compression any) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := wiretax(t.Context(), stdin, &stdout, &stderr, []string{"analyze", "--json", name}); code != 0 {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	var o object
	if err := json.Unmarshal(stdout.Bytes(), &o); err != nil {
		t.Fatal(err)
	}
	source := o["source"].(map[string]any)
	compression = source["compression"]
	maps.DeleteFunc(source, func(key string, _ any) bool { return key == "files" || key == "compression" })
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return b, compression
}

func openFile(t *testing.T, name string) *os.File {
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// mixedTraffic makes a capture of so many octets: datagrams and a TCP stream that loses and repeats some of its segments.
func mixedTraffic(octets int) []byte {
	rng := rand.New(rand.NewPCG(1, 2))
	b := pcapFile(linkEthernet, 0)
	seq := uint32(1 << 31)
	for n := uint32(0); len(b) < octets; n++ {
		var f []byte
		switch size := rng.IntN(1400); rng.IntN(4) {
		case 0:
			f = udpFrame(size)
		case 1:
			f = tcpFrame(true, layers.TCP{ACK: true, Ack: seq}, 0)
		case 2:
			f = tcpFrame(false, layers.TCP{ACK: true, Seq: seq - uint32(rng.IntN(5000)), Ack: 1}, size)
		default:
			f = tcpFrame(false, layers.TCP{ACK: true, Seq: seq, Ack: 1}, size)
			seq += uint32(size)
		}
		b = pcapRecord(b, 1000+n/1000, n%1000*1000, f)
	}
	return b
}
