package frame

import "encoding/binary"

// UDP ports of tunnels (https://www.iana.org/assignments/service-names-port-numbers). A port is a hint: the header behind it
// must make sense, or it is payload.
const (
	portL2TP     = 1701
	portGTPU     = 2152
	portTeredo   = 3544
	portLISP     = 4341
	portVXLAN    = 4789
	portVXLANGPE = 4790
	portAYIYA    = 5072
	portGeneve   = 6081
	portMPLS     = 6635
	portVXLANOld = 8472 // Linux before the assignment
)

// GRE protocol types beside EtherTypes.
const (
	greERSPAN    = 0x88be
	greERSPAN3   = 0x22eb
	greEoIP      = 0x6400 // MikroTik
	greWCCP      = 0x883e
	greAruba     = 0x8200 // to 0x820f: 802.11
	greArubaLast = 0x820f
)

// Lengths of headers.
const (
	vxlanLen = 8
	maxGTP   = 256 // with extension headers; longer ones are not read
)

// ipTunnel reads the tunnels that stand directly on IP.
func (c *cursor) ipTunnel(p uint8) {
	if c.fragment {
		c.payload()
		return
	}
	switch p {
	case protoIPv4, protoIPv6:
		c.internet()
	case ProtoGRE:
		c.gre()
	case protoMPLS:
		c.mpls()
	case protoEthernet:
		c.ethernet()
	case protoEtherIP: // RFC 3378
		if _, ok := c.header(Tunnel, 2); ok {
			c.ethernet()
		}
	}
}

// udpTunnel reads the tunnels that stand on UDP. What it does not take is payload. The port of the receiver names the
// tunnel, the sender's where that says nothing: what answers a tunnel may come from its port.
func (c *cursor) udpTunnel(src, dst uint16) {
	start := c.off
	c.tunnelOn(dst)
	if c.off == start {
		c.tunnelOn(src)
	}
}

// isTunnel reports whether tunnelOn looks at what the port carries.
func isTunnel(port uint16) bool {
	switch port {
	case portVXLAN, portVXLANOld, portVXLANGPE, portGeneve, portLISP, portMPLS, portGTPU, portTeredo, portL2TP, portAYIYA:
		return true
	}
	return false
}

func (c *cursor) tunnelOn(port uint16) {
	switch port {
	case portVXLAN, portVXLANOld:
		c.vxlan()
	case portVXLANGPE:
		c.vxlanGPE()
	case portGeneve:
		c.geneve()
	case portLISP:
		c.lisp()
	case portMPLS:
		if c.labelsBeforeIP() {
			c.mpls()
		}
	case portGTPU:
		c.gtp()
	case portTeredo:
		c.teredo()
	case portL2TP:
		c.l2tp()
	case portAYIYA:
		c.ayiya()
	}
}

// The flag bits of a GRE header.
const (
	greChecksum       = 0x8000
	greRouting        = 0x4000
	greKey            = 0x2000
	greSequence       = 0x1000
	greAcknowledgment = 0x0080
	greVersion        = 0x0007
)

// gre reads GRE (RFC 2784, RFC 2890) with the source routes of RFC 1701, and the version that PPTP uses (RFC 2637).
func (c *cursor) gre() {
	h, ok := c.header(Tunnel, 4)
	if !ok {
		return
	}
	flags, t := binary.BigEndian.Uint16(h), binary.BigEndian.Uint16(h[2:])
	if flags&(greChecksum|greRouting) != 0 {
		c.take(Tunnel, 4)
	}
	var key []byte
	if flags&greKey != 0 {
		if key, ok = c.header(Tunnel, 4); !ok {
			return
		}
	}
	if flags&greVersion == 1 && t == greEoIP && key != nil { // whose key begins with the length of the frame
		c.narrow(c.off + int(binary.BigEndian.Uint16(key)))
		c.ethernet()
		return
	}
	if flags&greSequence != 0 {
		c.take(Tunnel, 4)
	}
	if flags&greVersion == 1 && flags&greAcknowledgment != 0 {
		c.take(Tunnel, 4)
	}
	if flags&greRouting != 0 {
		c.sourceRoute()
	}
	if t == typeBridged && key != nil { // NVGRE, RFC 7637 section 3.2
		c.enterVNI(binary.BigEndian.Uint32(key) >> 8)
	}
	c.grePayload(t, flags&greSequence != 0)
}

