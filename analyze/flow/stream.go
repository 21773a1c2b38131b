package flow

// Stream is what one direction of a flow has shown of itself, above all the sequence space of TCP (RFC 9293 section 3.4):
// the numbers from first up to next have been seen, less the holes. All comparisons are modulo 2^32.
type Stream struct {
	first, next uint32

	Acked    uint32 // acknowledgment number of the last segment of this direction
	Mark     uint32 // time of the event that State speaks of, microseconds modulo 2^32
	Window   uint16 // of the last segment, as it stands in the header
	MSS      uint16 // largest segment with its options: announced in the SYN (SawMSS), else the longest seen that fits the MTU
	State    State
	holes    uint16 // number of the set of holes; 0 for none
	ID       uint8  // last octet of the IPv4 identification of the last packet
	Run      uint8  // small data segments since the last data of the other direction
	RunBytes uint8  // their payload in units of 8 octets, rounded up
	Gap      uint8  // see Waited
}

// State is a set of facts about a stream.
type State uint16

// The facts.
const (
	Known        State = 1 << iota // a segment was seen: next is valid
	SawSYN                         // first is the number after the SYN
	SawFIN                         // next is the number after the FIN
	SawAck                         // Acked and Window are valid
	KeptAlive                      // the last segment was a keep-alive
	ProbedWindow                   // the last segment was a zero-window probe
	SawID                          // ID is valid
	VariesID                       // packets had different IPv4 identifications
	Opened                         // the first packet of the flow was of this direction
	SawMSS                         // MSS was announced in a SYN
	Connecting                     // Mark is the time of the SYN
	SmallOut                       // Mark is the time of a small segment that is not acknowledged, and nothing followed it
	Waited                         // Mark is the time of its delayed ACK, Gap how long that took
	Recent                         // the flow has had a further record lately

	ofSender = SawID | VariesID | Opened | Recent // facts that outlive a connection
)

// Is reports whether any of the facts in s holds.
func (s *Stream) Is(f State) bool { return s.State&f != 0 }

// Next is the sequence number that follows the highest one seen. It is valid when Known.
func (s *Stream) Next() uint32 { return s.next }

// First is the lowest sequence number that is remembered as seen. It is valid when Known.
func (s *Stream) First() uint32 { return s.first }

// reach is how far apart two sequence numbers of one connection can be: the largest window (RFC 7323 section 2.2).
const reach = 1 << 30

// span is the range of sequence numbers from up to, not including, to.
type span struct{ from, to uint32 }

// setSpans is how many holes are remembered for a stream. One more makes the lowest forgotten, as if it had been seen.
const setSpans = 32

// Holes keeps the holes of all streams of a table: numbers below a stream's next that were not seen. Few streams have
// any, and then for a round-trip time, so sets are taken and given back. There are at most 65,535.
type Holes struct {
	sets []holeSet // 0 is not used
	free []uint16
}

type holeSet struct {
	n     int
	spans [setSpans]span // ascending
}

// Restart makes s the stream of a new connection whose first sequence number is seq.
func (h *Holes) Restart(s *Stream, seq uint32) {
	h.release(s)
	*s = Stream{first: seq, next: seq, ID: s.ID, State: s.State&ofSender | Known}
}

// Forget makes s a stream that has shown nothing of its sequence space.
func (h *Holes) Forget(s *Stream) {
	h.Restart(s, 0)
	s.State &^= Known
}

// Insert marks n sequence numbers from seq on as seen and returns how many of them had not been. Numbers so far away
// that they cannot belong to what was seen before start a new connection; a segment longer than any window (a lie of its
// length fields) leaves no trace.
func (h *Holes) Insert(s *Stream, seq uint32, n int) (fresh int) {
	if n >= reach {
		return n
	}
	end := seq + uint32(n)
	if s.Is(Known) && seq == s.next {
		s.next = end
		h.forget(s)
		return n
	}
	ahead := int32(seq - s.next)
	if !s.Is(Known) || ahead > reach || ahead < -reach {
		h.restartAt(s, seq, end)
		return n
	}
	if ahead > 0 {
		h.add(s, span{s.next, seq})
		s.next = end
		h.forget(s)
		return n
	}
	if below(s.next, end) {
		fresh = int(end - s.next)
		end, s.next = s.next, end
	}
	if below(seq, s.first) { // the capture began later than the stream
		h.add(s, span{seq, s.first})
		s.first = seq
	}
	if s.holes != 0 {
		fresh += h.cut(s, span{seq, end})
	}
	h.forget(s)
	return fresh
}

