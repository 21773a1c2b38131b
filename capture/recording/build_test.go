package recording

import "encoding/binary"

func (o byteOrder) appender() binary.AppendByteOrder {
	if o == bigEndian {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// pcapHeader makes the header of a pcap file.
func pcapHeader(o byteOrder, magic uint32, major, minor uint16, snap, link uint32) []byte {
	a := o.appender()
	b := a.AppendUint32(nil, magic)
	b = a.AppendUint16(b, major)
	b = a.AppendUint16(b, minor)
	b = a.AppendUint64(b, 0) // time zone, accuracy
	b = a.AppendUint32(b, snap)
	b = a.AppendUint32(b, link)
	if magic == 0x1c0001ac || magic == 0x1c0001ab {
		b = a.AppendUint32(b, 0)
	}
	return b
}

// appendPcapRecord appends a record with a header of the given size. The time is in the units of the file's second field,
// 10^9 of them a second.
func appendPcapRecord(b []byte, o byteOrder, header int, nanos int64, original uint32, data []byte) []byte {
	a := o.appender()
	b = a.AppendUint32(b, uint32(nanos/1e9))
	b = a.AppendUint32(b, uint32(nanos%1e9))
	b = a.AppendUint32(b, uint32(len(data)))
	b = a.AppendUint32(b, original)
	b = append(b, make([]byte, header-pcapRecordHeader)...)
	return append(b, data...)
}
