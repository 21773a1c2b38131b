package capture

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"wiretax/capture/traffic"
)

// A message of a schedule on the control connection: its size 4, when it is due 8 octets.
const (
	dueLen        = 12
	scheduleChunk = chunk / dueLen * dueLen
)

// tellSchedule sends the schedule of the trials to come, unless the server has it.
func (s *session) tellSchedule(of *traffic.Schedule) error {
	if of == nil || of == s.told {
		return nil
	}
	b := make([]byte, 0, scheduleChunk)
	for i, size := range of.Sizes {
		b = binary.BigEndian.AppendUint32(b, uint32(size))
		b = binary.BigEndian.AppendUint64(b, uint64(of.Due[i]))
		if len(b) == scheduleChunk {
			if err := s.conn.Send(kindSchedule, b); err != nil {
				return err
			}
			b = b[:0]
		}
	}
	s.told = of
	return s.conn.Send(kindSchedule, b) // a last one, shorter than a chunk
}

// hearSchedule takes what tellSchedule sent: read gives the first of it.
func (e *farEnd) hearSchedule(ctx context.Context, read func(into any) error) (*traffic.Schedule, error) {
	s := &traffic.Schedule{Origin: "a flow of a capture"}
	var b []byte
	for err := read(&b); ; err = e.conn.Receive(ctx, kindSchedule, &b) {
		if err != nil {
			return nil, err
		}
		if err := appendSchedule(s, b, e.Limits.Bytes); err != nil {
			return nil, err
		}
		if len(b) < scheduleChunk {
			return s, nil
		}
	}
}

// appendSchedule adds the messages in b, which have one octet each at least and so cannot be more than most.
func appendSchedule(s *traffic.Schedule, b []byte, most int64) error {
	if n := int64(len(s.Sizes) + len(b)/dueLen); n > min(most, traffic.MaxMessages) {
		return fmt.Errorf("a schedule of %d messages or more is larger than the %d bytes that this server allows (serve --max-bytes)", n, most)
	}
	for ; len(b) >= dueLen; b = b[dueLen:] {
		size, due := binary.BigEndian.Uint32(b), binary.BigEndian.Uint64(b[4:])
		if size > math.MaxInt32 || due > math.MaxInt64 || len(s.Due) > 0 && int64(due) < s.Due[len(s.Due)-1] {
			return fmt.Errorf("a schedule whose message %d has %d bytes and is due at %d ns", len(s.Sizes)+1, size, due)
		}
		s.Sizes, s.Due = append(s.Sizes, int32(size)), append(s.Due, int64(due))
	}
	if len(b) > 0 {
		return errors.New("a schedule that is cut off")
	}
	return nil
}
