package recording

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
)

// smallFiles are files of three records in each format, and where their headers and records end.
func smallFiles() map[string]struct {
	file []byte
	ends []int // of the file header and of each record
} {
	files := map[string]struct {
		file []byte
		ends []int
	}{}
	add := func(name string, header []byte, record func([]byte) []byte) {
		f := files[name]
		f.file, f.ends = header, []int{len(header)}
		for range 3 {
			f.file = record(f.file)
			f.ends = append(f.ends, len(f.file))
		}
		files[name] = f
	}
	add("pcap", pcapHeader(bigEndian, 0xa1b23c4d, 2, 4, 65535, 1), func(b []byte) []byte {
		return appendPcapRecord(b, bigEndian, 16, 1, 2, uint32(len(frame)), 60, frame)
	})
	ng := new(ngFile).sectionHeader(bigEndian).interfaceDescription(1, 0)
	add("pcapng", ng.b, func(b []byte) []byte {
		ng.b = b
		return ng.enhanced(0, 5, 60, frame).b
	})
	add("snoop", snoopFile(4, 60, frame, 3)[:snoopFileHeader], func(b []byte) []byte {
		return append(b, snoopFile(4, 60, frame, 3)[snoopFileHeader:]...)
	})
	add("erf", nil, func(b []byte) []byte {
		return appendERF(b, 1<<32, 2, 0, uint16(len(frame)), append([]byte{0, 0}, frame...))
	})
	return files
}

func TestCutAtEveryOctet(t *testing.T) {
	for name, small := range smallFiles() {
		t.Run(name, func(t *testing.T) {
			whole, _, err := recordsOf(t, small.file)
			if err != nil || len(whole) != 3 {
				t.Fatalf("%d records, %v", len(whole), err)
			}
			for n := range small.file {
				r, err := Open("-", bytes.NewReader(small.file[:n]))
				if err != nil {
					if n >= max(small.ends[0], pcapFileHeader) && name != "erf" {
						t.Errorf("cut at %d: open: %v", n, err)
					}
					continue
				}
				records, err := drain(r)
				want := 0
				for want < 3 && n >= small.ends[want+1] {
					want++
				}
				wantRecords(t, records, whole[:want])
				var cut *CutError
				const sectionHeader = 28 // a pcapng file may end after it
				switch atEnd := n == small.ends[want] || n == sectionHeader && name == "pcapng"; {
				case atEnd && err == nil:
				case !atEnd && errors.As(err, &cut) && errors.Is(err, io.ErrUnexpectedEOF) && cut.Frame == int64(want):
				default:
					t.Errorf("cut at %d, after %d records: %v", n, want, err)
				}
			}
		})
	}
}

func TestOneOctetAtATime(t *testing.T) {
	for name, small := range smallFiles() {
		t.Run(name, func(t *testing.T) {
			whole, _, _ := recordsOf(t, small.file)
			f, skip, err := identify(small.file)
			if err != nil {
				t.Fatal(err)
			}
			slow := &Reader{format: f, src: iotest.OneByteReader(bytes.NewReader(small.file[skip:]))}
			got, err := drain(slow)
			if err != nil {
				t.Error(err)
			}
			wantRecords(t, got, whole)
		})
	}
}

// A live capture arrives header first, then record by record, and each is handed out before the next is there.
func TestPipeIsReadAsItComes(t *testing.T) {
	for _, name := range []string{"pcap", "pcapng", "snoop"} {
		t.Run(name, func(t *testing.T) {
			in, out := io.Pipe()
			defer out.Close()
			small := smallFiles()[name]
			if name == "snoop" {
				small.ends = small.ends[1:] // its header is shorter than what tells one format from another
			}
			go out.Write(small.file[:small.ends[0]])
			r, err := Open("-", in)
			if err != nil {
				t.Fatal(err)
			}
			go out.Write(small.file[small.ends[0]:small.ends[1]])
			if n, err := r.Next(make([]Record, 10)); n != 1 || err != nil {
				t.Errorf("%d records, %v, want 1", n, err)
			}
			if r.Size() != -1 {
				t.Errorf("size %d of a pipe", r.Size())
			}
		})
	}
}

