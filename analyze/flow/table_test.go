package flow

import (
	"math"
	"net/netip"
	"testing"
	"unsafe"

	"wiretax/analyze/frame"
)

// key is the n-th of a row of different flows, IPv6 for odd numbers.
func key(n int) frame.Key {
	k := frame.Key{APort: uint16(n), BPort: 443, Proto: frame.ProtoTCP, IP: 4}
	if n%2 == 1 {
		k.IP = 6
		k.A = netip.MustParseAddr("2001:db8::1").As16()
		k.B = netip.MustParseAddr("2001:db8::2").As16()
		k.A[14], k.A[13] = byte(n>>16), byte(n>>24)
		return k
	}
	k.A = netip.MustParseAddr("::ffff:192.0.2.1").As16()
	k.B = netip.MustParseAddr("::ffff:198.51.100.2").As16()
	k.A[13], k.A[14] = byte(n>>16), byte(n>>24)
	return k
}

func TestFlowFillsThreeCacheLines(t *testing.T) {
	if got := unsafe.Sizeof(Flow{}); got != 192 {
		t.Errorf("a flow takes %d octets, want 192", got)
	}
}

func TestTableFindsWhatItAddedInOrder(t *testing.T) {
	const flows = 5000 // several blocks, several doublings
	table := New(0)
	for round := range 2 {
		for n := range flows {
			k := key(n)
			r, added := table.Find(&k, int32(n%3), n%5 == 0)
			if int(r) != n || added != (round == 0) {
				t.Fatalf("round %d: flow %d is at %d, added %v", round, n, r, added)
			}
		}
	}
	n := 0
	for r, f := range table.All() {
		if int(r) != n || f.Key() != key(n) || f.Interface() != int32(n%3) || f.Reversed() != (n%5 == 0) {
			t.Fatalf("flow %d: at %d %+v interface %d reversed %v", n, r, f.Key(), f.Interface(), f.Reversed())
		}
		n++
	}
	if n != flows || table.Len() != flows {
		t.Errorf("%d flows, Len %d, want %d", n, table.Len(), flows)
	}
}

func TestKeysThatDifferInOneFieldAreDifferentFlows(t *testing.T) {
	base := frame.Key{APort: 1, BPort: 2, Proto: 17, IP: 6, Network: 1<<47 | 1<<24 | 7<<12 | 9}
	variants := map[string]func(*frame.Key){
		"nothing":             func(*frame.Key) {},
		"address A, first":    func(k *frame.Key) { k.A[0] = 1 },
		"address A, last":     func(k *frame.Key) { k.A[15] = 1 },
		"address B, first":    func(k *frame.Key) { k.B[0] = 1 },
		"address B, last":     func(k *frame.Key) { k.B[15] = 1 },
		"port A":              func(k *frame.Key) { k.APort = 0x8001 },
		"port B":              func(k *frame.Key) { k.BPort = 0x8002 },
		"protocol":            func(k *frame.Key) { k.Proto = 6 },
		"version":             func(k *frame.Key) { k.IP = 4 },
		"VLAN":                func(k *frame.Key) { k.Network ^= 1 },
		"highest bit of VNI":  func(k *frame.Key) { k.Network ^= 1 << 47 },
		"lowest bit of VNI":   func(k *frame.Key) { k.Network ^= 1 << 24 },
		"middle of the VNI":   func(k *frame.Key) { k.Network ^= 1 << 33 },
		"outer VLAN, highest": func(k *frame.Key) { k.Network ^= 1 << 23 },
	}
	table := New(0)
	for name, vary := range variants {
		k := base
		vary(&k)
		r, added := table.Find(&k, 0, false)
		if !added {
			t.Errorf("%s: the flow was there already", name)
		}
		if got := table.At(r).Key(); got != k {
			t.Errorf("%s: key %+v, want %+v", name, got, k)
		}
	}
	if _, added := table.Find(&base, -1, false); !added {
		t.Error("another interface: the flow was there already")
	}
}

func TestTableTakesNoMoreThanItsLimit(t *testing.T) {
	table := New(2)
	for n, want := range []Ref{0, 1, None, None} {
		k := key(n)
		if r, _ := table.Find(&k, 0, false); r != want {
			t.Errorf("flow %d is at %d, want %d", n, r, want)
		}
	}
	k := key(1)
	if r, added := table.Find(&k, 0, false); r != 1 || added {
		t.Errorf("a flow of the full table is at %d, added %v", r, added)
	}
}

func TestCountersHoldMoreThanTheirFields(t *testing.T) {
	table := New(0)
	k := key(0)
	r, _ := table.Find(&k, 0, false)
	var want Counts
	for i := range 700 {
		role := Role(i % NumRoles)
		big := int64(math.MaxUint32) - int64(i)
		table.Charge(r, 1, role, 1000, big, big-1, big-2, big-3)
		want.Add(&Counts{Records: 1, Payload: big, Repeated: big - 1, Header: big - 2, Wire: big - 3})
		want.Frames[role] += 1000
	}
	if got := table.Counts(r, 1); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got := table.Counts(r, 0); got != (Counts{}) {
		t.Errorf("the other direction has %+v", got)
	}
	if want.AllFrames() != 700_000 {
		t.Errorf("%d frames, want 700000", want.AllFrames())
	}
}

func TestMergeAddsFlows(t *testing.T) {
	a, b := New(3), New(0)
	charge := func(t *Table, n int, payload int64) {
		k := key(n)
		r, added := t.Find(&k, 0, n == 2)
		if f := t.At(r); added {
			f.First, f.Last = payload, payload
		}
		t.Charge(r, 0, Data, 1, payload, 0, 54, payload+78)
	}
	charge(a, 0, 10)
	charge(a, 1, 20)
	charge(b, 1, 5<<32) // more than a counter holds
	charge(b, 2, 40)
	charge(b, 3, 50) // does not fit
	var rest Counts
	a.Merge(b, func(c *Counts) { rest.Add(c) })

	for n, want := range []int64{10, 20 + 5<<32, 40} {
		if c := a.Counts(Ref(n), 0); c.Payload != want || a.At(Ref(n)).Key() != key(n) {
			t.Errorf("flow %d: payload %d, want %d", n, c.Payload, want)
		}
	}
	if f := a.At(1); f.First != 20 || f.Last != 5<<32 {
		t.Errorf("flow 1 lasts from %d to %d", f.First, f.Last)
	}
	if !a.At(2).Reversed() || a.At(1).Reversed() {
		t.Error("the direction of the first frame got lost")
	}
	if rest.Payload != 50 || rest.Records != 1 {
		t.Errorf("the rest is %+v, want 1 record of 50", rest)
	}
}

func BenchmarkFind(b *testing.B) {
	for _, bench := range []struct {
		name  string
		flows int
	}{{"100 flows", 100}, {"100k flows", 100_000}} {
		b.Run(bench.name, func(b *testing.B) {
			table := New(0)
			keys := make([]frame.Key, bench.flows)
			for n := range keys {
				keys[n] = key(n * 7919 % bench.flows)
				table.Find(&keys[n], 0, false)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				table.Find(&keys[i*31%bench.flows], 0, false)
			}
			octets := len(table.blocks)*int(unsafe.Sizeof(*table.blocks[0])) + 4*len(table.slots)
			b.ReportMetric(float64(octets)/float64(table.Len()), "octets/flow")
		})
	}
}
