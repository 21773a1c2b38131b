package recording

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
	"unsafe"
)

func FuzzPcap(f *testing.F) {
	f.Add(smallFiles()["pcap"].file)
	for _, magic := range []uint32{0xa1b2c3d4, 0xa1b2cd34, 0x1c0001ac} {
		file := pcapHeader(littleEndian, magic, 2, 3, 65535, 0x24000001)
		f.Add(appendPcapRecord(file, littleEndian, 24, 1, 2, 60, 17, frame))
	}
	f.Fuzz(func(t *testing.T, file []byte) { checkReading(t, file) })
}

func FuzzPcapng(f *testing.F) {
	f.Add(smallFiles()["pcapng"].file)
	ng := new(ngFile).sectionHeader(bigEndian).interfaceDescription(1, 16, (&ngFile{order: bigEndian}).option(9, 0x88))
	f.Add(ng.simple(60, frame[:16]).block(blockPacket, obsolete(bigEndian, 0, 1, 5, 60, frame)).
		sectionHeader(littleEndian).interfaceDescription(113, 0).enhanced(0, 1<<40, 60, frame, ng.option(2, 0x80, 0, 0, 0)).b)
	f.Fuzz(func(t *testing.T, file []byte) { checkReading(t, file) })
}

func FuzzERFAndSnoop(f *testing.F) {
	f.Add(smallFiles()["erf"].file)
	f.Add(smallFiles()["snoop"].file)
	f.Fuzz(func(t *testing.T, file []byte) { checkReading(t, file) })
}

// checkReading reads a file whole and octet by octet, and compares.
func checkReading(t *testing.T, file []byte) {
	fast, skip, err := identify(file)
	if err != nil {
		return
	}
	slow, _, _ := identify(file)
	body := file[skip:]
	want, wantErr := readAll(t, &Reader{format: fast, src: bytes.NewReader(body)}, len(body))
	got, gotErr := readAll(t, &Reader{format: slow, src: iotest.OneByteReader(bytes.NewReader(body))}, len(body))
	wantRecords(t, got, want)
	if (gotErr == nil) != (wantErr == nil) || gotErr != nil && gotErr.Error() != wantErr.Error() {
		t.Errorf("octet by octet: %v, at once: %v", gotErr, wantErr)
	}
	if a, b := len(fast.interfaces()), len(slow.interfaces()); a != b {
		t.Errorf("octet by octet: %d interfaces, at once: %d", a, b)
	}
}

// readAll reads all records and checks what holds for each: its octets were read, its interface is described, and it has
// the interface's link type.
func readAll(t *testing.T, r *Reader, size int) (all []Record, err error) {
	batch := make([]Record, 3)
	captured := 0
	for {
		n, err := r.Next(batch)
		if err == nil && n == 0 || err != nil && n > 0 {
			t.Fatalf("%d records, %v", n, err)
		}
		for _, record := range batch[:n] {
			if captured += len(record.Data); captured > size {
				t.Fatalf("%d octets of records in a file of %d", captured, size)
			}
			if len(record.Data) > 0 {
				at := uintptr(unsafe.Pointer(unsafe.SliceData(record.Data))) - uintptr(unsafe.Pointer(unsafe.SliceData(r.buf)))
				if at > uintptr(r.end) || at+uintptr(cap(record.Data)) > uintptr(r.end) {
					t.Fatalf("octets %d to %d of %d in the buffer", at, at+uintptr(cap(record.Data)), r.end)
				}
			}
			if ifs := r.Interfaces(); int(record.Interface) >= len(ifs) || ifs[record.Interface].Link != record.Link {
				t.Fatalf("interface %d of %+v, link type %d", record.Interface, ifs, record.Link)
			}
			record.Data = bytes.Clone(record.Data)
			all = append(all, record)
		}
		var cut *CutError
		switch {
		case err == nil:
		case err == io.EOF:
			return all, nil
		case errors.As(err, &cut) && cut.Frame == int64(len(all)) && cut.Offset <= int64(size):
			return all, err
		default:
			t.Fatalf("after %d records: %v", len(all), err)
		}
	}
}