func TestReadErrorIsACut(t *testing.T) {
	file := smallFiles()["pcap"]
	broken := errors.New("input/output error")
	r, err := Open("-", io.MultiReader(bytes.NewReader(file.file[:file.ends[2]]), iotest.ErrReader(broken)))
	if err != nil {
		t.Fatal(err)
	}
	records, err := drain(r)
	if len(records) != 2 || !errors.Is(err, broken) || err.Error() != "stdin: damaged after frame 2 (byte 90): input/output error" {
		t.Errorf("%d records, %v", len(records), err)
	}
}

func TestNotACapture(t *testing.T) {
	tar := make([]byte, 512)
	copy(tar[257:], "ustar")
	for _, tc := range []struct {
		name, file, want string
	}{
		{"empty", "", "empty file"},
		{"text", "A note, in UTF-8: \u00e4\n", "plain text"},
		{"text cut within a character", strings.Repeat("x", 511) + "\u00e4", "plain text"},
		{"JSON object", " {\"a\":1}", "JSON"},
		{"JSON array", "[1]", "JSON"},
		{"HTML", "<!DOCTYPE html><html>", "HTML document"},
		{"XML", "<?xml version=\"1.0\"?>", "XML document"},
		{"script", "#!/bin/sh\n", "script"},
		{"ELF", "\x7fELF\x02\x01\x01", "ELF executable"},
		{"PNG", "\x89PNG\r\n\x1a\n", "PNG image"},
		{"PDF", "%PDF-1.7", "PDF document"},
		{"zip", "PK\x03\x04", "zip archive (extract it first)"},
		{"tar", string(tar), "tar archive (extract it first)"},
		{"bzip2", "BZh91AY", "bzip2 compressed data (decompress it first)"},
		{"NetMon", "GMBU\x00\x02\x01\x00", "Microsoft Network Monitor 2 capture (save it as pcap)"},
		{"block type of pcapng without its magic", "\n\r\r\n\x1c\x00\x00\x00abcdefgh", "unknown file format"},
		{"noise", "\x93\x01\x7f\xee\x00\x10\x20\x88\xfe\xfe\xfe\xfe\xfe\xfe\xfe\xfe\xfe\xfe", "unknown file format"},
		{"zeros", string(make([]byte, 100)), "unknown file format"},
		{"compressed three times", string(gzipped(gzipped(gzipped(nil)))), "gzip compressed data, compressed too often"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(name, []byte(tc.file), 0o666); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(name, nil); err == nil || err.Error() != name+": not a capture: "+tc.want {
				t.Errorf("error %v, want %s", err, tc.want)
			}
		})
	}
	dir := t.TempDir()
	if _, err := Open(dir, nil); err == nil || err.Error() != dir+": is a directory" {
		t.Errorf("a directory: %v", err)
	}
	if _, err := Open("-", nil); err == nil {
		t.Error("stdin that is not there: no error")
	}
	if _, err := Open(filepath.Join(dir, "none"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a name that does not exist: %v", err)
	}
}

func compressedBy(w func(io.Writer) (io.WriteCloser, error), b []byte) []byte {
	var out bytes.Buffer
	c, err := w(&out)
	if err != nil {
		panic(err)
	}
	if _, err := c.Write(b); err != nil {
		panic(err)
	}
	if err := c.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

func gzipped(b []byte) []byte {
	return compressedBy(func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil }, b)
}

func lz4ed(b []byte) []byte {
	return compressedBy(func(w io.Writer) (io.WriteCloser, error) {
		z := lz4.NewWriter(w)
		return z, z.Apply(lz4.BlockSizeOption(lz4.Block64Kb))
	}, b)
}

func zstded(b []byte) []byte {
	return compressedBy(func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) }, b)
}

func xzed(b []byte) []byte {
	return compressedBy(func(w io.Writer) (io.WriteCloser, error) { return xz.NewWriter(w) }, b)
}

