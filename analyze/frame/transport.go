package frame

import "encoding/binary"

// Protocol numbers of tunnels (https://www.iana.org/assignments/protocol-numbers).
const (
	protoIPv4     = 4
	protoIPv6     = 41
	protoMPLS     = 137
	protoEtherIP  = 97
	protoEthernet = 143
)

// Lengths of the fixed headers.
const (
	udpLen       = 8
	sctpLen      = 12
	dccpLen      = 12
	sctpChunkLen = 4
	sctpDataLen  = 16 // DATA chunk header, RFC 9260 section 3.3.1
	sctpIDataLen = 20 // I-DATA chunk header, RFC 8260 section 2.1
)

// protocol reads what the IP header says follows it.
func (c *cursor) protocol(p uint8) {
	for {
		if c.fragment && c.f.Fragment.Offset > 0 {
			c.laterFragment(p)
			return
		}
		switch p {
		case ProtoTCP:
			c.tcp()
		case ProtoUDP, ProtoUDPLite:
			c.udp(p)
		case ProtoICMP, ProtoICMPv6, ProtoIGMP:
			c.name(p, 0, 0)
			c.take(ICMP, c.left())
		case ProtoSCTP:
			c.sctp()
		case ProtoDCCP:
			c.dccp()
		case protoHopByHop, protoRouting, protoFragment, protoDestOpts, protoMobility, protoHIP, protoShim6:
			if next, ok := c.extension(p); ok {
				p = next
				continue
			}
			c.nameless(p)
		case ProtoAH:
			if next, ok := c.authentication(); ok {
				p = next
				continue
			}
		case ProtoESP:
			c.nameless(p)
			c.header(c.ipsecOwner(), 8) // SPI and sequence number, RFC 4303 section 2; the rest is encrypted
		default:
			c.nameless(p)
			c.ipTunnel(p)
		}
		return
	}
}

// laterFragment charges a fragment that holds no transport header. ICMP stays whole; everything else is payload.
func (c *cursor) laterFragment(p uint8) {
	c.name(p, 0, 0)
	switch p {
	case ProtoICMP, ProtoICMPv6, ProtoIGMP:
		c.take(ICMP, c.left())
	default:
		c.payload()
	}
}

// authentication reads an AH header (RFC 4302 section 2), whose length counts 32-bit words less 2.
func (c *cursor) authentication() (next uint8, ok bool) {
	c.nameless(ProtoAH)
	p := c.peek(2)
	if len(p) < 2 {
		c.incomplete()
		return 0, false
	}
	next, n := p[0], (int(p[1])+2)*4
	_, ok = c.header(c.ipsecOwner(), n)
	return next, ok
}

// ipsecOwner is the owner of AH and ESP headers: they are extension headers of IPv6 (RFC 8200 section 4).
func (c *cursor) ipsecOwner() Owner {
	if c.version == 6 {
		return IPv6Ext
	}
	return Other
}

// ports names the flow after the ports that begin every transport header, as far as they were captured.
func (c *cursor) ports(proto uint8, h []byte) {
	if len(h) < 4 {
		c.name(proto, 0, 0)
		return
	}
	c.name(proto, binary.BigEndian.Uint16(h), binary.BigEndian.Uint16(h[2:]))
}

// udp reads UDP and UDP-Lite, whose length field says how much the checksum covers instead (RFC 3828 section 3.1).
func (c *cursor) udp(proto uint8) {
	start := c.off
	h, whole := c.header(UDP, udpLen)
	c.ports(proto, h)
	c.f.HasTransport = len(h) >= 4
	if !whole {
		c.payload() // the header has a fixed length: what follows is known to be payload
		return
	}
	if proto == ProtoUDPLite {
		return
	}
	if c.fragment {
		return // the length is that of the whole datagram
	}
	switch n := int(binary.BigEndian.Uint16(h[4:])); {
	case n == 0: // jumbogram or super-frame: the IP header's length holds
	case n < udpLen:
		c.f.Defects |= BadHeader
	default:
		c.narrow(start + n)
	}
	c.udpTunnel(binary.BigEndian.Uint16(h), binary.BigEndian.Uint16(h[2:]))
}

// sctp reads the common header and walks the chunks: user data is payload, everything else is header, padding of chunks
// included.
func (c *cursor) sctp() {
	h, whole := c.header(SCTP, sctpLen)
	c.ports(ProtoSCTP, h)
	if !whole {
		return
	}
	c.f.HasTransport = true
	for c.left() > 0 {
		p := c.peek(sctpChunkLen)
		if len(p) < sctpChunkLen {
			return // not captured: most of it is payload
		}
		n := int(binary.BigEndian.Uint16(p[2:]))
		if n < sctpChunkLen {
			c.f.Defects |= BadHeader
			return
		}
		header := n
		switch p[0] {
		case 0:
			header = min(n, sctpDataLen)
		case 64:
			header = min(n, sctpIDataLen)
		}
		c.take(SCTP, header)
		if data := n - header; data > 0 && c.left() > 0 {
			if c.f.PayloadOffset < 0 {
				c.f.PayloadOffset = c.off
			}
			c.take(Payload, data)
		}
		c.take(SCTP, -n&3)
	}
}

// dccp reads a DCCP header (RFC 4340 section 5.1). It has no owner of its own.
func (c *cursor) dccp() {
	h, whole := c.header(Other, dccpLen)
	c.ports(ProtoDCCP, h)
	if !whole {
		return
	}
	n := int(h[4])*4 - dccpLen
	if n < 0 || n > c.left() {
		c.f.Defects |= BadHeader
		return
	}
	c.take(Other, n)
	c.f.HasTransport = true
}
