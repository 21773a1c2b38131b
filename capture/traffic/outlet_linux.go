package traffic

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// outlet takes the messages of one direction of a connection.
type outlet interface {
	// put takes a message. more says that another follows before the application waits for anything but time.
	put(b []byte, more bool) error
	// flush sends what put kept back.
	flush() error
	// holds reports whether put kept anything back.
	holds() bool
}

// How long and how much an outlet gathers.
const (
	// flushAfter is how long udp-packed and the buffered transports hold a message: the limit that the kernel has for
	// TCP_CORK (tcp(7)).
	flushAfter = 200 * time.Millisecond
	// bufferSize is that of the buffered transports in octets, bufio's default.
	bufferSize = 4096
	// maxSegments is how many datagrams one call may hold with UDP_SEGMENT (UDP_MAX_SEGMENTS, include/linux/udp.h, before
	// Linux 6.9; 128 since).
	maxSegments = 64
	// maxBatch is how many messages one call of sendmmsg(2) or writev(2) may hold (UIO_MAXIOV, include/uapi/linux/uio.h).
	maxBatch = 1024
	// maxBatchOctets bounds what waits in memory for a call.
	maxBatchOctets = 256 << 10
)

// outflow is the way from one end into the kernel: it counts the calls and goes on where one was cut short.
type outflow struct {
	fd    int
	calls *atomic.Int64
	room  func(datagrams, octets int64) // Config.Room
	// written counts the datagrams of all connections of the run in this direction.
	written *volume
	clock   clock
	journal *journal // nil: nobody asks
	tried   int64    // when the latest system call that sends was made first
}

// attempt makes one sending system call until the kernel takes something. The kernel takes nothing while a device queue is
// full.
func (o *outflow) attempt(call func() (int, error)) (n int, err error) {
	if o.journal != nil {
		o.tried = o.clock.now()
	}
	for {
		n, err := call()
		o.calls.Add(1)
		switch err {
		case nil:
			return n, nil
		case unix.EINTR:
		case unix.ENOBUFS, unix.EAGAIN:
			nap(50 * time.Microsecond)
		default:
			return 0, fmt.Errorf("write: %w", err)
		}
	}
}

// Write writes b whole. The kernel takes a part of it when a signal arrives while a stream waits for room.
func (o *outflow) Write(b []byte) (int, error) { return o.send(b, 0) }

func (o *outflow) send(b []byte, flags int) (int, error) {
	for rest := b; len(rest) > 0; {
		n, err := o.attempt(func() (int, error) {
			if flags == 0 {
				return unix.Write(o.fd, rest)
			}
			return unix.SendmsgN(o.fd, rest, nil, nil, flags)
		})
		if err != nil {
			return len(b) - len(rest), err
		}
		o.journal.note(o.tried, n)
		rest = rest[n:]
	}
	return len(b), nil
}

// volume is a number of datagrams and of the octets in them.
type volume struct{ datagrams, octets atomic.Int64 }

// makeRoom waits for the device before n datagrams are written, of so many octets together.
func (o *outflow) makeRoom(n, octets int) {
	if o.room != nil {
		o.room(o.written.datagrams.Add(int64(n))-int64(n), o.written.octets.Add(int64(octets))-int64(octets))
	}
}

// direct hands over every message by a call of its own.
type direct struct{ w io.Writer }

func (d direct) put(b []byte, _ bool) error {
	_, err := d.w.Write(b)
	return err
}
func (direct) flush() error { return nil }
func (direct) holds() bool  { return false }

// datagrams hands over every message in a datagram of its own.
type datagrams struct{ *outflow }

func (d datagrams) put(b []byte, _ bool) error {
	d.makeRoom(1, len(b))
	_, err := d.send(b, 0)
	return err
}
func (datagrams) flush() error { return nil }
func (datagrams) holds() bool  { return false }

// more announces with each message that another follows (MSG_MORE, send(2)).
type more struct{ *outflow }

func (m more) put(b []byte, more bool) error {
	flags := 0
	if more {
		flags = unix.MSG_MORE
	}
	_, err := m.send(b, flags)
	return err
}
func (more) flush() error { return nil }
func (more) holds() bool  { return false } // the kernel does, and nobody can make it let go

// plug sets TCP_CORK before messages and takes it away behind them (tcp(7)).
type plug struct {
	*outflow
	in bool
}

func (p *plug) put(b []byte, _ bool) error {
	if !p.in {
		if err := cork.set(p.fd, 1); err != nil {
			return err
		}
		p.in = true
	}
	_, err := p.send(b, 0)
	return err
}

func (p *plug) flush() error {
	if !p.in {
		return nil
	}
	p.in = false
	return cork.set(p.fd, 0)
}
func (*plug) holds() bool { return false } // the kernel does, and lets go after flushAfter by itself

// bufferedWriter is the buffer that applications put before a connection.
type bufferedWriter struct{ *bufio.Writer }

