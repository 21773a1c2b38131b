package analyze

import (
	"encoding/binary"
	"time"

	"wiretax/analyze/frame"
)

// packet is an Ethernet frame in the making.
type packet struct {
	v6       bool
	swapped  bool // from B to A
	port     uint16
	id       uint16
	ttl      uint8
	vlan     uint16
	fragment uint16 // flags and offset of the IPv4 header
	proto    uint8
	header   []byte // transport
	payload  int
	fill     byte // of the payload
	pad      int
	at       time.Duration
	iface    int32
	fcs      int8
	raw      bool // link type RAW: the record begins with the IP header
}

const (
	clientPort = 40000
	serverPort = 443
	isnA       = 1000 // initial sequence numbers, so that data begin at 1001 and 5001
	isnB       = 5000
)

func udp(payload int) packet {
	return packet{proto: frame.ProtoUDP, payload: payload, port: clientPort, ttl: 64, header: make([]byte, 8), fcs: -1}
}

func icmp(payload int) packet {
	return packet{proto: frame.ProtoICMP, payload: payload, ttl: 64, header: make([]byte, 8), fcs: -1}
}

// tcp makes a segment from A to B; seq and ack are relative to the initial sequence numbers.
func tcp(flags frame.TCPFlags, seq, ack uint32, payload int, options ...byte) packet {
	p := packet{proto: frame.ProtoTCP, payload: payload, port: clientPort, ttl: 64, fcs: -1}
	h := make([]byte, 20, 60)
	binary.BigEndian.PutUint32(h[4:], isnA+seq)
	if flags&frame.ACK != 0 {
		binary.BigEndian.PutUint32(h[8:], isnB+ack)
	}
	binary.BigEndian.PutUint16(h[12:], uint16(flags))
	binary.BigEndian.PutUint16(h[14:], 500)
	h = append(h, options...)
	for len(h)%4 != 0 {
		h = append(h, 1)
	}
	h[12] |= byte(len(h)/4) << 4
	p.header = h
	return p
}

func mss(n uint16) []byte { return []byte{2, 4, byte(n >> 8), byte(n)} }

func timestamps() []byte { return append([]byte{1, 1, 8, 10}, make([]byte, 8)...) }

// back turns a segment of A into one of B.
func (p packet) back() packet {
	p.swapped = true
	if p.proto == frame.ProtoTCP {
		p.header = append([]byte(nil), p.header...)
		seq, ack := binary.BigEndian.Uint32(p.header[4:]), binary.BigEndian.Uint32(p.header[8:])
		binary.BigEndian.PutUint32(p.header[4:], seq-isnA+isnB)
		if ack != 0 {
			binary.BigEndian.PutUint32(p.header[8:], ack-isnB+isnA)
		}
	}
	return p
}

func (p packet) after(d time.Duration) packet { p.at = d; return p }
func (p packet) withID(id uint16) packet      { p.id = id; return p }
func (p packet) over6() packet                { p.v6 = true; return p }
func (p packet) onPort(n uint16) packet       { p.port = n; return p }
func (p packet) routed() packet               { p.ttl--; return p }
func (p packet) inVLAN(id uint16) packet      { p.vlan = id; return p }
func (p packet) padTo(n int) packet           { p.pad = n; return p }

func (p packet) window(n uint16) packet {
	p.header = append([]byte(nil), p.header...)
	binary.BigEndian.PutUint16(p.header[14:], n)
	return p
}

// fragments cuts the IPv4 packet into fragments of at most size octets of IP payload, a multiple of 8.
func (p packet) fragments(size int) (parts []packet) {
	whole := len(p.header) + p.payload
	for offset := 0; offset < whole; offset += size {
		part := p
		n := min(size, whole-offset)
		if offset > 0 {
			part.header = nil
			part.payload = n
		} else {
			part.payload = n - len(p.header)
		}
		part.fragment = uint16(offset / 8)
		if offset+n < whole {
			part.fragment |= 0x2000
		}
		parts = append(parts, part)
	}
	return parts
}

// epoch is the time of the first record of a test.
var epoch = time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)

// record writes the packet as a record that nothing was cut from.
func (p packet) record() *Record {
	b := p.bytes()
	link := uint16(1)
	if p.raw {
		b, link = b[14:], 101
	}
	return &Record{Data: b, WireLen: len(b), Nanos: epoch.Add(p.at).UnixNano(), Interface: p.iface, Link: link, FCS: p.fcs}
}

func (p packet) bytes() []byte {
	b := []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2}
	if p.vlan != 0 {
		b = binary.BigEndian.AppendUint16(append(b, 0x81, 0), p.vlan)
	}
	header := append([]byte(nil), p.header...)
	if p.fragment&0x1fff == 0 && (p.proto == frame.ProtoTCP || p.proto == frame.ProtoUDP) {
		from, to := p.port, uint16(serverPort)
		if p.swapped {
			from, to = to, from
		}
		binary.BigEndian.PutUint16(header, from)
		binary.BigEndian.PutUint16(header[2:], to)
	}
	if p.proto == frame.ProtoUDP && p.fragment&0x1fff == 0 {
		binary.BigEndian.PutUint16(header[4:], uint16(min(8+p.payload, 65535)))
	}
	if p.v6 {
		b = append(b, p.ipv6(len(header)+p.payload)...)
	} else {
		b = append(b, p.ipv4(len(header)+p.payload)...)
	}
	b = append(b, header...)
	for i := range p.payload {
		b = append(b, p.fill+byte(i))
	}
	for len(b) < p.pad {
		b = append(b, 0)
	}
	return b
}

func (p packet) ipv4(n int) []byte {
	h := make([]byte, 22)
	h[0], h[1] = 0x08, 0x00
	h[2] = 0x45
	if 20+n <= 65535 {
		binary.BigEndian.PutUint16(h[4:], uint16(20+n))
	}
	binary.BigEndian.PutUint16(h[6:], p.id)
	binary.BigEndian.PutUint16(h[8:], p.fragment)
	h[10], h[11] = p.ttl, p.proto
	a, b := []byte{192, 0, 2, 1}, []byte{198, 51, 100, 2}
	if p.swapped {
		a, b = b, a
	}
	copy(h[14:], a)
	copy(h[18:], b)
	return h
}

func (p packet) ipv6(n int) []byte {
	h := make([]byte, 42)
	h[0], h[1] = 0x86, 0xdd
	h[2] = 0x60
	binary.BigEndian.PutUint16(h[6:], uint16(n))
	h[8], h[9] = p.proto, p.ttl
	a := []byte{0x20, 0x01, 0x0d, 0xb8, 15: 1}
	b := []byte{0x20, 0x01, 0x0d, 0xb8, 15: 2}
	if p.swapped {
		a, b = b, a
	}
	copy(h[10:], a)
	copy(h[26:], b)
	return h
}
