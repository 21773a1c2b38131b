package recording

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"
)

func TestPcapngRecords(t *testing.T) {
	for order, endian := range map[byteOrder]string{littleEndian: "little", bigEndian: "big"} {
		start := func() *ngFile { return new(ngFile).sectionHeader(order) }
		ethernet := func(options ...[]byte) *ngFile { return start().interfaceDescription(1, 65535, options...) }
		option := (&ngFile{order: order}).option
		u64 := func(v uint64) []byte { return order.appender().AppendUint64(nil, v) }
		u32 := func(v uint32) []byte { return order.appender().AppendUint32(nil, v) }
		at := func(nanos int64) []Record {
			return []Record{{Data: frame, WireLen: 60, Nanos: nanos, Link: 1, FCS: -1}}
		}
		withFCS := func(r []Record, fcs int8) []Record { r[0].FCS = fcs; return r }
		for _, tc := range []struct {
			name string
			file *ngFile
			want []Record
		}{
			{"microseconds by default", ethernet().enhanced(0, 5, 60, frame), at(5000)},
			{"nanoseconds", ethernet(option(9, 9)).enhanced(0, 5<<32, 60, frame), at(5 << 32)},
			{"seconds", ethernet(option(9, 0)).enhanced(0, 5, 60, frame), at(5e9)},
			{"picoseconds", ethernet(option(9, 12)).enhanced(0, 5_999, 60, frame), at(5)},
			{"2^-8 seconds", ethernet(option(9, 0x88)).enhanced(0, 384, 60, frame), at(1.5e9)},
			{"2^-63 seconds", ethernet(option(9, 0xbf)).enhanced(0, 1<<62, 60, frame), at(0.5e9)},
			{"10^-19 seconds", ethernet(option(9, 19)).enhanced(0, 15e18, 60, frame), at(1.5e9)},
			{"time offset", ethernet(option(14, u64(100)...)).enhanced(0, 5, 60, frame), at(100_000_005_000)},
			{"negative time offset", ethernet(option(14, u64(1<<64-1)...)).enhanced(0, 5, 60, frame), at(-999_995_000)},
			{"time beyond 2262", ethernet().enhanced(0, 1<<64-1, 60, frame), at(math.MaxInt64)},
			{"time offset without end", ethernet(option(14, u64(1<<63-1)...)).enhanced(0, 5, 60, frame), at(math.MaxInt64)},
			{"time offset without beginning", ethernet(option(14, u64(1<<63)...)).enhanced(0, 5, 60, frame), at(NoTime + 1)},
			{"if_fcslen in bits", ethernet(option(13, 32)).enhanced(0, 5, 60, frame), withFCS(at(5000), 4)},
			{"if_fcslen in octets", ethernet(option(13, 4)).enhanced(0, 5, 60, frame), withFCS(at(5000), 4)},
			{"epb_flags with FCS length", ethernet().enhanced(0, 5, 60, frame, option(1, 'h', 'i'), option(2, u32(4<<5)...)), withFCS(at(5000), 4)},
			{"epb_flags without FCS length", ethernet(option(13, 0)).enhanced(0, 5, 60, frame, option(2, u32(1)...)), withFCS(at(5000), 0)},
			{"option that does not fit", ethernet().enhanced(0, 5, 60, frame, option(2, u32(4<<5)...)[:4]), at(5000)},
			{"obsolete packet block, with drops", ethernet().block(blockPacket, obsolete(order, 0, 7, 5, 60, frame)), at(5000)},
			{"simple packet block", ethernet().simple(17, frame), []Record{{Data: frame, WireLen: 17, Nanos: NoTime, Link: 1, FCS: -1}}},
			{"simple packet block cut by the snapshot length", start().interfaceDescription(1, 16).simple(60, frame[:16]),
				[]Record{{Data: frame[:16], WireLen: 60, Nanos: NoTime, Link: 1, FCS: -1}}},
			{"simple packet block, no snapshot length", start().interfaceDescription(1, 0).simple(17, frame),
				[]Record{{Data: frame, WireLen: 17, Nanos: NoTime, Link: 1, FCS: -1}}},
			{"unknown and custom blocks", ethernet().block(0x0bad, frame).block(0x40000bad, nil).block(0x80001234, frame).enhanced(0, 5, 60, frame), at(5000)},
			{"several interfaces of different links and resolutions",
				ethernet().interfaceDescription(113, 0, option(9, 9)).enhanced(1, 7, 60, frame).enhanced(0, 5, 60, frame),
				[]Record{{Data: frame, WireLen: 60, Nanos: 7, Interface: 1, Link: 113, FCS: -1}, at(5000)[0]}},
			{"several sections, each with its interfaces and byte order",
				ethernet().enhanced(0, 5, 60, frame).sectionHeader(!order).interfaceDescription(113, 0).enhanced(0, 6, 60, frame),
				[]Record{at(5000)[0], {Data: frame, WireLen: 60, Nanos: 6000, Interface: 1, Link: 113, FCS: -1}}},
			{"length without the padding", unpadded(ethernet(), frame[:14]), []Record{{Data: frame[:14], WireLen: 14, Link: 1, FCS: -1}}},
		} {
			t.Run(tc.name+", "+endian+"-endian", func(t *testing.T) {
				got, r, err := recordsOf(t, tc.file.b)
				if err != nil || r.Format() != "pcapng" {
					t.Errorf("format %s, error %v", r.Format(), err)
				}
				wantRecords(t, got, tc.want)
			})
		}
	}
}

