package traffic

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"
)

// messages composes every message of the workload, written at 1000, 2000, ... ns.
func messages(x *exchange) [][]byte {
	all := make([][]byte, len(x.times))
	for i := range all {
		all[i] = make([]byte, x.size(i))
		x.compose(all[i], int64(i), int64(i+1)*1000)
	}
	return all
}

type counts struct{ delivered, corrupt, duplicated, reordered int64 }

func (in *inbox) counts() counts {
	return counts{in.delivered, in.corrupt, in.duplicated, in.reordered}
}

func TestMessageLayout(t *testing.T) {
	for _, tt := range []struct {
		size int
		want []byte // head of message 0x0102 written at 0x0304 ns
	}{
		{1, []byte{2}},
		{2, []byte{1, 2}},
		{7, []byte{0, 0, 0, 0, 0, 1, 2}},
		{8, []byte{0, 0, 0, 0, 0, 0, 1, 2}},
		{15, []byte{0, 0, 0, 0, 0, 0, 1, 2}},
		{16, []byte{0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 3, 4}},
		{90, []byte{0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 3, 4}},
	} {
		b := make([]byte, tt.size)
		newExchange(Workload{Messages: 0x103, Size: tt.size}.Plan(), 0, 1).compose(b, 0x0102, 0x0304)
		if got := b[:len(tt.want)]; !bytes.Equal(got, tt.want) {
			t.Errorf("size %d: head % x, want % x", tt.size, got, tt.want)
		}
	}
}

