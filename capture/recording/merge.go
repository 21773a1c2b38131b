package recording

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
)

// mergeBatch is how many records Merge takes from a file at a time.
const mergeBatch = 256

// Merge reads several captures as one in the order of time, as mergecap(1) does: the next record is the earliest among the
// next records of all files, and within a file the order stays. Interfaces are numbered over all files.
type Merge struct {
	ctx       context.Context
	inputs    []*input // in the order of their first records
	pending   []*input // those of inputs whose time has not come
	active    []*input // those that have a record to give, in the same order
	described []Interface
	ended     []*input // those whose interfaces no other has gone on with
	read      *atomic.Int64
	shared    chan []byte // buffers of the files that are read ahead
	size      int64
	cuts      []error
}

// input is one of the files of a Merge.
type input struct {
	name        string
	stdin       io.Reader
	series      string  // see there; empty for a pipe, whose name is that of a descriptor
	first       int64   // time of the first record
	file        *Reader // nil until shortly before its time
	failed      error   // why it could not be opened then
	format      string
	compression string
	size        int64
	records     []Record
	next        []Record // the part of records that is still to give
	numbers     []int32  // interface numbers of the Merge, by those of the file
	before      []int32  // those of the file that it goes on with
}

// OpenAll opens several captures as one; - stands for stdin. With more than one, each is read up to its first record, and
// kept closed until shortly before its time: the hundreds of a ring buffer take little more memory than one. The end of the context ends
// pipes and other streams.
func OpenAll(ctx context.Context, names []string, stdin io.Reader) (*Merge, error) {
	m := &Merge{ctx: ctx, read: new(atomic.Int64), shared: emptyBuffers(sharedPieces)}
	for _, name := range names {
		in := &input{name: name, stdin: stdin}
		m.inputs = append(m.inputs, in)
		if err := in.look(ctx, m.read, len(names) > 1); err != nil {
			m.Close()
			return nil, err
		}
		if m.size += in.size; in.size < 0 {
			m.size = math.MinInt64 // unknown, whatever is added
		}
	}
	slices.SortStableFunc(m.inputs, func(a, b *input) int { return cmp.Compare(a.first, b.first) })
	m.pending = m.inputs
	return m, nil
}

// look opens the file to see what it is, and when it begins if that matters.
func (in *input) look(ctx context.Context, read *atomic.Int64, when bool) (err error) {
	info, _ := os.Stat(in.name)
	again := when && in.name != "-" && info != nil && info.Mode().IsRegular()
	if again {
		read = new(atomic.Int64) // it will be read once more
	}
	if in.file, err = open(ctx, in.name, in.stdin, read, nil); err != nil {
		return err
	}
	in.format, in.compression, in.size = in.file.Format(), in.file.Compression(), in.file.Size()
	if in.size >= 0 {
		in.series = series(in.name)
	}
	if !when {
		return nil
	}
	in.records = make([]Record, 1)
	n, _ := in.file.Next(in.records) // an error will be met again
	in.next = in.records[:n]
	in.first = math.MaxInt64 // without a record its place is at the end
	if n > 0 {
		in.first = in.records[0].Nanos
	}
	if again {
		err, in.file, in.next = in.file.Close(), nil, nil
		return err
	}
	return nil
}

// Next fills batch with the next records, as Reader.Next does. A file that can't be read to its end does not keep the
// others from being read: its *CutError is returned at the end in place of io.EOF, joined with those of other files.
func (m *Merge) Next(batch []Record) (int, error) {
	if len(m.inputs) == 1 {
		return m.inputs[0].file.Next(batch)
	}
	m.refill()
	n := 0
	for n < len(batch) && len(m.active) > 0 {
		in, until := m.earliest()
		run := in.give(batch[n:], until)
		n += run
		if run == 0 || len(in.next) == 0 {
			break // a further file begins here, or this one must read on, which ends the life of what it gave
		}
	}
	if n > 0 || len(batch) == 0 {
		return n, nil
	}
	if len(m.cuts) > 0 {
		return 0, errors.Join(m.cuts...)
	}
	return 0, io.EOF
}

