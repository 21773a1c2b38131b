package recording

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
)

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

// appendPcapRecord appends a record with a header of the given size.
func appendPcapRecord(b []byte, o byteOrder, header int, seconds, fraction, captured, original uint32, data []byte) []byte {
	a := o.appender()
	for _, v := range []uint32{seconds, fraction, captured, original} {
		b = a.AppendUint32(b, v)
	}
	b = append(b, make([]byte, header-pcapRecordHeader)...)
	return append(b, data...)
}

// ngFile builds a pcapng file.
type ngFile struct {
	order byteOrder
	b     []byte
}

func (f *ngFile) u16(b []byte, v uint16) []byte { return f.order.appender().AppendUint16(b, v) }
func (f *ngFile) u32(b []byte, v uint32) []byte { return f.order.appender().AppendUint32(b, v) }
func (f *ngFile) u64(b []byte, v uint64) []byte { return f.order.appender().AppendUint64(b, v) }

func padded(b []byte) []byte { return append(b, make([]byte, -len(b)&3)...) }

func (f *ngFile) block(kind uint32, body []byte) *ngFile {
	body = padded(body)
	length := uint32(len(body) + 12)
	f.b = f.u32(f.b, kind)
	f.b = f.u32(f.b, length)
	f.b = append(f.b, body...)
	f.b = f.u32(f.b, length)
	return f
}

func (f *ngFile) sectionHeader(o byteOrder) *ngFile {
	f.order = o
	return f.block(blockSection, f.u64(f.u16(f.u16(f.u32(nil, byteOrderMagic), 1), 0), 1<<64-1))
}

func (f *ngFile) option(code uint16, value ...byte) []byte {
	return append(f.u16(f.u16(nil, code), uint16(len(value))), padded(value)...)
}

func (f *ngFile) interfaceDescription(link uint16, snap uint32, options ...[]byte) *ngFile {
	body := f.u32(f.u16(f.u16(nil, link), 0), snap)
	return f.block(blockInterface, append(body, bytes.Join(options, nil)...))
}

func (f *ngFile) enhanced(id uint32, units uint64, original uint32, data []byte, options ...[]byte) *ngFile {
	body := f.u32(nil, id)
	for _, v := range []uint32{uint32(units >> 32), uint32(units), uint32(len(data)), original} {
		body = f.u32(body, v)
	}
	return f.block(blockEnhanced, append(padded(append(body, data...)), bytes.Join(options, nil)...))
}

func (f *ngFile) simple(original uint32, data []byte) *ngFile {
	return f.block(blockSimple, append(f.u32(nil, original), data...))
}

// appendERF appends an ERF record of the given type.
func appendERF(b []byte, time uint64, kind, flags byte, wire uint16, rest []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, time)
	b = append(b, kind, flags)
	b = binary.BigEndian.AppendUint16(b, uint16(erfHeader+len(rest)))
	b = binary.BigEndian.AppendUint16(b, 0)
	b = binary.BigEndian.AppendUint16(b, wire)
	return append(b, rest...)
}

// snoopFile makes a snoop file of one record.
func snoopFile(datalink, original uint32, data []byte, padding int) []byte {
	a := binary.BigEndian
	b := a.AppendUint32(a.AppendUint32([]byte(snoopMagic), 2), datalink)
	for _, v := range []uint32{original, uint32(len(data)), uint32(snoopRecordHeader + len(data) + padding), 0, 100, 5} {
		b = a.AppendUint32(b, v)
	}
	return append(append(b, data...), make([]byte, padding)...)
}

// recordsOf reads all records of a file, as they are and the error at the end: nil for a whole file.
func recordsOf(t testing.TB, file []byte) ([]Record, *Reader, error) {
	t.Helper()
	r, err := Open("-", bytes.NewReader(file))
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	defer r.Close()
	records, err := drain(r)
	return records, r, err
}

// drain reads all records of a capture and copies them.
func drain(r interface{ Next([]Record) (int, error) }) ([]Record, error) {
	var all []Record
	batch := make([]Record, 7)
	for {
		n, err := r.Next(batch)
		for _, record := range batch[:n] {
			record.Data = bytes.Clone(record.Data)
			all = append(all, record)
		}
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
	}
}

func equal(a, b Record) bool {
	same := bytes.Equal(a.Data, b.Data)
	a.Data, b.Data = nil, nil
	return same && a.WireLen == b.WireLen && a.Nanos == b.Nanos && a.Interface == b.Interface && a.Link == b.Link && a.FCS == b.FCS
}

func wantRecords(t testing.TB, got, want []Record) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Errorf("record %d is missing, want %+v", i+1, want[i])
		case i >= len(want):
			t.Errorf("record %d is too many: %+v", i+1, got[i])
		case !equal(got[i], want[i]):
			t.Errorf("record %d:\n got %+v\nwant %+v", i+1, got[i], want[i])
		}
	}
}
