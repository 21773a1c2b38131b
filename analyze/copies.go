package analyze

import (
	"encoding/binary"
	"math/bits"

	"wiretax/analyze/flow"
	"wiretax/analyze/frame"
)

// A packet that was captured twice - by a mirror port, on both sides of a bridge or router, by a wireless sniffer that saw
// the link layer repeat it - is no retransmission of its sender. It is recognised by its length and its headers, transport
// checksum included, less what a router changes (TTL or hop limit, IPv4 header checksum), in the same flow and direction,
// shortly before:
//   - within 20 ms where the sender gives its packets different identifications (RFC 6864 section 4.1): a retransmission
//     has a new one, and it comes after a timeout of 200 ms or more (RFC 6298, Linux) or three duplicate acknowledgments;
//   - within 1 ms for other TCP segments that take sequence space, 0.1 ms for a SYN-ACK: it is sent again at once for a SYN
//     that comes again, whenever its own timer last fired;
//   - never for other packets: nobody can tell a copy from a message sent twice.
const (
	copyWindow       = 20_000_000 // nanoseconds
	copyWindowTCP    = 1_000_000  // nanoseconds
	copyWindowSYNACK = 100_000    // nanoseconds
)

// copies remembers the last packets of a shard. Each has two places: with one, every tenth copy of a hundred packets was overlooked.
type copies struct {
	recent [256][2]sighting
}

type sighting struct {
	print uint64
	nanos int64
}

// repeats reports whether the packet was seen shortly before, and remembers it.
func (c *copies) repeats(v *verdict, d *digest) bool {
	window := copyWindowOf(d, v.sender())
	if window == 0 {
		return false
	}
	places := &c.recent[d.print%uint64(len(c.recent))]
	last := &places[0]
	if last.print != d.print && (places[1].print == d.print || places[1].nanos < last.nanos) {
		last = &places[1]
	}
	age := d.nanos - last.nanos
	repeated := last.print == d.print && -window <= age && age <= window
	last.print, last.nanos = d.print, d.nanos
	return repeated
}

// copyWindowOf is how long before a packet its copy may lie, in nanoseconds; 0 for a packet whose copies nobody can tell.
func copyWindowOf(d *digest, me *flow.Stream) int64 {
	if d.is(hasID) {
		if uint8(d.id) != me.ID && me.Is(flow.SawID) {
			me.State |= flow.VariesID
		}
		me.ID = uint8(d.id)
		me.State |= flow.SawID
		if me.Is(flow.VariesID) && d.id != 0 {
			return copyWindow
		}
	}
	if d.proto == frame.ProtoTCP && d.flags&(frame.SYN|frame.ACK) == frame.SYN|frame.ACK {
		return copyWindowSYNACK
	}
	if d.isTCP() && (d.payload > 0 || d.flags&(frame.SYN|frame.FIN) != 0) {
		return copyWindowTCP
	}
	return 0
}

// note keeps by what a copy of the packet would be known.
func (d *digest) note(r *Record, f *frame.Frame) {
	if f.IPOffset < 0 || f.IPOffset >= len(r.Data) || r.Nanos == NoTime {
		return
	}
	packet := r.Data[f.IPOffset:]
	if f.IPLength > 0 && f.IPLength < len(packet) { // a mirror may pad its copies, or strip the padding
		packet = packet[:f.IPLength]
	}
	d.fingerprint(packet)
}

// fingerprint notes what is the same in every copy of an IP packet: its length, the first 8 octets of its header (without the hop
// limit; TTL, IPv4 header checksum and addresses come later) and the 20 octets after a header without options or extensions.
// Options or extension headers may push the TCP header out of these, so its numbers count in any case.
func (d *digest) fingerprint(packet []byte) {
	d.facts |= hasPrint
	h := d.print + (uint64(d.seq)<<32 | uint64(d.ack))
	h += uint64(len(packet))
	after, mutable := 20, uint64(0)
	if packet[0]>>4 == 6 {
		after, mutable = 40, 0xff<<56
	}
	if d.version == 4 && len(packet) >= 6 {
		d.id = binary.BigEndian.Uint16(packet[4:])
		d.facts |= hasID
	}
	if len(packet) < after+20 {
		for _, b := range packet[min(len(packet), after):] {
			h = mix(h, uint64(b))
		}
		if len(packet) >= 8 {
			h = mix(h, binary.LittleEndian.Uint64(packet)&^mutable)
		}
		d.print = h
		return
	}
	p := packet[after : after+20]
	one := mix(h, binary.LittleEndian.Uint64(packet)&^mutable)
	two := mix(binary.LittleEndian.Uint64(p), binary.LittleEndian.Uint64(p[8:]))
	d.print = mix(one+uint64(binary.LittleEndian.Uint32(p[16:])), two)
}

func mix(h, w uint64) uint64 {
	hi, lo := bits.Mul64(h^0x9e3779b97f4a7c15, w^0xd6e8feb86659fd93)
	return hi ^ lo
}