// Fill replaces the records of a batch by the next ones, as Next does.
func (m *Merge) Fill(b *Batch) error {
	if len(m.inputs) == 1 {
		return m.inputs[0].file.Fill(b)
	}
	if m.alone() && m.fillAlone(m.active[0], b) {
		return nil
	}
	if b.room == nil {
		b.room = make([]Record, batchRecords)
	}
	b.buf = b.buf[:0]
	room := b.room
	for len(room) > 0 {
		n, err := m.Next(room)
		if n == 0 {
			b.Records = b.room[:len(b.room)-len(room)]
			if len(b.Records) > 0 {
				return nil // what else is to be said, the next call finds again
			}
			return err
		}
		for i := range room[:n] {
			b.own(&room[i])
		}
		if room = room[n:]; len(b.buf) > chunk || m.alone() {
			break
		}
	}
	b.Records = b.room[:len(b.room)-len(room)]
	return nil
}

// alone reports whether the next records are those of one file, as far as it goes before the time of the next one.
func (m *Merge) alone() bool { return len(m.active) == 1 && len(m.active[0].next) == 0 }

// fillAlone replaces the records of a batch by the next ones of a file, in place: only what comes after the time of a
// further file is copied. It reports whether there are any.
func (m *Merge) fillAlone(in *input, b *Batch) bool {
	if err := in.file.Fill(b); err != nil {
		m.end(in, err)
		m.active = nil
		return false
	}
	m.number(in)
	_, until := m.earliest()
	in.next = b.Records
	b.Records = b.Records[:in.give(b.Records, until)]
	if len(in.next) > 0 { // the batch may be filled again before the file is read on
		in.file.keep()
		in.next = slices.Clone(in.next)
		for i := range in.next {
			in.next[i].Data = bytes.Clone(in.next[i].Data)
		}
	}
	return len(b.Records) > 0
}

// own copies the octets of a record into the batch.
func (b *Batch) own(r *Record) {
	if cap(b.buf)-len(b.buf) < len(r.Data) {
		b.buf = make([]byte, 0, max(2*chunk, len(r.Data))) // records before keep the old one
	}
	at := len(b.buf)
	b.buf = append(b.buf, r.Data...)
	r.Data = b.buf[at:len(b.buf):len(b.buf)]
}

// refill reads on in the files that have given all they had, and begins with those whose time has come.
func (m *Merge) refill() {
	m.active = slices.DeleteFunc(m.active, func(in *input) bool { return len(in.next) == 0 && !m.fill(in) })
	defer m.openAhead()
	for len(m.pending) > 0 && !slices.ContainsFunc(m.active, m.pending[0].after) {
		in := m.pending[0]
		m.pending = m.pending[1:]
		m.succeed(in)
		if len(in.next) > 0 || m.fill(in) {
			m.number(in)
			m.active = append(m.active, in)
		}
	}
}

// after reports whether another file has a record to give before the first of this one. At the same time the file that
// began before goes first.
func (in *input) after(other *input) bool { return other.next[0].Nanos <= in.first }

// openAhead opens the files that come next, so that their decompressors work ahead: as many as there are other cores, and
// no more than two, for the memory that a decompressor takes.
func (m *Merge) openAhead() {
	for _, in := range m.pending[:min(len(m.pending), runtime.GOMAXPROCS(0)-1, 2)] {
		m.open(in)
	}
}

// open opens a file unless it is open, or could not be opened.
func (m *Merge) open(in *input) {
	if in.file == nil && in.failed == nil {
		in.file, in.failed = open(m.ctx, in.name, in.stdin, m.read, m.shared)
	}
}

// fill reads the next records of a file. It reports whether there are any, and closes the file when there are none.
func (m *Merge) fill(in *input) bool {
	if m.open(in); in.failed != nil {
		m.cuts = append(m.cuts, &CutError{File: in.name, Offset: -1, Cause: in.failed})
		return false
	}
	if len(in.records) < mergeBatch {
		in.records = make([]Record, mergeBatch)
	}
	n, err := in.file.Next(in.records)
	in.next = in.records[:n]
	m.number(in)
	if err != nil {
		m.end(in, err)
	}
	return err == nil
}

// end closes a file that gives no more, and lets its memory go.
func (m *Merge) end(in *input, why error) {
	m.number(in)
	if why != io.EOF {
		m.cuts = append(m.cuts, why)
	}
	m.ended = append(m.ended, in)
	in.file.Close()
	in.file, in.records, in.next = nil, nil, nil
}

