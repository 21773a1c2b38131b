package flow

import (
	"cmp"
	"iter"
	"slices"
)

// blockFlows is the number of flows a block holds. Flows live in blocks that never move: one growing slice would be
// copied over and over, and would need room for both copies.
const blockFlows = 1024

// Table finds flows by name. It is an open-addressing hash table of 8 octets a slot, filled to three quarters at most,
// over blocks of flows. The zero value is not usable; call New.
type Table struct {
	Holes  Holes // of the flows' streams
	Folded Rest

	seed    Seed
	slots   []slot
	mask    uint32 // the number of slots less 1
	blocks  []*[blockFlows]Flow
	n       int
	max     int
	hand    Ref // the next flow that may have to go
	carried map[direction]*Counts
}

// slot refers to a flow. With the hash beside it, neither growing nor deleting looks at the flows.
type slot struct {
	hash  uint32
	place uint32 // Ref+1; 0 for an empty slot
}

// Rest is what is left of flows that are not kept apart any more.
type Rest struct {
	Flows int64
	Counts
}

// OctetsPerFlow is how much memory a flow takes at most, while the slots double: itself, 8/0.375 octets of slots, and half as
// many of the old ones.
const OctetsPerFlow = 192 + 32

// maxFlows keeps Ref+1 and the number of slots within 32 bits.
const maxFlows = 3 << 29

// New returns an empty table that keeps at most max flows apart; 0 for as many as it can number, 1.6 thousand million.
func New(max int, seed Seed) *Table {
	if max <= 0 || max > maxFlows {
		max = maxFlows
	}
	return &Table{max: max, seed: seed, slots: make([]slot, 64), mask: 63, carried: make(map[direction]*Counts)}
}

// Len is the number of flows.
func (t *Table) Len() int { return t.n }

// At returns the flow at r, which must be one of the table's. It stays where it is as the table grows.
func (t *Table) At(r Ref) *Flow { return &t.blocks[r/blockFlows][r%blockFlows] }

// All iterates over the flows in order of first appearance.
func (t *Table) All() iter.Seq2[Ref, *Flow] {
	return func(yield func(Ref, *Flow) bool) {
		order := t.Order()
		for i := range t.n {
			r := Ref(i)
			if order != nil {
				r = order[i]
			}
			if !yield(r, t.At(r)) {
				return
			}
		}
	}
}

// Order returns the flows in order of first appearance, nil where that is the order of their places: as long as none has
// taken the place of another.
func (t *Table) Order() []Ref {
	if t.Folded.Flows == 0 {
		return nil
	}
	refs := make([]Ref, t.n)
	for i := range refs {
		refs[i] = Ref(i)
	}
	slices.SortFunc(refs, func(a, b Ref) int { return cmp.Compare(t.At(a).Born(), t.At(b).Born()) })
	return refs
}

// Hint is where Warm saw the flow of a hash; 0 for nowhere.
type Hint uint32

// Find returns the flow of a name, whose hash it is told, and its hint. If it was not there it is added: then added is true, and
// the flow has nothing but its name. reverse says that the frame at hand travels from Key.B to Key.A; born is its number.
func (t *Table) Find(n *Name, hash uint32, hint Hint, reverse bool, born int64) (r Ref, added bool) {
	if hint != 0 && t.At(Ref(hint-1)).name.equals(n) {
		return Ref(hint - 1), false
	}
	i := hash & t.mask
	for ; t.slots[i].place != 0; i = (i + 1) & t.mask {
		if s := t.slots[i]; s.hash == hash {
			r := Ref(s.place - 1)
			if f := t.At(r); f.name.equals(n) {
				return r, false
			}
		}
	}
	if t.n < t.max {
		r = t.extend()
	} else {
		r = t.fold()
		for i = hash & t.mask; t.slots[i].place != 0; i = (i + 1) & t.mask { // the slots may have moved up
		}
	}
	f := t.At(r)
	*f = Flow{name: *n}
	f.halves[0].born, f.halves[1].born = uint32(born), uint32(born>>32)
	opener := 0
	if reverse {
		opener = 1
	}
	f.halves[opener].State = Opened
	t.slots[i] = slot{hash, uint32(r + 1)}
	if t.n > len(t.slots)/4*3 {
		t.grow()
	}
	return r, true
}

// extend returns the place of a further flow.
func (t *Table) extend() Ref {
	if t.n%blockFlows == 0 {
		t.blocks = append(t.blocks, new([blockFlows]Flow))
	}
	t.n++
	return Ref(t.n - 1)
}

// grow doubles the slots.
func (t *Table) grow() {
	old := t.slots
	t.slots = make([]slot, 2*len(old))
	t.mask = uint32(len(t.slots) - 1)
	for _, s := range old {
		if s.place == 0 {
			continue
		}
		i := s.hash & t.mask
		for t.slots[i].place != 0 {
			i = (i + 1) & t.mask
		}
		t.slots[i] = s
	}
}

// WarmAtOnce is how many flows fit the first cache of a CPU beside everything else.
const WarmAtOnce = 64

// Warm reads the flows of several hashes, at most WarmAtOnce, so that Find has them in the CPU's cache: the CPU fetches
// several that do not depend on each other at once, where it would wait for one after the other. It leaves hints for Find, which
// hold whatever happens to the table meanwhile. The sum means nothing; it keeps the compiler from leaving the reads out.
func (t *Table) Warm(hashes []uint32, hints *[WarmAtOnce]Hint) (sum uint32) {
	for n, h := range hashes {
		i := h & t.mask
		for t.slots[i].place != 0 && t.slots[i].hash != h {
			i = (i + 1) & t.mask
		}
		hints[n] = Hint(t.slots[i].place)
	}
	for _, h := range hints[:len(hashes)] {
		if h != 0 {
			f := t.At(Ref(h - 1))
			sum += uint32(f.name[4]) + f.halves[0].first + f.halves[1].first
		}
	}
	return sum
}

// fold gives up a flow, adds its figures to Folded, and returns its place. It goes by second chance (the CLOCK algorithm of
// page replacement), which comes close to least recent use but costs no list: a hand goes round, and the first flow that had
// no record since the hand passed it last, or never a second one, has to go.
func (t *Table) fold() Ref {
	for {
		r, f := t.hand, t.At(t.hand)
		if t.hand++; int(t.hand) == t.n {
			t.hand = 0
		}
		if f.halves[0].Is(Recent) || f.halves[1].Is(Recent) {
			f.halves[0].State &^= Recent
			f.halves[1].State &^= Recent
			continue
		}
		for dir := range f.halves {
			c := t.Counts(r, dir)
			t.Folded.Add(&c)
			t.Holes.release(&f.halves[dir].Stream)
			delete(t.carried, direction{r, dir})
		}
		t.Folded.Flows++
		t.vacate(t.seed.Hash(&f.name), uint32(r+1))
		return r
	}
}

// vacate empties the slot of a flow and moves those up that it kept from their place (Knuth, The Art of Computer
// Programming, volume 3, section 6.4, algorithm R).
func (t *Table) vacate(hash, place uint32) {
	i := hash & t.mask
	for t.slots[i].place != place {
		i = (i + 1) & t.mask
	}
	for j := (i + 1) & t.mask; t.slots[j].place != 0; j = (j + 1) & t.mask {
		if home := t.slots[j].hash & t.mask; (j-home)&t.mask >= (j-i)&t.mask {
			t.slots[i] = t.slots[j]
			i = j
		}
	}
	t.slots[i] = slot{}
}
