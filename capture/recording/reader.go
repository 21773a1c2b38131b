package recording

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync/atomic"
)

// chunk is how many octets a Reader asks for at once. Shorter ones make batches that cost more to hand on than to analyse;
// longer ones leave the CPU's cache.
const chunk = 512 << 10

// shortChunk is that of a Reader without a Batch: to look at a file's first record, and to read several files in turns, of which
// there may be hundreds.
const shortChunk = 128 << 10

// Reader reads the records of one capture.
type Reader struct {
	name        string
	compression string
	format      format
	src         io.Reader // what the file holds once it is decompressed
	closers     []func() error
	read        *atomic.Int64 // octets read of the file as it is on disk
	size        int64

	buf        []byte
	start, end int   // buf[start:end] is read and not decoded
	offset     int64 // of buf[start] in src
	frames     int64 // records handed out
	named      int   // interfaces that know their file
	lent       bool  // a Batch refers to buf
	err        error // why src gave no more
}

// A format turns octets into records. It never sees the file: what it can't take yet is there again in the next call,
// with more behind it.
type format interface {
	// decode fills batch with the records that are whole in b. It returns their number, the octets of b that they and
	// whatever else was skipped take, and the octets that the next record needs as far as b tells. An error means that
	// what follows the used octets can't be read.
	decode(b []byte, batch []Record) (n, used, want int, err error)
	interfaces() []Interface
	name() string
}

// CutError says that a capture ends before its end: in the middle of a record, in an error of the disk or the
// decompressor, or because what follows is no record. Everything before it has been read.
type CutError struct {
	File   string
	Frame  int64 // last whole record, 1-based; 0 when there is none
	Offset int64 // octet at which that which can't be read starts, after decompression; -1 where the file can't be opened any more
	Cause  error // io.ErrUnexpectedEOF when the file just ends
}

func (e *CutError) Error() string {
	if e.Offset < 0 {
		return e.Cause.Error() // which names the file
	}
	what := "damaged"
	if errors.Is(e.Cause, io.ErrUnexpectedEOF) {
		what = "cut off"
	}
	return fmt.Sprintf("%s: %s after frame %d (byte %d): %v", e.File, what, e.Frame, e.Offset, e.Cause)
}

func (e *CutError) Unwrap() error { return e.Cause }

// Open opens a capture. The name - stands for stdin. The error for a file that is no capture says what it is.
func Open(name string, stdin io.Reader) (*Reader, error) {
	return open(context.Background(), name, stdin, new(atomic.Int64), nil)
}

func open(ctx context.Context, name string, stdin io.Reader, read *atomic.Int64, shared chan []byte) (*Reader, error) {
	r := &Reader{name: name, read: read, size: -1}
	file := stdin
	switch {
	case name == "-" && stdin == nil:
		return nil, errors.New("stdin: not available")
	case name == "-":
		r.name = "stdin"
		if ctx.Done() != nil && !isFile(stdin) {
			file = r.stream(ctx, func() (io.Reader, func(), error) { return stdin, func() {}, nil })
		}
	case isStream(name):
		file = r.stream(ctx, func() (io.Reader, func(), error) {
			f, err := os.Open(name) // it waits for whoever writes into the pipe
			return f, func() { f.Close() }, err
		})
	default:
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		r.closers = append(r.closers, f.Close)
		file = f
	}
	if err := r.detect(file, shared); err != nil {
		r.Close()
		return nil, fmt.Errorf("%s: %w", r.name, err)
	}
	return r, nil
}

// isStream reports whether the file is one that may keep its reader waiting: a pipe, a device.
func isStream(name string) bool {
	info, err := os.Stat(name)
	return err == nil && !info.Mode().IsRegular() && !info.IsDir()
}

// isFile reports whether the reader is a regular file, which always has something to give.
func isFile(r io.Reader) bool {
	f, ok := r.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && (info.Mode().IsRegular() || info.IsDir())
}

// stream reads what may give nothing for a long time, until the context ends.
func (r *Reader) stream(ctx context.Context, open func() (io.Reader, func(), error)) io.Reader {
	a := readAhead(ctx, nil, open)
	r.closers = append(r.closers, a.Close)
	return a
}

// detect finds out how the file is compressed and what is in it.
func (r *Reader) detect(file io.Reader, shared chan []byte) error {
	if s, ok := file.(interface{ Stat() (fs.FileInfo, error) }); ok {
		if info, err := s.Stat(); err != nil {
			return err
		} else if info.IsDir() {
			return errors.New("is a directory")
		} else if info.Mode().IsRegular() {
			r.size = info.Size()
		}
	}
	src, compression, stop, err := decompress(&counter{file, r.read}, shared)
	r.closers = append(r.closers, stop)
	if err != nil {
		return err
	}
	r.compression = compression
	head, err := peek(src, pcapFileHeader)
	if variant, _, ok := variantOf(head); ok && err == nil {
		head, err = peek(src, variant.file)
	}
	if err != nil {
		return err
	}
	var skip int
	if r.format, skip, err = identify(head); err != nil {
		return err
	}
	src.Discard(skip)
	r.src, r.offset = src, int64(skip)
	return nil
}

