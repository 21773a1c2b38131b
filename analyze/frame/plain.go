package frame

import "encoding/binary"

// Plain is all that Parse would find in a plain frame: Ethernet, IPv4 or IPv6, TCP or UDP, and nothing else. There is no tag, IP
// option, extension header, fragment, tunnel, FCS or contradiction; TCP has no options or the usual timestamps; and the
// headers were captured. Most of the frames that people capture are plain.
type Plain struct {
	A, B         [2]uint64 // Key.A and Key.B, word by word
	APort, BPort uint16
	Proto, IP    uint8
	Reverse      bool
	Options      uint8 // octets of TCP options

	TCPFlags TCPFlags
	Window   uint16
	Seq, Ack uint32

	Packet  int // octets of the IP packet
	Payload int // octets
	Padding int // octets recorded after the packet
	Fill    int // octets of padding that the NIC added after the record was made
}

// ParsePlain reads a frame as Parse does, in a fraction of the time, and reports whether it is plain. Where it is not, Parse has
// to read it, and what p holds means nothing.
func ParsePlain(p *Plain, b []byte, wireLen int, link LinkType, fcs int) bool {
	const shortest = ethernetLen + ipv4HeaderLen + udpLen
	if link != LinkEthernet || fcs > 0 || len(b) < shortest || len(b) > wireLen || wireLen > maxUnbounded {
		return false
	}
	if binary.BigEndian.Uint32(b) == islAddress {
		return false
	}
	var (
		transport int // where its header begins
		ok        bool
	)
	switch binary.BigEndian.Uint16(b[12:]) {
	case typeIPv4:
		transport = ethernetLen + ipv4HeaderLen
		ok = p.ipv4(b[ethernetLen:transport])
	case typeIPv6:
		if transport = ethernetLen + ipv6HeaderLen; len(b) < transport {
			return false
		}
		ok = p.ipv6(b[ethernetLen:transport])
	}
	end := ethernetLen + p.Packet
	if !ok || end > wireLen {
		return false
	}
	p.Payload = end - transport
	segment := b[transport:]
	switch p.Proto {
	case ProtoTCP:
		ok = p.tcp(segment)
	case ProtoUDP:
		ok = p.udp(segment)
	default:
		return false
	}
	p.Padding, p.Fill = 0, 0
	if end < wireLen {
		ok = ok && p.padding(b, end, wireLen, fcs)
	}
	if wireLen < MinFrame {
		p.Fill = MinFrame - wireLen
	}
	return ok
}

// padding takes what follows the packet, unless it could be something else.
func (p *Plain) padding(b []byte, end, wireLen, fcs int) bool {
	p.Padding = wireLen - end
	if wireLen-max(end, len(b)) > maxTrailer {
		return false
	}
	n := len(b) - FCSLen
	return fcs == 0 || len(b) < wireLen || n < end || binary.LittleEndian.Uint32(b[n:]) == 0
}

// ipv4 reads an IP header. A is the source and B the destination so far.
func (p *Plain) ipv4(h []byte) bool {
	const mapped = 0xffff << 32
	p.IP, p.Proto = 4, h[9]
	p.Packet = int(binary.BigEndian.Uint16(h[2:]))
	p.A = [2]uint64{0, mapped | uint64(binary.BigEndian.Uint32(h[12:]))}
	p.B = [2]uint64{0, mapped | uint64(binary.BigEndian.Uint32(h[16:]))}
	return h[0] == 4<<4|ipv4HeaderLen/4 && binary.BigEndian.Uint16(h[6:])&(ipv4MoreFragments|ipv4OffsetMask) == 0
}

// ipv6 is ipv4 for IPv6.
func (p *Plain) ipv6(h []byte) bool {
	p.IP, p.Proto = 6, h[6]
	p.Packet = ipv6HeaderLen + int(binary.BigEndian.Uint16(h[4:]))
	p.A = [2]uint64{binary.BigEndian.Uint64(h[8:]), binary.BigEndian.Uint64(h[16:])}
	p.B = [2]uint64{binary.BigEndian.Uint64(h[24:]), binary.BigEndian.Uint64(h[32:])}
	return h[0]>>4 == 6
}

// tcp reads the TCP header at the start of b.
func (p *Plain) tcp(b []byte) bool {
	if len(b) < tcpLen {
		return false
	}
	h := b[:tcpLen]
	switch h[12] >> 4 {
	case tcpLen / 4:
		p.Options = 0
	case (tcpLen + timestampsLen) / 4:
		if len(b) < tcpLen+timestampsLen || binary.BigEndian.Uint32(b[tcpLen:]) != alignedTimestamps {
			return false
		}
		p.Options = timestampsLen
	default:
		return false
	}
	p.Payload -= tcpLen + int(p.Options)
	p.Seq, p.Ack = binary.BigEndian.Uint32(h[4:]), binary.BigEndian.Uint32(h[8:])
	p.TCPFlags = TCPFlags(binary.BigEndian.Uint16(h[12:]) & 0x1ff)
	p.Window = binary.BigEndian.Uint16(h[14:])
	p.ports(binary.BigEndian.Uint16(h), binary.BigEndian.Uint16(h[2:]))
	return p.Payload >= 0
}

// udp reads the UDP header at the start of b.
func (p *Plain) udp(b []byte) bool {
	if len(b) < udpLen {
		return false
	}
	h := b[:udpLen]
	if int(binary.BigEndian.Uint16(h[4:])) != p.Payload || p.Payload < udpLen {
		return false
	}
	src, dst := binary.BigEndian.Uint16(h), binary.BigEndian.Uint16(h[2:])
	if isTunnel(src) || isTunnel(dst) {
		return false
	}
	p.Payload -= udpLen
	p.Options, p.Seq, p.Ack, p.TCPFlags, p.Window = 0, 0, 0, 0, 0
	p.ports(src, dst)
	return true
}

// ports gives the flow its name.
func (p *Plain) ports(src, dst uint16) {
	p.APort, p.BPort, p.Reverse = src, dst, false
	if p.B[0] < p.A[0] || p.A[0] == p.B[0] && (p.B[1] < p.A[1] || p.B[1] == p.A[1] && dst < src) {
		p.A, p.B, p.APort, p.BPort, p.Reverse = p.B, p.A, dst, src, true
	}
}

// AddTo charges the octets of the frame to their owners.
func (p *Plain) AddTo(l *Ledger) {
	l[Ethernet] += ethernetLen
	if p.IP == 4 {
		l[IPv4] += ipv4HeaderLen
	} else {
		l[IPv6] += ipv6HeaderLen
	}
	if p.Proto == ProtoTCP {
		l[TCP] += tcpLen
		l[TCPOptions] += int64(p.Options)
	} else {
		l[UDP] += udpLen
	}
	l[Payload] += int64(p.Payload)
	l[Padding] += int64(p.Padding)
	l[Preamble] += PreambleLen
	l[Fill] += int64(p.Fill)
	l[InferredFCS] += FCSLen
	l[Gap] += GapLen
}
