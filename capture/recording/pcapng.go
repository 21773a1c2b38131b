package recording

import (
	"fmt"
	"iter"
	"math"
	"math/bits"
)

// pcapng is the format of draft-ietf-opsawg-pcapng.
type pcapng struct {
	order     byteOrder // of the section
	section   []ngInterface
	described []Interface // of all sections
	text      int         // octets of names that are still accepted
	maxBlock  uint32
}

// Block types.
const (
	blockSection    = 0x0a0d0d0a // reads the same in either byte order
	blockInterface  = 1
	blockPacket     = 2 // obsolete
	blockSimple     = 3
	blockStatistics = 5 // written, not read
	blockEnhanced   = 6

	byteOrderMagic = 0x1a2b3c4d
)

// Bounds on what a hostile file makes the reader remember.
const (
	maxInterfaces = 1 << 20  // of a file
	maxText       = 64 << 20 // octets in the names, filters and descriptions of all interfaces
	maxNgBlock    = 16 << 20 // octets; libpcap and Wireshark accept no larger block either, unless its link type needs it
	maxNgOptions  = 128 << 10
)

// ngInterface is what the packet blocks of a section need to know of their interface.
type ngInterface struct {
	number int32 // in the capture
	link   uint16
	fcs    int8
	snap   uint32
	limit  uint32 // octets; a capture length beyond it is damage
	units  uint64 // of time in a second (if_tsresol)
	offset int64  // seconds (if_tsoffset)
	scale  uint64 // nanoseconds in a unit, 0 where that is no whole number
	most   uint64 // units that scale to less than the largest time
}

func newPcapng() *pcapng { return &pcapng{text: maxText, maxBlock: maxNgBlock} }

func (p *pcapng) interfaces() []Interface { return p.described }

func (p *pcapng) name() string { return "pcapng" }

// decode implements format.
func (p *pcapng) decode(b []byte, batch []Record) (n, used, want int, err error) {
	const smallest = 12 // type, length, length again
	order := p.order
	for n < len(batch) {
		h := b[used:]
		if len(h) < smallest {
			return n, used, smallest, nil
		}
		kind := order.u32(h)
		if kind == blockSection {
			if err := p.setOrder(h[8:]); err != nil {
				return n, used, 0, err
			}
			order = p.order
		}
		length := order.u32(h[4:])
		if length < smallest || length > p.maxBlock {
			return n, used, 0, fmt.Errorf("block of type %#x: length %d is not within %d and %d", kind, length, smallest, p.maxBlock)
		}
		size := int(length+3) &^ 3 // some writers forget the padding in the length
		if len(h) < size {
			return n, used, size, nil
		}
		if again := order.u32(h[size-4:]); again != length {
			return n, used, 0, fmt.Errorf("block of type %#x: length is %d at its start and %d at its end", kind, length, again)
		}
		body := h[8 : size-4 : size-4]
		switch kind {
		case blockEnhanced, blockPacket:
			if err = p.packet(&batch[n], body, kind); err == nil {
				n++
			}
		case blockSimple:
			if err = p.simplePacket(&batch[n], body); err == nil {
				n++
			}
		case blockInterface:
			err = p.addInterface(body)
		case blockSection:
			err = p.startSection(body)
		}
		if err != nil {
			return n, used, 0, err
		}
		used += size
	}
	return n, used, smallest, nil
}

// setOrder reads the byte-order magic of a section header.
func (p *pcapng) setOrder(b []byte) error {
	switch byteOrderMagic {
	case int(littleEndian.u32(b)):
		p.order = littleEndian
	case int(bigEndian.u32(b)):
		p.order = bigEndian
	default:
		return fmt.Errorf("section header: %#x is no byte-order magic", littleEndian.u32(b))
	}
	return nil
}

func (p *pcapng) startSection(body []byte) error {
	if len(body) < 16 {
		return fmt.Errorf("section header of %d bytes", len(body))
	}
	if major, minor := p.order.u16(body[4:]), p.order.u16(body[6:]); major != 1 {
		return fmt.Errorf("section header: pcapng version %d.%d is not supported", major, minor)
	}
	p.section = p.section[:0]
	return nil
}

// packet reads an enhanced packet block or the obsolete packet block, which differ in the width of the first field.
func (p *pcapng) packet(r *Record, body []byte, kind uint32) error {
	const fixed = 20
	if len(body) < fixed {
		return fmt.Errorf("packet block of %d bytes", len(body))
	}
	order := p.order
	id, units := order.u32(body), uint64(order.u32(body[4:]))<<32|uint64(order.u32(body[8:]))
	captured, original := order.u32(body[12:]), order.u32(body[16:])
	if kind == blockPacket {
		id = uint32(order.u16(body)) // a counter of drops follows
	}
	if uint64(id) >= uint64(len(p.section)) {
		return fmt.Errorf("packet block refers to interface %d, the section describes %d", id, len(p.section))
	}
	ifc := &p.section[id]
	if captured > ifc.limit {
		return fmt.Errorf("capture length %d exceeds %d bytes", captured, ifc.limit)
	}
	end := fixed + int(captured)
	if end > len(body) {
		return fmt.Errorf("capture length %d exceeds the packet block's %d bytes", captured, len(body)-fixed)
	}
	r.Data = body[fixed:end:end]
	r.WireLen = int(original)
	r.Nanos = ifc.nanos(units)
	r.Interface, r.Link, r.FCS = ifc.number, ifc.link, ifc.fcs
	if options := (end + 3) &^ 3; options < len(body) {
		if fcs := p.fcsOfFlags(body[options:]); fcs != 0 {
			r.FCS = fcs
		}
	}
	return nil
}

