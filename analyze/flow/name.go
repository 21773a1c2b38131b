package flow

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"

	"wiretax/analyze/frame"
)

// Name is a frame.Key and the number of an interface, packed to be compared and hashed word by word.
type Name [6]uint64

// Set packs a key, word by word: what was written as words is slow to read as anything longer.
func (n *Name) Set(k *frame.Key, iface int32) {
	n[0], n[1] = word(k.A[:8]), word(k.A[8:])
	n[2], n[3] = word(k.B[:8]), word(k.B[8:])
	n[4] = uint64(k.APort) | uint64(k.BPort)<<16 | uint64(k.Proto)<<32 | uint64(k.IP)<<40 | k.Network>>32<<48
	n[5] = k.Network<<32 | uint64(uint32(iface))
}

// SetPlain packs the key of a plain frame.
func (n *Name) SetPlain(p *frame.Plain, iface int32) {
	n[0], n[1], n[2], n[3] = p.A[0], p.A[1], p.B[0], p.B[1]
	n[4] = uint64(p.APort) | uint64(p.BPort)<<16 | uint64(p.Proto)<<32 | uint64(p.IP)<<40
	n[5] = uint64(uint32(iface))
}

// Key unpacks the key.
func (n *Name) Key() (k frame.Key) {
	putWord(k.A[:8], n[0])
	putWord(k.A[8:], n[1])
	putWord(k.B[:8], n[2])
	putWord(k.B[8:], n[3])
	k.APort, k.BPort = uint16(n[4]), uint16(n[4]>>16)
	k.Proto, k.IP = uint8(n[4]>>32), uint8(n[4]>>40)
	k.Network = n[4]>>48<<32 | n[5]>>32
	return k
}

// equals compares the words that differ most often first.
func (n *Name) equals(o *Name) bool {
	return n[4] == o[4] && n[1] == o[1] && n[3] == o[3] && n[5] == o[5] && n[0] == o[0] && n[2] == o[2]
}

// Digest is a hash that is the same for the same name always, its upper bits better than the lower ones.
func (n *Name) Digest() uint64 {
	h := (n[1]+n[0])*0x9e3779b97f4a7c15 ^ (n[3]+n[2])*0xd6e8feb86659fd93 ^ n[4] ^ n[5]
	return h * 0x9e3779b97f4a7c15
}

// Shard is a number below 2^bits for the digest of a name.
func Shard(digest uint64, bits uint) uint8 { return uint8(digest >> (64 - bits)) }

// Seed makes hashes that a hostile capture cannot foresee: it cannot aim at one slot.
type Seed [6]uint64

// NewSeed returns a random seed.
func NewSeed() (s Seed) {
	for i := range s {
		s[i] = rand.Uint64()
	}
	return s
}

// Hash folds the words of the name by products of 128 bits, two words a product.
func (s *Seed) Hash(n *Name) uint32 {
	h := fold(n[1]^s[1], n[3]^s[3]) ^ fold(n[4]^s[4], n[5]^s[5])
	if n[0]|n[2] != 0 { // an IPv4-mapped address begins with zeros
		h ^= fold(n[0]^s[0], n[2]^s[2])
	}
	return uint32(fold(h^s[0], s[1]))
}

func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

func word(b []byte) uint64       { return binary.BigEndian.Uint64(b) }
func putWord(b []byte, w uint64) { binary.BigEndian.PutUint64(b, w) }
