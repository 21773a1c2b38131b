package recording

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// maxWindow bounds the memory that a compressed file may ask for. It is what zstd --long and xz -9 stay within; a file that
// was made with more is refused by the command-line tools, too, unless they are told.
const maxWindow = 128 << 20

// decompress takes off the compression that src starts with, none or one or two of them (a .gz inside a .zst), in a goroutine that
// works ahead, further ahead as long as there are shared buffers. The name is that of the outer one.
func decompress(src io.Reader, shared chan []byte) (_ *bufio.Reader, name string, stop func() error, err error) {
	stop = func() error { return nil }
	in := bufio.NewReaderSize(src, 64<<10)
	head, err := peek(in, longestMagic)
	if err != nil {
		return nil, "", stop, err
	}
	name, open := compressionOf(head)
	if open == nil {
		return in, "none", stop, nil
	}
	out := readAhead(context.Background(), shared, func() (io.Reader, func(), error) { return expand(in) })
	return bufio.NewReaderSize(out, 64<<10), name, out.Close, nil
}

// expand returns what in holds decompressed, once or twice, and what is to be done at the end. Its errors name the compression.
func expand(in *bufio.Reader) (_ io.Reader, end func(), err error) {
	var open []*zstd.Decoder
	end = func() {
		for _, z := range open {
			z.Close()
		}
	}
	for range 2 {
		head, err := peek(in, longestMagic)
		compression, decoder := compressionOf(head)
		if err != nil || decoder == nil {
			return in, end, nil // an error will be met again
		}
		r, err := decoder(bufio.NewReaderSize(in, 64<<10))
		if err != nil {
			end()
			return nil, nil, explained(compression, err)
		}
		if z, ok := r.(*zstd.Decoder); ok {
			open = append(open, z)
		}
		in = bufio.NewReaderSize(&explaining{r, compression}, longestMagic) // which keeps out of the way of longer reads
	}
	return in, end, nil
}

// explaining is a decompressor whose errors say which one it is.
type explaining struct {
	io.Reader
	compression string
}

func (e *explaining) Read(p []byte) (int, error) {
	n, err := e.Reader.Read(p)
	return n, explained(e.compression, err)
}

func explained(compression string, err error) error {
	if err == nil || err == io.EOF || strings.HasPrefix(err.Error(), compression) {
		return err
	}
	return fmt.Errorf("%s: %w", compression, err)
}

// longestMagic is how many octets compressionOf wants to see.
const longestMagic = 6

// compressionOf recognises a compression by its magic number: RFC 1952, RFC 8878, the LZ4 frame format (and its legacy
// form), the .xz file format.
func compressionOf(head []byte) (string, func(*bufio.Reader) (io.Reader, error)) {
	switch {
	case hasPrefix(head, "\x1f\x8b\x08"):
		return "gzip", func(in *bufio.Reader) (io.Reader, error) { return gzip.NewReader(in) }
	case hasPrefix(head, "\x28\xb5\x2f\xfd"), len(head) >= 4 && head[0]&0xf0 == 0x50 && hasPrefix(head[1:], "\x2a\x4d\x18"):
		return "zstd", func(in *bufio.Reader) (io.Reader, error) {
			return zstd.NewReader(in, zstd.WithDecoderMaxWindow(maxWindow))
		}
	case hasPrefix(head, "\x04\x22\x4d\x18"), hasPrefix(head, "\x02\x21\x4c\x18"):
		return "lz4", func(in *bufio.Reader) (io.Reader, error) { return lz4.NewReader(in), nil }
	case hasPrefix(head, "\xfd7zXZ\x00"):
		return "xz", openXZ
	}
	return "", nil
}

// openXZ refuses a file in which a block asks for a dictionary beyond maxWindow: the decoder would allocate it.
func openXZ(in *bufio.Reader) (io.Reader, error) { return xz.NewReader(&xzGuard{in: in}) }

// xzGuard looks at the octets of an xz file before they are read. A block can begin at any multiple of 4 octets, and only
// the decoder knows where one does; but its header shows itself by a CRC-32 (.xz file format, section 3.1).
type xzGuard struct {
	in      *bufio.Reader
	offset  int // octets read
	checked int // octets ahead at which no header to refuse begins
}

// maxBlockHeader is the longest header that a block can have (.xz file format, section 3.1.1), in octets.
const maxBlockHeader = 1024

func (g *xzGuard) Read(p []byte) (int, error) {
	if g.checked == 0 {
		b, err := g.in.Peek(g.in.Size())
		if len(b) == 0 {
			return 0, err
		}
		if n := greedyBlock(b, g.offset); n > maxWindow {
			return 0, fmt.Errorf("dictionary of %d bytes exceeds %d", n, maxWindow)
		}
		g.checked = len(b)
		if err == nil { // a header may begin at the end of b
			g.checked -= maxBlockHeader
		}
	}
	n, err := g.in.Read(p[:min(len(p), g.checked)])
	g.offset += n
	g.checked -= n
	return n, err
}

// greedyBlock returns the size of the first dictionary beyond maxWindow that a block header in b asks for, else 0. b is offset
// octets into the file. The header has two octets, at most two numbers of 9 octets, and the LZMA2 filter (sections 3.1, 5.3.1).
func greedyBlock(b []byte, offset int) int64 {
	filter := []byte{0x21, 1}
	for at := bytes.Index(b, filter); at >= 0 && at+2 < len(b); {
		if n, err := lzma.DecodeDictCap(b[at+2]); err == nil && n > maxWindow {
			for start := at - 2; start >= max(at-20, 0); start-- {
				size := (int(b[start]) + 1) * 4
				if (offset+start)%4 == 0 && start+size <= len(b) && size > at+3-start &&
					crc32.ChecksumIEEE(b[start:start+size-4]) == binary.LittleEndian.Uint32(b[start+size-4:]) {
					return n
				}
			}
		}
		next := bytes.Index(b[at+1:], filter)
		if next < 0 {
			return 0
		}
		at += 1 + next
	}
	return 0
}
