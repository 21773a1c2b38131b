package frame

import (
	"encoding/binary"
	"hash/crc32"
)

// maxTrailer is how many octets after the end of a packet are believed without having been captured: 46 of padding (IEEE
// 802.3 clause 4.2.3.3), the FCS and a capture card's time stamp. Captured octets need no belief.
const maxTrailer = 64

// maxUnbounded is the longest record that is believed where no length field speaks. Linux builds super-frames of at most
// 512 KiB (GSO_MAX_SIZE in include/linux/netdevice.h) and libpcap captures at most 256 KiB (MAXIMUM_SNAPLEN).
const maxUnbounded = 1 << 20

// Parse reads the record b, whose original length is wireLen, of link type link, and overwrites f with what it finds. fcs
// is the number of FCS octets that the file says each frame ends with, -1 if it does not say.
//
// The measured owners of f.Ledger add up to wireLen whatever b holds. What Ethernet adds around the recorded octets is
// inferred for LinkEthernet only, and not where the original length cannot be true.
func Parse(f *Frame, b []byte, wireLen int, link LinkType, fcs int) {
	*f = Frame{}
	f.IPOffset, f.PayloadOffset = -1, -1
	wireLen = max(wireLen, 0)
	if len(b) > wireLen {
		b = b[:wireLen]
		f.Defects |= LengthBelowCapture
	}
	var c cursor // field by field: the compiler builds a literal twice
	c.f, c.b, c.end, c.record, c.fcs = f, b, wireLen, wireLen, fcs
	if fcs > 0 {
		c.end = max(wireLen-fcs, 0)
	}
	if link == LinkEthernet {
		c.ethernet()
	} else {
		f.Defects |= NoEthernet
		c.link(link)
	}
	c.rest()
	if c.off < wireLen {
		c.trail()
	} else if wireLen > maxUnbounded && wireLen > len(b) {
		f.Defects |= SurplusLength
	}
	if f.Defects&(NoEthernet|SurplusLength|LengthBelowCapture) == 0 {
		infer(&f.Ledger, wireLen)
	}
}

// trail charges what follows the end of the packet: padding, trailers, FCS, and octets that cannot have been there.
func (c *cursor) trail() {
	c.end = c.record
	switch {
	case c.record-max(c.off, len(c.b)) > maxTrailer:
		c.take(Padding, len(c.b)-c.off)
		c.f.Defects |= SurplusLength
		c.take(Other, c.left())
	case c.fcs > 0 && c.left() >= c.fcs:
		c.take(Padding, c.left()-c.fcs)
		c.take(FCS, c.left())
	case c.fcs < 0 && c.endsWithFCS():
		c.take(Padding, c.left()-FCSLen)
		c.take(FCS, FCSLen)
	default:
		c.take(Padding, c.left())
	}
}

// endsWithFCS reports whether the last four octets are the CRC-32 of all before them (IEEE 802.3 clause 3.2.9). Padding of
// zeros is recognised without computing it.
func (c *cursor) endsWithFCS() bool {
	n := len(c.b) - FCSLen
	if len(c.b) < c.record || n < c.off {
		return false
	}
	sum := binary.LittleEndian.Uint32(c.b[n:])
	return sum != 0 && sum == crc32.ChecksumIEEE(c.b[:n])
}

// infer adds what Ethernet puts around the recorded octets.
func infer(l *Ledger, wireLen int) {
	fcs := int(l[FCS])
	l[Preamble] = PreambleLen
	l[Gap] = GapLen
	l[InferredFCS] = int64(max(FCSLen-fcs, 0))
	l[Fill] = int64(max(MinFrame-(wireLen-fcs), 0))
}
