package frame

import (
	"encoding/binary"
	"hash/crc32"
)

// packet is a made-up packet. Layers are built from the inside out: ether(typeIPv4, ip4(ProtoUDP, udp(5000, 53, data(1)))).
type packet []byte

func join(parts ...[]byte) (p packet) {
	for _, b := range parts {
		p = append(p, b...)
	}
	return p
}

func be16(v int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(v)) }
func be32(v int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(v)) }

func data(n int) packet {
	p := make(packet, n)
	for i := range p {
		p[i] = byte('a' + i%26)
	}
	return p
}

func ether(t int, body packet) packet {
	return join([]byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1}, be16(t), body)
}

func tag(id, t int, body packet) packet { return join(be16(id), be16(t), body) }

var (
	addr4a = []byte{192, 0, 2, 1}
	addr4b = []byte{198, 51, 100, 2}
	addr6a = []byte{0x20, 0x01, 0x0d, 0xb8, 15: 1}
	addr6b = []byte{0x20, 0x01, 0x0d, 0xb8, 15: 2}
)

func ip4(proto int, body packet) packet { return ip4With(nil, 0, proto, body) }

// ip4With builds an IPv4 header with options and the word of flags and fragment offset.
func ip4With(options []byte, place, proto int, body packet) packet {
	n := 20 + len(options)
	return join([]byte{0x40 | byte(n/4), 0}, be16(n+len(body)), be16(7), be16(place), []byte{64, byte(proto), 0, 0}, addr4a, addr4b, options, body)
}

func ip6(next int, body packet) packet {
	return join([]byte{0x60, 0, 0, 0}, be16(len(body)), []byte{byte(next), 64}, addr6a, addr6b, body)
}

// ext builds an IPv6 extension header of 8 octets.
func ext(next int, body packet) packet { return join([]byte{byte(next), 0, 1, 4, 0, 0, 0, 0}, body) }

// frag6 builds an IPv6 fragment header; place is offset and flags.
func frag6(next, place int, body packet) packet {
	return join([]byte{byte(next), 0}, be16(place), be32(0x12345678), body)
}

func udp(src, dst int, body packet) packet {
	return join(be16(src), be16(dst), be16(8+len(body)), be16(0), body)
}

func tcp(flags TCPFlags, options []byte, body packet) packet {
	n := 20 + len(options)
	return join(be16(40000), be16(443), be32(1000), be32(2000), []byte{byte(n/4) << 4}, []byte{byte(flags)}, be16(500), be16(0), be16(0), options, body)
}

var (
	timestamps = []byte{1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2}
	synOptions = []byte{2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7}
)

func udp4(n int) packet { return ether(typeIPv4, ip4(ProtoUDP, udp(5000, 53, data(n)))) }
func tcp4(n int) packet { return ether(typeIPv4, ip4(ProtoTCP, tcp(ACK|PSH, timestamps, data(n)))) }

func (p packet) padTo(n int) packet { return join(p, make([]byte, max(0, n-len(p)))) }

func (p packet) withFCS() packet {
	return join(p, binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(p)))
}

// set overwrites octets, to tell a lie.
func (p packet) set(at int, b ...byte) packet {
	p = join(p)
	copy(p[at:], b)
	return p
}

func vxlan(vni int, body packet) packet { return join([]byte{8, 0, 0, 0}, be32(vni<<8), body) }
func geneve(t, vni int, options []byte, body packet) packet {
	return join([]byte{byte(len(options) / 4), 0}, be16(t), be32(vni<<8), options, body)
}
func overUDP(port int, body packet) packet {
	return ether(typeIPv4, ip4(ProtoUDP, udp(50000, port, body)))
}
func fromUDP(port int, body packet) packet {
	return ether(typeIPv4, ip4(ProtoUDP, udp(port, 50000, body)))
}
func arpBody() packet {
	return join(be16(1), be16(typeIPv4), []byte{6, 4}, be16(1), make([]byte, 6), addr4a, make([]byte, 6), addr4b)
}
