package capture

import (
	"encoding/binary"
	"math"
	"slices"
	"sort"
	"time"

	"golang.org/x/sys/unix"

	"wiretax/capture/recording"
	"wiretax/capture/traffic"
)

// residenceFacts are how long messages stayed in the sockets' buffers, in seconds; nil where that is not known.
type residenceFacts struct {
	// Sender: from the call that handed a message's last octet to the kernel to the time stamp of the first frame with it.
	Sender *latencyFacts `json:"sender"`
	// Receiver: from the arrival of the first frame with a message's last octet to the return of the call that gave it.
	Receiver *latencyFacts `json:"receiver"`
}

// passage is a frame of the workload with payload, or a SYN, as one host's capture saw it.
type passage struct {
	port   uint16 // the sender's
	stream bool   // TCP: seq tells the place of the octets; otherwise their order does
	syn    bool
	seq    uint32
	octets int
	nanos  int64 // CLOCK_REALTIME
}

// fragments are the sender's ports of packets that come in fragments, by their identification.
type fragments map[uint32]uint16

// passage reads a frame from sender to receiver. Fragments other than the first carry no header of their transport.
func (f fragments) passage(b []byte, nanos int64) (p passage, ok bool) {
	const tcp, udp = 6, 17
	protocol, body, offset, id, more := packet(b)
	octets := body.length
	p.nanos = nanos
	switch {
	case offset != 0:
		p.port, ok = f[id]
		p.octets = octets
		if !more {
			delete(f, id)
		}
		return p, ok
	case protocol == udp && len(body.captured) >= 8:
		p.port, p.octets = binary.BigEndian.Uint16(body.captured), octets-8
		if more {
			f[id] = p.port
		}
		return p, p.octets > 0
	case protocol == tcp && len(body.captured) >= 20:
		h := body.captured
		p.port, p.stream, p.syn, p.seq = binary.BigEndian.Uint16(h), true, h[13]&2 != 0, binary.BigEndian.Uint32(h[4:])
		p.octets = octets - int(h[12]>>4)*4
		return p, p.syn || p.octets > 0
	}
	return p, false
}

// payload is what an IP packet carries: what was captured of it, and how long it is.
type payload struct {
	captured []byte
	length   int
}

// packet takes an Ethernet frame of the lab apart: no VLAN tags, no extension headers but that of fragments.
func packet(b []byte) (protocol uint8, body payload, offset int, id uint32, more bool) {
	const fragment = 44
	switch {
	case len(b) >= 34 && binary.BigEndian.Uint16(b[12:]) == 0x0800:
		header := int(b[14]&15) * 4
		word := binary.BigEndian.Uint16(b[20:])
		body = payload{b[min(14+header, len(b)):], int(binary.BigEndian.Uint16(b[16:])) - header}
		return b[23], body, int(word&0x1fff) * 8, uint32(binary.BigEndian.Uint16(b[18:])), word&0x2000 != 0
	case len(b) >= 62 && binary.BigEndian.Uint16(b[12:]) == 0x86dd && b[20] == fragment:
		word := binary.BigEndian.Uint16(b[56:])
		return b[54], payload{b[62:], int(binary.BigEndian.Uint16(b[18:])) - 8}, int(word &^ 7), binary.BigEndian.Uint32(b[58:]), word&1 != 0
	case len(b) >= 54 && binary.BigEndian.Uint16(b[12:]) == 0x86dd:
		return b[20], payload{b[54:], int(binary.BigEndian.Uint16(b[18:]))}, 0, 0, false
	}
	return 0, payload{}, 0, 0, false
}

// span is a run of octets that a frame carried first.
type span struct{ start, end, nanos int64 }

// carriage is which frame carried each octet of a connection first.
type carriage struct {
	spans   []span
	gaps    []span // octets that later ones overtook
	end     int64
	stream  bool
	isn     uint32
	started bool
}

// take adds a frame.
func (c *carriage) take(p passage) {
	switch {
	case p.syn:
		c.isn, c.started, c.stream = p.seq+1, true, true // the SYN takes a number (RFC 9293 section 3.4)
		return
	case !p.stream:
		c.cover(c.end, c.end+int64(p.octets), p.nanos)
	case c.started:
		start := c.end + int64(int32(p.seq-c.isn-uint32(c.end)))
		c.cover(start, start+int64(p.octets), p.nanos)
	}
}

func (c *carriage) cover(start, end, nanos int64) {
	for i := 0; i < len(c.gaps); i++ {
		g := c.gaps[i]
		from, to := max(start, g.start), min(end, g.end)
		if from >= to {
			continue
		}
		c.spans = append(c.spans, span{from, to, nanos})
		var left []span
		for _, s := range []span{{g.start, from, 0}, {to, g.end, 0}} {
			if s.start < s.end {
				left = append(left, s)
			}
		}
		c.gaps = slices.Replace(c.gaps, i, i+1, left...)
		i += len(left) - 1
	}
	if start > c.end {
		c.gaps = append(c.gaps, span{c.end, start, 0})
	}
	if end > c.end {
		c.spans = append(c.spans, span{max(start, c.end), end, nanos})
		c.end = end
	}
}

