package flow

import (
	"math"
	"math/rand/v2"
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

// find looks a key up as a record of that number.
func (t *Table) find(k *frame.Key, iface int32, reverse bool, number int64) (Ref, bool) {
	var n Name
	n.Set(k, iface)
	return t.Find(&n, t.seed.Hash(&n), 0, reverse, number)
}

func TestFlowFillsThreeCacheLines(t *testing.T) {
	if got := unsafe.Sizeof(Flow{}); got != 192 {
		t.Errorf("a flow takes %d octets, want 192", got)
	}
}

func TestTableFindsWhatItAddedInOrder(t *testing.T) {
	const flows = 5000 // several blocks, several doublings
	table := New(0, NewSeed())
	for round := range 2 {
		for n := range flows {
			k := key(n)
			r, added := table.find(&k, int32(n%3), n%5 == 0, int64(n))
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
	table := New(0, NewSeed())
	for name, vary := range variants {
		k := base
		vary(&k)
		r, added := table.find(&k, 0, false, 0)
		if !added {
			t.Errorf("%s: the flow was there already", name)
		}
		if got := table.At(r).Key(); got != k {
			t.Errorf("%s: key %+v, want %+v", name, got, k)
		}
	}
	if _, added := table.find(&base, -1, false, 0); !added {
		t.Error("another interface: the flow was there already")
	}
}

func TestFlowsBeyondTheLimitAreFolded(t *testing.T) {
	table := New(3, NewSeed())
	var number int64
	see := func(n int) (added bool) {
		k := key(n)
		r, added := table.find(&k, 0, false, number)
		number++
		if !added {
			table.At(r).Stream(0).State |= Recent
		}
		table.Charge(r, table.At(r), 0, Data, 1, 1<<32+int64(n), 0, 54, 100)
		table.Holes.Insert(table.At(r).Stream(0), 1, 10)
		table.Holes.Insert(table.At(r).Stream(0), 21, 10)
		return added
	}
	for _, step := range []struct {
		flow int
		new  bool
	}{
		{0, true}, {1, true}, {2, true}, {0, false}, // 0 has a second chance
		{3, true},             // in the place of 1
		{0, false}, {2, true}, // 2 was not used again, so that it went for 3 or goes for 1
	} {
		if got := see(step.flow); got != step.new && step.flow != 2 {
			t.Errorf("flow %d: new %v, want %v", step.flow, got, step.new)
		}
	}
	sum := table.Folded.Counts
	for r := range table.All() {
		c := table.Counts(r, 0)
		sum.Add(&c)
	}
	if table.Len() != 3 || sum.Records != number || sum.Header != 54*number || sum.Payload>>32 != number {
		t.Errorf("%d flows, in all %+v of %d records", table.Len(), sum, number)
	}
	for range 1000 {
		see(int(number) * 7 % 50)
	}
	if len(table.Holes.sets) > 5 || len(table.carried) > 3 {
		t.Errorf("%d sets of holes, %d carried figures for 3 flows", len(table.Holes.sets), len(table.carried))
	}
}

// TestSlotsSurviveFolding compares the table with a map while flows come and go. Hints are from before they did.
func TestSlotsSurviveFolding(t *testing.T) {
	const limit = 97
	table, rng := New(limit, NewSeed()), rand.New(rand.NewPCG(1, 2))
	born := map[int]int64{}
	var numbers [WarmAtOnce]int
	var names [WarmAtOnce]Name
	var hashes [WarmAtOnce]uint32
	var hints [WarmAtOnce]Hint
	for number := range int64(20_000) {
		i := int(number) % WarmAtOnce
		if i == 0 {
			for i := range numbers {
				numbers[i] = int(number)/40 + rng.IntN(150)
				k := key(numbers[i])
				names[i].Set(&k, 0)
				hashes[i] = table.seed.Hash(&names[i])
			}
			table.Warm(hashes[:], &hints)
		}
		n, k := numbers[i], key(numbers[i])
		r, added := table.Find(&names[i], hashes[i], hints[i], false, number)
		f := table.At(r)
		if f.Key() != k {
			t.Fatalf("record %d: flow %d has key %+v", number, n, f.Key())
		}
		if added {
			born[n] = number
		} else {
			f.Stream(0).State |= Recent
		}
		if f.Born() != born[n] {
			t.Fatalf("record %d: flow %d was born at %d, want %d", number, n, f.Born(), born[n])
		}
	}
	used, last := 0, int64(-1)
	for _, s := range table.slots {
		if s.place != 0 {
			used++
		}
	}
	for _, f := range table.All() {
		if f.Born() <= last {
			t.Errorf("flow born at %d comes after one born at %d", f.Born(), last)
		}
		last = f.Born()
	}
	if used != limit || table.Len() != limit || table.Folded.Flows == 0 {
		t.Errorf("%d slots used, %d flows, %d folded, want %d flows", used, table.Len(), table.Folded.Flows, limit)
	}
}

func TestCountersHoldMoreThanTheirFields(t *testing.T) {
	table := New(0, NewSeed())
	k := key(0)
	r, _ := table.find(&k, 0, false, 0)
	var want Counts
	for i := range 700 {
		role := Role(i % NumRoles)
		big := int64(math.MaxUint32) - int64(i)
		table.Charge(r, table.At(r), 1, role, 1000, big, big-1, big-2, big-3)
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

func BenchmarkFind(b *testing.B) {
	for _, bench := range []struct {
		name  string
		flows int
	}{{"100 flows", 100}, {"100k flows", 100_000}} {
		b.Run(bench.name, func(b *testing.B) {
			table := New(0, NewSeed())
			keys := make([]frame.Key, bench.flows)
			for n := range keys {
				keys[n] = key(n * 7919 % bench.flows)
				table.find(&keys[n], 0, false, 0)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				table.find(&keys[i*31%bench.flows], 0, false, 0)
			}
			octets := len(table.blocks)*int(unsafe.Sizeof(*table.blocks[0])) + 8*len(table.slots)
			b.ReportMetric(float64(octets)/float64(table.Len()), "octets/flow")
		})
	}
}