// sourceRoute reads source route entries up to the empty one (RFC 1701).
func (c *cursor) sourceRoute() {
	for {
		h, ok := c.header(Tunnel, 4)
		if !ok || h[3] == 0 {
			return
		}
		c.take(Tunnel, int(h[3]))
	}
}

func (c *cursor) grePayload(t uint16, sequence bool) {
	switch {
	case t == greERSPAN && sequence: // type II
		c.take(Tunnel, 8)
		c.ethernet()
	case t == greERSPAN: // type I has no header of its own
		c.ethernet()
	case t == greERSPAN3:
		h, ok := c.header(Tunnel, 12)
		if !ok {
			return
		}
		if h[11]&1 != 0 { // platform specific subheader
			c.take(Tunnel, 8)
		}
		c.ethernet()
	case t == greWCCP:
		if c.nibble() != 4 { // redirect header of WCCP version 2
			c.take(Tunnel, 4)
		}
		c.internet()
	case t >= greAruba && t <= greArubaLast:
		c.wlan()
	case t >= minType:
		c.etherType(t)
	}
}

// vxlan reads VXLAN (RFC 7348 section 5), with the bits that the group policy extension adds.
func (c *cursor) vxlan() {
	const validVNI, groupPolicy = 0x08, 0x80
	p := c.peek(vxlanLen)
	if len(p) < vxlanLen || p[0]&^groupPolicy != validVNI || p[7] != 0 || c.left() < vxlanLen+ethernetLen {
		return
	}
	c.take(Tunnel, vxlanLen)
	c.enterVNI(binary.BigEndian.Uint32(p[4:]) >> 8)
	c.ethernet()
}

// vxlanGPE reads VXLAN with a next protocol field (draft-ietf-nvo3-vxlan-gpe section 3).
func (c *cursor) vxlanGPE() {
	const validVNI, nextProtocol = 0x08, 0x04
	p := c.peek(vxlanLen)
	if len(p) < vxlanLen || p[0]&^nextProtocol != validVNI || p[1]|p[2]|p[7] != 0 {
		return
	}
	// Some senders name the next protocol without the bit that says so.
	named := p[0]&nextProtocol != 0 || (p[3] == 1 || p[3] == 2) && c.ipAt(vxlanLen)
	c.take(Tunnel, vxlanLen)
	c.enterVNI(binary.BigEndian.Uint32(p[4:]) >> 8)
	if !named {
		c.ethernet()
		return
	}
	c.nextProtocol(p[3])
}

// nextProtocol reads what VXLAN-GPE and NSH announce in the numbers they share.
func (c *cursor) nextProtocol(p uint8) {
	switch p {
	case 1, 2:
		c.internet()
	case 3:
		c.ethernet()
	case 4:
		c.nsh()
	case 5:
		c.mpls()
	}
}

// nsh reads a Network Service Header (RFC 8300 section 2).
func (c *cursor) nsh() {
	p := c.peek(4)
	if len(p) < 4 {
		c.header(Tunnel, 4)
		return
	}
	n := int(p[1]&0x3f) * 4
	if n < 8 {
		c.f.Defects |= BadHeader
		return
	}
	if _, ok := c.header(Tunnel, n); ok && c.deeper() {
		c.nextProtocol(p[3])
	}
}

// geneve reads GENEVE (RFC 8926 section 3.4).
func (c *cursor) geneve() {
	const fixed = 8
	p := c.peek(fixed)
	if len(p) < fixed || p[0]>>6 != 0 || p[1]&0x3f != 0 || p[7] != 0 {
		return
	}
	n := fixed + int(p[0]&0x3f)*4
	if n > c.left() || !knownType(binary.BigEndian.Uint16(p[2:])) {
		return
	}
	c.take(Tunnel, n)
	c.enterVNI(binary.BigEndian.Uint32(p[4:]) >> 8)
	c.etherType(binary.BigEndian.Uint16(p[2:]))
}

