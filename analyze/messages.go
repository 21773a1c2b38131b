package analyze

import (
	"fmt"
	"math"

	"wiretax/analyze/frame"
)

// Conversation takes the messages of one flow out of records, as far as a capture shows messages: each UDP datagram is one,
// fragments put together; in a TCP stream a message ends with a segment that has PSH, which a sender sets where its application's
// write ends (RFC 9293 section 3.9.1.2). Writes that TCP coalesced are one message; what is sent again counts once.
type Conversation struct {
	number     int
	flows      int // of the capture
	analysis   *Analysis
	record     *Record
	frame      frame.Frame
	directions [2]*Messages // 0: A to B, the endpoint that sent the first frame seen being A
	first      [2]int64
	open       [2]bool                // a TCP message has begun
	fragmented map[fragmentID]*octets // datagrams whose later fragments may follow
}

// Messages are those of one direction of a flow.
type Messages struct {
	Proto string // udp or tcp
	Sizes []int32
	Times []int64 // nanoseconds after the first; they do not decrease
	// Empty are datagrams without payload, which are none of the messages. Divided are datagrams of super-frames, whose sizes
	// are not in the capture: all are taken to be of one size, but for the last.
	Empty, Divided int64
	Payload        int64 // octets of all
}

type fragmentID struct {
	id  uint32
	dir int
}

// octets is where the size of a message is kept.
type octets struct {
	messages *Messages
	index    int
}

// MaxMessages is how many messages a Conversation holds.
const MaxMessages = 10_000_000

// NewConversation looks for the flow of that number, as Flow.Number has it with the same limit of flows.
func NewConversation(number, maxFlows int) *Conversation {
	c := &Conversation{number: number, fragmented: make(map[fragmentID]*octets)}
	for i := range c.directions {
		c.directions[i] = new(Messages)
	}
	c.analysis = New(Options{MaxFlows: maxFlows, EachFrame: c.row})
	return c
}

// Add takes one record. It keeps nothing of r.Data.
func (c *Conversation) Add(r *Record) error {
	c.record = r
	return c.analysis.Add(r)
}

// Direction returns the messages from A to B, or the other way.
func (c *Conversation) Direction(aToB bool) *Messages {
	if aToB {
		return c.directions[0]
	}
	return c.directions[1]
}

// Flows is the number of flows in the records so far.
func (c *Conversation) Flows() int { return c.flows }

// Larger reports whether it is A that sent more payload, or as much.
func (c *Conversation) Larger() (aToB bool) {
	return c.directions[0].Payload >= c.directions[1].Payload
}

// row is called with the accounting of the record at hand.
func (c *Conversation) row(row FrameRow) error {
	c.flows = max(c.flows, row.Flow)
	if row.Flow != c.number || row.UniqueBytes == 0 && row.Role != Data {
		return nil
	}
	frame.Parse(&c.frame, c.record.Data, c.record.WireLen, c.record.link(), int(c.record.FCS))
	f := &c.frame
	dir := 1
	if row.AToB {
		dir = 0
	}
	m := c.directions[dir]
	if c.record.Nanos == NoTime {
		return fmt.Errorf("frame %d has no time", row.N)
	}
	if len(m.Sizes) >= MaxMessages {
		return fmt.Errorf("more than %d messages", MaxMessages)
	}
	m.Payload += row.UniqueBytes
	if f.Flow.Proto == frame.ProtoTCP {
		c.segment(m, dir, &row, f)
		return nil
	}
	c.datagram(m, dir, &row, f)
	return nil
}

func (c *Conversation) segment(m *Messages, dir int, row *FrameRow, f *frame.Frame) {
	if row.UniqueBytes == 0 {
		return
	}
	if !c.open[dir] {
		c.begin(m, dir, "tcp")
	}
	m.grow(len(m.Sizes)-1, row.UniqueBytes)
	c.open[dir] = f.TCP.Flags&frame.PSH == 0
}

func (c *Conversation) datagram(m *Messages, dir int, row *FrameRow, f *frame.Frame) {
	id := fragmentID{f.Fragment.ID, dir}
	switch {
	case f.Fragment.Offset != 0:
		if o := c.fragmented[id]; o != nil {
			o.messages.grow(o.index, row.PayloadBytes)
		}
		if !f.Fragment.More {
			delete(c.fragmented, id)
		}
	case row.PayloadBytes == 0:
		m.Empty++
	case row.Frames > 1 && !f.Fragment.IsFragment():
		m.Divided += row.Frames
		left, each := row.PayloadBytes, (row.PayloadBytes+row.Frames-1)/row.Frames
		for ; left > 0; left -= each {
			c.begin(m, dir, "udp")
			m.Sizes[len(m.Sizes)-1] = int32(min(left, each))
		}
	default:
		c.begin(m, dir, "udp")
		m.Sizes[len(m.Sizes)-1] = int32(row.PayloadBytes)
		if f.Fragment.More {
			c.fragmented[id] = &octets{m, len(m.Sizes) - 1}
		}
	}
}

// grow adds octets to a message. One without an end, such as a stream whose sender sets no PSH, stays at the largest size that
// can be told, which nobody sends: it must not come round to a small one.
func (m *Messages) grow(message int, octets int64) {
	m.Sizes[message] = int32(min(int64(m.Sizes[message])+octets, math.MaxInt32))
}

// begin adds a message at the time of the record.
func (c *Conversation) begin(m *Messages, dir int, proto string) {
	m.Proto = proto
	at := int64(0)
	if n := len(m.Times); n == 0 {
		c.first[dir] = c.record.Nanos
	} else {
		at = max(m.Times[n-1], c.record.Nanos-c.first[dir])
	}
	m.Sizes, m.Times = append(m.Sizes, 0), append(m.Times, at)
}
