package recording

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// numberedPcap is a pcap of records one microsecond of the list apart, whose octets are all the low one of their time; they are
// up to 1,500 octets long, so that the end of a chunk falls inside one.
func numberedPcap(rng *rand.Rand, micros []uint32) []byte {
	file := pcapHeader(littleEndian, 0xa1b2c3d4, 2, 4, 65535, 1)
	for _, t := range micros {
		n := uint32(40 + rng.IntN(1460))
		file = appendPcapRecord(file, littleEndian, 16, t/1e6, t%1e6, n, n, bytes.Repeat([]byte{byte(t)}, int(n)))
	}
	return file
}

// A file that is read in place leaves the beginning of its next record in the batch. It stays whole when a further file begins and
// the batch is filled again.
func TestMergeReadsInPlaceUntilAFileBegins(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, batches := range []int{1, 2, 3} {
		dir := t.TempDir()
		var names []string
		var times [4][]uint32
		const records = 12_000
		for i := range uint32(records) {
			at := i / (records / 4)
			if i%3000 > 1500 { // both this file and the next
				at = min(at+i%2, 3)
			}
			times[at] = append(times[at], i)
		}
		for i, list := range times {
			names = append(names, filepath.Join(dir, string(rune('a'+i))))
			if err := os.WriteFile(names[i], numberedPcap(rng, list), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		m, err := OpenAll(t.Context(), names, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		ring := make([]Batch, batches)
		n := int64(0)
		for i := 0; err == nil; i = (i + 1) % batches {
			err = m.Fill(&ring[i])
			for _, r := range ring[i].Records {
				if r.Nanos != n*1000 || !bytes.Equal(r.Data, bytes.Repeat([]byte{byte(n)}, len(r.Data))) {
					t.Fatalf("%d batches: record %d is another: time %d, % x ...", batches, n, r.Nanos, r.Data[:4])
				}
				n++
			}
		}
		if err != io.EOF || n != records {
			t.Errorf("%d batches: %d records, %v", batches, n, err)
		}
	}
}

// A stream may be closed while its decompressor reads it, one decompressor while another does.
func TestCloseWhileDecompressing(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 60_000) // a piece or two of every record
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	file := pcapHeader(littleEndian, 0xa1b2c3d4, 2, 4, 65535, 1)
	for range 50 {
		file = appendPcapRecord(file, littleEndian, 16, 1, 0, 60_000, 60_000, noise)
	}
	file = gzipped(gzipped(file))
	name := filepath.Join(t.TempDir(), "twice.pcap.gz.gz")
	if err := os.WriteFile(name, file, 0o666); err != nil {
		t.Fatal(err)
	}
	for n := range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		names, stdin := []string{"-"}, io.MultiReader(bytes.NewReader(file)) // no file
		if n%2 == 0 {
			names = []string{name}
		}
		m, err := OpenAll(ctx, names, stdin)
		if err != nil {
			t.Fatal(err)
		}
		var b Batch
		for range n % 5 {
			m.Fill(&b)
		}
		cancel()
		m.Close()
	}
}

// endless is a decompression bomb that needs no further octets, and is slower than whoever reads it.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	time.Sleep(100 * time.Microsecond)
	return len(p), nil
}

func TestCloseEndsAnEndlessStream(t *testing.T) {
	for _, shared := range []chan []byte{nil, emptyBuffers(3)} {
		ended := make(chan struct{})
		a := readAhead(t.Context(), shared, func() (io.Reader, func(), error) { return endless{}, func() { close(ended) }, nil })
		if _, err := a.Read(make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		a.Close()
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			t.Errorf("%d shared buffers: still reading", cap(shared))
		}
	}
}