// lisp reads the data header of LISP (RFC 9300 section 5.1).
func (c *cursor) lisp() {
	const fixed = 8
	if c.ipAt(fixed) {
		c.take(Tunnel, fixed)
		c.internet()
	}
}

// ipAt reports whether an IP header can stand n octets ahead.
func (c *cursor) ipAt(n int) bool {
	p := c.peek(n + 1)
	if len(p) <= n {
		return false
	}
	switch p[n] >> 4 {
	case 4:
		return p[n]&0x0f >= 5 && c.left() >= n+ipv4HeaderLen
	case 6:
		return c.left() >= n+ipv6HeaderLen
	}
	return false
}

// labelsBeforeIP reports whether a short MPLS label stack follows, and an IP header behind it.
func (c *cursor) labelsBeforeIP() bool {
	const most = 8 * 4
	p := c.peek(most)
	for n := 4; n <= len(p); n += 4 {
		if p[n-2]&1 != 0 { // bottom of stack
			return c.ipAt(n)
		}
	}
	return false
}

// gtp reads GTP-U version 1 (3GPP TS 29.281 section 5). Only G-PDUs carry packets; all other messages are payload of UDP.
func (c *cursor) gtp() {
	const version1, gPDU, extension, optional = 0x30, 0xff, 0x04, 0x07
	p := c.peek(maxGTP)
	if len(p) < 8 || p[0]&0xf0 != version1 || p[1] != gPDU {
		return
	}
	n := 8
	if p[0]&optional != 0 {
		n = 12
		if len(p) < n {
			return
		}
		for next := p[11]; p[0]&extension != 0 && next != 0; next = p[n-1] {
			if len(p) <= n || p[n] == 0 || len(p) < n+int(p[n])*4 {
				return
			}
			n += int(p[n]) * 4
		}
	}
	if !c.ipAt(n) {
		return
	}
	if length := int(binary.BigEndian.Uint16(p[2:])); length > 0 {
		c.narrow(c.off + 8 + length)
	}
	c.take(Tunnel, n)
	c.internet()
}

// l2tp reads the data messages of L2TP version 2 (RFC 2661 section 3.1). Control messages are payload of UDP.
func (c *cursor) l2tp() {
	const control, hasLength, sequence, offset, reserved, version = 0x8000, 0x4000, 0x0800, 0x0200, 0x34f0, 0x000f
	flags := c.peek16(0)
	if flags&(control|reserved) != 0 || flags&version != 2 {
		return
	}
	n := 6
	if flags&hasLength != 0 {
		n += 2
	}
	if flags&sequence != 0 {
		n += 4
	}
	if flags&offset != 0 {
		n += 2 + int(c.peek16(n))
	}
	protocol := c.peek16(n)
	if protocol == 0xff03 {
		protocol = c.peek16(n + 2)
	}
	if protocol&0x0100 == 0 && protocol&1 == 0 { // no PPP protocol number (RFC 1661 section 2)
		return
	}
	if flags&hasLength != 0 {
		c.narrow(c.off + int(c.peek16(2)))
	}
	c.take(Tunnel, n)
	c.ppp(PPPoE)
}

// teredo reads IPv6 over UDP with the indications before it (RFC 4380 section 5.1.1).
func (c *cursor) teredo() {
	n := 0
	if c.peek16(n) == 1 { // authentication
		p := c.peek(4)
		if len(p) < 4 {
			return
		}
		n += 4 + int(p[2]) + int(p[3]) + 9
	}
	if p := c.peek(n + 2); len(p) == n+2 && p[n] == 0 && p[n+1] == 0 { // origin
		n += 8
	}
	if c.ipAt(n) && c.peek(n + 1)[n]>>4 == 6 {
		c.take(Tunnel, n)
		c.internet()
	}
}

// ayiya reads AYIYA (draft-massar-v6ops-ayiya-02): identity, signature, then IPv6.
func (c *cursor) ayiya() {
	const fixed, forward = 8, 1
	p := c.peek(4)
	if len(p) < 4 || p[2]&0x0f != forward || p[3] != protoIPv6 {
		return
	}
	n := fixed + 1<<(p[0]>>4) + int(p[1]>>4)*4
	if c.ipAt(n) {
		c.take(Tunnel, n)
		c.internet()
	}
}
