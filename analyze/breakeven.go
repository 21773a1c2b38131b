package analyze

import "math"

// BreakEven is the number of messages from which on a transport needs less than the base; null where it never does within
// 100,000 messages. Up to the number of messages that were sent it rests on the measurement, beyond it is extrapolated.
type BreakEven struct {
	Frames    *int64 `json:"frames"`
	WireBytes *int64 `json:"wire_bytes"`
}

// horizon is how many messages are looked at.
const horizon = 100_000

// breakEven derives the numbers from the medians of the trials, with n messages where N were measured:
//   - The base grows in proportion: every message has a datagram (or its fragments) of its own.
//   - n <= N: fewer messages need no more frames than N did, so the measured frames are an upper bound; handshake, teardown
//     and ACKs are in it. Of the wire bytes only the payload shrinks. The numbers found are therefore "at most".
//   - n > N, messages back to back, some of them coalesced when N were sent: what follows finds the connection waiting for
//     ACKs, by Nagle's rule or by the congestion window, so it fills segments; each costs one data frame and as many ACKs as
//     a data frame had, at most one.
//   - n > N otherwise: the rhythm goes on, so data frames and ACKs (without those of handshake and teardown) grow in
//     proportion. The messages that share a frame do so because they are written within one round-trip time, and the
//     extrapolation is true as long as that stays so.
//
// Further frames cost as many octets besides payload as the measured ones did on average.
func (w *Workload) breakEven(base, t *Transport, l *Link) *BreakEven {
	of := func(s map[string]Summary, figure string) float64 { return float64(s[figure].Median) }
	c := cost{
		messages: float64(w.Messages), size: float64(w.Size), segment: float64(segmentOf(l)),
		frames: of(t.Summary, "frames"), wire: of(t.Summary, "wire_bytes"),
		data: of(t.Summary, "data_frames"), besides: of(t.Summary, "wire_bytes") - of(t.Summary, "payload_bytes"),
		acks: max(0, of(t.Summary, "ack_frames")-ownACKs),
	}
	c.fills = w.IntervalSeconds == 0 && c.data < c.messages
	if c.messages == 0 || !(c.frames > 0) || !(of(base.Summary, "frames") > 0) {
		return nil
	}
	baseFrames, baseWire := of(base.Summary, "frames")/c.messages, of(base.Summary, "wire_bytes")/c.messages
	return &BreakEven{
		Frames:    firstBelow(baseFrames, c.framesFor),
		WireBytes: firstBelow(baseWire, c.wireFor),
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
	frames, wire            float64
	data, acks              float64 // frames that grow with the messages
	besides                 float64 // wire bytes that are no payload
	fills                   bool    // further messages fill segments
}

func (c *cost) framesFor(n float64) float64 { return c.frames + c.further(n) }

func (c *cost) wireFor(n float64) float64 {
	return c.wire + (n-c.messages)*c.size + c.further(n)*c.besides/c.frames
}

// further is how many frames n messages need beyond the measured ones.
func (c *cost) further(n float64) float64 {
	switch {
	case n <= c.messages:
		return 0
	case c.fills:
		return math.Ceil((n-c.messages)*c.size/c.segment) * (1 + min(1, c.acks/c.data))
	}
	return (n - c.messages) / c.messages * (c.data + c.acks)
}
