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
	if c.version == 4 {
		a, b := binary.BigEndian.Uint32(c.b[c.ip+12:]), binary.BigEndian.Uint32(c.b[c.ip+16:])
		if f.Reverse = a > b || a == b && src > dst; f.Reverse {
			a, b = b, a
		}
		k.A, k.B = mapped(a), mapped(b)
	} else {
		a, b := [16]byte(c.b[c.ip+8:]), [16]byte(c.b[c.ip+24:])
		if f.Reverse = above(&a, &b) || a == b && src > dst; f.Reverse {
			a, b = b, a
		}
		k.A, k.B = a, b
	}
	if f.Reverse {
		src, dst = dst, src
	}
	k.APort, k.BPort = src, dst
}

// nameless names a flow without ports, unless the flow already has the name of an outer transport header.
func (c *cursor) nameless(proto uint8) {
	if !c.f.HasTransport {
		c.name(proto, 0, 0)
	}
}

// mapped returns an IPv4 address as IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2).
func mapped(v4 uint32) (a [16]byte) {
	a[10], a[11] = 0xff, 0xff
	binary.BigEndian.PutUint32(a[12:], v4)
	return a
}

func above(a, b *[16]byte) bool {
	x, y := binary.BigEndian.Uint64(a[:8]), binary.BigEndian.Uint64(b[:8])
	if x != y {
		return x > y
	}
	return binary.BigEndian.Uint64(a[8:]) > binary.BigEndian.Uint64(b[8:])
}
