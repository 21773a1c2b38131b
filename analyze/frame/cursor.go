package frame

import "encoding/binary"

// maxLayers bounds the nesting of encapsulations. Real stacks stay under twenty.
const maxLayers = 64

// cursor walks one record from its first octet to its last. Every octet it passes is charged to one owner, so that the
// ledger adds up by construction.
//
// Positions are those of the frame on the wire: in a cut capture off and end may lie beyond the captured octets, because
// lengths come from the headers.
type cursor struct {
	f      *Frame
	b      []byte // captured octets, never more than the record has
	off    int    // next octet
	end    int    // end of the innermost layer that has a length field
	record int    // original length
	fcs    int    // as the file says, -1 unknown

	layers   int
	fragment bool   // inside an IP fragment: length fields of the layers above speak of the whole packet
	ip       int    // offset of the innermost IP header
	version  uint8  // of the innermost IP header
	network  uint64 // Key.Network for the next flow that is named
}

// take moves n octets forward, at most to the end of the layer, and charges them to o. It returns those that were captured.
func (c *cursor) take(o Owner, n int) []byte {
	from := c.off
	n = max(min(n, c.end-from), 0)
	c.off = from + n
	c.f.Ledger[o] += int64(n)
	if c.off <= len(c.b) {
		return c.b[from:c.off]
	}
	return c.b[min(from, len(c.b)):]
}

// header takes a header of n octets and reports whether all of it was captured. Where it was not, the defect is noted.
func (c *cursor) header(o Owner, n int) ([]byte, bool) {
	h := c.take(o, n)
	if len(h) < n {
		c.incomplete()
		return h, false
	}
	return h, true
}

// incomplete notes that a header ends too early: cut with the record, or by the length field of a layer below.
func (c *cursor) incomplete() {
	switch whole := len(c.b) == c.record; {
	case c.fragment && whole: // the next fragment may hold the rest
	case c.off >= len(c.b):
		c.f.Defects |= CutInHeader
	default:
		c.f.Defects |= BadHeader
	}
}

// peek returns the next n octets, or as many as the layer holds and the capture contains.
func (c *cursor) peek(n int) []byte {
	to := min(c.off+n, c.end, len(c.b))
	if to <= c.off {
		return nil
	}
	return c.b[c.off:to]
}

// peek16 returns the 16-bit word at distance n from the cursor; 0 where it was not captured.
func (c *cursor) peek16(n int) uint16 {
	p := c.peek(n + 2)
	if len(p) < n+2 {
		return 0
	}
	return binary.BigEndian.Uint16(p[n:])
}

// nibble returns the high four bits of the next octet: the version, where an IP header follows.
func (c *cursor) nibble() uint8 {
	if p := c.peek(1); len(p) == 1 {
		return p[0] >> 4
	}
	return 0
}

// left is the number of octets up to the end of the layer.
func (c *cursor) left() int { return c.end - c.off }

// narrow ends the layer at to, as a length field says.
func (c *cursor) narrow(to int) {
	switch {
	case to <= c.end:
		c.end = max(to, c.off)
	case to <= c.record && c.end == c.record-c.trailer():
		c.end = to // the packet reaches into what the file calls FCS: this frame has none
	default:
		c.f.Defects |= LengthBeyond
	}
}

// trailer is the number of octets that the file says follow every frame.
func (c *cursor) trailer() int { return max(c.fcs, 0) }

// deeper counts one more layer and reports whether there may be one.
func (c *cursor) deeper() bool {
	c.layers++
	if c.layers > maxLayers {
		c.f.Defects |= TooManyLayers
		return false
	}
	return true
}

// payload charges the rest of the layer to Payload.
func (c *cursor) payload() {
	if c.left() > 0 && c.f.PayloadOffset < 0 {
		c.f.PayloadOffset = c.off
	}
	c.take(Payload, c.left())
}

// rest charges what nobody decoded: above a transport header it is payload, whatever it holds.
func (c *cursor) rest() {
	if c.f.HasTransport {
		c.payload()
		return
	}
	c.take(Other, c.left())
}
