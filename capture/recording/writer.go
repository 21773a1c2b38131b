package recording

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"
)

// Writer writes a pcapng file with times in nanoseconds. (pcapgo's writer holds link types in 8 bits: 276, LINUX_SLL2,
// becomes 20.)
type Writer struct {
	out     *bufio.Writer
	file    *Replacement // nil for a stream
	name    string
	written []Interface
	block   []byte // the block that is being made
	err     error  // the first; nothing is written after it
}

// Create starts the capture file name. The file appears under its name only when Close succeeds; what was there before
// stays until then. Devices, pipes and the like are written directly.
func Create(name string, interfaces []Interface, comment string) (*Writer, error) {
	file, err := Replace(name)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", name, err)
	}
	w := NewWriter(file, interfaces, comment)
	w.file, w.name = file, name
	return w, nil
}

// NewWriter starts a capture on a stream. The comment describes the whole section; it may be empty.
func NewWriter(out io.Writer, interfaces []Interface, comment string) *Writer {
	w := &Writer{out: bufio.NewWriterSize(out, 256<<10), name: "capture"}
	w.begin(blockSection)
	w.u32(byteOrderMagic)
	w.u16(1) // version 1.0
	w.u16(0)
	w.u64(1<<64 - 1) // length of the section: not given
	w.option(optionComment, []byte(comment))
	w.option(optionApplication, []byte("wiretax"))
	w.endOptions()
	w.end()
	for _, i := range interfaces {
		w.AddInterface(i)
	}
	return w
}

// Option codes beyond those that the reader needs.
const (
	optionComment     = 1
	optionApplication = 4 // shb_userappl
	optionFlags       = 2 // epb_flags

	optionStart     = 2 // isb_starttime
	optionEndTime   = 3 // isb_endtime
	optionReceived  = 4 // isb_ifrecv
	optionIfDropped = 5 // isb_ifdrop
	optionOSDropped = 7 // isb_osdrop
	optionDelivered = 8 // isb_usrdeliv
)

// AddInterface describes a further interface. It may be called between records. An error is kept for Close.
func (w *Writer) AddInterface(i Interface) {
	w.written = append(w.written, i)
	w.begin(blockInterface)
	w.u16(i.Link)
	w.u16(0)
	w.u32(i.SnapLen)
	w.option(optionName, []byte(i.Name))
	w.option(optionDescription, []byte(i.Description))
	if i.Filter != "" {
		w.option(optionFilter, append([]byte{0}, i.Filter...))
	}
	w.option(optionResolution, []byte{9})
	if i.FCS >= 0 {
		w.option(optionFCSLen, []byte{byte(i.FCS) * 8})
	}
	w.endOptions()
	w.end()
}

// Write appends a record of one of the interfaces. A record without a time becomes a simple packet block where there is
// one that says the same, otherwise its time is 0.
func (w *Writer) Write(r Record) error { return w.Annotate(r, "") }

// Annotate appends a record like Write, with a comment that Wireshark shows beside it. A simple packet block has no room
// for one.
func (w *Writer) Annotate(r Record, comment string) error {
	if r.Interface < 0 || int(r.Interface) >= len(w.written) {
		return fmt.Errorf("%s: record of interface %d, %d are described", w.name, r.Interface, len(w.written))
	}
	i := &w.written[r.Interface]
	if r.Nanos == NoTime && r.Interface == 0 && len(r.Data) == capturedOf(r.WireLen, i.SnapLen) {
		w.begin(blockSimple)
		w.u32(uint32(r.WireLen))
		w.data(r.Data)
		w.end()
		return w.err
	}
	nanos := uint64(max(r.Nanos, 0)) // pcapng has no times before 1970
	w.begin(blockEnhanced)
	w.u32(uint32(r.Interface))
	w.u32(uint32(nanos >> 32))
	w.u32(uint32(nanos))
	w.u32(uint32(len(r.Data)))
	w.u32(uint32(r.WireLen))
	w.data(r.Data)
	options := len(w.block)
	w.option(optionComment, []byte(comment))
	if r.FCS > 0 && r.FCS != i.FCS {
		w.option(optionFlags, binary.LittleEndian.AppendUint32(nil, uint32(r.FCS&0xf)<<5))
	}
	if len(w.block) > options {
		w.endOptions()
	}
	w.end()
	return w.err
}

