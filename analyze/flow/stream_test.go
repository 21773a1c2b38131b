package flow

import (
	"math/rand/v2"
	"testing"
)

func TestInsertTellsNewFromRepeated(t *testing.T) {
	type segment struct {
		seq  uint32
		n    int
		want int // octets not seen before
	}
	const high = 0xffffff00 // 256 below the wrap
	tests := []struct {
		name     string
		segments []segment
	}{
		{"in order", []segment{{100, 10, 10}, {110, 10, 10}}},
		{"whole repetition", []segment{{100, 10, 10}, {100, 10, 0}}},
		{"half old, half new", []segment{{100, 10, 10}, {105, 10, 5}}},
		{"repetition that covers more than before", []segment{{100, 10, 10}, {110, 10, 10}, {100, 25, 5}}},
		{"hole filled", []segment{{100, 10, 10}, {120, 10, 10}, {110, 10, 10}, {110, 10, 0}}},
		{"hole filled in two parts", []segment{{100, 10, 10}, {120, 10, 10}, {110, 4, 4}, {114, 6, 6}, {100, 30, 0}}},
		{"hole filled from its middle", []segment{{100, 10, 10}, {120, 10, 10}, {113, 4, 4}, {100, 30, 6}}},
		{"segment over two holes", []segment{{100, 10, 10}, {120, 10, 10}, {140, 10, 10}, {105, 50, 25}}},
		{"half in a hole, half repeated", []segment{{100, 10, 10}, {120, 10, 10}, {115, 10, 5}, {110, 10, 5}}},
		{"capture that begins in the middle, out of order", []segment{{100, 10, 10}, {90, 10, 10}, {90, 10, 0}}},
		{"earlier than the first with a gap", []segment{{100, 10, 10}, {80, 10, 10}, {90, 10, 10}, {80, 30, 0}}},
		{"wrap-around", []segment{{high, 200, 200}, {high + 200, 200, 200}, {high + 200, 200, 0}, {144, 10, 10}}},
		{"hole across the wrap", []segment{{high, 100, 100}, {44, 100, 100}, {high + 100, 200, 200}, {high, 400, 0}}},
		{"so far away that it is another connection", []segment{{100, 10, 10}, {100 + reach + 11, 10, 10}, {100, 10, 10}}},
		{"empty segment ahead: the octets between may still come", []segment{{100, 10, 10}, {120, 0, 0}, {110, 10, 10}}},
		{"longer than any window", []segment{{100, 10, 10}, {110, reach, reach}, {110, 10, 10}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var h Holes
			var s Stream
			for i, seg := range test.segments {
				if got := h.Insert(&s, seg.seq, seg.n); got != seg.want {
					t.Errorf("segment %d: %d new octets, want %d", i+1, got, seg.want)
				}
			}
		})
	}
}

func TestFINIsNewOnce(t *testing.T) {
	var h Holes
	var s Stream
	h.Insert(&s, 100, 10)
	for i, want := range []bool{true, false, false} {
		if got := h.FIN(&s, 110); got != want {
			t.Errorf("FIN %d: new is %v", i+1, got)
		}
	}
	if s.Next() != 111 {
		t.Errorf("next is %d, want 111", s.Next())
	}
}

func TestHolesAreBounded(t *testing.T) {
	var h Holes
	var s Stream
	for i := range uint32(3 * setSpans) {
		h.Insert(&s, 1000+20*i, 10)
	}
	if got := h.Insert(&s, 1000, 20*setSpans); got != 0 {
		t.Errorf("%d octets of the forgotten holes are new, want 0", got)
	}
	if got := h.Insert(&s, 1000, 20*3*setSpans); got != 10*setSpans+10 {
		t.Errorf("%d octets of the remembered holes are new, want %d", got, 10*setSpans+10)
	}
}

func TestSetsOfHolesAreGivenBack(t *testing.T) {
	var h Holes
	for range 1 << 17 {
		var s Stream
		h.Insert(&s, 100, 10)
		h.Insert(&s, 120, 10)
		h.Insert(&s, 110, 10)
	}
	if len(h.sets) > 2 {
		t.Errorf("%d sets were taken, want 1", len(h.sets)-1)
	}
	streams := make([]Stream, 1<<16+10)
	for i := range streams {
		h.Insert(&streams[i], 100, 10)
		h.Insert(&streams[i], 120, 10)
	}
	if len(h.sets) != 1<<16 {
		t.Errorf("%d sets were taken, want the limit of 65535", len(h.sets)-1)
	}
}

// FuzzInsert compares with a set of single numbers.
func FuzzInsert(f *testing.F) {
	f.Add(uint32(0xfffffff0), []byte{0, 10, 20, 10, 10, 10, 0, 40})
	f.Add(uint32(7), []byte{50, 3, 0, 3, 40, 20, 10, 10, 30, 1})
	f.Fuzz(func(t *testing.T, base uint32, moves []byte) {
		var h Holes
		var s Stream
		seen := map[uint32]bool{}
		for i := 0; i+1 < len(moves) && i < 2*setSpans; i += 2 { // each makes one hole at most
			seq, n := base+4*uint32(moves[i]), int(moves[i+1])
			want := 0
			for o := range uint32(n) {
				if !seen[seq+o] {
					seen[seq+o] = true
					want++
				}
			}
			if got := h.Insert(&s, seq, n); got != want {
				t.Fatalf("move %d (%d octets at %d): %d new, want %d", i/2, n, seq-base, got, want)
			}
		}
	})
}

func BenchmarkInsert(b *testing.B) {
	b.Run("in order", func(b *testing.B) {
		var h Holes
		var s Stream
		seq := uint32(0)
		for b.Loop() {
			h.Insert(&s, seq, 1448)
			seq += 1448
		}
	})
	b.Run("every tenth late", func(b *testing.B) {
		var h Holes
		var s Stream
		rng := rand.New(rand.NewPCG(1, 1))
		seq, late := uint32(0), uint32(0)
		b.ReportAllocs()
		for b.Loop() {
			if late == 0 && rng.IntN(10) == 0 {
				late, seq = seq, seq+1448
			}
			h.Insert(&s, seq, 1448)
			seq += 1448
			if late != 0 && rng.IntN(10) == 0 {
				h.Insert(&s, late, 1448)
				late = 0
			}
		}
	})
}
