package recording

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"
)

// identify says in which format a file is that starts with head, and how many octets its header takes. The error for what
// is no capture says what it is.
func identify(head []byte) (f format, skip int, err error) {
	if _, _, ok := variantOf(head); ok {
		return newPcap(head)
	}
	switch {
	case len(head) >= 12 && littleEndian.u32(head) == blockSection && new(pcapng).setOrder(head[8:]) == nil:
		return newPcapng(), 0, nil
	case hasPrefix(head, snoopMagic):
		return newSnoop(head)
	}
	if what := describe(head); what != "" {
		return nil, 0, fmt.Errorf("not a capture: %s", what)
	}
	if looksLikeERF(head) {
		return &erf{ports: map[erfPort]int32{}}, 0, nil
	}
	return nil, 0, errors.New("not a capture: unknown file format")
}

// signatures are the files that are taken for captures by mistake, and captures in formats that wiretax does not read.
var signatures = []struct {
	offset int
	magic  string
	what   string
}{
	{0, "PK\x03\x04", "zip archive (extract it first)"},
	{0, "7z\xbc\xaf\x27\x1c", "7z archive (extract it first)"},
	{0, "Rar!\x1a\x07", "rar archive (extract it first)"},
	{257, "ustar", "tar archive (extract it first)"},
	{0, "BZh", "bzip2 compressed data (decompress it first)"},
	{0, "\x1f\x9d", "compress'd data (decompress it first)"},
	{0, "\x1f\x8b", "gzip compressed data, compressed too often"},
	{0, "\x28\xb5\x2f\xfd", "zstd compressed data, compressed too often"},
	{0, "\x04\x22\x4d\x18", "lz4 compressed data, compressed too often"},
	{0, "\xfd7zXZ\x00", "xz compressed data, compressed too often"},
	{0, "\x7fELF", "ELF executable"},
	{0, "MZ", "Windows executable"},
	{0, "\x89PNG\r\n", "PNG image"},
	{0, "\xff\xd8\xff", "JPEG image"},
	{0, "GIF8", "GIF image"},
	{0, "%PDF-", "PDF document"},
	{0, "SQLite format 3\x00", "SQLite database"},
	{0, "GMBU", "Microsoft Network Monitor 2 capture (save it as pcap)"},
	{0, "RTSS", "Microsoft Network Monitor 1 capture (save it as pcap)"},
	{0, "TRSNIFF data    \x1a", "Network General Sniffer capture (save it as pcap)"},
	{0, "XCP\x00", "NetXRay capture (save it as pcap)"},
	{0, "btsnoop\x00", "Bluetooth HCI log (btsnoop)"},
	{0, "iptrace 1.0", "AIX iptrace capture (convert it to pcap)"},
	{0, "iptrace 2.0", "AIX iptrace capture (convert it to pcap)"},
	{0, "\x7fver", "EtherPeek capture (save it as pcap)"},
	{0, "\x54\x52\x00\x64\x00", "HP-UX nettl trace (convert it to pcap)"},
	{0, "\x05VNF", "Visual Networks capture (save it as pcap)"},
	{0, "\xaa\xaa\xaa\xaa", "Accellent 5Views capture (save it as pcap)"},
	{0, "<?xml", "XML document"},
	{0, "<!DOCTYPE html", "HTML document"},
	{0, "<!doctype html", "HTML document"},
	{0, "<html", "HTML document"},
	{0, "#!", "script"},
}

// describe names what a file is that is no capture, "" when it can't tell.
func describe(head []byte) string {
	if len(head) == 0 {
		return "empty file"
	}
	for _, s := range signatures {
		if len(head) >= s.offset && hasPrefix(head[s.offset:], s.magic) {
			return s.what
		}
	}
	if !isText(head) {
		return ""
	}
	if text := bytes.TrimSpace(head); hasPrefix(text, "{") || hasPrefix(text, "[") {
		return "JSON"
	}
	return "plain text"
}

// isText reports whether the octets are printable UTF-8. The last character may be cut.
func isText(b []byte) bool {
	b = b[:min(len(b), 512)]
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError && size == 1 {
			return !utf8.FullRune(b)
		}
		if r < ' ' && r != '\n' && r != '\r' && r != '\t' && r != '\f' && r != '\x1b' {
			return false
		}
		b = b[size:]
	}
	return true
}

func hasPrefix(b []byte, prefix string) bool { return bytes.HasPrefix(b, []byte(prefix)) }
