package traffic

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// sender writes the messages of a workload to a connected socket.
type sender struct {
	*exchange
	*waiter
	interval int64
	fd       int
	start    int64 // when the first message was written
	calls    int64
	room     func(written int64) // nil: the device blocks by itself
	written  int64               // calls that wrote something
}

// send writes all messages, perWrite of them with one call. A message waits for the others of its write no longer than
// flushAfter.
func (s *sender) send(perWrite int) error {
	buf := make([]byte, 0, perWrite*s.size)
	last := len(s.times) - 1
	s.start = s.clock.now()
	var flush int64
	for seq := range s.times {
		if s.interval > 0 {
			due := s.start + int64(seq)*s.interval
			if len(buf) > 0 && flush < due {
				s.until(flush)
				if err := s.write(buf); err != nil {
					return err
				}
				buf = buf[:0]
			}
			s.until(due)
		}
		now := s.clock.now()
		if len(buf) == 0 {
			flush = now + int64(flushAfter)
		}
		buf = buf[:len(buf)+s.size]
		s.compose(buf[len(buf)-s.size:], int64(seq), now)
		if len(buf) < cap(buf) && seq < last {
			continue
		}
		if err := s.write(buf); err != nil {
			return err
		}
		buf = buf[:0]
	}
	return nil
}

// write writes b. The kernel takes a part of it when a signal arrives while a stream waits for room, and nothing while a
// device queue is full.
func (s *sender) write(b []byte) error {
	if s.room != nil {
		s.room(s.written)
	}
	for len(b) > 0 {
		n, err := unix.Write(s.fd, b)
		s.calls++
		switch err {
		case nil:
			s.written++
			b = b[n:]
		case unix.EINTR:
		case unix.ENOBUFS, unix.EAGAIN:
			nap(50 * time.Microsecond)
		default:
			return fmt.Errorf("write: %w", err)
		}
	}
	return nil
}

// receiver reads from a connected socket until the end of the stream, or until the socket is shut down and empty.
type receiver struct {
	*inbox
	clock clock
	calls int64
	bytes int64
}

// readSize takes any datagram whole, and of a stream what gathers while the receiver is not scheduled.
const readSize = 256 << 10

func (r *receiver) receive(fd int, take func(b []byte, now int64)) error {
	buf := make([]byte, readSize)
	for {
		n, err := unix.Read(fd, buf)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return fmt.Errorf("read: %w", err)
		case n == 0:
			return nil
		}
		now := r.clock.now()
		r.calls++
		r.bytes += int64(n)
		take(buf[:n], now)
	}
}
