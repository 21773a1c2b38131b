package recording

import "fmt"

// pcap is the format of pcap-savefile(5) with its variants.
type pcap struct {
	order  byteOrder
	header int   // octets of a record header
	scale  int64 // nanoseconds in a unit of the second time field
	swap   lengthOrder
	limit  uint32 // octets; a capture length beyond it is damage
	iface  [1]Interface
}

// lengthOrder says whether the original length comes before the capture length in a record header, as it did before
// version 2.3.
type lengthOrder uint8

const (
	captureLengthFirst lengthOrder = iota
	originalLengthFirst
	smallerIsCapture // version 2.3: files exist with either order
)

// Sizes of the headers, in octets. The modified ones come from patches to libpcap 0.4 and from Nokia's IPSO.
const (
	pcapFileHeader = 24
	ixiaFileHeader = 28 // one more field: octets in the rest of the file

	pcapRecordHeader  = 16
	nokiaRecordHeader = 20 // 4 octets of unknown meaning
	ss991029Header    = 24 // interface index, protocol, packet type: Kuznetzov's second magic number, Red Hat 6.1
	ss990915Header    = 28 // the same and debugging information: SuSE 6.3
)

// pcapVariant is what the magic number of a file says.
type pcapVariant struct {
	file  int   // octets of the file header
	scale int64 // nanoseconds in a unit of the second time field
	sizes []int // octets of a record header; where there are several, the records must tell
}

// variantOf returns the variant of a file and the byte order in which its first four octets are a magic number.
func variantOf(head []byte) (v pcapVariant, order byteOrder, ok bool) {
	if len(head) < 4 {
		return v, order, false
	}
	for _, order := range []byteOrder{littleEndian, bigEndian} {
		switch order.u32(head) {
		case 0xa1b2c3d4:
			return pcapVariant{pcapFileHeader, 1000, []int{pcapRecordHeader, ss991029Header, nokiaRecordHeader}}, order, true
		case 0xa1b23c4d, 0xa12b3c4d: // nanoseconds; Navtel
			return pcapVariant{pcapFileHeader, 1, []int{pcapRecordHeader}}, order, true
		case 0xa1b2cd34: // Kuznetzov
			return pcapVariant{pcapFileHeader, 1000, []int{ss991029Header, ss990915Header}}, order, true
		case 0x1c0001ac: // IXIA, hardware capture
			return pcapVariant{ixiaFileHeader, 1, []int{pcapRecordHeader}}, order, true
		case 0x1c0001ab: // IXIA, software capture
			return pcapVariant{ixiaFileHeader, 1000, []int{pcapRecordHeader}}, order, true
		}
	}
	return v, order, false
}

// newPcap reads a file header.
func newPcap(head []byte) (f format, skip int, err error) {
	variant, order, _ := variantOf(head)
	if len(head) < variant.file {
		return nil, 0, fmt.Errorf("pcap file header cut off: %d of %d bytes", len(head), variant.file)
	}
	p := &pcap{order: order, scale: variant.scale}
	major, minor := p.order.u16(head[4:]), p.order.u16(head[6:])
	switch {
	case major == 2 && minor < 3, major == 543: // 543.0: tcpdump of DG/UX
		p.swap = originalLengthFirst
	case major == 2 && minor == 3:
		p.swap = smallerIsCapture
	case major < 2:
		return nil, 0, fmt.Errorf("pcap version %d.%d is not supported", major, minor)
	}
	snap, link := p.order.u32(head[16:]), p.order.u32(head[20:])
	if link&0x03ff0000 != 0 {
		return nil, 0, fmt.Errorf("pcap link type %#08x has reserved bits set", link)
	}
	p.iface[0] = Interface{Link: uint16(link), SnapLen: snapLen(snap), FCS: -1}
	if link&0x04000000 != 0 {
		p.iface[0].FCS = int8(link >> 28 * 2) // 4 bits, in units of 16 bits of FCS
	}
	p.limit = maxCaptured(uint16(link))
	p.header = p.recordHeader(head[variant.file:], variant.sizes)
	return p, variant.file, nil
}

// snapLen returns the snapshot length that a file states. libpcap takes values that are no positive int for no limit.
func snapLen(n uint32) uint32 {
	if int32(n) < 0 {
		return 0
	}
	return n
}

// decode implements format.
func (p *pcap) decode(b []byte, batch []Record) (n, used, want int, err error) {
	order, header, scale, limit := p.order, p.header, p.scale, p.limit
	link, fcs := p.iface[0].Link, p.iface[0].FCS
	for n < len(batch) {
		h := b[used:]
		if len(h) < header {
			return n, used, header, nil
		}
		seconds, fraction := order.u32(h), order.u32(h[4:])
		captured, original := order.u32(h[8:]), order.u32(h[12:])
		if p.swap != captureLengthFirst && (p.swap == originalLengthFirst || captured > original) {
			captured, original = original, captured
		}
		if captured > limit {
			return n, used, 0, fmt.Errorf("capture length %d exceeds %d bytes", captured, limit)
		}
		size := header + int(captured)
		if len(h) < size {
			return n, used, size, nil
		}
		r := &batch[n] // field by field: a composite literal is made elsewhere and copied, which costs more than all the rest
		r.Data = h[header:size:size]
		r.WireLen = int(original)
		r.Nanos = int64(seconds)*1e9 + int64(fraction)*scale
		r.Interface, r.Link, r.FCS = 0, link, fcs
		n++
		used += size
	}
	return n, used, header, nil
}

func (p *pcap) interfaces() []Interface { return p.iface[:] }

func (p *pcap) name() string { return "pcap" }

// recordHeader chooses among the sizes that a record header may have the one with which the first records make most sense,
// as Wireshark does (wiretap/libpcap.c): some writers changed the header and kept the magic number.
func (p *pcap) recordHeader(b []byte, sizes []int) int {
	best, fewest := sizes[0], -1
	for _, size := range sizes {
		doubts := p.doubts(b, size)
		if fewest < 0 || doubts < fewest {
			best, fewest = size, doubts
		}
		if fewest == 0 {
			break
		}
	}
	return best
}

// doubts counts what speaks against a size of the record headers in the first three records.
func (p *pcap) doubts(b []byte, header int) (n int) {
	count := func(doubtful bool) {
		if doubtful {
			n++
		}
	}
	for range 3 {
		if len(b) < header {
			count(len(b) > 0)
			break
		}
		captured, original := p.order.u32(b[8:]), p.order.u32(b[12:])
		if p.swap != captureLengthFirst {
			break // older than the patches
		}
		count(p.order.u32(b[4:]) >= 1e6)
		count(captured > p.limit)
		count(p.iface[0].SnapLen != 0 && captured > p.iface[0].SnapLen)
		count(original > 128<<20)
		count(captured > original)
		switch header {
		case nokiaRecordHeader:
			count(p.order.u32(b[16:])&0x0fff00f0 != 0x0fbf0000)
		case ss991029Header, ss990915Header:
			protocol, direction := p.order.u16(b[20:]), b[22]
			count(p.order.u32(b[16:]) > 10000) // interface index
			count(protocol > 0x17 && protocol < 0x600 && protocol != 0x60 && protocol != 0x200 && protocol != 0x400)
			count(direction > 4)
		}
		if captured > p.limit || len(b) < header+int(captured) {
			count(captured <= p.limit && header+int(captured) > len(b))
			break
		}
		b = b[header+int(captured):]
	}
	return n
}
