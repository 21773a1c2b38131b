package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/gopacket/layers"

	"wiretax/capture/recording"
)

// BenchmarkAnalyze is the whole way from a file to the result.
func BenchmarkAnalyze(b *testing.B) {
	const records = 200_000
	for _, flows := range []uint32{16, 50_000} {
		name := filepath.Join(b.TempDir(), "bench.pcapng")
		w, err := recording.Create(name, []recording.Interface{{Link: linkEthernet, FCS: -1}}, "")
		if err != nil {
			b.Fatal(err)
		}
		frame := tcpFrame(false, layers.TCP{ACK: true, PSH: true}, 90)
		for i := range uint32(records) {
			binary.BigEndian.PutUint32(frame[26:], i%flows)    // source address
			binary.BigEndian.PutUint32(frame[38:], i/flows*90) // sequence number
			if err := w.Write(recording.Record{Data: frame, WireLen: len(frame), Nanos: int64(i) * 1000, Link: linkEthernet, FCS: -1}); err != nil {
				b.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("%d flows", flows), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r, err := reading{files: []string{name}, top: 20}.analyze(context.Background())
				if err != nil || r.Totals.Records != records || r.Totals.UniquePayloadBytes != 90*records {
					b.Fatalf("%+v, %v", r, err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/records, "ns/record")
		})
	}
}