// peek returns what src has buffered, waiting for n octets and no longer: a live pipe may have no more for a while.
func peek(src *bufio.Reader, n int) ([]byte, error) {
	if _, err := src.Peek(n); err != nil && err != io.EOF && src.Buffered() == 0 {
		return nil, err
	}
	return src.Peek(src.Buffered())
}

// counter counts what is read from a file. The count is read by whoever draws the progress bar.
type counter struct {
	io.Reader
	n *atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// Next fills batch with the next records and returns how many there are: all that are whole in the octets read so far, at
// least one unless it returns an error. Their Data is valid until the next call. At the end of the capture the error is
// io.EOF; where the capture can't be read further it is a *CutError.
func (r *Reader) Next(batch []Record) (int, error) {
	r.keep()
	return r.next(batch)
}

// keep takes what is not decoded out of the batch that was filled last.
func (r *Reader) keep() {
	if r.lent {
		r.buf = bytes.Clone(r.buf[r.start:r.end])
		r.start, r.end, r.lent = 0, len(r.buf), false
	}
}

func (r *Reader) next(batch []Record) (int, error) {
	for len(batch) > 0 {
		n, used, want, err := r.format.decode(r.buf[r.start:r.end], batch)
		r.start += used
		r.offset += int64(used)
		r.frames += int64(n)
		switch {
		case n > 0:
			return n, nil // what else is to be said, the next call finds again
		case err != nil:
			return 0, r.cut(err)
		case r.err == nil:
			r.fill(max(want, 1))
		case r.err == io.EOF && r.start == r.end:
			return 0, io.EOF
		case r.err == io.EOF:
			return 0, r.cut(fmt.Errorf("%d of %d bytes of the next record: %w", r.end-r.start, want, io.ErrUnexpectedEOF))
		default:
			return 0, r.cut(r.err)
		}
	}
	return 0, nil
}

// Batch is a run of records with the octets that they refer to. It stays valid until it is filled again, whatever else is
// read of the capture in the meantime.
type Batch struct {
	Records []Record
	room    []Record
	buf     []byte
}

// batchRecords is how many records a batch has at most: as many as a chunk holds of the shortest frames.
const batchRecords = chunk / (pcapRecordHeader + 60)

// Fill replaces the records of a batch by the next ones, as Next does.
func (r *Reader) Fill(b *Batch) error {
	if b.room == nil {
		b.room = make([]Record, batchRecords)
	}
	room := max(chunk, r.end-r.start) // of more than a chunk the records don't fit into a batch, and those left make a short one
	if cap(b.buf) < room {
		b.buf = make([]byte, room)
	}
	b.buf = b.buf[:room]
	r.end = copy(b.buf, r.buf[r.start:r.end]) // what the batch before could not take
	r.start, r.buf, r.lent = 0, b.buf, true
	n, err := r.next(b.room)
	b.Records, b.buf = b.room[:n], r.buf
	return err
}

func (r *Reader) cut(cause error) error {
	return &CutError{File: r.name, Frame: r.frames, Offset: r.offset, Cause: cause}
}

// fill reads until want octets are buffered. The buffer doubles as the octets come in, so that a length field that lies
// allocates nothing.
func (r *Reader) fill(want int) {
	r.end = copy(r.buf, r.buf[r.start:r.end])
	r.start = 0
	for r.end < want && r.err == nil {
		if r.end == len(r.buf) {
			grown := make([]byte, max(shortChunk, 2*len(r.buf)))
			copy(grown, r.buf)
			r.buf = grown
		}
		var n int
		n, r.err = r.src.Read(r.buf[r.end:])
		r.end += n
	}
}

// Interfaces returns the interfaces that the capture has described so far, indexed by Record.Interface. A pcapng file may
// describe further ones between its records.
func (r *Reader) Interfaces() []Interface {
	ifs := r.format.interfaces()
	for ; r.named < len(ifs); r.named++ {
		ifs[r.named].File = r.name
	}
	return ifs
}

// Format returns pcap, pcapng, erf or snoop.
func (r *Reader) Format() string { return r.format.name() }

// Compression returns none, gzip, zstd, lz4 or xz.
func (r *Reader) Compression() string { return r.compression }

// Size returns the size of the file on disk in octets, -1 for a pipe.
func (r *Reader) Size() int64 { return r.size }

// Close closes the file. Data of records is invalid after it.
func (r *Reader) Close() error {
	var errs []error
	for i := len(r.closers) - 1; i >= 0; i-- {
		errs = append(errs, r.closers[i]())
	}
	r.closers = nil
	return errors.Join(errs...)
}
