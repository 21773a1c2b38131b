package analyze

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"wiretax/analyze/frame"
)

// mixed is traffic of n flows: TCP with timestamps, UDP, IPv6, data and ACKs.
func mixed(flows, records int) []Record {
	rng := rand.New(rand.NewPCG(1, 2))
	seq := make([]uint32, flows)
	list := make([]Record, records)
	var file []byte // one run of octets, as a reader has it
	for i := range list {
		f := rng.IntN(flows)
		var p packet
		switch {
		case f%10 < 3:
			p = udp(90)
		case f%2 == 0 && rng.IntN(3) == 0:
			p = tcp(frame.ACK, 0, seq[f], 0, timestamps()...).back()
		default:
			p = tcp(frame.ACK|frame.PSH, seq[f], 0, 120, timestamps()...)
			seq[f] += 120
		}
		p.v6 = f%7 == 0
		p.id = uint16(i)
		b := p.bytes()
		if at := 14 + 12; !p.v6 {
			binary.BigEndian.PutUint16(b[at+2-2*boolean(p.swapped)+4*boolean(p.swapped):], uint16(f))
		} else {
			binary.BigEndian.PutUint16(b[14+8+8+16*boolean(p.swapped):], uint16(f))
		}
		list[i] = Record{WireLen: len(b), Nanos: int64(i) * 1000, Link: 1, FCS: -1}
		file = append(file, b...)
	}
	for i := range list {
		list[i].Data, file = file[:list[i].WireLen:list[i].WireLen], file[list[i].WireLen:]
	}
	return list
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

// again gives the same records over and over, in batches as a file's are.
type again struct {
	records []*Record
	at, n   int // n to come
}

func (a *again) Next(int) ([]*Record, error) {
	if a.n <= 0 {
		return nil, io.EOF
	}
	const batch = 2048
	if a.at+batch > len(a.records) {
		a.at = 0
	}
	list := a.records[a.at : a.at+min(batch, a.n)]
	a.at += batch
	a.n -= batch
	return list, nil
}

// BenchmarkTake is the whole analysis of records that are in memory; an operation is one record.
func BenchmarkTake(b *testing.B) {
	for _, flows := range []int{100, 60_000} {
		list := mixed(flows, 1<<18)
		records := make([]*Record, len(list))
		for i := range list {
			records[i] = &list[i]
		}
		for _, lanes := range []int{1, 2} {
			b.Run(fmt.Sprintf("%d flows/%d lanes", flows, lanes), func(b *testing.B) {
				a := New(Options{})
				b.ReportAllocs()
				b.ResetTimer()
				if err := a.Take(&again{records: records, n: b.N}, lanes); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}

func BenchmarkParseOnly(b *testing.B) {
	list := mixed(60_000, 1<<18)
	var f frame.Frame
	b.ResetTimer()
	for i := range b.N {
		r := &list[i&(1<<18-1)]
		frame.Parse(&f, r.Data, r.WireLen, r.link(), -1)
	}
}
