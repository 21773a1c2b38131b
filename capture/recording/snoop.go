package recording

import (
	"encoding/binary"
	"fmt"
)

// snoop is the format of Solaris' snoop(1M) (RFC 1761).
type snoop struct {
	iface [1]Interface
}

const (
	snoopMagic        = "snoop\x00\x00\x00"
	snoopFileHeader   = 16 // magic, version, datalink type
	snoopRecordHeader = 24 // original length, capture length, record length, drops, seconds, microseconds
)

func newSnoop(head []byte) (f format, skip int, err error) {
	if len(head) < snoopFileHeader {
		return nil, 0, fmt.Errorf("snoop file header cut off: %d of %d bytes", len(head), snoopFileHeader)
	}
	if version := binary.BigEndian.Uint32(head[8:]); version != 2 {
		return nil, 0, fmt.Errorf("snoop version %d is not supported", version)
	}
	var link uint16
	switch datalink := binary.BigEndian.Uint32(head[12:]); datalink {
	case 0, 4: // IEEE 802.3, Ethernet
		link = linkEthernet
	case 2:
		link = linkTokenRing
	case 8:
		link = linkFDDI
	default:
		return nil, 0, fmt.Errorf("snoop datalink type %d is not supported", datalink)
	}
	return &snoop{[1]Interface{{Link: link, FCS: -1}}}, snoopFileHeader, nil
}

// decode implements format.
func (s *snoop) decode(b []byte, batch []Record) (n, used, want int, err error) {
	link := s.iface[0].Link
	limit := maxCaptured(link)
	for n < len(batch) {
		h := b[used:]
		if len(h) < snoopRecordHeader {
			return n, used, snoopRecordHeader, nil
		}
		original, captured, size := bigEndian.u32(h), bigEndian.u32(h[4:]), bigEndian.u32(h[8:])
		if captured > limit || size < snoopRecordHeader+captured || size > snoopRecordHeader+2*limit {
			return n, used, 0, fmt.Errorf("capture length %d in a record of %d bytes", captured, size)
		}
		if len(h) < int(size) {
			return n, used, int(size), nil
		}
		end := snoopRecordHeader + captured // padding follows
		batch[n] = Record{
			Data:    h[snoopRecordHeader:end:end],
			WireLen: int(original),
			Nanos:   int64(bigEndian.u32(h[16:]))*1e9 + int64(bigEndian.u32(h[20:]))*1000,
			Link:    link,
			FCS:     -1,
		}
		n++
		used += int(size)
	}
	return n, used, snoopRecordHeader, nil
}

func (s *snoop) interfaces() []Interface { return s.iface[:] }

func (s *snoop) name() string { return "snoop" }