// number gives the interfaces that a file has described since the last call their numbers in the Merge.
func (m *Merge) number(in *input) {
	for _, i := range in.file.Interfaces()[len(in.numbers):] {
		n := int32(len(m.described))
		if at := len(in.numbers); at < len(in.before) && i.like(m.described[in.before[at]]) {
			n = in.before[at]
		} else {
			m.described = append(m.described, i)
		}
		in.numbers = append(in.numbers, n)
	}
}

// like reports whether files say the same about two interfaces.
func (i Interface) like(other Interface) bool {
	i.File = other.File
	return i == other
}

// succeed lets a file that begins go on with the interfaces of one that has ended, as those of a ring buffer do: a flow that
// lasts longer than a file stays one. Files that overlap in time are others, and so are those of other names: they may have seen
// the same frames at another place, by another clock. Among several that have ended it is the one with the most similar name.
func (m *Merge) succeed(in *input) {
	longest := -1
	var last *input
	for _, other := range m.ended {
		if in.name == other.name || in.series == "" || in.series != other.series {
			continue
		}
		if n := commonPrefix(in.name, other.name); n > longest {
			last, longest = other, n
		}
	}
	if last != nil {
		in.before = last.numbers
		m.ended = slices.DeleteFunc(m.ended, func(other *input) bool { return other == last })
	}
}

// series is what the names of the files of a ring buffer have in common: all but their digits, by which tcpdump -C and -G and
// dumpcap -b tell them apart, and the compression of those that are full.
func series(name string) string {
	switch ext := filepath.Ext(name); ext {
	case ".gz", ".zst", ".lz4", ".xz":
		name = strings.TrimSuffix(name, ext)
	}
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return -1
		}
		return r
	}, name)
}

func commonPrefix(a, b string) (n int) {
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// earliest returns the file with the earliest next record, the first of several, and the time up to which its records
// come before those of all others.
func (m *Merge) earliest() (in *input, until int64) {
	in, until = m.active[0], math.MaxInt64
	for _, other := range m.active[1:] {
		if t := other.next[0].Nanos; t < in.next[0].Nanos {
			in, until = other, min(until, in.next[0].Nanos-1) // at the same time the file before goes first
		} else {
			until = min(until, t)
		}
	}
	if len(m.pending) > 0 {
		until = min(until, m.pending[0].first)
	}
	return in, until
}

// give moves records up to a time into batch.
func (in *input) give(batch []Record, until int64) (n int) {
	for n < len(batch) && n < len(in.next) && in.next[n].Nanos <= until {
		batch[n] = in.next[n]
		batch[n].Interface = in.numbers[batch[n].Interface]
		n++
	}
	in.next = in.next[n:]
	return n
}

// Files returns the names of the files in the order of their first records; files without any come last.
func (m *Merge) Files() []string {
	names := make([]string, len(m.inputs))
	for i, in := range m.inputs {
		names[i] = in.name
	}
	return names
}

// Interfaces returns the interfaces described so far, indexed by Record.Interface.
func (m *Merge) Interfaces() []Interface {
	if len(m.inputs) == 1 {
		return m.inputs[0].file.Interfaces()
	}
	return m.described
}

// Format returns the format of the files, mixed when they differ.
func (m *Merge) Format() string { return m.common(func(in *input) string { return in.format }) }

// Compression returns the compression of the files, mixed when they differ.
func (m *Merge) Compression() string {
	return m.common(func(in *input) string { return in.compression })
}

func (m *Merge) common(property func(*input) string) string {
	if len(m.inputs) == 0 {
		return ""
	}
	first := property(m.inputs[0])
	for _, in := range m.inputs[1:] {
		if property(in) != first {
			return "mixed"
		}
	}
	return first
}

// Offset returns the number of octets read of all files as they are on disk. It may be called while Next runs.
func (m *Merge) Offset() int64 { return m.read.Load() }

// Size returns the size of all files on disk in octets, -1 when one of them is a pipe.
func (m *Merge) Size() int64 { return max(m.size, -1) }

// Close closes all files. Data of records is invalid after it.
func (m *Merge) Close() error {
	var errs []error
	for _, in := range m.inputs {
		if in.file != nil {
			errs = append(errs, in.file.Close())
		}
	}
	return errors.Join(errs...)
}