// restartAt keeps what the SYN or earlier segments told but forgets the sequence numbers.
func (h *Holes) restartAt(s *Stream, seq, end uint32) {
	h.release(s)
	s.first, s.next = seq, end
	s.State = s.State&(SawAck|SawMSS|ofSender) | Known
}

// FIN marks the sequence number of a FIN as seen and reports whether it had not been.
func (h *Holes) FIN(s *Stream, seq uint32) (fresh bool) {
	if s.Is(SawFIN) && seq == s.next-1 {
		return false
	}
	h.Insert(s, seq, 0)
	if seq == s.next {
		s.next++
	}
	fresh = !s.Is(SawFIN)
	s.State |= SawFIN
	return fresh
}

// below reports whether a comes before b in sequence space.
func below(a, b uint32) bool { return int32(a-b) < 0 }

// forget drops what lies too far back to be told from what lies ahead.
func (h *Holes) forget(s *Stream) {
	if s.next-s.first > reach {
		h.forgetFirst(s)
	}
}

func (h *Holes) forgetFirst(s *Stream) {
	s.first = s.next - reach
	if s.holes != 0 {
		h.cut(s, span{s.first - reach, s.first})
	}
}

// add makes a hole of sp. Holes are made below all others or above all others.
func (h *Holes) add(s *Stream, sp span) {
	if s.holes == 0 && !h.take(s) {
		return
	}
	set := &h.sets[s.holes]
	if set.n == setSpans {
		copy(set.spans[:], set.spans[1:])
		set.n--
	}
	i := set.n
	for ; i > 0 && below(sp.from, set.spans[i-1].from); i-- {
		set.spans[i] = set.spans[i-1]
	}
	set.spans[i] = sp
	set.n++
}

// cut removes the part of every hole that lies in sp and returns its length.
func (h *Holes) cut(s *Stream, sp span) (n int) {
	set := &h.sets[s.holes]
	old, m := set.spans, set.n
	set.n = 0
	for _, hole := range old[:m] {
		from, to := later(hole.from, sp.from), earlier(hole.to, sp.to)
		if !below(from, to) {
			set.keep(hole)
			continue
		}
		n += int(to - from)
		set.keep(span{hole.from, from})
		set.keep(span{to, hole.to})
	}
	if set.n == 0 {
		h.release(s)
	}
	return n
}

// keep appends a hole unless it is empty. A hole cut in two can be one too many: then the highest is forgotten.
func (set *holeSet) keep(sp span) {
	if sp.from != sp.to && set.n < setSpans {
		set.spans[set.n] = sp
		set.n++
	}
}

func later(a, b uint32) uint32 {
	if below(a, b) {
		return b
	}
	return a
}

func earlier(a, b uint32) uint32 {
	if below(a, b) {
		return a
	}
	return b
}

// take gives s an empty set; false when all are in use.
func (h *Holes) take(s *Stream) bool {
	if n := len(h.free); n > 0 {
		s.holes, h.free = h.free[n-1], h.free[:n-1]
		h.sets[s.holes].n = 0
		return true
	}
	if len(h.sets) == 0 {
		h.sets = make([]holeSet, 1, 16)
	}
	if len(h.sets) > 1<<16-1 {
		return false
	}
	s.holes = uint16(len(h.sets))
	h.sets = append(h.sets, holeSet{})
	return true
}

func (h *Holes) release(s *Stream) {
	if s.holes != 0 {
		h.free = append(h.free, s.holes)
		s.holes = 0
	}
}
