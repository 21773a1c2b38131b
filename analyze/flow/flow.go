// Package flow keeps conversations: a table from frame.Key to counters and TCP sequence state. Nothing in it holds a
// pointer per flow, so the garbage collector does not look at the flows of a large capture.
package flow

import "wiretax/analyze/frame"

// Ref is the place of a flow in its table: 0 for the first that appeared.
type Ref uint32

// Flow is one conversation of one interface. A TCP port pair that was used again is still the same flow. It fills three
// cache lines, of which a record touches two or all.
type Flow struct {
	name Name
	// First and Last are the earliest and latest time of capture, in nanoseconds since the Unix epoch.
	First, Last int64
	halves      [2]half // 0 from Key.A to Key.B, 1 the other way
}

// half is one direction of a flow: its stream, and its figures as far as they fit; Table.carried has what ran over.
type half struct {
	Stream
	records, payload, header, wire, repeated uint32
	born                                     uint32 // half of the number of the flow's first record
	data, ack, retransmit                    uint16
	setup, teardown, probe, other            uint8
}

// Name returns the name that the flow was found by.
func (f *Flow) Name() Name { return f.name }

// Key returns the key that the flow was found by.
func (f *Flow) Key() frame.Key { return f.name.Key() }

// Born is the number of the flow's first record.
func (f *Flow) Born() int64 { return int64(f.halves[1].born)<<32 | int64(f.halves[0].born) }

// Interface is the number of the interface that the flow was seen on.
func (f *Flow) Interface() int32 { return int32(f.name[5]) }

// Stream returns one direction: 0 from Key.A to Key.B, 1 the other way.
func (f *Flow) Stream(dir int) *Stream { return &f.halves[dir&1].Stream }

// Reversed reports whether the first frame seen travelled from Key.B to Key.A.
func (f *Flow) Reversed() bool { return f.halves[1].Is(Opened) }

// Role is what a frame is for, as package analyze defines it.
type Role uint8

// The roles.
const (
	Setup Role = iota
	Data
	Ack
	Teardown
	Retransmit
	Probe
	Other

	NumRoles = int(Other) + 1
)

// Counts are the figures of one direction of a flow, or of several.
type Counts struct {
	Records  int64
	Payload  int64 // octets
	Repeated int64 // octets of payload that were sent before
	Header   int64 // octets
	Wire     int64 // octets
	Frames   [NumRoles]int64
}

// AllFrames is the number of frames on the wire, of whatever role.
func (c *Counts) AllFrames() (n int64) {
	for _, frames := range c.Frames {
		n += frames
	}
	return n
}

// Add adds the figures of o.
func (c *Counts) Add(o *Counts) {
	c.Records += o.Records
	c.Payload += o.Payload
	c.Repeated += o.Repeated
	c.Header += o.Header
	c.Wire += o.Wire
	for i := range c.Frames {
		c.Frames[i] += o.Frames[i]
	}
}

// Charge adds one record's figures, which are its frames of one role, to a direction of the flow f, which is at r.
func (t *Table) Charge(r Ref, f *Flow, dir int, role Role, frames, payload, repeated, header, wire int64) {
	h := &f.halves[dir&1]
	records := bump(&h.records, 1)
	payload, header, wire = bump(&h.payload, payload), bump(&h.header, header), bump(&h.wire, wire)
	if repeated != 0 {
		repeated = bump(&h.repeated, repeated)
	}
	frames = h.count(role, frames)
	if records|payload|header|wire|repeated|frames != 0 {
		over := Counts{Records: records, Payload: payload, Header: header, Wire: wire, Repeated: repeated}
		over.Frames[role] = frames
		t.carry(r, dir, &over)
	}
}

// bump adds to a counter and returns what it could not hold.
func bump[T uint8 | uint16 | uint32](counter *T, n int64) (over int64) {
	sum := int64(*counter) + n
	*counter = T(sum)
	return sum - int64(*counter)
}

// count adds frames of a role and returns what the counter could not hold.
func (h *half) count(r Role, frames int64) (over int64) {
	switch r {
	case Data:
		return bump(&h.data, frames)
	case Ack:
		return bump(&h.ack, frames)
	case Retransmit:
		return bump(&h.retransmit, frames)
	case Setup:
		return bump(&h.setup, frames)
	case Teardown:
		return bump(&h.teardown, frames)
	case Probe:
		return bump(&h.probe, frames)
	}
	return bump(&h.other, frames)
}

// carry keeps what the counters of a direction could not hold.
func (t *Table) carry(r Ref, dir int, over *Counts) {
	at := direction{r, dir & 1}
	c := t.carried[at]
	if c == nil {
		c = new(Counts)
		t.carried[at] = c
	}
	c.Add(over)
}

// direction names one direction of a flow.
type direction struct {
	ref Ref
	dir int
}

// Counts returns the figures of a direction (0: from Key.A to Key.B).
func (t *Table) Counts(r Ref, dir int) Counts {
	h := &t.At(r).halves[dir&1]
	c := Counts{
		Records: int64(h.records), Payload: int64(h.payload), Repeated: int64(h.repeated), Header: int64(h.header), Wire: int64(h.wire),
		Frames: [NumRoles]int64{Setup: int64(h.setup), Data: int64(h.data), Ack: int64(h.ack), Teardown: int64(h.teardown),
			Retransmit: int64(h.retransmit), Probe: int64(h.probe), Other: int64(h.other)},
	}
	if over := t.carried[direction{r, dir & 1}]; over != nil {
		c.Add(over)
	}
	return c
}
