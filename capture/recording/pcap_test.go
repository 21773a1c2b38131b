package recording

import (
	"errors"
	"strings"
	"testing"
)

var frame = []byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5, 'a', 'b', 'c'}

func TestPcapVariants(t *testing.T) {
	const n = 17 // octets of frame
	type header struct {
		magic        uint32
		major, minor uint16
		link         uint32
		record       int // octets of a record header
	}
	usual := Record{Data: frame, WireLen: 60, Nanos: 1_000_002_000, Link: linkEthernet, FCS: -1}
	nanosecond, fcs := usual, usual
	nanosecond.Nanos = 1_000_000_002
	fcs.FCS = 4
	for _, tc := range []struct {
		name             string
		header           header
		captured, length uint32 // the third and the fourth field of a record
		want             Record
	}{
		{"microseconds", header{0xa1b2c3d4, 2, 4, 1, 16}, n, 60, usual},
		{"nanoseconds", header{0xa1b23c4d, 2, 4, 1, 16}, n, 60, nanosecond},
		{"Navtel, nanoseconds", header{0xa12b3c4d, 2, 4, 1, 16}, n, 60, nanosecond},
		{"Kuznetzov, 24 octets of header", header{0xa1b2cd34, 2, 4, 1, 24}, n, 60, usual},
		{"Kuznetzov with debugging information", header{0xa1b2cd34, 2, 4, 1, 28}, n, 60, usual},
		{"Red Hat 6.1, modified header and the usual magic number", header{0xa1b2c3d4, 2, 4, 1, 24}, n, 60, usual},
		{"IXIA, hardware", header{0x1c0001ac, 2, 4, 1, 16}, n, 60, nanosecond},
		{"IXIA, software", header{0x1c0001ab, 2, 4, 1, 16}, n, 60, usual},
		{"version 2.2, original length first", header{0xa1b2c3d4, 2, 2, 1, 16}, 60, n, usual},
		{"version 2.3, original length first", header{0xa1b2c3d4, 2, 3, 1, 16}, 60, n, usual},
		{"version 2.3, capture length first", header{0xa1b2c3d4, 2, 3, 1, 16}, n, 60, usual},
		{"version 543.0 of DG/UX", header{0xa1b2c3d4, 543, 0, 1, 16}, 60, n, usual},
		{"FCS length in the link type", header{0xa1b2c3d4, 2, 4, 0x24000001, 16}, n, 60, fcs},
		{"FCS length not marked as valid", header{0xa1b2c3d4, 2, 4, 0x20000001, 16}, n, 60, usual},
	} {
		for order, endian := range map[byteOrder]string{littleEndian: "little", bigEndian: "big"} {
			t.Run(tc.name+", "+endian+"-endian", func(t *testing.T) {
				h := tc.header
				file := pcapHeader(order, h.magic, h.major, h.minor, 65535, h.link)
				want := make([]Record, 3)
				for i := range want {
					file = appendPcapRecord(file, order, h.record, 1, 2, tc.captured, tc.length, frame)
					want[i] = tc.want
				}
				got, r, err := recordsOf(t, file)
				if err != nil || r.Format() != "pcap" || r.Compression() != "none" {
					t.Errorf("format %s, compression %s, error %v", r.Format(), r.Compression(), err)
				}
				wantRecords(t, got, want)
				if i := r.Interfaces(); len(i) != 1 || i[0].Link != linkEthernet || i[0].SnapLen != 65535 || i[0].FCS != tc.want.FCS {
					t.Errorf("interfaces %+v", i)
				}
			})
		}
	}
}

func TestPcapLengths(t *testing.T) {
	for _, tc := range []struct {
		name               string
		snap               uint32
		link               uint32
		captured, original uint32
		want               string // part of the error, "" for none
	}{
		{"capture length above the snapshot length", 10, 1, 17, 60, ""},
		{"no snapshot length", 0, 1, 17, 60, ""},
		{"original length below the capture length", 65535, 1, 17, 1, ""},
		{"original length of 4 GiB", 65535, 1, 17, 1<<32 - 1, ""},
		{"capture length of 4 GiB", 65535, 1, 1<<32 - 1, 60, "damaged after frame 1 (byte 57): capture length 4294967295 exceeds 262144"},
		{"as much as libpcap takes", 65535, 1, 256 << 10, 60, "cut off after frame 1 (byte 57): 33 of 262160 bytes"},
		{"more than libpcap takes", 1 << 20, 1, 256<<10 + 1, 60, "capture length 262145 exceeds 262144"},
		{"a D-Bus message of 100 MiB", 0, linkDBus, 100 << 20, 100 << 20, "33 of 104857616 bytes of the next record"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			file := pcapHeader(littleEndian, 0xa1b23c4d, 2, 4, tc.snap, tc.link)
			file = appendPcapRecord(file, littleEndian, 16, 1, 2, 17, 17, frame)
			file = appendPcapRecord(file, littleEndian, 16, 1, 2, tc.captured, tc.original, frame)
			got, r, err := recordsOf(t, file)
			if tc.want == "" {
				if err != nil || len(got) != 2 || got[1].WireLen != int(tc.original) {
					t.Errorf("%+v, %v", got, err)
				}
				return
			}
			var cut *CutError
			if !errors.As(err, &cut) || cut.Frame != 1 || cut.Offset != 57 || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one with %q", err, tc.want)
			}
			if len(r.buf) > chunk {
				t.Errorf("%d octets allocated for a file of %d", len(r.buf), len(file))
			}
		})
	}
}

func TestPcapHeaderErrors(t *testing.T) {
	for _, tc := range []struct {
		name string
		file []byte
		want string
	}{
		{"cut", pcapHeader(littleEndian, 0xa1b2c3d4, 2, 4, 0, 1)[:10], "stdin: pcap file header cut off: 10 of 24 bytes"},
		{"version 1", pcapHeader(bigEndian, 0xa1b2c3d4, 1, 2, 0, 1), "stdin: pcap version 1.2 is not supported"},
		{"reserved bits", pcapHeader(littleEndian, 0xa1b2c3d4, 2, 4, 0, 0x300001), "stdin: pcap link type 0x00300001 has reserved bits set"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := Open("-", strings.NewReader(string(tc.file))); err == nil || err.Error() != tc.want {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}
