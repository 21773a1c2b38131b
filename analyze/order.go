package analyze

import (
	"wiretax/analyze/flow"
	"wiretax/analyze/frame"
)

// order is what the records of one flow tell about those of another: it has to see them in the order of capture. Few records
// concern it.
type order struct {
	fragments fragments
	mtus      mtus
	clock     clock
	number    int64 // of records, those that are not analysed included
}

// notable is a record that order has to see: a fragment, a SYN, or a packet longer than plain Ethernet carries.
type notable struct {
	digest   *digest
	fragment frame.Fragment
}

// isNotable reports whether order has to see the record.
func (d *digest) isNotable() bool {
	return d.is(isFragment) || d.length > ethernetMTU || d.proto == frame.ProtoTCP && d.flags&frame.SYN != 0 && d.mss > 0
}

// pass takes the records that concern it.
func (o *order) pass(list []notable, shards uint) {
	for i := range list {
		d := list[i].digest
		switch {
		case d.is(laterFragment):
			o.fragments.join(d, &list[i].fragment, shards)
		case d.is(isFragment):
			o.fragments.add(d, &list[i].fragment)
		}
		if d.is(mtuGiven) {
			continue
		}
		o.mtus.learn(d)
		if d.length > ethernetMTU {
			d.mtu = o.mtus.of(d.iface())
		}
	}
}

// maxRemembered is the number of packets whose first fragment is remembered, and of jumbo SYNs that wait for their answer.
const maxRemembered = 1024

// reassembly is how far apart the fragments of a packet can be, in nanoseconds: what RFC 8200 section 4.5 and RFC 1122 section
// 3.3.2 let a receiver wait. Later, an identification stands for another packet.
const reassembly = 60_000_000_000

// ring is a map of the keys that were added last, maxRemembered of them.
type ring[K comparable, V any] struct {
	places map[K]int
	keys   [maxRemembered]K
	values [maxRemembered]V
	next   int // the oldest
}

// add sets the value of a key, which counts as new whether or not it was there.
func (r *ring[K, V]) add(k K, v V) {
	if r.places == nil {
		r.places = make(map[K]int, maxRemembered)
	}
	if oldest := r.keys[r.next]; r.places[oldest] == r.next {
		delete(r.places, oldest)
	}
	r.places[k], r.keys[r.next], r.values[r.next] = r.next, k, v
	r.next = (r.next + 1) % maxRemembered
}

// of returns the value of a key.
func (r *ring[K, V]) of(k K) (v V, ok bool) {
	place, ok := r.places[k]
	if ok {
		v = r.values[place]
	}
	return v, ok
}

// fragments joins later fragments, which have no ports, to the flow of their packet's first one. A fragment that comes
// before the first, or whose first was not captured, belongs to the flow of its addresses and protocol without ports.
type fragments struct {
	firsts ring[fragmented, firstFragment]
}

// fragmented names a packet that was sent in fragments (RFC 791 section 3.2, RFC 8200 section 4.5).
type fragmented struct {
	ends      [4]uint64
	network   uint64
	id        uint32
	iface     int32
	proto     uint8
	direction int8 // -1 where the addresses do not tell
}

// firstFragment is what a first fragment tells about the later ones.
type firstFragment struct {
	name     flow.Name
	hash     uint32
	seq      uint32 // TCP: sequence number of what would be octet 0 of the packet's payload
	backward fact
	nanos    int64
}

func nameFragmented(d *digest, f *frame.Fragment) fragmented {
	k := fragmented{ends: [4]uint64(d.name[:4]), network: d.name[4]>>48<<32 | d.name[5]>>32, id: f.ID, iface: d.iface(),
		proto: f.Proto, direction: int8(d.direction())}
	if d.name[0] == d.name[2] && d.name[1] == d.name[3] {
		k.direction = -1
	}
	return k
}

