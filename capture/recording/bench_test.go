package recording

import (
	"bytes"
	"io"
	"testing"
)

// benchFrames is the number of frames in the files that the benchmarks read: 132 octets each, what 90 octets over UDP take.
const benchFrames = 100_000

func BenchmarkPcap(b *testing.B) {
	file := pcapHeader(littleEndian, 0xa1b23c4d, 2, 4, 0, linkEthernet)
	for i := range benchFrames {
		file = appendPcapRecord(file, littleEndian, pcapRecordHeader, 0, uint32(i), 132, 132, make([]byte, 132))
	}
	benchmarkNext(b, file)
}

func BenchmarkPcapng(b *testing.B) {
	var file bytes.Buffer
	w := NewWriter(&file, []Interface{{Link: linkEthernet, FCS: -1}}, "")
	for i := range benchFrames {
		w.Write(Record{Data: make([]byte, 132), WireLen: 132, Nanos: int64(i) * 1000, Link: linkEthernet, FCS: -1})
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	benchmarkNext(b, file.Bytes())
}

func benchmarkNext(b *testing.B, file []byte) {
	batch := make([]Record, 256)
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := Open("-", bytes.NewReader(file))
		if err != nil {
			b.Fatal(err)
		}
		frames := 0
		for err == nil {
			var n int
			n, err = r.Next(batch)
			frames += n
		}
		if err != io.EOF || frames != benchFrames {
			b.Fatalf("%d frames, %v", frames, err)
		}
		r.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchFrames, "ns/record")
}

func BenchmarkWriter(b *testing.B) {
	w := NewWriter(io.Discard, []Interface{{Link: linkEthernet, FCS: -1}}, "")
	r := Record{Data: make([]byte, 132), WireLen: 132, Link: linkEthernet, FCS: -1}
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Write(r); err != nil {
			b.Fatal(err)
		}
	}
}