// fcsOfFlags returns the FCS length in octets that the flags option (epb_flags, pack_flags) states, 0 for none.
func (p *pcapng) fcsOfFlags(b []byte) int8 {
	const flags = 2
	for code, value := range p.options(b) {
		if code == flags && len(value) == 4 {
			return int8(p.order.u32(value) >> 5 & 0xf)
		}
	}
	return 0
}

// simplePacket reads a simple packet block: it has no time, belongs to the first interface, and is cut at its snapshot
// length.
func (p *pcapng) simplePacket(r *Record, body []byte) error {
	const fixed = 4
	if len(body) < fixed || len(p.section) == 0 {
		return fmt.Errorf("simple packet block of %d bytes in a section with %d interfaces", len(body), len(p.section))
	}
	ifc := &p.section[0]
	original := p.order.u32(body)
	captured := original
	if ifc.snap != 0 {
		captured = min(captured, ifc.snap)
	}
	if captured > ifc.limit || int(captured) > len(body)-fixed {
		return fmt.Errorf("length %d exceeds the simple packet block's %d bytes", captured, len(body)-fixed)
	}
	end := fixed + int(captured)
	r.Data = body[fixed:end:end]
	r.WireLen = int(original)
	r.Nanos = NoTime
	r.Interface, r.Link, r.FCS = ifc.number, ifc.link, ifc.fcs
	return nil
}

// Options of an interface description block.
const (
	optionEnd         = 0
	optionName        = 2
	optionDescription = 3
	optionResolution  = 9
	optionFilter      = 11
	optionFCSLen      = 13
	optionTimeOffset  = 14
)

func (p *pcapng) addInterface(body []byte) error {
	if len(body) < 8 {
		return fmt.Errorf("interface description of %d bytes", len(body))
	}
	if len(p.described) == maxInterfaces {
		return fmt.Errorf("more than %d interfaces", maxInterfaces)
	}
	i := Interface{Link: p.order.u16(body), SnapLen: snapLen(p.order.u32(body[4:])), FCS: -1}
	ng := ngInterface{units: 1e6}
	for code, value := range p.options(body[8:]) {
		switch {
		case code == optionName:
			i.Name = p.string(value)
		case code == optionDescription:
			i.Description = p.string(value)
		case code == optionFilter && len(value) > 0 && value[0] == 0: // 1 would be BPF instructions
			i.Filter = p.string(value[1:])
		case code == optionFCSLen && len(value) == 1:
			i.FCS = fcsOctets(value[0])
		case code == optionTimeOffset && len(value) == 8:
			ng.offset = int64(p.order.u64(value))
		case code == optionResolution && len(value) == 1:
			if ng.units = unitsOf(value[0]); ng.units == 0 {
				return fmt.Errorf("interface %d: time resolution %#x is too fine", len(p.section), value[0])
			}
		}
	}
	ng.number, ng.link, ng.fcs, ng.snap = int32(len(p.described)), i.Link, i.FCS, i.SnapLen
	ng.limit = maxCaptured(i.Link)
	if ng.units <= 1e9 && 1e9%ng.units == 0 && ng.offset == 0 {
		ng.scale = 1e9 / ng.units
		ng.most = math.MaxInt64 / ng.scale
	}
	p.maxBlock = max(p.maxBlock, ng.limit+maxNgOptions)
	p.section = append(p.section, ng)
	p.described = append(p.described, i)
	return nil
}

// fcsOctets reads if_fcslen. The draft says bits; writers exist that mean octets, and no link has an FCS of 4 bits.
func fcsOctets(n byte) int8 {
	if n >= 8 {
		n /= 8
	}
	return int8(n)
}

// unitsOf reads if_tsresol: the units of time in a second, 0 for more than fit 64 bits.
func unitsOf(resolution byte) uint64 {
	exponent := resolution & 0x7f
	if resolution&0x80 != 0 {
		return 1 << exponent // 0 from 64 on
	}
	if exponent > 19 {
		return 0
	}
	units := uint64(1)
	for range exponent {
		units *= 10
	}
	return units
}

// nanos converts the time of a packet block.
func (i *ngInterface) nanos(units uint64) int64 {
	if i.scale != 0 && units <= i.most {
		return int64(units * i.scale)
	}
	return i.unevenNanos(units)
}

// unevenNanos converts where there is an offset, or where a unit is no whole number of nanoseconds.
func (i *ngInterface) unevenNanos(units uint64) int64 {
	hi, lo := bits.Mul64(units%i.units, 1e9)
	nanos, _ := bits.Div64(hi, lo, i.units)
	// A time beyond the years 1678 to 2262 is damage; it becomes the last or the first moment.
	const most = math.MaxInt64/1_000_000_000 - 1
	seconds := units / i.units
	if seconds > most || i.offset > most-int64(seconds) {
		return math.MaxInt64
	}
	if i.offset < -most {
		return NoTime + 1
	}
	return (int64(seconds)+i.offset)*1e9 + int64(nanos)
}

// string copies an option's text, within bounds over the whole file.
func (p *pcapng) string(b []byte) string {
	if len(b) > p.text {
		return ""
	}
	p.text -= len(b)
	return string(b)
}

// options walks the options of a block. It stops at the first that does not fit: the packet before them is sound.
func (p *pcapng) options(b []byte) iter.Seq2[uint16, []byte] {
	return func(yield func(uint16, []byte) bool) {
		for len(b) >= 4 {
			code, length := p.order.u16(b), int(p.order.u16(b[2:]))
			b = b[4:]
			if code == optionEnd || length > len(b) || !yield(code, b[:length]) {
				return
			}
			b = b[min((length+3)&^3, len(b)):]
		}
	}
}
