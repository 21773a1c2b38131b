package recording

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// erf is Endace's extensible record format (Endace ERF types reference guide). The file has no header and no magic number.
type erf struct {
	ports     map[erfPort]int32
	described []Interface
}

// erfPort is what makes an interface in ERF: the two bits in the record's flags, and the link type.
type erfPort struct {
	port byte
	link uint16
}

// Octets of the parts of a record.
const (
	erfHeader    = 16 // time (little-endian, 32.32 seconds), type, flags, record length, loss counter, wire length
	erfExtension = 8  // as long as the top bit of the type before is set
	erfPad       = 48 // type of a record that is none
	erfLast      = 48 // highest type in use
)

// decode implements format.
func (e *erf) decode(b []byte, batch []Record) (n, used, want int, err error) {
	for n < len(batch) {
		h := b[used:]
		if len(h) < erfHeader {
			return n, used, erfHeader, nil
		}
		kind, size := h[8]&0x7f, int(binary.BigEndian.Uint16(h[10:]))
		if kind == 0 || kind > erfLast || size < erfHeader {
			return n, used, 0, fmt.Errorf("type %d, length %d is no ERF record", kind, size)
		}
		if len(h) < size {
			return n, used, size, nil
		}
		if kind != erfPad {
			if err := e.record(&batch[n], h[:size:size]); err != nil {
				return n, used, 0, err
			}
			n++
		}
		used += size
	}
	return n, used, erfHeader, nil
}

func (e *erf) record(r *Record, b []byte) error {
	link, skip := erfLink(b[8] & 0x7f)
	start := erfHeader
	for more := b[8]; more&0x80 != 0; start += erfExtension {
		if start >= len(b) {
			break
		}
		more = b[start]
	}
	start += skip
	if start > len(b) {
		return fmt.Errorf("ERF record of %d bytes has headers of %d", len(b), start)
	}
	original := int(binary.BigEndian.Uint16(b[14:]))
	r.WireLen = original
	r.Data = b[start:min(start+original, len(b))] // records are padded to a multiple of 8
	r.Nanos = erfTime(binary.LittleEndian.Uint64(b))
	r.Link = link
	r.FCS = erfFCS(link)
	r.Interface = e.number(erfPort{b[9] & 3, link})
	return nil
}

// erfLink returns the link type of an ERF type, and the octets of its own header before the frame. What is no plain link
// layer remains ERF, for which there is a link type too.
func erfLink(kind byte) (link uint16, skip int) {
	switch kind {
	case 2, 11, 16, 20: // ETH, and with color, DSM, hash
		return linkEthernet, 2
	case 22:
		return linkIPv4, 0
	case 23:
		return linkIPv6, 0
	case 1, 10, 15, 19: // HDLC over SONET, and with color, DSM, hash
		return linkCiscoHDLC, 0
	default:
		return linkERF, 0
	}
}

// erfFCS is the FCS that the frame ends with: ERF's Ethernet records keep it, and count it in the wire length.
func erfFCS(link uint16) int8 {
	if link == linkEthernet {
		return 4
	}
	return -1
}

// erfTime converts 32 bits of seconds and 32 bits of fraction, rounded to the nearest nanosecond.
func erfTime(t uint64) int64 {
	hi, lo := bits.Mul64(t<<32, 1e9)
	return int64(t>>32)*1e9 + int64(hi+lo>>63)
}

func (e *erf) number(p erfPort) int32 {
	n, ok := e.ports[p]
	if !ok {
		n = int32(len(e.described))
		e.ports[p] = n
		e.described = append(e.described, Interface{
			Link: p.link, FCS: erfFCS(p.link), Name: fmt.Sprintf("port %d", p.port),
		})
	}
	return n
}

func (e *erf) interfaces() []Interface { return e.described }

func (e *erf) name() string { return "erf" }

// looksLikeERF reports whether the first records make sense: nothing else tells the format (as in Wireshark,
// wiretap/erf.c). At least three must, or all of a shorter file.
func looksLikeERF(head []byte) bool {
	var before uint64
	for i := range 20 {
		if len(head) == 0 {
			return i > 0
		}
		if len(head) < erfHeader {
			return i >= 3
		}
		t, kind, size := binary.LittleEndian.Uint64(head), head[8]&0x7f, int(binary.BigEndian.Uint16(head[10:]))
		if kind == 0 || kind > erfLast || size < erfHeader {
			return false
		}
		if len(head) < size {
			return i >= 3
		}
		const second, year = 1 << 32, 365 * 24 * 3600 << 32
		if kind != erfPad {
			if i > 0 && (t+second < before || t > before+year) {
				return false
			}
			before = t
		}
		head = head[size:]
	}
	return true
}
