package frame

import "encoding/binary"

// Key.Network: a VNI in bits 24 to 47, the second innermost VLAN id in bits 12 to 23, the innermost in bits 0 to 11.
const (
	vlanBits = 12
	vlanMask = 1<<vlanBits - 1
	vniShift = 2 * vlanBits
)

// VLANs returns the two innermost VLAN ids that are not 0, the outer one first; 0 for none.
func (k Key) VLANs() (outer, inner uint16) {
	return uint16(k.Network >> vlanBits & vlanMask), uint16(k.Network & vlanMask)
}

// VNI returns the virtual network identifier of the innermost VXLAN, GENEVE or NVGRE tunnel, or the I-SID of 802.1ah; 0 for
// none.
func (k Key) VNI() uint32 { return uint32(k.Network >> vniShift) }

// enterVLAN notes the VLAN id of a tag. A priority tag has id 0 and names no VLAN (IEEE 802.1Q clause 9.6).
func (c *cursor) enterVLAN(id uint16) {
	if id &= vlanMask; id != 0 {
		vlans := c.network<<vlanBits | uint64(id)
		c.network = c.network>>vniShift<<vniShift | vlans&(1<<vniShift-1)
	}
}

// enterVNI notes the virtual network that a tunnel names.
func (c *cursor) enterVNI(vni uint32) {
	c.network = c.network&(1<<vniShift-1) | uint64(vni&0xffffff)<<vniShift
}

// name makes the innermost IP header and the ports above it the flow of the frame.
func (c *cursor) name(proto uint8, src, dst uint16) {
	f := c.f
	f.HasTransport = false
	k := &f.Flow
	k.Proto, k.IP, k.Network = proto, c.version, c.network
	from, to := c.addresses()
	if f.Reverse = to.below(from) || from == to && src > dst; f.Reverse {
		from, to, src, dst = to, from, dst, src
	}
	from.put(&k.A)
	to.put(&k.B)
	k.APort, k.BPort = src, dst
}

// nameless names a flow without ports, unless the flow already has the name of an outer transport header.
func (c *cursor) nameless(proto uint8) {
	if !c.f.HasTransport {
		c.name(proto, 0, 0)
	}
}

// address is an IPv6 address as two words, which compare and copy faster than octets.
type address struct{ high, low uint64 }

// addresses returns source and destination of the innermost IP header, IPv4 as IPv4-mapped IPv6 (RFC 4291 section 2.5.5.2).
func (c *cursor) addresses() (from, to address) {
	if c.version == 4 {
		const mapped = 0xffff << 32
		h := c.b[c.ip+12 : c.ip+20]
		return address{low: mapped | uint64(binary.BigEndian.Uint32(h))}, address{low: mapped | uint64(binary.BigEndian.Uint32(h[4:]))}
	}
	h := c.b[c.ip+8 : c.ip+40]
	from = address{binary.BigEndian.Uint64(h), binary.BigEndian.Uint64(h[8:])}
	to = address{binary.BigEndian.Uint64(h[16:]), binary.BigEndian.Uint64(h[24:])}
	return from, to
}

func (a address) below(b address) bool { return a.high < b.high || a.high == b.high && a.low < b.low }

func (a address) put(to *[16]byte) {
	binary.BigEndian.PutUint64(to[:8], a.high)
	binary.BigEndian.PutUint64(to[8:], a.low)
}