// tenMegabytes is a pcap file of 10 MB with records of all lengths up to that of a full frame.
func tenMegabytes() []byte {
	file := pcapHeader(littleEndian, 0xa1b23c4d, 2, 4, 65535, 1)
	data := make([]byte, 1514)
	for i := uint32(0); len(file) < 10_000_000; i++ {
		n := 14 + i*37%1501
		binary.BigEndian.PutUint32(data[10:], i)
		file = appendPcapRecord(file, littleEndian, 16, i/1000, i, n, n, data[:n])
	}
	return file
}

func TestCompression(t *testing.T) {
	file := tenMegabytes()
	want, _, err := recordsOf(t, file)
	if err != nil {
		t.Fatal(err)
	}
	for name, packed := range map[string][]byte{
		"none": file, "gzip": gzipped(file), "zstd": zstded(file), "lz4": lz4ed(file),
		"gzip, two members": append(gzipped(file[:5_000_000]), gzipped(file[5_000_000:])...),
		"zstd, two frames":  append(zstded(file[:5_000_000]), zstded(file[5_000_000:])...),
		"lz4, two frames":   append(lz4ed(file[:5_000_000]), lz4ed(file[5_000_000:])...),
		"xz, two streams":   append(xzed(file[:5_000]), xzed(file[5_000:])...),
		"zstd of a gzip":    zstded(gzipped(file)),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "capture")
			if err := os.WriteFile(path, packed, 0o666); err != nil {
				t.Fatal(err)
			}
			r, err := Open(path, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			got, err := drain(r)
			if err != nil || len(got) != len(want) {
				t.Fatalf("%d records, %v, want %d", len(got), err, len(want))
			}
			wantRecords(t, got, want)
			if name, _, _ := strings.Cut(name, " "); r.Compression() != strings.TrimSuffix(name, ",") {
				t.Errorf("compression %s", r.Compression())
			}
			if r.read.Load() != int64(len(packed)) || r.Size() != int64(len(packed)) {
				t.Errorf("offset %d, size %d, want %d", r.read.Load(), r.Size(), len(packed))
			}
		})
	}
}

func TestCompressedFileDamaged(t *testing.T) {
	file := tenMegabytes()[:1_000_000]
	for name, pack := range map[string]func([]byte) []byte{"gzip": gzipped, "zstd": zstded, "lz4": lz4ed, "xz": xzed} {
		t.Run(name, func(t *testing.T) {
			packed := pack(file)
			records, _, err := recordsOf(t, packed[:len(packed)-10])
			var cut *CutError
			if !errors.As(err, &cut) || !errors.Is(err, io.ErrUnexpectedEOF) || cut.Frame != int64(len(records)) || len(records) == 0 {
				t.Errorf("cut: %d records, %v", len(records), err)
			}
			records, _, err = recordsOf(t, append(packed, "some garbage"...))
			if !errors.As(err, &cut) || cut.Frame != int64(len(records)) || len(records) < 1000 {
				t.Errorf("garbage behind: %d records, %v", len(records), err)
			}
		})
	}
}

func TestCompressedFileCutAtEveryOctet(t *testing.T) {
	file := smallFiles()["pcap"].file
	for name, pack := range map[string]func([]byte) []byte{"gzip": gzipped, "zstd": zstded, "lz4": lz4ed, "xz": xzed} {
		packed := pack(file)
		for n := 1; n < len(packed); n++ {
			const indexAndFooter = 20
			if name == "xz" && n == len(packed)-indexAndFooter {
				continue // the decoder takes the end of a block for the end; nothing of the data is missing
			}
			r, err := Open("-", bytes.NewReader(packed[:n]))
			if err == nil {
				_, err = drain(r)
				r.Close()
			}
			if err == nil || errors.Is(err, io.EOF) {
				t.Errorf("%s cut at %d: %v", name, n, err)
			}
		}
	}
}