// at is when the last of so many octets was carried first; false where no frame did. The spans are in order.
func (c *carriage) at(end int64) (int64, bool) {
	i := sort.Search(len(c.spans), func(i int) bool { return c.spans[i].end >= end })
	if i == len(c.spans) || c.spans[i].start >= end {
		return 0, false
	}
	return c.spans[i].nanos, true
}

// carriages follow each connection through the frames of one capture, by the sender's port.
func carriages(passages []passage) map[uint16]*carriage {
	all := make(map[uint16]*carriage)
	for _, p := range passages {
		c := all[p.port]
		if c == nil {
			c = new(carriage)
			all[p.port] = c
		}
		c.take(p)
	}
	for _, c := range all {
		slices.SortStableFunc(c.spans, func(a, b span) int { return int(max(-1, min(1, a.start-b.start))) })
	}
	return all
}

// residence is how long the messages of a trial stayed in the sockets' buffers, unless the time of day was set meanwhile.
func (b *bench) residence(o *traffic.Outcome, ahead int64) residenceFacts {
	if stepped(ahead) {
		return residenceFacts{}
	}
	return residence(o.Handovers, b.observers[0].passed(), b.observers[1].passed(), ahead)
}

// residence is that of one of two hosts, by its own clock, from the frames that the sender sent, or that arrived at the receiver.
func (v *vantage) residence(all []traffic.Handovers, sent, arrived []recording.Record) residenceFacts {
	if stepped(v.ahead) {
		return residenceFacts{}
	}
	return residence(all, passages(sent), passages(arrived), v.ahead)
}

func passages(records []recording.Record) (all []passage) {
	parts := make(fragments)
	for _, r := range records {
		if p, ok := parts.passage(r.Data, r.Nanos); ok {
			all = append(all, p)
		}
	}
	return all
}

// stepped reports whether somebody set the time of day since CLOCK_REALTIME was so much ahead of CLOCK_MONOTONIC.
func stepped(ahead int64) bool {
	step := clocksApart() - ahead
	return step > int64(clockStep) || -step > int64(clockStep)
}

// clockStep is what the distance of the two clocks may change by in a trial: NTP slews both alike (adjtimex(2)).
const clockStep = 20 * time.Microsecond

// residence compares the times of the application's calls with those of the frames. ahead is what CLOCK_REALTIME, the captures'
// clock, is ahead of CLOCK_MONOTONIC.
func residence(all []traffic.Handovers, sender, receiver []passage, ahead int64) residenceFacts {
	left, arrived := carriages(sender), carriages(receiver)
	var out, in []int64
	for _, h := range all {
		if c := left[h.Port]; c != nil {
			out = append(out, waits(c, h.Sent, func(call, frame int64) int64 { return frame - ahead - call })...)
		}
		if c := arrived[h.Port]; c != nil {
			in = append(in, waits(c, h.Received, func(call, frame int64) int64 { return call - (frame - ahead) })...)
		}
	}
	return residenceFacts{nearestRanks(out), nearestRanks(in)}
}

// waits are the waits of the messages. Where a capture and a socket do not agree on how many octets there were, as when a
// datagram was dropped between them, nobody knows which frame had which message.
func waits(c *carriage, messages []traffic.Handover, wait func(call, frame int64) int64) (nanos []int64) {
	n := len(messages)
	if n == 0 || messages[n-1].End > c.end || !c.stream && messages[n-1].End != c.end {
		return nil
	}
	for _, m := range messages {
		frame, ok := c.at(m.End)
		if !ok {
			return nil
		}
		nanos = append(nanos, max(0, wait(m.At, frame)))
	}
	return nanos
}

func nearestRanks(nanos []int64) *latencyFacts {
	n := len(nanos)
	if n == 0 {
		return nil
	}
	slices.Sort(nanos)
	rank := func(percent int) *float64 { return known(time.Duration(nanos[(n*percent+99)/100-1])) }
	return &latencyFacts{rank(50), rank(99), rank(100)}
}

// clocksApart is what CLOCK_REALTIME is ahead of CLOCK_MONOTONIC, in nanoseconds: the closest of a few readings.
func clocksApart() int64 {
	closest, apart := int64(math.MaxInt64), int64(0)
	for range 8 {
		var before, real, after unix.Timespec
		if unix.ClockGettime(unix.CLOCK_MONOTONIC, &before) != nil || unix.ClockGettime(unix.CLOCK_REALTIME, &real) != nil ||
			unix.ClockGettime(unix.CLOCK_MONOTONIC, &after) != nil {
			continue
		}
		if took := after.Nano() - before.Nano(); took < closest {
			closest, apart = took, real.Nano()-before.Nano()-took/2
		}
	}
	return apart
}