// join gives a later fragment the flow of its first one.
func (t *fragments) join(d *digest, f *frame.Fragment, shards uint) {
	first, ok := t.firsts.of(nameFragmented(d, f))
	if !ok || d.nanos != NoTime && first.nanos != NoTime && max(d.nanos-first.nanos, first.nanos-d.nanos) > reassembly {
		return
	}
	d.name, d.hash, d.shard = first.name, first.hash, flow.Shard(first.name.Digest(), shards)
	d.seq = first.seq + uint32(f.Offset)
	d.facts = d.facts&^backward | first.backward | joined
}

// add remembers a first fragment.
func (t *fragments) add(d *digest, f *frame.Fragment) {
	headers := uint32(0)
	if d.proto == frame.ProtoTCP {
		headers = tcpHeaderLen + uint32(d.options)
	}
	t.firsts.add(nameFragmented(d, f), firstFragment{name: d.name, hash: d.hash, seq: d.seq - headers,
		backward: d.facts & backward, nanos: d.nanos})
}

// tcpHeaderLen is the length of a TCP header without options (RFC 9293 section 3.1).
const tcpHeaderLen = 20

// maxInterfaces is the number of interfaces whose MTU is learnt; further ones have 1500.
const maxInterfaces = 1 << 12

// mtus holds the MTU of each interface, in octets of an IP packet, as far as the capture shows more than 1500: two SYNs that
// announce more, or packets that nothing could have glued together: fragments and ICMP.
type mtus struct {
	learnt []uint32              // by number of interface; 0 for nothing learnt
	syns   ring[opening, uint16] // MSS that a jumbo SYN announced
}

// opening is one direction of a flow that a SYN opens.
type opening struct {
	name      flow.Name
	direction int
}

func (m *mtus) of(iface int32) uint32 {
	if int(iface) < len(m.learnt) && iface >= 0 {
		return max(m.learnt[iface], ethernetMTU)
	}
	return ethernetMTU
}

// learn takes what a frame says about the MTU.
func (m *mtus) learn(d *digest) {
	var shown uint32
	switch {
	case d.proto == frame.ProtoTCP && d.flags&frame.SYN != 0:
		headers := uint32(ethernetMTU - usualMSS(d.version))
		if shown = uint32(d.mss) + headers; shown <= m.of(d.iface()) {
			return
		}
		m.syns.add(opening{d.name, d.direction()}, d.mss)
		answered, ok := m.syns.of(opening{d.name, 1 - d.direction()})
		if !ok {
			return
		}
		shown = min(shown, uint32(answered)+headers)
	case d.is(isFragment) && !d.is(laterFragment), d.proto == frame.ProtoICMP, d.proto == frame.ProtoICMPv6:
		if d.length <= ethernetMTU || d.is(incredible) {
			return
		}
		shown = d.packet
	}
	iface := d.iface()
	if shown <= m.of(iface) || iface < 0 || iface >= maxInterfaces {
		return
	}
	for int(iface) >= len(m.learnt) {
		m.learnt = append(m.learnt, 0)
	}
	m.learnt[iface] = shown
}

// clock keeps the time span of the records.
type clock struct {
	known       bool
	first, last int64 // earliest and latest
	start, prev int64 // of the first record and of the last one
	backward    int64 // records earlier than the one before
	without     int64 // records without a time
}

func (c *clock) tick(nanos int64) {
	if nanos == NoTime {
		c.without++
		return
	}
	if !c.known {
		*c = clock{known: true, first: nanos, last: nanos, start: nanos, prev: nanos, without: c.without}
		return
	}
	if nanos < c.prev {
		c.backward++
	}
	c.prev = nanos
	c.first, c.last = min(c.first, nanos), max(c.last, nanos)
}

// follow adds the records of o, which come after those of c.
func (c *clock) follow(o *clock) {
	switch {
	case !o.known:
	case !c.known:
		without := c.without
		*c = *o
		c.without += without
		return
	default:
		if o.start < c.prev {
			c.backward++
		}
		c.prev = o.prev
		c.first, c.last = min(c.first, o.first), max(c.last, o.last)
	}
	c.backward += o.backward
	c.without += o.without
}
