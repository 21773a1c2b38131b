// Package flow keeps conversations: a table from frame.Key to counters and TCP sequence state. Nothing in it holds a
// pointer per flow, so the garbage collector does not look at the flows of a large capture.
package flow

import (
	"math"

	"wiretax/analyze/frame"
)

// Ref is the place of a flow in its table: 0 for the first that appeared.
type Ref uint32

// None is the Ref of no flow.
const None Ref = math.MaxUint32

// Flow is one conversation of one interface. A TCP port pair that was used again is still the same flow.
type Flow struct {
	Key       frame.Key
	Interface int32
	// Reversed says that the first frame seen travelled from Key.B to Key.A.
	Reversed bool
	// First and Last are the earliest and latest time of capture, in nanoseconds since the Unix epoch.
	First, Last int64

	counts  [2][NumCounters]uint32 // low 32 bits; Table.carried has the rest
	Streams [2]Stream              // 0 from Key.A to Key.B, 1 the other way
}

// Counter names a figure that is kept for each direction of a flow.
type Counter uint8

// The counters. Those of roles count frames on the wire; frames with none of these roles are what Frames has more.
const (
	Records Counter = iota
	Frames
	Payload // octets
	Unique  // octets of payload that were not sent before
	Header  // octets
	Wire    // octets
	SetupFrames
	DataFrames
	AckFrames
	TeardownFrames
	RetransmitFrames
	ProbeFrames

	NumCounters = int(ProbeFrames) + 1
)

// Counts are the figures of one direction.
type Counts [NumCounters]int64

// Add adds the figures of o.
func (c *Counts) Add(o *Counts) {
	for i := range c {
		c[i] += o[i]
	}
}

// carry names a counter that ran over 32 bits.
type carry struct {
	ref     Ref
	dir     uint8
	counter Counter
}

// Charge adds one record's figures to a direction (0: from Key.A to Key.B). role is the counter of the record's role, or
// NumCounters for none.
func (t *Table) Charge(r Ref, dir int, role Counter, frames, payload, unique, header, wire int64) {
	counts := &t.At(r).counts[dir&1]
	for c, n := range [...]int64{Records: 1, Frames: frames, Payload: payload, Unique: unique, Header: header, Wire: wire} {
		sum := uint64(counts[c]) + uint64(n)
		counts[c] = uint32(sum)
		if sum>>32 != 0 {
			t.carried[carry{r, uint8(dir & 1), Counter(c)}] += sum >> 32
		}
	}
	if int(role) < NumCounters {
		sum := uint64(counts[role]) + uint64(frames)
		counts[role] = uint32(sum)
		if sum>>32 != 0 {
			t.carried[carry{r, uint8(dir & 1), role}] += sum >> 32
		}
	}
}

// Counts returns the figures of a direction (0: from Key.A to Key.B).
func (t *Table) Counts(r Ref, dir int) Counts {
	var c Counts
	for i, low := range t.At(r).counts[dir&1] {
		c[i] = int64(low)
		if len(t.carried) > 0 {
			c[i] += int64(t.carried[carry{r, uint8(dir & 1), Counter(i)}] << 32)
		}
	}
	return c
}

// add adds figures that were read from another table.
func (t *Table) add(r Ref, dir int, figures *Counts) {
	counts := &t.At(r).counts[dir&1]
	for c, n := range figures {
		sum := uint64(counts[c]) + uint64(n)
		counts[c] = uint32(sum)
		if sum>>32 != 0 {
			t.carried[carry{r, uint8(dir & 1), Counter(c)}] += sum >> 32
		}
	}
}
