package flow

import (
	"encoding/binary"
	"iter"
	"math/bits"
	"math/rand/v2"

	"wiretax/analyze/frame"
)

// blockFlows is the number of flows a block holds. Flows live in blocks that never move: one growing slice would be
// copied over and over, and would need room for both copies.
const blockFlows = 1024

// Table finds flows by key and interface. It is an open-addressing hash table of 4 octets a slot, filled to three quarters
// at most, over blocks of flows in order of first appearance. The zero value is not usable; call New.
type Table struct {
	Holes Holes // of the flows' streams

	seed    [6]uint64 // random: a hostile capture cannot aim at one slot
	slots   []uint32  // 0 for empty; else the flow's Ref+1 in the bits of mask, and the same upper bits as its hash
	mask    uint32    // the number of slots less 1
	blocks  []*[blockFlows]Flow
	n       int
	max     int
	carried map[direction]*Counts
}

// maxFlows keeps the number of slots within the bits of a hash.
const maxFlows = 3 << 29

// New returns an empty table that takes at most max flows; 0 for as many as it can number, 1.6 thousand million.
func New(max int) *Table {
	if max <= 0 || max > maxFlows {
		max = maxFlows
	}
	t := &Table{max: max, slots: make([]uint32, 64), mask: 63, carried: make(map[direction]*Counts)}
	for i := range t.seed {
		t.seed[i] = rand.Uint64()
	}
	return t
}

// Len is the number of flows.
func (t *Table) Len() int { return t.n }

// At returns the flow at r, which must be one of the table's. It stays where it is as the table grows.
func (t *Table) At(r Ref) *Flow { return &t.blocks[r/blockFlows][r%blockFlows] }

// All iterates over the flows in order of first appearance.
func (t *Table) All() iter.Seq2[Ref, *Flow] {
	return func(yield func(Ref, *Flow) bool) {
		for r := range t.n {
			if !yield(Ref(r), t.At(Ref(r))) {
				return
			}
		}
	}
}

// Find returns the flow of a key on an interface, added if it was not there: then added is true and the flow has nothing
// but its name. reverse says that the frame at hand travels from Key.B to Key.A. Find returns None when the table is full.
func (t *Table) Find(k *frame.Key, iface int32, reverse bool) (r Ref, added bool) {
	name := pack(k, iface)
	h := t.hash(&name)
	i := h & t.mask
	for ; t.slots[i] != 0; i = (i + 1) & t.mask {
		if slot := t.slots[i]; (slot^h)&^t.mask == 0 {
			r := Ref(slot&t.mask - 1)
			if t.At(r).name.equals(&name) {
				return r, false
			}
		}
	}
	if t.n >= t.max {
		return None, false
	}
	return t.insert(&name, h, i, reverse), true
}

// insert puts a new flow into the empty slot i.
func (t *Table) insert(n *name, h, i uint32, reverse bool) Ref {
	if t.n%blockFlows == 0 {
		t.blocks = append(t.blocks, new([blockFlows]Flow))
	}
	r := Ref(t.n)
	f := t.At(r)
	f.name = *n
	if reverse {
		f.halves[1].State = Opened
	} else {
		f.halves[0].State = Opened
	}
	t.n++
	t.slots[i] = h&^t.mask | uint32(t.n)
	if t.n > len(t.slots)/4*3 {
		t.grow()
	}
	return r
}

// grow doubles the slots and places all flows anew: their upper bits are others now.
func (t *Table) grow() {
	t.slots = make([]uint32, 2*len(t.slots))
	t.mask = uint32(len(t.slots) - 1)
	for r, f := range t.All() {
		h := t.hash(&f.name)
		i := h & t.mask
		for t.slots[i] != 0 {
			i = (i + 1) & t.mask
		}
		t.slots[i] = h&^t.mask | uint32(r+1)
	}
}

// hash folds the words of the name by products of 128 bits, two words a product.
func (t *Table) hash(n *name) uint32 {
	h := fold(n[1]^t.seed[1], n[3]^t.seed[3]) ^ fold(n[4]^t.seed[4], n[5]^t.seed[5])
	if n[0]|n[2] != 0 { // an IPv4-mapped address begins with zeros
		h ^= fold(n[0]^t.seed[0], n[2]^t.seed[2])
	}
	return uint32(fold(h^t.seed[0], t.seed[1]))
}

func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// Merge adds the flows of o, in their order. A flow that both tables have gets the sum of the figures; its sequence state
// stays that of t, so what o's records repeated of t's is not found out. Flows that do not fit are handed to rest.
func (t *Table) Merge(o *Table, rest func(*Counts)) {
	for from, g := range o.All() {
		ab, ba := o.Counts(from, 0), o.Counts(from, 1)
		key := g.Key()
		r, added := t.Find(&key, g.Interface(), g.Reversed())
		if r == None {
			ab.Add(&ba)
			rest(&ab)
			continue
		}
		f := t.At(r)
		if added {
			f.First, f.Last = g.First, g.Last
			for dir := range f.halves {
				f.halves[dir].Stream = g.halves[dir].Stream
				f.halves[dir].holes = 0
			}
		}
		f.First, f.Last = min(f.First, g.First), max(f.Last, g.Last)
		t.add(r, 0, &ab)
		t.add(r, 1, &ba)
	}
}

func word(b []byte) uint64       { return binary.BigEndian.Uint64(b) }
func putWord(b []byte, w uint64) { binary.BigEndian.PutUint64(b, w) }
