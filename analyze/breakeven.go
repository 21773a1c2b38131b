package analyze

import "math"

// BreakEven is the number of messages from which on a transport needs less than the base, about: it is derived from trials
// that all sent the same number of messages. Null where none was found within 100,000 messages, which is no proof that there
// is none: where no two messages shared a frame, it is not known whether more messages would.
type BreakEven struct {
	Frames    *int64 `json:"frames"`
	WireBytes *int64 `json:"wire_bytes"`
}

// horizon is how many messages are looked at.
const horizon = 100_000

// breakEven derives the numbers from the medians of the trials. What a connection has whatever it carries - handshake,
// teardown and the ACKs of both - is as it was measured. Data frames follow their shape, see dataFrames, and ACKs keep their
// proportion to them. The base grows in proportion: every message has a datagram, or its fragments, of its own. A frame costs
// as many octets besides payload as the measured ones did on average.
//
// Nothing is derived where this shape does not hold: where messages are answered or share several connections, and where the
// data frames of a handshake cannot be told from those of the messages (TLS, QUIC).
func (w *Workload) breakEven(base, t *Transport, l *Link) *BreakEven {
	if w.Answered() || w.Connections > 1 || secured(t.Name) {
		return nil
	}
	of := func(s map[string]Summary, figure string) float64 { return float64(s[figure].Median) }
	c := cost{
		messages: float64(w.Messages), size: float64(w.Size), segment: float64(segmentOf(l)),
		data: of(t.Summary, "data_frames"), acks: max(0, of(t.Summary, "ack_frames")-ownACKs),
		backToBack: w.IntervalSeconds == 0,
	}
	frames := of(t.Summary, "frames")
	if c.messages == 0 || !(frames > 0) || !(c.data > 0) || !(of(base.Summary, "frames") > 0) {
		return nil
	}
	c.fixed = frames - c.data - c.acks
	besides := (of(t.Summary, "wire_bytes") - of(t.Summary, "payload_bytes")) / frames
	baseFrames, baseWire := of(base.Summary, "frames")/c.messages, of(base.Summary, "wire_bytes")/c.messages
	return &BreakEven{
		Frames:    firstBelow(baseFrames, c.frames),
		WireBytes: firstBelow(baseWire, func(n float64) float64 { return n*c.size + c.frames(n)*besides }),
	}
}

// ownACKs are the pure ACKs of a connection whatever it carries: the third segment of the handshake and the last of the
// close.
const ownACKs = 2

// segmentOf is the payload of a full segment with the timestamp option, in octets.
func segmentOf(l *Link) int {
	headers := 20 + 20 + 12
	if l.IP == 6 {
		headers += 20
	}
	if l.MTU <= headers {
		return ethernetMTU - headers
	}
	return l.MTU - headers
}

// firstBelow is the smallest number of messages whose cost is below that many times each; nil if there is none.
func firstBelow(each float64, cost func(n float64) float64) *int64 {
	for n := int64(1); n <= horizon; n++ {
		if cost(float64(n)) < each*float64(n) {
			return &n
		}
	}
	return nil
}

// cost is what a transport needed for the measured number of messages.
type cost struct {
	messages, size, segment float64
	fixed                   float64 // frames that do not grow with the messages
	data, acks              float64 // frames that do
	backToBack              bool
}

// frames is how many frames n messages need.
func (c *cost) frames(n float64) float64 {
	data := c.dataFrames(n)
	return c.fixed + data + math.Ceil(c.acks*data/c.data)
}

// dataFrames is how many frames with payload n messages need.
//
//   - Back to back, Nagle's rule, a cork and the congestion window let some messages leave in a frame of their own and
//     gather all others behind them. That is the shape if what followed those frames fits one segment; more messages then
//     fill that segment, and the next ones.
//   - Back to back, but more than that: n messages up to those that were sent need their share; further ones fill segments.
//   - In a rhythm, messages share a frame because they are written within one round trip: all grows in proportion.
func (c *cost) dataFrames(n float64) float64 {
	alone := c.data - 1
	switch gathered := (c.messages - alone) * c.size; {
	case c.backToBack && c.data < c.messages && gathered <= c.segment:
		return min(n, alone) + math.Ceil(max(0, n-alone)*c.size/c.segment)
	case c.backToBack && c.data < c.messages && n > c.messages:
		return c.data + math.Ceil((n-c.messages)*c.size/c.segment)
	}
	return math.Ceil(n * c.data / c.messages)
}