// Statistics are the counters of an interface over a capture, in packets.
type Statistics struct {
	Start, End time.Time // of the capture
	Received   int64     // by the interface's own count
	IfDropped  int64     // by the interface, for want of resources
	OSDropped  int64     // by the operating system, for want of room in the capture's buffer
	Delivered  int64     // to the program that captured
}

// AddStatistics tells what was counted on an interface, behind all its records.
func (w *Writer) AddStatistics(iface int32, s Statistics) {
	stamp := func(t time.Time) []byte { // the high word first, each in the byte order of the section
		nanos := uint64(max(t.UnixNano(), 0))
		return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, uint32(nanos>>32)), uint32(nanos))
	}
	count := func(n int64) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(n)) }
	w.begin(blockStatistics)
	w.u32(uint32(iface))
	w.block = append(w.block, stamp(s.End)...)
	w.option(optionStart, stamp(s.Start))
	w.option(optionEndTime, stamp(s.End))
	w.option(optionReceived, count(s.Received))
	w.option(optionIfDropped, count(s.IfDropped))
	w.option(optionOSDropped, count(s.OSDropped))
	w.option(optionDelivered, count(s.Delivered))
	w.endOptions()
	w.end()
}

// capturedOf is the capture length that a reader gives a simple packet block.
func capturedOf(original int, snapLen uint32) int {
	if snapLen == 0 {
		return original
	}
	return min(original, int(snapLen))
}

// Close writes out what is buffered and gives the file its name. After an error, of this or of an earlier call, the file is
// removed and the error returned.
func (w *Writer) Close() error {
	if w.err == nil {
		w.err = w.fail(w.out.Flush())
	}
	switch {
	case w.file == nil:
	case w.err != nil:
		w.file.Abort()
	default:
		w.err = w.fail(w.file.Commit())
	}
	return w.err
}

// Abort removes what was written.
func (w *Writer) Abort() {
	if w.file != nil {
		w.file.Abort()
	}
}

// fail words an error in terms of the file's own name, not the temporary one's.
func (w *Writer) fail(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("write %s: %w", w.name, plain(err))
}

// plain takes the name of a temporary file out of an error.
func plain(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

func (w *Writer) begin(kind uint32) {
	w.block = w.block[:0]
	w.u32(kind)
	w.u32(0) // the length, by end
}

func (w *Writer) end() {
	length := uint32(len(w.block) + 4)
	w.u32(length)
	binary.LittleEndian.PutUint32(w.block[4:], length)
	if w.err == nil {
		_, err := w.out.Write(w.block)
		w.err = w.fail(err)
	}
}

func (w *Writer) u16(v uint16) { w.block = binary.LittleEndian.AppendUint16(w.block, v) }
func (w *Writer) u32(v uint32) { w.block = binary.LittleEndian.AppendUint32(w.block, v) }
func (w *Writer) u64(v uint64) { w.block = binary.LittleEndian.AppendUint64(w.block, v) }

// data appends octets, padded to a multiple of 4.
func (w *Writer) data(b []byte) {
	w.block = append(w.block, b...)
	w.block = append(w.block, 0, 0, 0)[:(len(w.block)+3)&^3]
}

// option appends an option, none for an empty value.
func (w *Writer) option(code uint16, value []byte) {
	value = value[:min(len(value), 1<<16-1)]
	if len(value) > 0 {
		w.u16(code)
		w.u16(uint16(len(value)))
		w.data(value)
	}
}

func (w *Writer) endOptions() { w.u32(optionEnd) }