func newBufferedWriter(w io.Writer) bufferedWriter {
	return bufferedWriter{bufio.NewWriterSize(w, bufferSize)}
}

func (b bufferedWriter) put(m []byte, _ bool) error {
	_, err := b.Write(m)
	return err
}
func (b bufferedWriter) flush() error { return b.Flush() }
func (b bufferedWriter) holds() bool  { return b.Buffered() > 0 }

// batch gathers whole messages for one call.
type batch struct {
	*outflow
	messages, octets int // that one call may hold; at least one message
	least            int // octets of the smallest message that may come
	divided          int // not 0: the kernel divides what one call holds, into messages of at most so many octets
	call             func(b []byte, ends []int) error

	buf  []byte
	ends []int // of each message in buf
}

func (b *batch) put(m []byte, _ bool) error {
	if !b.fits(len(m)) {
		if err := b.flush(); err != nil {
			return err
		}
	}
	b.buf = append(b.buf, m...)
	b.ends = append(b.ends, len(b.buf))
	if b.fits(b.least) {
		return nil
	}
	return b.flush()
}

// fits reports whether another message of so many octets can join those that wait.
func (b *batch) fits(size int) bool {
	n := len(b.ends)
	switch {
	case n == 0:
		return true
	case n == b.messages || len(b.buf)+size > b.octets:
		return false
	}
	if b.divided == 0 {
		return true
	}
	// All are of the first one's size, but for a smaller last one.
	first, last := b.ends[0], b.ends[n-1]
	if n > 1 {
		last -= b.ends[n-2]
	}
	return first <= b.divided && last == first && size <= first
}

func (b *batch) flush() error {
	if len(b.ends) == 0 {
		return nil
	}
	err := b.call(b.buf, b.ends)
	b.buf, b.ends = b.buf[:0], b.ends[:0]
	return err
}

func (b *batch) holds() bool { return len(b.ends) > 0 }

// datagram sends all in one datagram.
func (o *outflow) datagram(b []byte, _ []int) error {
	o.makeRoom(1, len(b))
	_, err := o.send(b, 0)
	return err
}

// segments sends one datagram for each message with one call. The first one's size is that of all (UDP_SEGMENT, udp(7)); set
// is what the option is set to. A message that is larger than a packet is a datagram as any other, alone.
func (o *outflow) segments(largest, set int) func(b []byte, ends []int) error {
	return func(b []byte, ends []int) error {
		size := ends[0]
		if size > largest {
			size = 0
		}
		if size != set {
			if err := segment.set(o.fd, size); err != nil {
				return err
			}
			set = size
		}
		o.makeRoom(len(ends), len(b))
		_, err := o.send(b, 0)
		if errors.Is(err, unix.EIO) {
			err = fmt.Errorf("%w (UDP_SEGMENT on a device without checksum offload needs Linux 6.11)", err)
		}
		return err
	}
}

// mmsghdr is struct mmsghdr of sendmmsg(2).
type mmsghdr struct {
	unix.Msghdr
	length uint32
}

// many sends each message in a datagram of its own with one call of sendmmsg(2), more where the kernel takes only some.
func (o *outflow) many() func(b []byte, ends []int) error {
	var headers []mmsghdr
	var vectors []unix.Iovec
	return func(b []byte, ends []int) error {
		vectors = appendVectors(vectors[:0], b, ends)
		headers = headers[:0]
		for i := range vectors {
			h := mmsghdr{}
			h.Iov = &vectors[i]
			h.SetIovlen(1)
			headers = append(headers, h)
		}
		o.makeRoom(len(ends), len(b))
		for rest := headers; len(rest) > 0; {
			n, err := o.attempt(func() (int, error) {
				n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(o.fd), uintptr(unsafe.Pointer(&rest[0])), uintptr(len(rest)), 0, 0, 0)
				if errno != 0 {
					return 0, errno
				}
				return int(n), nil
			})
			if err != nil {
				return err
			}
			for _, h := range rest[:n] {
				o.journal.note(o.tried, int(h.Iov.Len))
			}
			rest = rest[n:]
		}
		runtime.KeepAlive(b)
		return nil
	}
}

// vector writes all messages with one call of writev(2).
func (o *outflow) vector() func(b []byte, ends []int) error {
	var vectors [][]byte
	return func(b []byte, ends []int) error {
		vectors = vectors[:0]
		start := 0
		for _, end := range ends {
			vectors = append(vectors, b[start:end])
			start = end
		}
		n, err := o.attempt(func() (int, error) { return unix.Writev(o.fd, vectors) })
		if err != nil {
			return err
		}
		o.journal.note(o.tried, n)
		_, err = o.send(b[n:], 0)
		return err
	}
}

func appendVectors(v []unix.Iovec, b []byte, ends []int) []unix.Iovec {
	start := 0
	for _, end := range ends {
		one := unix.Iovec{Base: &b[start]}
		one.SetLen(end - start)
		v = append(v, one)
		start = end
	}
	return v
}
