package frame

import "encoding/binary"

// Next header values that are IPv6 extension headers or say that nothing follows (RFC 8200 section 4). IPv4 shares the
// number space.
const (
	protoHopByHop = 0
	protoRouting  = 43
	protoFragment = 44
	protoNone     = 59
	protoDestOpts = 60
	protoMobility = 135
	protoHIP      = 139
	protoShim6    = 140
)

// Fields of the IP headers.
const (
	ipv4HeaderLen     = 20
	ipv6HeaderLen     = 40
	ipv4MoreFragments = 0x2000
	ipv4OffsetMask    = 0x1fff
	optionJumbo       = 0xc2 // RFC 2675 section 2
)

// internet reads an IP packet of the version that its first octet says. The layer below is not asked: IPv6 under EtherType
// 0x0800 exists.
func (c *cursor) internet() {
	c.linkEnds()
	if !c.deeper() {
		return
	}
	switch c.nibble() {
	case 4:
		c.ipv4()
	case 6:
		c.ipv6()
	default:
		c.incomplete() // absent, or of no known version
	}
}

func (c *cursor) ipv4() {
	start := c.off
	h, ok := c.header(IPv4, ipv4HeaderLen)
	c.f.IPOffset = start
	if !ok {
		return
	}
	headerLen := int(h[0]&0x0f) * 4
	total := int(binary.BigEndian.Uint16(h[2:]))
	if headerLen < ipv4HeaderLen {
		c.f.Defects |= BadHeader
		return
	}
	c.ip, c.version = start, 4
	c.f.IPLength = total
	switch {
	case total == 0: // TSO, BIG TCP
		c.unbounded()
	case total < headerLen:
		c.f.Defects |= BadHeader
		c.take(IPv4Options, headerLen-ipv4HeaderLen)
		c.nameless(h[9])
		return
	default:
		c.narrow(start + total)
	}
	if n := headerLen - ipv4HeaderLen; n > 0 {
		c.take(IPv4Options, n)
	}
	proto := h[9]
	if place := binary.BigEndian.Uint16(h[6:]); place&(ipv4MoreFragments|ipv4OffsetMask) != 0 {
		c.enterFragment(Fragment{
			ID:     uint32(binary.BigEndian.Uint16(h[4:])),
			Offset: place & ipv4OffsetMask * 8,
			More:   place&ipv4MoreFragments != 0,
			Proto:  proto,
		})
	}
	c.protocol(proto)
}

func (c *cursor) ipv6() {
	start := c.off
	h, ok := c.header(IPv6, ipv6HeaderLen)
	c.f.IPOffset = start
	if !ok {
		return
	}
	c.ip, c.version = start, 6
	next, length := h[6], int(binary.BigEndian.Uint16(h[4:]))
	switch {
	case length > 0:
		c.f.IPLength = ipv6HeaderLen + length
		c.narrow(start + ipv6HeaderLen + length)
	case next == protoNone: // really empty: a Teredo bubble (RFC 4380 section 2.8)
		c.f.IPLength = ipv6HeaderLen
		c.narrow(start + ipv6HeaderLen)
	default:
		c.unbounded()
		if n := c.jumbo(next); n > 0 {
			c.narrow(start + ipv6HeaderLen + n)
		}
	}
	c.protocol(next)
}

// unbounded reads a length field of 0 as: the rest of the record, if that can be true.
func (c *cursor) unbounded() {
	if c.left() > maxUnbounded && c.record > len(c.b) {
		c.narrow(len(c.b))
	}
}

// jumbo returns the length of a jumbogram (RFC 2675): an option of the hop-by-hop header that follows; 0 without.
func (c *cursor) jumbo(next uint8) int {
	p := c.peek(8)
	if next != protoHopByHop || len(p) < 8 || p[2] != optionJumbo || p[3] != 4 {
		return 0
	}
	return int(binary.BigEndian.Uint32(p[4:]))
}

// enterFragment notes that the innermost IP packet is a fragment.
func (c *cursor) enterFragment(f Fragment) {
	c.f.Fragment = f
	c.fragment = true
}

// extension reads one IPv6 extension header and returns what follows it.
func (c *cursor) extension(kind uint8) (next uint8, ok bool) {
	p := c.peek(2)
	if len(p) < 2 {
		c.take(IPv6Ext, 8)
		c.incomplete()
		return 0, false
	}
	if kind == protoFragment {
		return c.fragmentHeader()
	}
	next = p[0]
	n := 8 + int(p[1])*8
	if n > c.left() {
		c.f.Defects |= LengthBeyond
	}
	c.take(IPv6Ext, n)
	return next, true
}

// fragmentHeader reads the IPv6 fragment header (RFC 8200 section 4.5). An atomic fragment (RFC 6946) is a whole packet.
func (c *cursor) fragmentHeader() (next uint8, ok bool) {
	h, ok := c.header(IPv6Ext, 8)
	if !ok {
		return 0, false
	}
	if place := binary.BigEndian.Uint16(h[2:]); place&^6 != 0 {
		c.enterFragment(Fragment{
			ID:     binary.BigEndian.Uint32(h[4:]),
			Offset: place &^ 7,
			More:   place&1 != 0,
			Proto:  h[0],
		})
	}
	return h[0], true
}
