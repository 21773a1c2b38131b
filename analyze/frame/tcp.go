package frame

import "encoding/binary"

const tcpLen = 20

// Option kinds (https://www.iana.org/assignments/tcp-parameters).
const (
	kindEnd           = 0
	kindNop           = 1
	kindMSS           = 2
	kindWindowScale   = 3
	kindSACKPermitted = 4
	kindSACK          = 5
	kindTimestamps    = 8
	kindMPTCP         = 30
)

// alignedTimestamps is how nearly every segment of an established connection begins its options: two no-operations and the
// timestamps option (RFC 7323 appendix A).
const alignedTimestamps = 0x0101080a

// timestampsLen is how long they are.
const timestampsLen = 12

// tcp reads a TCP header (RFC 9293 section 3.1).
func (c *cursor) tcp() {
	h, whole := c.header(TCP, tcpLen)
	c.ports(ProtoTCP, h)
	if !whole {
		return
	}
	t := &c.f.TCP
	t.Seq, t.Ack = binary.BigEndian.Uint32(h[4:]), binary.BigEndian.Uint32(h[8:])
	t.Flags = TCPFlags(binary.BigEndian.Uint16(h[12:]) & 0x1ff)
	t.Window = binary.BigEndian.Uint16(h[14:])
	t.WindowShift = -1
	n := int(h[12]>>4)*4 - tcpLen
	if n < 0 {
		c.f.Defects |= BadHeader
		return
	}
	c.f.HasTransport = n <= c.left()
	if n > 0 {
		c.tcpOptions(n)
	}
	t.Segment = c.left()
}

// tcpOptions itemises n octets of options. Octets that were not captured, or that follow a broken option, are OptOther.
func (c *cursor) tcpOptions(n int) {
	if n > c.left() {
		n = c.left()
		if !c.fragment {
			c.f.Defects |= BadHeader
		}
	}
	p := c.take(TCPOptions, n)
	if len(p) < n {
		c.f.Defects |= CutInHeader
	}
	t := &c.f.TCP
	if n == timestampsLen && len(p) == n && binary.BigEndian.Uint32(p) == alignedTimestamps {
		t.Options[OptPadding], t.Options[OptTimestamps] = 2, 10
		return
	}
	for len(p) > 0 {
		switch p[0] {
		case kindEnd:
			t.Options[OptPadding] += uint8(n)
			return
		case kindNop:
			t.Options[OptPadding]++
			n, p = n-1, p[1:]
			continue
		}
		if len(p) < 2 && n >= 2 {
			break // cut
		}
		if len(p) < 2 || p[1] < 2 || int(p[1]) > n {
			c.f.Defects |= BadHeader
			break
		}
		size := int(p[1])
		t.option(p[:min(size, len(p))], size)
		n, p = n-size, p[min(size, len(p)):]
	}
	t.Options[OptOther] += uint8(n)
}

// option notes one option of size octets, of which p was captured.
func (t *TCPHeader) option(p []byte, size int) {
	class := OptOther
	switch p[0] {
	case kindMSS:
		class = OptMSS
		if len(p) == 4 {
			t.MSS = binary.BigEndian.Uint16(p[2:])
		}
	case kindWindowScale:
		class = OptWindowScale
		if len(p) == 3 {
			t.WindowShift = int8(min(p[2], 14)) // RFC 7323 section 2.3
		}
	case kindSACKPermitted:
		class = OptSACK
	case kindSACK:
		class = OptSACK
		t.SACKBlocks = uint8((size - 2) / 8)
	case kindTimestamps:
		class = OptTimestamps
	case kindMPTCP:
		class = OptMPTCP
	}
	t.Options[class] += uint8(size)
}