func TestInboxDatagrams(t *testing.T) {
	for _, tt := range []struct {
		name string
		size int
		feed func(m [][]byte) [][]byte // 300 messages to datagrams
		want counts
	}{
		{"all in order", 90, func(m [][]byte) [][]byte { return m }, counts{delivered: 300}},
		{"one octet, in order", 1, func(m [][]byte) [][]byte { return m }, counts{delivered: 300}},
		{"one lost", 90, func(m [][]byte) [][]byte { return slices.Delete(m, 7, 8) }, counts{delivered: 299}},
		{"one octet, 127 lost in a row", 1, func(m [][]byte) [][]byte { return slices.Delete(m, 10, 137) }, counts{delivered: 173}},
		{"seven octets, the first 200 lost", 7, func(m [][]byte) [][]byte { return m[200:] }, counts{delivered: 100}},
		{"two swapped", 90, func(m [][]byte) [][]byte { m[3], m[4] = m[4], m[3]; return m }, counts{delivered: 300, reordered: 1}},
		{"one octet, the first comes late", 1, func(m [][]byte) [][]byte { return append(slices.Clone(m[1:100]), m[0]) }, counts{delivered: 100, reordered: 1}},
		{"one twice", 90, func(m [][]byte) [][]byte { return slices.Insert(m, 9, m[2]) }, counts{delivered: 300, duplicated: 1}},
		{"packed by ten", 90, func(m [][]byte) [][]byte {
			var all [][]byte
			for c := range slices.Chunk(m, 10) {
				all = append(all, bytes.Join(c, nil))
			}
			return all
		}, counts{delivered: 300}},
		{"wrong sequence number", 90, func(m [][]byte) [][]byte { m[5][7] ^= 1; return m }, counts{delivered: 299, corrupt: 1}},
		{"sequence number beyond the last", 90, func(m [][]byte) [][]byte { m[5][0] = 0xff; return m }, counts{delivered: 299, corrupt: 1}},
		{"wrong time", 16, func(m [][]byte) [][]byte { m[5][15] ^= 0x80; return m }, counts{delivered: 299, corrupt: 1}},
		{"wrong last octet", 90, func(m [][]byte) [][]byte { m[5][89]++; return m }, counts{delivered: 299, corrupt: 1}},
		{"wrong octet in a duplicate", 90, func(m [][]byte) [][]byte {
			bad := slices.Clone(m[2])
			bad[50]++
			return append(m, bad)
		}, counts{delivered: 300, corrupt: 1}},
		{"cut", 90, func(m [][]byte) [][]byte { m[5] = m[5][:89]; return m }, counts{delivered: 299, corrupt: 1}},
		{"too long", 90, func(m [][]byte) [][]byte { m[5] = append(m[5], 0); return m }, counts{delivered: 300, corrupt: 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := newExchange(Workload{Messages: 300, Size: tt.size}.Plan(), 0, 1)
			in := newInbox(x)
			for _, b := range tt.feed(messages(x)) {
				in.datagram(b, 1_000_000)
			}
			if got := in.counts(); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestInboxNeverWritten(t *testing.T) {
	x := newExchange(Workload{Messages: 2, Size: 90}.Plan(), 0, 1)
	m := slices.Clone(messages(x)[1])
	x.times[1] = 0
	in := newInbox(x)
	in.datagram(m, 1)
	if got, want := in.counts(), (counts{corrupt: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestInboxStream(t *testing.T) {
	for _, size := range []int{1, 7, 8, 16, 90, 4096} {
		for _, piece := range []int{1, 2, 89, 90, 91, 5000, 1 << 20} {
			t.Run(fmt.Sprintf("size %d in pieces of %d", size, piece), func(t *testing.T) {
				x := newExchange(Workload{Messages: 20, Size: size}.Plan(), 0, 1)
				in := newInbox(x)
				for b := range slices.Chunk(bytes.Join(messages(x), nil), piece) {
					in.stream(b, 1_000_000)
				}
				in.close()
				if got, want := in.counts(), (counts{delivered: 20}); got != want {
					t.Errorf("got %+v, want %+v", got, want)
				}
			})
		}
	}
}

// Sizes that differ are told from the sequence number, in whatever pieces it arrives.
func TestInboxOfDrawnSizes(t *testing.T) {
	w := Workload{Messages: 50, Sizes: sizesOf(t, "uniform:8-300"), Seed: 4}
	for _, piece := range []int{1, 3, 7, 8, 100, 1 << 20} {
		x := newExchange(w.Plan(), 1, 3)
		stream, datagrams := newInbox(x), newInbox(newExchange(w.Plan(), 1, 3))
		for b := range slices.Chunk(bytes.Join(messages(x), nil), piece) {
			stream.stream(b, 1_000_000)
		}
		stream.close()
		if got, want := stream.counts(), (counts{delivered: int64(len(x.times))}); got != want || stream.deliveredOctets() == 0 {
			t.Errorf("stream in pieces of %d: got %+v, want %+v", piece, got, want)
		}
		for b := range slices.Chunk(messages(datagrams.exchange), 4) {
			datagrams.datagram(bytes.Join(b, nil), 1_000_000)
		}
		if got, want := datagrams.counts(), (counts{delivered: int64(len(x.times))}); got != want {
			t.Errorf("datagrams of four: got %+v, want %+v", got, want)
		}
	}
	x := newExchange(w.Plan(), 0, 1)
	cut := newInbox(x)
	m := messages(x)
	cut.datagram(m[0][:len(m[0])-1], 1)
	cut.datagram(bytes.Repeat([]byte{0xff}, 20), 1) // two sequence numbers that are none, and a rest
	if got, want := cut.counts(), (counts{corrupt: 4}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestInboxStreamCut(t *testing.T) {
	x := newExchange(Workload{Messages: 3, Size: 90}.Plan(), 0, 1)
	in := newInbox(x)
	in.stream(bytes.Join(messages(x), nil)[:200], 1)
	in.close()
	if got, want := in.counts(), (counts{delivered: 2, corrupt: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestLatency(t *testing.T) {
	for _, tt := range []struct {
		name    string
		written int // message i is written at 1000(i+1) and arrives at 1000(i+1)+i+1
		want    Latency
	}{
		{"none delivered", 0, Latency{}},
		{"one", 1, Latency{1, 1, 1, true}},
		{"two: the lower is the median", 2, Latency{1, 2, 2, true}},
		{"three", 3, Latency{2, 3, 3, true}},
		{"hundred", 100, Latency{50, 99, 100, true}},
		{"thousand", 1000, Latency{500, 990, 1000, true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := newExchange(Workload{Messages: 1000, Size: 8}.Plan(), 0, 1)
			in := newInbox(x)
			for i, m := range messages(x)[:tt.written] {
				in.datagram(m, int64(i+1)*1000+int64(i+1))
			}
			if got := latency(x); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestLatencyIsNeverNegative(t *testing.T) {
	x := newExchange(Workload{Messages: 1, Size: 8}.Plan(), 0, 1)
	in := newInbox(x)
	in.datagram(messages(x)[0], 1)
	if got, want := latency(x), (Latency{Known: true}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestMessagesAllocateNothing(t *testing.T) {
	x := newExchange(Workload{Messages: 1000, Size: 90}.Plan(), 0, 1)
	in := newInbox(x)
	b := make([]byte, 90)
	seq := int64(0)
	if n := testing.AllocsPerRun(900, func() {
		x.compose(b, seq, time.Now().UnixNano())
		in.stream(b[:40], 1)
		in.stream(b[40:], 1)
		seq++
	}); n != 0 {
		t.Errorf("%v allocations a message, want none", n)
	}
}

// Whatever arrives, each message is delivered at most once, and every octet is part of a message or counted as corrupt.
func FuzzInbox(f *testing.F) {
	f.Add(uint16(90), []byte("nonsense"), true)
	f.Add(uint16(1), []byte{0, 1, 2, 3, 255, 4, 4}, false)
	f.Add(uint16(8), bytes.Repeat([]byte{0}, 64), true)
	f.Fuzz(func(t *testing.T, size uint16, b []byte, stream bool) {
		x := newExchange(Workload{Messages: 50, Size: max(1, int(size)%2000)}.Plan(), 0, 1)
		sent := messages(x)
		in := newInbox(x)
		whole := int64(len(b) / x.size(0))
		if stream {
			in.stream(b, 1)
			in.close()
		} else {
			in.datagram(b, 1)
		}
		rest := int64(0)
		if len(b)%x.size(0) != 0 {
			rest = 1
		}
		if got := in.counts(); got.delivered+got.duplicated+got.corrupt != whole+rest {
			t.Errorf("%+v do not add up to %d whole messages and %d rest", got, whole, rest)
		}
		for i, m := range sent {
			if delivered := x.times[i] < 0; delivered && !bytes.Contains(b, m) {
				t.Errorf("message %d was delivered without its octets", i)
			}
		}
	})
}

// The same for sizes that differ: each message once, whatever arrives in whatever pieces, and none without its octets.
func FuzzInboxOfDrawnSizes(f *testing.F) {
	sizes, err := ParseSizes("uniform:8-40")
	if err != nil {
		f.Fatal(err)
	}
	sample := newExchange(Workload{Messages: 30, Sizes: sizes}.Plan(), 0, 1)
	f.Add(bytes.Join(messages(sample), nil), uint8(7), true)
	f.Add(bytes.Repeat([]byte{0}, 64), uint8(1), true)
	f.Add([]byte("nonsense of some length"), uint8(200), false)
	f.Fuzz(func(t *testing.T, b []byte, piece uint8, stream bool) {
		x := newExchange(Workload{Messages: 30, Sizes: sizes}.Plan(), 0, 1)
		sent := messages(x)
		in := newInbox(x)
		for part := range slices.Chunk(b, max(1, int(piece))) {
			if stream {
				in.stream(part, 1)
			} else {
				in.datagram(part, 1)
			}
		}
		in.close()
		if got := in.counts(); got.delivered > int64(len(sent)) || got.delivered+got.duplicated+got.corrupt > int64(len(b)) {
			t.Errorf("%+v of %d octets", got, len(b))
		}
		for i, m := range sent {
			if x.times[i] < 0 && !bytes.Contains(b, m) {
				t.Errorf("message %d was delivered without its octets", i)
			}
		}
	})
}