// obsolete makes the body of a packet block.
func obsolete(o byteOrder, id, drops uint16, micros uint64, original uint32, data []byte) []byte {
	a := o.appender()
	b := a.AppendUint16(a.AppendUint16(nil, id), drops)
	for _, v := range []uint32{uint32(micros >> 32), uint32(micros), uint32(len(data)), original} {
		b = a.AppendUint32(b, v)
	}
	return append(b, data...)
}

// unpadded appends an enhanced packet block whose length fields leave out the two octets of padding that are there.
func unpadded(f *ngFile, data []byte) *ngFile {
	at := len(f.b)
	f.enhanced(0, 0, uint32(len(data)), data)
	length := uint32(len(f.b) - at - 2)
	put := binary.ByteOrder(binary.LittleEndian)
	if f.order == bigEndian {
		put = binary.BigEndian
	}
	put.PutUint32(f.b[at+4:], length)
	put.PutUint32(f.b[len(f.b)-4:], length)
	return f
}

func TestPcapngInterfaces(t *testing.T) {
	f := new(ngFile).sectionHeader(littleEndian)
	f.interfaceDescription(1, 65535, f.option(2, []byte("eth0")...), f.option(3, []byte("the wire")...), f.option(11, []byte("\x00tcp")...))
	f.interfaceDescription(276, 1<<31, f.option(2, []byte("any")...), f.option(11, 1, 2, 3, 4, 5, 6, 7, 8, 9))
	_, r, err := recordsOf(t, f.b)
	want := []Interface{
		{Link: 1, SnapLen: 65535, Name: "eth0", Description: "the wire", Filter: "tcp", FCS: -1, File: "stdin"},
		{Link: 276, Name: "any", FCS: -1, File: "stdin"},
	}
	got := r.Interfaces()
	if err != nil || len(got) != len(want) || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
}

func TestPcapngDamage(t *testing.T) {
	ethernet := func() *ngFile {
		return new(ngFile).sectionHeader(littleEndian).interfaceDescription(1, 65535).enhanced(0, 5, 60, frame)
	}
	long := ethernet()
	long.b = long.u32(long.u32(long.b, 6), 1<<32-4)
	long.b = append(long.b, make([]byte, 100)...)
	mismatch := ethernet().enhanced(0, 5, 60, frame)
	mismatch.b[len(mismatch.b)-4]++
	version := ethernet().sectionHeader(littleEndian)
	version.b[len(version.b)-16] = 2
	magic := ethernet().sectionHeader(littleEndian)
	magic.b[len(magic.b)-20]++
	tooLong := ethernet().enhanced(0, 5, 60, frame)
	tooLong.b[len(tooLong.b)-4-20-8] = 21
	for _, tc := range []struct {
		name string
		file *ngFile
		want string // of the cause
	}{
		{"block of 4 GiB", long, "block of type 0x6: length 4294967292 is not within 12 and 16777216"},
		{"zeros at the end", &ngFile{b: append(ethernet().b, make([]byte, 64)...)}, "block of type 0x0: length 0 is not within 12"},
		{"lengths differ", mismatch, "block of type 0x6: length is 52 at its start and 53 at its end"},
		{"capture length beyond the block", tooLong, "capture length 21 exceeds the packet block's 20 bytes"},
		{"unknown interface", ethernet().enhanced(1, 5, 60, frame), "packet block refers to interface 1, the section describes 1"},
		{"interface of the section before", ethernet().sectionHeader(bigEndian).enhanced(0, 5, 60, frame), "packet block refers to interface 0, the section describes 0"},
		{"simple packet block without an interface", ethernet().sectionHeader(bigEndian).simple(17, frame), "simple packet block of 24 bytes in a section with 0 interfaces"},
		{"simple packet block that is too short", ethernet().simple(60, frame), "length 60 exceeds the simple packet block's 20 bytes"},
		{"short packet block", ethernet().block(6, frame[:16]), "packet block of 16 bytes"},
		{"short interface description", ethernet().block(1, frame[:4]), "interface description of 4 bytes"},
		{"short section header", ethernet().block(blockSection, []byte{0x4d, 0x3c, 0x2b, 0x1a}), "section header of 4 bytes"},
		{"version 2 of the format", version, "section header: pcapng version 2.0 is not supported"},
		{"no byte-order magic", magic, "section header: 0x1a2b3c4e is no byte-order magic"},
		{"resolution beyond 64 bits, decimal", ethernet().interfaceDescription(1, 0, new(ngFile).option(9, 20)), "interface 1: time resolution 0x14 is too fine"},
		{"resolution beyond 64 bits, binary", ethernet().interfaceDescription(1, 0, new(ngFile).option(9, 0xff)), "interface 1: time resolution 0xff is too fine"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, _, err := recordsOf(t, tc.file.b)
			cut, ok := err.(*CutError)
			if !ok || cut.Frame != 1 || len(got) != 1 || !strings.HasPrefix(cut.Cause.Error(), tc.want) {
				t.Errorf("%d records, error %v\nwant %s", len(got), err, tc.want)
			}
		})
	}
}
