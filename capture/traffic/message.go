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

// exchange is one direction of a connection, as both ends know it: the form of the messages, and when each was written.
type exchange struct {
	plan        *Plan
	first, step int    // message i of the exchange is message first+i*step of the plan
	pattern     []byte // message seq holds pattern[seq%patternPeriod:] from the end of its head on
	// times holds for each message the time of its write, 0 before it. The receiver replaces it with ^latency (negative)
	// when the message arrives. Both ends use it at once: atomically.
	times []int64
}

// newExchange takes from the plan every step-th message, beginning with first.
func newExchange(p *Plan, first, step int) *exchange {
	n := (p.workload.Messages - first + step - 1) / step
	p.draw.Do(func() {
		p.pattern = make([]byte, p.workload.largest()+patternPeriod)
		rand.NewChaCha8([32]byte([]byte("wiretax: the pattern of messages"))).Read(p.pattern)
	})
	return &exchange{plan: p, first: first, step: step, pattern: p.pattern, times: make([]int64, n)}
}

// answers is the exchange of the opposite direction: one message for each group, of the size of the group's last.
func (x *exchange) answers(group int) *exchange {
	return &exchange{plan: x.plan, first: x.first + (group-1)*x.step, step: group * x.step, pattern: x.pattern,
		times: make([]int64, len(x.times)/group)}
}

func (x *exchange) size(seq int) int  { return x.plan.Size(x.first + seq*x.step) }
func (x *exchange) due(seq int) int64 { return x.plan.Due(x.first + seq*x.step) }
func (x *exchange) largest() int      { return x.plan.workload.largest() }

// headOf is the length of a message's head.
func headOf(size int) int {
	switch {
	case size >= headLen:
		return headLen
	case size >= seqLen:
		return seqLen
	default:
		return size
	}
}

// sizeAt is the size of the message that b begins with, as far as b tells: seqLen where the sequence number is not there yet,
// or is none. Messages that are too short to tell come one a datagram, or in the order of a stream.
func (in *inbox) sizeAt(b []byte) int {
	switch {
	case in.plan.sizes == nil:
		return in.plan.workload.Size
	case in.untold && in.next < int64(len(in.times)):
		return in.size(int(in.next))
	}
	if len(b) >= seqLen {
		if seq := binary.BigEndian.Uint64(b); seq < uint64(len(in.times)) {
			return in.size(int(seq))
		}
	}
	return seqLen
}

// fill is what follows the head of a message of the given size.
func (x *exchange) fill(seq int64, size int) []byte {
	from := int(seq % patternPeriod)
	return x.pattern[from+headOf(size) : from+size]
}

// compose writes message seq, written at time now, into b, which has the size of the message.
func (x *exchange) compose(b []byte, seq, now int64) {
	atomic.StoreInt64(&x.times[seq], now)
	if len(b) < seqLen {
		for i := range b {
			b[len(b)-1-i] = byte(seq >> (8 * i))
		}
		return
	}
	binary.BigEndian.PutUint64(b, uint64(seq))
	if len(b) >= headLen {
		binary.BigEndian.PutUint64(b[seqLen:], uint64(now))
	}
	copy(b[headOf(len(b)):], x.fill(seq, len(b)))
}

// inbox checks and counts what a receiver reads.
type inbox struct {
	*exchange
	untold bool   // some messages are too short to tell their number
	next   int64  // one more than the highest sequence number seen
	part   []byte // the beginning of a message whose end a stream has not delivered yet
	last   int64  // when the latest message was complete
	// arrived is told of each message and when it was written; nil for nobody.
	arrived func(seq, written int64)
	// elsewhere says when a message was written that another process composed, by the clock of this one; 0 where that cannot be
	// said: then the time of arrival is kept in the place of the latency. nil: this process composes the messages.
	elsewhere func(seq int64) int64

	delivered, corrupt, duplicated, reordered int64
}

