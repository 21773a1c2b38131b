package frame

import "encoding/binary"

// Link types that Parse decodes (https://www.tcpdump.org/linktypes.html).
const (
	LinkNull          LinkType = 0
	LinkEthernet      LinkType = 1
	LinkTokenRing     LinkType = 6
	LinkARCNET        LinkType = 7
	LinkPPP           LinkType = 9
	LinkFDDI          LinkType = 10
	LinkRawBSD        LinkType = 12
	LinkRawOpenBSD    LinkType = 14
	LinkPPPHDLC       LinkType = 50
	LinkPPPEther      LinkType = 51
	LinkATM           LinkType = 100
	LinkRaw           LinkType = 101
	LinkCiscoHDLC     LinkType = 104
	Link80211         LinkType = 105
	LinkFrameRelay    LinkType = 107
	LinkLoop          LinkType = 108
	LinkENC           LinkType = 109
	LinkLinuxSLL      LinkType = 113
	LinkPFLog         LinkType = 117
	LinkPrism         LinkType = 119
	LinkRadiotap      LinkType = 127
	LinkARCNETLinux   LinkType = 129
	LinkAVS           LinkType = 163
	LinkPPPPPPD       LinkType = 166
	LinkPPI           LinkType = 192
	LinkPPPWithDir    LinkType = 204
	LinkHDLCWithDir   LinkType = 205
	LinkFRelayWithDir LinkType = 206
	LinkIPv4          LinkType = 228
	LinkIPv6          LinkType = 229
	LinkNFLog         LinkType = 239
	LinkLinuxSLL2     LinkType = 276
	LinkDSABroadcom   LinkType = 281
	LinkDSA           LinkType = 284
	LinkEDSA          LinkType = 285
)

// link reads the link layers that are no Ethernet. Their headers belong to Link.
func (c *cursor) link(t LinkType) {
	switch t {
	case LinkRaw, LinkRawBSD, LinkRawOpenBSD, LinkIPv4, LinkIPv6:
		c.internet()
	case LinkNull, LinkLoop:
		c.loopback()
	case LinkLinuxSLL:
		c.cooked(16, 14)
	case LinkLinuxSLL2:
		c.cooked(20, 0)
	case LinkPPP, LinkPPPHDLC, LinkPPPPPPD:
		c.serial()
	case LinkPPPWithDir, LinkHDLCWithDir:
		c.take(Link, 1)
		c.serial()
	case LinkCiscoHDLC:
		c.serial()
	case LinkPPPEther:
		c.pppoe(typeSession)
	case LinkFrameRelay:
		c.frameRelay()
	case LinkFRelayWithDir:
		c.take(Link, 1)
		c.frameRelay()
	case Link80211:
		c.wlan()
	case LinkRadiotap:
		c.radiotap()
	case LinkPPI:
		c.ppi()
	case LinkPrism, LinkAVS:
		c.monitorHeader()
	case LinkFDDI:
		if _, ok := c.header(Link, 13); ok {
			c.llc()
		}
	case LinkTokenRing:
		c.tokenRing()
	case LinkATM:
		c.llc()
	case LinkARCNET:
		c.arcnet(2)
	case LinkARCNETLinux:
		c.arcnet(4)
	case LinkENC:
		if _, ok := c.header(Link, 12); ok {
			c.internet()
		}
	case LinkDSABroadcom, LinkDSA:
		c.switchTag(4)
	case LinkEDSA:
		c.switchTag(8)
	case LinkPFLog:
		c.pfLog()
	case LinkNFLog:
		c.nfLog()
	default:
		c.f.Defects |= UnknownLink
	}
}

// loopback reads the address family that BSD puts before a packet, in the byte order of the host that captured it.
func (c *cursor) loopback() {
	h, ok := c.header(Link, 4)
	if !ok {
		return
	}
	family := binary.BigEndian.Uint32(h)
	if family > 0xffff {
		family = binary.LittleEndian.Uint32(h)
	}
	switch family {
	case 2, 10, 23, 24, 26, 28, 30: // AF_INET; AF_INET6 of Linux, Windows, NetBSD, Solaris, FreeBSD, Darwin
		c.internet()
	default:
		if t := binary.BigEndian.Uint16(h[2:]); t >= minType { // some BSD ports store an EtherType
			c.etherType(t)
			return
		}
		c.linkEnds()
	}
}

// cooked reads the header of Linux's "any" device: n octets with the EtherType at distance at.
func (c *cursor) cooked(n, at int) {
	const llc = 0x0004 // ETH_P_802_2 in linux/if_ether.h
	h, ok := c.header(Link, n)
	if !ok {
		return
	}
	switch t := binary.BigEndian.Uint16(h[at:]); {
	case t == llc:
		c.llc()
	case t >= minType:
		c.etherType(t)
	default:
		c.linkEnds()
	}
}

