package analyze

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestRankIsTheSortedListOfAllFlows(t *testing.T) {
	a := New(Options{})
	random := rand.New(rand.NewPCG(3, 4))
	for i := range 3000 {
		b := udpFrom(uint16(1000+random.IntN(200)), 1+random.IntN(1400))
		if err := a.Add(&Record{Data: b, WireLen: len(b), Nanos: int64(i), Link: 1, FCS: -1}); err != nil {
			t.Fatal(err)
		}
	}
	all := a.Result().Flows
	for by, size := range map[Rank]func(*Flow) float64{
		ByWasted:     func(f *Flow) float64 { return float64(f.Wasted()) },
		ByWire:       func(f *Flow) float64 { return float64(f.WireBytes()) },
		ByPayload:    func(f *Flow) float64 { return float64(f.UniquePayloadBytes()) },
		ByFrames:     func(f *Flow) float64 { return float64(f.AB.Frames + f.BA.Frames) },
		ByEfficiency: func(f *Flow) float64 { return -float64(Over(f.UniquePayloadBytes(), f.WireBytes())) },
	} {
		for _, n := range []int{1, 7, len(all), 10 * len(all)} {
			want := slices.Clone(all)
			slices.SortStableFunc(want, func(x, y Flow) int { return cmp.Compare(size(&y), size(&x)) })
			want = want[:min(n, len(want))]
			got := a.Rank(by, n, nil)
			same := func(x, y Flow) bool { return x.Number == y.Number && x.AB == y.AB }
			if !slices.EqualFunc(got, want, same) {
				t.Errorf("%v, first %d: got %d flows, or others", by, n, len(got))
			}
		}
	}
	odd := a.Rank(ByLast, 5, func(f *Flow) bool { return f.APort%2 == 1 })
	if len(odd) != 5 || !slices.IsSortedFunc(odd, func(x, y Flow) int { return cmp.Compare(y.Last, x.Last) }) {
		t.Errorf("latest odd ports: %+v", odd)
	}
	for _, f := range odd {
		if f.APort%2 == 0 {
			t.Errorf("port %d does not match", f.APort)
		}
	}
}

// udpFrom is an Ethernet frame with a datagram to port 9.
func udpFrom(port uint16, payload int) []byte {
	b := make([]byte, 14+20+8+payload)
	copy(b[12:], []byte{8, 0, 0x45, 0, byte((28 + payload) >> 8), byte(28 + payload)})
	b[22], b[23] = 64, 17
	copy(b[26:], []byte{192, 0, 2, 1, 192, 0, 2, 2, byte(port >> 8), byte(port), 0, 9, byte((8 + payload) >> 8), byte(8 + payload)})
	return b
}
