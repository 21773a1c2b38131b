package frame

import "encoding/binary"

// EtherTypes (https://www.iana.org/assignments/ieee-802-numbers and IEEE's registry).
const (
	typeIPv4         = 0x0800
	typeARP          = 0x0806
	typeRARP         = 0x8035
	typeVLAN         = 0x8100 // 802.1Q C-tag
	typeSVLAN        = 0x88a8 // 802.1ad S-tag
	typeQinQ1        = 0x9100 // before 802.1ad
	typeQinQ2        = 0x9200
	typeQinQ3        = 0x9300
	typeIPv6         = 0x86dd
	typePPP          = 0x880b
	typeMPLS         = 0x8847
	typeMPLSUpstream = 0x8848
	typeDiscovery    = 0x8863 // PPPoE
	typeSession      = 0x8864 // PPPoE
	typePBB          = 0x88e7 // 802.1ah I-tag
	typeMACsec       = 0x88e5 // 802.1AE
	typeHSR          = 0x892f // IEC 62439-3
	typeRTag         = 0xf1c1 // 802.1CB
	typeVNTag        = 0x8926 // 802.1BR's predecessor
	typeFabricPath   = 0x8903 // Cisco
	typeMetaData     = 0x8909 // Cisco
	typeNSH          = 0x894f // RFC 8300
	typeLLDP         = 0x88cc
	typeEAPOL        = 0x888e
	typeLoopback     = 0x9000
	typeBridged      = 0x6558 // Ethernet in a tunnel
)

// Values of the length-or-type field up to maxLength are lengths, from minType on types (IEEE 802.3 clause 3.2.6).
const (
	maxLength = 1500
	minType   = 1536
)

// Lengths of headers.
const (
	ethernetLen = 14
	tagLen      = 4
	islLen      = 26
)

// islAddress begins the destination address of Cisco's Inter-Switch Link, whose frames hold a whole Ethernet frame.
const islAddress = 0x01000c00

func (c *cursor) ethernet() {
	if p := c.peek(islLen); len(p) == islLen && binary.BigEndian.Uint32(p) == islAddress && p[4] == 0 {
		c.take(Link, islLen)
	}
	if h, ok := c.header(Ethernet, ethernetLen); ok {
		c.etherType(binary.BigEndian.Uint16(h[12:]))
	}
}

// etherType reads what a length-or-type field announces.
func (c *cursor) etherType(t uint16) {
	if !c.deeper() {
		return
	}
	switch t {
	case typeIPv4, typeIPv6:
		c.internet()
	case typeVLAN, typeSVLAN, typeQinQ1, typeQinQ2, typeQinQ3:
		if h, ok := c.header(VLAN, tagLen); ok {
			c.enterVLAN(binary.BigEndian.Uint16(h))
			c.etherType(binary.BigEndian.Uint16(h[2:]))
		}
	case typeARP, typeRARP:
		c.arp()
	case typeMPLS, typeMPLSUpstream:
		c.mpls()
	case typeDiscovery, typeSession:
		c.pppoe(t)
	case typePPP:
		c.ppp(PPPoE)
	case typePBB:
		if h, ok := c.header(VLAN, tagLen); ok {
			c.enterVNI(binary.BigEndian.Uint32(h))
			c.ethernet()
		}
	case typeHSR, typeRTag, typeVNTag:
		if h, ok := c.header(VLAN, 6); ok {
			c.etherType(binary.BigEndian.Uint16(h[4:]))
		}
	case typeMACsec:
		c.macsec()
	case typeFabricPath:
		c.take(Link, 2)
		c.ethernet()
	case typeMetaData:
		c.metaData()
	case typeNSH:
		c.nsh()
	case typeBridged:
		c.ethernet()
	default:
		if t <= maxLength {
			c.ieee8023(int(t))
			return
		}
		c.linkEnds()
	}
}

// linkEnds notes where the outermost network header, or what stands in its place, begins.
func (c *cursor) linkEnds() {
	if c.f.IPOffset < 0 {
		c.f.LinkHeader = c.off
	}
}

// arp reads ARP and RARP (RFC 826): the lengths of the addresses give that of the body.
func (c *cursor) arp() {
	c.linkEnds()
	p := c.peek(8)
	n := 28 // Ethernet and IPv4, if the header was not captured
	if len(p) == 8 {
		n = 8 + 2*(int(p[4])+int(p[5]))
	}
	if len(p) < 8 || n > c.left() {
		c.incomplete()
	}
	c.take(ARP, n)
	c.narrow(c.off)
}

// mpls reads a label stack (RFC 3032) and guesses what it carries, as every reader of MPLS must (RFC 4928 section 3).
func (c *cursor) mpls() {
	for {
		h, ok := c.header(MPLS, 4)
		if !ok {
			return
		}
		if h[2]&1 != 0 { // bottom of stack
			break
		}
	}
	switch c.nibble() {
	case 4, 6:
		c.internet()
	case 0:
		if c.controlWord() {
			c.take(MPLS, 4)
			c.ethernet()
			return
		}
		fallthrough
	default:
		if c.plausibleType(12) {
			c.ethernet()
			return
		}
		c.linkEnds()
	}
}