// serial reads PPP in HDLC-like framing and Cisco's HDLC, which are told apart by their first octet.
func (c *cursor) serial() {
	const unicast, multicast, slarp = 0x0f, 0x8f, 0x8035
	p := c.peek(1)
	if len(p) == 0 || p[0] != unicast && p[0] != multicast {
		c.ppp(Link)
		return
	}
	h, ok := c.header(Link, 4)
	if !ok {
		return
	}
	if t := binary.BigEndian.Uint16(h[2:]); t != slarp { // Cisco's SLARP has RARP's number
		c.etherType(t)
		return
	}
	c.linkEnds()
}

// frameRelay reads a Q.922 address and either the NLPID that follows it (RFC 2427) or Cisco's EtherType.
func (c *cursor) frameRelay() {
	const ui, nlpidSNAP, nlpidIPv4, nlpidIPv6 = 0x03, 0x80, 0xcc, 0x8e
	for i := 0; ; i++ { // the last octet of the address has its lowest bit set
		h, ok := c.header(Link, 1)
		if !ok || i == 4 {
			return
		}
		if h[0]&1 != 0 {
			break
		}
	}
	if p := c.peek(1); len(p) == 0 || p[0] != ui {
		if h, ok := c.header(Link, 2); ok {
			c.etherType(binary.BigEndian.Uint16(h))
		}
		return
	}
	c.take(Link, 1)
	if p := c.peek(1); len(p) == 1 && p[0] == 0 { // padding
		c.take(Link, 1)
	}
	h, ok := c.header(Link, 1)
	if !ok {
		return
	}
	switch h[0] {
	case nlpidIPv4, nlpidIPv6:
		c.internet()
	case nlpidSNAP:
		if h, ok := c.header(Link, 5); ok && h[0] == 0 && h[1] == 0 && h[2] == 0 {
			c.etherType(binary.BigEndian.Uint16(h[3:]))
		}
	default:
		c.linkEnds()
	}
}

// tokenRing reads IEEE 802.5 with its source routing field.
func (c *cursor) tokenRing() {
	h, ok := c.header(Link, 14)
	if !ok {
		return
	}
	if h[8]&0x80 != 0 {
		if p := c.peek(1); len(p) == 1 {
			c.take(Link, int(p[0]&0x1f))
		}
	}
	c.llc()
}

// arcnet reads ARCNET: addresses of n octets, the protocol, and for most protocols a fragmentation header (RFC 1201).
func (c *cursor) arcnet(n int) {
	const ip1051, arp1051, ip, arp, rarp = 240, 241, 212, 213, 214
	h, ok := c.header(Link, n+1)
	if !ok {
		return
	}
	protocol := h[n]
	if protocol != ip1051 && protocol != arp1051 {
		if _, ok := c.header(Link, 3); !ok {
			return
		}
	}
	switch protocol {
	case ip, ip1051:
		c.internet()
	case arp, rarp, arp1051:
		c.arp()
	default:
		c.linkEnds()
	}
}

// switchTag reads Ethernet with an in-band tag of n octets between addresses and EtherType, as it passes between a switch
// chip and its host.
func (c *cursor) switchTag(n int) {
	if h, ok := c.header(Link, ethernetLen+n); ok {
		c.etherType(binary.BigEndian.Uint16(h[12+n:]))
	}
}

// pfLog reads the header of OpenBSD's packet filter log: its length without padding, then the address family.
func (c *cursor) pfLog() {
	p := c.peek(1)
	n := 1
	if len(p) == 1 {
		n = (int(p[0]) + 3) &^ 3
	}
	if _, ok := c.header(Link, max(n, 1)); ok {
		c.internet()
	}
}

// nfLog reads netfilter's log: attributes, in the byte order of the host, of which one is the packet.
func (c *cursor) nfLog() {
	const fixed, payload = 4, 9
	if _, ok := c.header(Link, fixed); !ok {
		return
	}
	for c.left() > 0 {
		h, ok := c.header(Link, 4)
		if !ok {
			return
		}
		n, kind := int(binary.LittleEndian.Uint16(h)), binary.LittleEndian.Uint16(h[2:])&0x7fff
		if n < 4 {
			c.f.Defects |= BadHeader
			return
		}
		if kind == payload {
			c.narrow(c.off + n - 4)
			c.internet()
			return
		}
		c.take(Link, (n+3)&^3-4)
	}
}
