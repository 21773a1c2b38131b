package analyze

import (
	"wiretax/analyze/flow"
	"wiretax/analyze/frame"
)

// segment judges a TCP segment by the sequence space of its connection: what was sent before is a retransmission, and
// only octets that were not are unique.
func (s *shard) segment(v *verdict, d *digest) {
	s.flagFacts(d)
	if v.copied {
		v.role, v.unique = byFlags(d), 0
		return
	}
	me, peer := v.sender(), v.receiver()
	s.compareAck(me, peer, d)
	v.role, v.unique = s.transmit(me, peer, d)
	switch v.role {
	case flow.Retransmit:
		s.tcp.Retransmissions++
	case flow.Probe:
	default:
		me.State &^= flow.KeptAlive | flow.ProbedWindow
	}
	s.tcp.UniqueBytes += v.unique
	s.tcp.RetransmittedBytes += int64(d.payload) - v.unique
	if d.flags&frame.ACK != 0 {
		me.Acked, me.Window = d.ack, d.window
		me.State |= flow.SawAck
	}
}

// flagFacts counts what the header alone says.
func (s *shard) flagFacts(d *digest) {
	t := &s.tcp
	switch {
	case d.flags&(frame.SYN|frame.ACK) == frame.SYN|frame.ACK:
		t.SYNACK++
	case d.flags&frame.SYN != 0:
		t.SYN++
	}
	if d.flags&frame.FIN != 0 {
		t.FIN++
	}
	if d.flags&frame.RST != 0 {
		t.RST++
	}
	switch {
	case d.payload > 0:
		t.WithPayload++
	case d.flags&(frame.SYN|frame.FIN|frame.RST|frame.ACK) == frame.ACK:
		t.PureACK++
	}
}

// transmit takes a segment into the sequence space of its direction. It returns the segment's role and how many octets of
// its payload are new.
func (s *shard) transmit(me, peer *flow.Stream, d *digest) (flow.Role, int64) {
	holes := &s.flows.Holes
	switch {
	case d.flags&frame.SYN != 0:
		repeated := begin(holes, me, peer, d)
		fresh := holes.Insert(me, d.seq+1, int(d.payload)) // TCP Fast Open, RFC 7413
		if repeated {
			return flow.Retransmit, int64(fresh)
		}
		return flow.Setup, int64(fresh)
	case d.flags&frame.RST != 0:
		return byFlags(d), int64(d.payload) // a diagnostic text (RFC 9293 section 3.5.2) is no part of the stream
	case s.probes(me, peer, d):
		if d.seq != me.Next() {
			return flow.Probe, 0
		}
		return flow.Probe, int64(holes.Insert(me, d.seq, int(d.payload)))
	}
	wasSeen := me.Is(flow.Known)
	fresh := holes.Insert(me, d.seq, int(d.payload))
	if d.flags&frame.FIN != 0 && holes.FIN(me, d.seq+d.payload) && d.payload == 0 {
		return flow.Teardown, 0
	}
	switch {
	case fresh > 0:
		return flow.Data, int64(fresh)
	case d.payload > 0, d.flags&frame.FIN != 0 && wasSeen:
		return flow.Retransmit, 0
	}
	return byFlags(d), 0
}

// begin starts a connection, also on ports that were in use before, and reports whether the SYN was seen already.
func begin(holes *flow.Holes, me, peer *flow.Stream, d *digest) (repeated bool) {
	if me.Is(flow.Known) && me.First() == d.seq+1 {
		repeated = me.Is(flow.SawSYN)
	} else {
		if me.Is(flow.Known) && d.flags&frame.ACK == 0 {
			holes.Forget(peer)
		}
		holes.Restart(me, d.seq+1)
	}
	me.State |= flow.SawSYN
	if d.mss != 0 {
		me.MSS = d.mss
		me.State |= flow.SawMSS
	}
	return repeated
}

// probes recognises keep-alives (RFC 9293 section 3.8.4) and zero-window probes (section 3.8.6.1) as tshark does, with one
// difference: a single octet just below the highest is a retransmission as long as it is not acknowledged.
func (s *shard) probes(me, peer *flow.Stream, d *digest) bool {
	if d.payload > 1 || d.flags&frame.FIN != 0 || !me.Is(flow.Known) {
		return false
	}
	closed := peer.Is(flow.SawAck) && peer.Window == 0
	switch {
	case d.payload == 1 && closed && d.seq == me.Next(): // a new octet, which the peer may even take
	case d.seq != me.Next()-1:
		return false
	case closed || me.Is(flow.ProbedWindow):
	case d.payload == 0 || !peer.Is(flow.SawAck) || peer.Acked == me.Next():
		s.tcp.KeepAlive++
		me.State |= flow.KeptAlive
		return true
	default:
		return false
	}
	s.tcp.ZeroWindowProbe++
	me.State |= flow.ProbedWindow
	return true
}

// compareAck counts duplicate acknowledgments (RFC 5681 section 2) by the conditions of tshark: no payload, none of SYN,
// FIN and RST, nothing new sent, the same acknowledgment number and the same open window as before, and no answer to a
// probe.
func (s *shard) compareAck(me, peer *flow.Stream, d *digest) {
	if d.payload == 0 && d.flags&(frame.SYN|frame.FIN|frame.RST|frame.ACK) == frame.ACK &&
		me.Is(flow.SawAck) && d.ack == me.Acked && d.window == me.Window && d.window != 0 && d.seq == me.Next() &&
		!peer.Is(flow.KeptAlive|flow.ProbedWindow) {
		s.tcp.DupACK++
	}
}

// laterFragment judges a fragment after the first of a segment.
func (s *shard) laterFragment(v *verdict, d *digest) {
	v.role = flow.Data
	if v.copied {
		v.unique = 0
		return
	}
	v.unique = int64(s.flows.Holes.Insert(v.sender(), d.seq, int(d.payload)))
	if v.unique == 0 && d.payload > 0 {
		v.role = flow.Retransmit
		s.tcp.Retransmissions++
	}
	s.tcp.UniqueBytes += v.unique
	s.tcp.RetransmittedBytes += int64(d.payload) - v.unique
}