// controlWord reports whether a pseudowire's control word (RFC 4448 section 4.6) follows. The MAC address of a frame without
// one may begin with zeros as well.
func (c *cursor) controlWord() bool {
	return c.peek16(0) == 0 && (c.peek16(2) == 0 || c.plausibleType(4+12))
}

// plausibleType reports whether the two octets at distance n can be the length-or-type field of an Ethernet frame.
func (c *cursor) plausibleType(n int) bool {
	t := c.peek16(n)
	return knownType(t) || t > 2 && t <= maxLength && int(t) <= c.left()-n-2
}

// knownType reports whether t is an EtherType that is common enough to be believed in a guess.
func knownType(t uint16) bool {
	switch t {
	case typeIPv4, typeIPv6, typeARP, typeVLAN, typeSVLAN, typeMPLS, typeDiscovery, typeSession, typePBB, typeMACsec,
		typeNSH, typeBridged, typeLLDP, typeEAPOL, typeLoopback:
		return true
	}
	return false
}

// ieee8023 reads a frame whose type field is a length: 802.2 LLC follows, or Novell's raw IPX.
func (c *cursor) ieee8023(length int) {
	c.narrow(c.off + length)
	if c.peek16(0) == 0xffff {
		c.linkEnds()
		return
	}
	c.llc()
}

// llc reads an 802.2 header: DSAP, SSAP, control (IEEE 802.2 clause 5), and SNAP.
func (c *cursor) llc() {
	p := c.peek(3)
	if len(p) < 3 {
		c.header(LLC, 3)
		return
	}
	n := 3
	if p[2]&3 != 3 { // information and supervisory formats have two octets of control
		n = 4
	}
	switch dsap := p[0]; {
	case dsap == 0xaa && p[2] == 3:
		c.snap()
		return
	case dsap == 0x06: // RFC 948
		c.take(LLC, n)
		c.internet()
		return
	}
	c.header(LLC, n)
	c.linkEnds()
}

// snap reads LLC with SNAP: an organisation and its protocol number (RFC 1042).
func (c *cursor) snap() {
	h, ok := c.header(LLC, 8)
	if !ok {
		return
	}
	pid := binary.BigEndian.Uint16(h[6:])
	switch oui := int(h[3])<<16 | int(h[4])<<8 | int(h[5]); {
	case (oui == 0 || oui == 0xf8) && pid >= minType: // 0000f8: bridge tunnel encapsulation, 802.1H
		c.etherType(pid)
	case oui == 0x0080c2 && (pid == 1 || pid == 7): // bridged Ethernet, RFC 2684 section 5.2
		c.ethernet()
	default:
		c.linkEnds()
	}
}

// pppoe reads PPPoE (RFC 2516 section 4): a session carries PPP, discovery carries tags.
func (c *cursor) pppoe(t uint16) {
	start := c.off
	h, ok := c.header(PPPoE, 6)
	if !ok {
		return
	}
	c.narrow(start + 6 + int(binary.BigEndian.Uint16(h[4:])))
	if t == typeSession {
		c.ppp(PPPoE)
		return
	}
	c.linkEnds()
}

// PPP protocol numbers (https://www.iana.org/assignments/ppp-numbers).
const (
	pppIPv4 = 0x0021
	pppIPv6 = 0x0057
	pppMPLS = 0x0281
)

// ppp reads the PPP protocol field, with address and control where they stand (RFC 1661, RFC 1662), and charges it to o.
func (c *cursor) ppp(o Owner) {
	if c.peek16(0) == 0xff03 {
		c.take(o, 2)
	}
	p := c.peek(2)
	if len(p) == 0 {
		c.header(o, 2)
		return
	}
	protocol := uint16(p[0])
	if p[0]&1 != 0 { // compressed to one octet, RFC 1661 section 6.5
		c.take(o, 1)
	} else if _, ok := c.header(o, 2); ok {
		protocol = binary.BigEndian.Uint16(p)
	}
	switch protocol {
	case pppIPv4, pppIPv6:
		c.internet()
	case pppMPLS:
		c.mpls()
	default:
		c.linkEnds()
	}
}

// macsec reads a SecTAG (IEEE 802.1AE clause 9.3). Without encryption the frame goes on, and the ICV trails it.
func (c *cursor) macsec() {
	const version, secureChannel, encrypted, changed, icvLen = 0x80, 0x20, 0x08, 0x04, 16
	p := c.peek(1)
	n := 6
	if len(p) == 1 && p[0]&secureChannel != 0 {
		n = 14
	}
	if len(p) == 0 || p[0]&version != 0 || c.left() < n+icvLen {
		c.linkEnds()
		return
	}
	if _, ok := c.header(Link, n); !ok || p[0]&(encrypted|changed) != 0 {
		c.linkEnds()
		return
	}
	if h, ok := c.header(Link, 2); ok {
		c.etherType(binary.BigEndian.Uint16(h))
	}
}

// metaData reads the Cisco MetaData header: version, length of the options in 32-bit words, options, EtherType.
func (c *cursor) metaData() {
	p := c.peek(2)
	if len(p) < 2 {
		c.incomplete()
		return
	}
	n := 2 + 4*int(p[1])
	if h, ok := c.header(Link, n+2); ok {
		c.etherType(binary.BigEndian.Uint16(h[n:]))
	}
}