// A file is closed and its goroutines end, wherever the reader stops.
func TestCloseEndsDecompression(t *testing.T) {
	path := filepath.Join(t.TempDir(), "capture")
	if err := os.WriteFile(path, zstded(gzipped(tenMegabytes())), 0o666); err != nil {
		t.Fatal(err)
	}
	before := runtime.NumGoroutine()
	for range 5 {
		r, err := Open(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := r.Next(make([]Record, 1)); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		r.Close()
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

func TestBombTakesNoMemory(t *testing.T) {
	const size = 64 << 20
	bomb := zstded(append(pcapHeader(littleEndian, 0xa1b2c3d4, 2, 4, 0, 1), make([]byte, size)...))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r, err := Open("-", bytes.NewReader(bomb))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	frames := 0
	for batch := make([]Record, 512); err == nil; {
		var n int
		n, err = r.Next(batch)
		frames += n
	}
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; err != io.EOF || frames != size/pcapRecordHeader || allocated > size/2 {
		t.Errorf("%d records, %v, %d octets allocated", frames, err, allocated)
	}
}

func TestXZDictionaryIsBounded(t *testing.T) {
	greedy := xzed(bytes.Repeat([]byte("x"), 1000))
	block := greedy[12:] // behind the stream header (.xz file format, sections 3.1 and 5.3.1)
	size := (int(block[0]) + 1) * 4
	block[4] = 40 // 4 GiB - 1
	binary.LittleEndian.PutUint32(block[size-4:], crc32.ChecksumIEEE(block[:size-4]))
	random := make([]byte, 1<<20)
	rand.NewChaCha8([32]byte{}).Read(random)
	for name, before := range map[string][]byte{
		"first stream":          nil,
		"second stream":         xzed([]byte("x")),
		"behind a megabyte":     xzed(random),
		"across the buffer end": append(xzed([]byte("x")), make([]byte, 64<<10-100)...), // stream padding
	} {
		t.Run(name, func(t *testing.T) {
			in, err := openXZ(bufio.NewReaderSize(bytes.NewReader(append(before, greedy...)), 64<<10))
			if err == nil {
				_, err = io.Copy(io.Discard, in)
			}
			if err == nil || !strings.Contains(err.Error(), "dictionary of 4294967295 bytes exceeds 134217728") {
				t.Error(err)
			}
		})
	}
}

func TestZstdWindowIsBounded(t *testing.T) {
	// RFC 8878: a frame header without content size, and a window of 1 GiB.
	if _, err := Open("-", strings.NewReader("\x28\xb5\x2f\xfd\x00\xa0\x01\x00\x00")); err == nil || !strings.Contains(err.Error(), "window size exceeded") {
		t.Error(err)
	}
}

func TestMillionInterfaces(t *testing.T) {
	f := new(ngFile).sectionHeader(littleEndian)
	start := len(f.b)
	f.interfaceDescription(1, 0, f.option(3, bytes.Repeat([]byte("x"), 100)...))
	one := f.b[start:]
	many := io.MultiReader(bytes.NewReader(f.b[:start]), bytes.NewReader(bytes.Repeat(one, 100_000)))
	for range 10 {
		many = io.MultiReader(many, bytes.NewReader(bytes.Repeat(one, 100_000)))
	}
	r, err := Open("-", many)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = drain(r); err == nil || !strings.Contains(err.Error(), "more than 1048576 interfaces") {
		t.Error(err)
	}
	text := 0
	for _, i := range r.Interfaces() {
		text += len(i.Description)
	}
	if text > maxText {
		t.Errorf("%d octets of descriptions", text)
	}
}

func TestERF(t *testing.T) {
	const second = 1 << 32
	pad := []byte{0, 0}
	var file []byte
	file = appendERF(file, 10*second, 48, 0, 0, nil)                                                                 // padding
	file = appendERF(file, 10*second+second/2, 2, 1, 21, append(append(append(pad, frame...), 1, 2, 3, 4), 0, 0, 0)) // Ethernet, FCS, padding
	file = appendERF(file, 10*second, 0x82, 2, 17, append(append([]byte{0x83, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0}, pad...), frame...))
	file = appendERF(file, 11*second-1, 22, 2, 1000, []byte("\x45\x00"))
	file = appendERF(file, 11*second, 25, 2, 3, []byte("abc"))
	want := []Record{
		{Data: append(frame[:17:17], 1, 2, 3, 4), WireLen: 21, Nanos: 10.5e9, Interface: 0, Link: linkEthernet, FCS: 4},
		{Data: frame, WireLen: 17, Nanos: 10e9, Interface: 1, Link: linkEthernet, FCS: 4},
		{Data: []byte("\x45\x00"), WireLen: 1000, Nanos: 11e9, Interface: 2, Link: linkIPv4, FCS: -1},
		{Data: []byte("abc"), WireLen: 3, Nanos: 11e9, Interface: 3, Link: linkERF, FCS: -1},
	}
	got, r, err := recordsOf(t, file)
	if err != nil || r.Format() != "erf" || len(r.Interfaces()) != 4 || r.Interfaces()[1].Name != "port 2" {
		t.Errorf("format %s, interfaces %+v, error %v", r.Format(), r.Interfaces(), err)
	}
	wantRecords(t, got, want)
	for name, bad := range map[string][]byte{
		"type 0":        appendERF(nil, 11*second, 0, 0, 0, nil),
		"a year later":  appendERF(nil, 50e6*second, 2, 0, 0, pad),
		"a week before": appendERF(nil, 9*second, 2, 0, 0, pad),
	} {
		if looksLikeERF(append(bytes.Clone(file), bad...)) {
			t.Errorf("%s: taken for ERF", name)
		}
	}
	file = append(bytes.Clone(file), bytes.Repeat(appendERF(nil, 11*second, 24, 0, 0, nil), 20)...)
	for want, bad := range map[string][]byte{
		"type 0, length 16 is no ERF record":       appendERF(nil, 0, 0, 0, 0, nil),
		"ERF record of 17 bytes has headers of 18": appendERF(nil, 0, 2, 0, 0, pad[:1]),
		"ERF record of 24 bytes has headers of 26": appendERF(nil, 0, 0x82, 0, 0, []byte{0x80, 0, 0, 0, 0, 0, 0, 0}),
		"type 127, length 16 is no ERF record":     appendERF(nil, 0, 127, 0, 0, nil),
	} {
		if _, _, err := recordsOf(t, append(bytes.Clone(file), bad...)); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func TestSnoop(t *testing.T) {
	got, r, err := recordsOf(t, snoopFile(4, 60, frame, 3))
	want := []Record{{Data: frame, WireLen: 60, Nanos: 100_000_005_000, Link: linkEthernet, FCS: -1}}
	if err != nil || r.Format() != "snoop" {
		t.Errorf("format %s, error %v", r.Format(), err)
	}
	wantRecords(t, got, want)
	for name, tc := range map[string]struct {
		file []byte
		want string
	}{
		"cut header":      {snoopFile(4, 60, frame, 0)[:12], "snoop file header cut off: 12 of 16 bytes"},
		"other datalink":  {snoopFile(99, 60, frame, 0), "snoop datalink type 99 is not supported"},
		"unknown version": {append([]byte(snoopMagic), 0, 0, 0, 9, 0, 0, 0, 4), "snoop version 9 is not supported"},
	} {
		if _, err := Open("-", bytes.NewReader(tc.file)); err == nil || err.Error() != "stdin: "+tc.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	bad := snoopFile(4, 60, frame, 0)
	bad[snoopFileHeader+4] = 0xff
	if _, _, err := recordsOf(t, bad); err == nil || !strings.Contains(err.Error(), "capture length 4278190097 in a record of 41 bytes") {
		t.Error(err)
	}
}

func TestLinkName(t *testing.T) {
	for link, want := range map[uint16]string{
		0: "NULL", 1: "EN10MB", 9: "PPP", 51: "PPP_ETHER", 101: "RAW", 105: "IEEE802_11", 108: "LOOP", 113: "LINUX_SLL",
		127: "IEEE802_11_RADIO", 12: "RAW", 14: "RAW", 228: "IPV4", 229: "IPV6", 276: "LINUX_SLL2", 65000: "65000",
	} {
		if got := LinkName(link); got != want {
			t.Errorf("link type %d: %s, want %s", link, got, want)
		}
	}
}