func newInbox(x *exchange) *inbox {
	return &inbox{exchange: x, untold: x.plan.workload.tiny(), part: make([]byte, 0, x.largest())}
}

// stream takes the next octets of a byte stream.
func (in *inbox) stream(b []byte, now int64) {
	for len(in.part) > 0 && len(b) > 0 {
		n := min(len(b), in.sizeAt(in.part)-len(in.part))
		in.part = append(in.part, b[:n]...)
		b = b[n:]
		if len(in.part) < in.sizeAt(in.part) {
			continue
		}
		in.message(in.part, now)
		in.part = in.part[:0]
	}
	in.part = append(in.part, in.messages(b, now)...)
}

// datagram takes one datagram, which holds whole messages.
func (in *inbox) datagram(b []byte, now int64) {
	if in.untold {
		in.message(b, now)
		return
	}
	if len(in.messages(b, now)) > 0 {
		in.corrupt++
	}
}

// messages takes the whole messages at the beginning of b and returns the rest.
func (in *inbox) messages(b []byte, now int64) []byte {
	for size := in.sizeAt(b); len(b) >= size; size = in.sizeAt(b) {
		in.message(b[:size], now)
		b = b[size:]
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
	case written == 0 && in.elsewhere == nil || len(b) != in.size(int(seq)) || !bytes.Equal(b[headOf(len(b)):], in.fill(seq, len(b))):
		in.corrupt++
		return
	case written < 0:
		in.duplicated++
		return
	case in.elsewhere != nil: // and the time that the message tells is another clock's
		written = in.elsewhere(seq)
	case len(b) >= headLen && binary.BigEndian.Uint64(b[seqLen:]) != uint64(written):
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
	if in.arrived != nil {
		if written == 0 {
			written = timeIn(b)
		}
		in.arrived(seq, written)
	}
}

// timeIn is when a message says that it was written; never 0, though it may be too short to say.
func timeIn(b []byte) int64 {
	if len(b) < headLen {
		return 1
	}
	return max(1, int64(binary.BigEndian.Uint64(b[seqLen:])))
}

// deliveredOctets is the size of the messages that were delivered.
func (in *inbox) deliveredOctets() (n int64) {
	for seq := range in.times {
		if in.times[seq] < 0 {
			n += int64(in.size(seq))
		}
	}
	return n
}

// sequence returns the sequence number of a message. Where the message holds only its low-order octets it is the number
// nearest to the next one expected, as with the serial numbers of RFC 1982: right as long as no more than half of the
// numbers that the octets can tell apart are lost or late in a row, 127 messages for a size of 1.
func (in *inbox) sequence(b []byte) int64 {
	if len(b) >= seqLen {
		return int64(binary.BigEndian.Uint64(b))
	}
	var low uint64
	for _, octet := range b {
		low = low<<8 | uint64(octet)
	}
	unused := 64 - 8*len(b)
	seq := in.next + int64((low-uint64(in.next))<<unused)>>unused
	if seq < 0 {
		seq += 1 << (8 * len(b))
	}
	return seq
}

// close counts a message that the end of a stream cut off.
func (in *inbox) close() {
	if len(in.part) > 0 {
		in.corrupt++
	}
}

// latency sums up the latencies of the messages that were delivered, once nobody sends or receives any more. It uses up the
// times of the first exchange.
func latency(exchanges ...*exchange) Latency {
	all := exchanges[0].times[:0]
	for _, x := range exchanges {
		for _, t := range x.times {
			if t < 0 {
				all = append(all, ^t)
			}
		}
	}
	return percentiles(all)
}

// percentiles sorts the latencies.
func percentiles(all []int64) Latency {
	if len(all) == 0 {
		return Latency{}
	}
	slices.Sort(all)
	rank := func(percent int) time.Duration { return time.Duration(all[(len(all)*percent+99)/100-1]) }
	return Latency{P50: rank(50), P99: rank(99), Max: rank(100), Known: true}
}
