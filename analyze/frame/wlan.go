package frame

import "encoding/binary"

// wlan reads an 802.11 frame (IEEE 802.11 clause 9.2). Management and control frames are link layer altogether; of data
// frames, what is encrypted or aggregated is not decoded.
func (c *cursor) wlan() {
	const (
		dataType, qos, noData    = 0x08, 0x80, 0x40 // first octet of frame control
		toDS, fromDS             = 0x01, 0x02       // second octet
		protected, order, amsdu  = 0x40, 0x80, 0x80
		threeAddresses, sequence = 24, 2
	)
	p := c.peek(2)
	if len(p) < 2 {
		c.header(Link, 2)
		return
	}
	if p[0]&0x0c != dataType {
		c.take(Link, c.left())
		return
	}
	n := threeAddresses
	if p[1]&toDS != 0 && p[1]&fromDS != 0 {
		n += 6
	}
	aggregate := false
	if p[0]&qos != 0 {
		if q := c.peek(n + 2); len(q) == n+2 {
			aggregate = q[n]&amsdu != 0
		}
		n += 2
		if p[1]&order != 0 { // HT control
			n += 4
		}
	}
	if _, ok := c.header(Link, n); !ok || p[0]&noData != 0 || p[1]&protected != 0 || aggregate {
		c.linkEnds()
		return
	}
	c.llc()
}

// wlanFCS ends the layer before an FCS that the capture's header announces.
func (c *cursor) wlanFCS(present bool) {
	if present && c.fcs < 0 {
		c.fcs = FCSLen
		c.narrow(max(c.end-FCSLen, c.off))
	}
}

// radiotap reads the header of https://www.radiotap.org: version, length, and bit maps of the fields that follow.
func (c *cursor) radiotap() {
	const timer, flags, more, hasFCS = 1 << 0, 1 << 1, 1 << 31, 0x10
	p := c.peek(8)
	if len(p) < 8 {
		c.header(Link, 8)
		return
	}
	h, ok := c.header(Link, int(binary.LittleEndian.Uint16(p[2:])))
	if !ok || len(h) < 8 {
		return
	}
	present := binary.LittleEndian.Uint32(h[4:])
	at := 8
	for word := present; word&more != 0 && at+4 <= len(h); at += 4 {
		word = binary.LittleEndian.Uint32(h[at:])
	}
	if present&timer != 0 {
		at = (at+7)&^7 + 8
	}
	c.wlanFCS(present&flags != 0 && at < len(h) && h[at]&hasFCS != 0)
	c.wlan()
}

// ppi reads CACE's per-packet information header, whose fields say among others whether an FCS is there.
func (c *cursor) ppi() {
	const common80211, hasFCS = 2, 0x0001
	p := c.peek(8)
	if len(p) < 8 {
		c.header(Link, 8)
		return
	}
	h, ok := c.header(Link, int(binary.LittleEndian.Uint16(p[2:])))
	if !ok || len(h) < 8 {
		return
	}
	link := LinkType(binary.LittleEndian.Uint32(h[4:]))
	for at := 8; at+4 <= len(h); {
		kind, n := binary.LittleEndian.Uint16(h[at:]), int(binary.LittleEndian.Uint16(h[at+2:]))
		if at += 4; kind == common80211 && at+10 <= len(h) {
			c.wlanFCS(binary.LittleEndian.Uint16(h[at+8:])&hasFCS != 0)
		}
		at += n
	}
	switch {
	case link == LinkEthernet:
		c.ethernet()
	case link != LinkPPI && c.deeper():
		c.link(link)
	}
}

// monitorHeader reads the Prism and AVS headers, which hold their length at octet 4.
func (c *cursor) monitorHeader() {
	p := c.peek(8)
	if len(p) < 8 {
		c.header(Link, 8)
		return
	}
	n := binary.BigEndian.Uint32(p[4:])
	if n > 0xffff {
		n = binary.LittleEndian.Uint32(p[4:])
	}
	if _, ok := c.header(Link, int(min(n, 0xffff))); ok {
		c.wlan()
	}
}
