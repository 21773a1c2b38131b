package traffic

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"
)

// A message starts with its sequence number in octets 0 to 7, big endian, and the time of its write, CLOCK_MONOTONIC in
// nanoseconds, in octets 8 to 15. Where the size is under 16 the time is left out, where it is under 8 only the low-order
// octets of the sequence number are there. What follows is a pattern that depends on the sequence number.
const (
	seqLen  = 8
	headLen = 16
)

// patternPeriod is prime, so that no power of two of lost or swapped octets goes unnoticed.
const patternPeriod = 251

// exchange is what both ends of a run know: the form of the messages, and when each was written.
type exchange struct {
	size    int
	pattern []byte // message seq holds pattern[seq%patternPeriod:] from the end of its head on
	// times holds for each message the time of its write, 0 before it. The receiver replaces it with ^latency (negative)
	// when the message arrives. Both ends use it at once: atomically.
	times []int64
}

func newExchange(w Workload) *exchange {
	x := &exchange{size: w.Size, pattern: make([]byte, w.Size+patternPeriod), times: make([]int64, w.Messages)}
	rand.NewChaCha8([32]byte([]byte("wiretax: the pattern of messages"))).Read(x.pattern)
	return x
}

func (x *exchange) head() int {
	switch {
	case x.size >= headLen:
		return headLen
	case x.size >= seqLen:
		return seqLen
	default:
		return x.size
	}
}

func (x *exchange) fill(seq int64) []byte {
	from := int(seq % patternPeriod)
	return x.pattern[from+x.head() : from+x.size]
}

// compose writes message seq, written at time now, into b, which has the size of a message.
func (x *exchange) compose(b []byte, seq, now int64) {
	atomic.StoreInt64(&x.times[seq], now)
	if x.size < seqLen {
		for i := range b {
			b[len(b)-1-i] = byte(seq >> (8 * i))
		}
		return
	}
	binary.BigEndian.PutUint64(b, uint64(seq))
	if x.size >= headLen {
		binary.BigEndian.PutUint64(b[seqLen:], uint64(now))
	}
	copy(b[x.head():], x.fill(seq))
}

// inbox checks and counts what the receiver reads.
type inbox struct {
	*exchange
	next int64  // one more than the highest sequence number seen
	part []byte // the beginning of a message whose end a stream has not delivered yet
	last int64  // when the latest message was complete

	delivered, corrupt, duplicated, reordered int64
}

func newInbox(x *exchange) *inbox {
	return &inbox{exchange: x, part: make([]byte, 0, x.size)}
}

// stream takes the next octets of a byte stream.
func (in *inbox) stream(b []byte, now int64) {
	if len(in.part) > 0 {
		n := min(len(b), in.size-len(in.part))
		in.part = append(in.part, b[:n]...)
		b = b[n:]
		if len(in.part) < in.size {
			return
		}
		in.message(in.part, now)
		in.part = in.part[:0]
	}
	in.part = append(in.part, in.messages(b, now)...)
}

// datagram takes one datagram, which holds whole messages.
func (in *inbox) datagram(b []byte, now int64) {
	if len(in.messages(b, now)) > 0 {
		in.corrupt++
	}
}

// messages takes the whole messages at the beginning of b and returns the rest.
func (in *inbox) messages(b []byte, now int64) []byte {
	for len(b) >= in.size {
		in.message(b[:in.size], now)
		b = b[in.size:]
	}
	return b
}

func (in *inbox) message(b []byte, now int64) {
	seq := in.sequence(b)
	if seq < 0 || seq >= int64(len(in.times)) {
		in.corrupt++
		return
	}
	written := atomic.LoadInt64(&in.times[seq])
	switch {
	case written == 0 || !bytes.Equal(b[in.head():], in.fill(seq)):
		in.corrupt++
		return
	case written < 0:
		in.duplicated++
		return
	case in.size >= headLen && binary.BigEndian.Uint64(b[seqLen:]) != uint64(written):
		in.corrupt++
		return
	}
	atomic.StoreInt64(&in.times[seq], ^max(now-written, 0))
	in.delivered++
	in.last = now
	if seq < in.next {
		in.reordered++
	} else {
		in.next = seq + 1
	}
}

// sequence returns the sequence number of a message. Where the message holds only its low-order octets it is the number
// nearest to the next one expected, as with the serial numbers of RFC 1982: right as long as no more than half of the
// numbers that the octets can tell apart are lost or late in a row, 127 messages for a size of 1.
func (in *inbox) sequence(b []byte) int64 {
	if in.size >= seqLen {
		return int64(binary.BigEndian.Uint64(b))
	}
	var low uint64
	for _, octet := range b {
		low = low<<8 | uint64(octet)
	}
	unused := 64 - 8*in.size
	seq := in.next + int64((low-uint64(in.next))<<unused)>>unused
	if seq < 0 {
		seq += 1 << (8 * in.size)
	}
	return seq
}

// close counts a message that the end of a stream cut off.
func (in *inbox) close() {
	if len(in.part) > 0 {
		in.corrupt++
	}
}

// latency sums up the latencies of the delivered messages, once nobody sends or receives any more. It uses up the times.
func (x *exchange) latency() Latency {
	all := x.times[:0]
	for _, t := range x.times {
		if t < 0 {
			all = append(all, ^t)
		}
	}
	if len(all) == 0 {
		return Latency{}
	}
	slices.Sort(all)
	rank := func(percent int) time.Duration { return time.Duration(all[(len(all)*percent+99)/100-1]) }
	return Latency{P50: rank(50), P99: rank(99), Max: rank(100), Known: true}
}
