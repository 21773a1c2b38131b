package analyze

import (
	"wiretax/analyze/flow"
	"wiretax/analyze/frame"
)

// segment judges a TCP segment by the sequence space of its connection: what was sent before is a retransmission, and
// only octets that were not are unique.
func (a *Analysis) segment(v *verdict, f *frame.Frame) {
	h := &f.TCP
	a.flagFacts(h)
	if v.copied {
		v.role, v.unique = byFlags(h), 0
		return
	}
	me, peer := v.sender(), v.receiver()
	a.compareAck(me, peer, h)
	v.role, v.unique = a.transmit(me, peer, h)
	switch v.role {
	case flow.Retransmit:
		a.tcp.Retransmissions++
	case flow.Probe:
	default:
		me.State &^= flow.KeptAlive | flow.ProbedWindow
	}
	a.tcp.UniqueBytes += v.unique
	a.tcp.RetransmittedBytes += int64(h.Segment) - v.unique
	if h.Flags&frame.ACK != 0 {
		me.Acked, me.Window = h.Ack, h.Window
		me.State |= flow.SawAck
	}
}

// flagFacts counts what the header alone says.
func (a *Analysis) flagFacts(h *frame.TCPHeader) {
	t := &a.tcp
	switch {
	case h.Flags&(frame.SYN|frame.ACK) == frame.SYN|frame.ACK:
		t.SYNACK++
	case h.Flags&frame.SYN != 0:
		t.SYN++
	}
	if h.Flags&frame.FIN != 0 {
		t.FIN++
	}
	if h.Flags&frame.RST != 0 {
		t.RST++
	}
	switch {
	case h.Segment > 0:
		t.WithPayload++
	case h.Flags&(frame.SYN|frame.FIN|frame.RST|frame.ACK) == frame.ACK:
		t.PureACK++
	}
}

// transmit takes a segment into the sequence space of its direction. It returns the segment's role and how many octets of
// its payload are new.
func (a *Analysis) transmit(me, peer *flow.Stream, h *frame.TCPHeader) (flow.Role, int64) {
	holes := &a.flows.Holes
	switch {
	case h.Flags&frame.SYN != 0:
		repeated := begin(holes, me, peer, h)
		fresh := holes.Insert(me, h.Seq+1, h.Segment) // TCP Fast Open, RFC 7413
		if repeated {
			return flow.Retransmit, int64(fresh)
		}
		return flow.Setup, int64(fresh)
	case h.Flags&frame.RST != 0:
		return byFlags(h), int64(h.Segment) // a diagnostic text (RFC 9293 section 3.5.2) is no part of the stream
	case a.probes(me, peer, h):
		if h.Seq != me.Next() {
			return flow.Probe, 0
		}
		return flow.Probe, int64(holes.Insert(me, h.Seq, h.Segment))
	}
	wasSeen := me.Is(flow.Known)
	fresh := holes.Insert(me, h.Seq, h.Segment)
	if h.Flags&frame.FIN != 0 && holes.FIN(me, h.Seq+uint32(h.Segment)) && h.Segment == 0 {
		return flow.Teardown, 0
	}
	switch {
	case fresh > 0:
		return flow.Data, int64(fresh)
	case h.Segment > 0, h.Flags&frame.FIN != 0 && wasSeen:
		return flow.Retransmit, 0
	}
	return byFlags(h), 0
}

// begin starts a connection, also on ports that were in use before, and reports whether the SYN was seen already.
func begin(holes *flow.Holes, me, peer *flow.Stream, h *frame.TCPHeader) (repeated bool) {
	if me.Is(flow.Known) && me.First() == h.Seq+1 {
		repeated = me.Is(flow.SawSYN)
	} else {
		if me.Is(flow.Known) && h.Flags&frame.ACK == 0 {
			holes.Forget(peer)
		}
		holes.Restart(me, h.Seq+1)
	}
	me.State |= flow.SawSYN
	if h.MSS != 0 {
		me.MSS = h.MSS
		me.State |= flow.SawMSS
	}
	return repeated
}

// probes recognises keep-alives (RFC 9293 section 3.8.4) and zero-window probes (section 3.8.6.1) as tshark does, with one
// difference: a single octet just below the highest is a retransmission as long as it is not acknowledged.
func (a *Analysis) probes(me, peer *flow.Stream, h *frame.TCPHeader) bool {
	if h.Segment > 1 || h.Flags&frame.FIN != 0 || !me.Is(flow.Known) {
		return false
	}
	closed := peer.Is(flow.SawAck) && peer.Window == 0
	switch {
	case h.Segment == 1 && closed && h.Seq == me.Next(): // a new octet, which the peer may even take
	case h.Seq != me.Next()-1:
		return false
	case closed || me.Is(flow.ProbedWindow):
	case h.Segment == 0 || !peer.Is(flow.SawAck) || peer.Acked == me.Next():
		a.tcp.KeepAlive++
		me.State |= flow.KeptAlive
		return true
	default:
		return false
	}
	a.tcp.ZeroWindowProbe++
	me.State |= flow.ProbedWindow
	return true
}

// compareAck counts duplicate acknowledgments (RFC 5681 section 2) by the conditions of tshark: no payload, none of SYN,
// FIN and RST, nothing new sent, the same acknowledgment number and the same open window as before, and no answer to a
// probe.
func (a *Analysis) compareAck(me, peer *flow.Stream, h *frame.TCPHeader) {
	if h.Segment == 0 && h.Flags&(frame.SYN|frame.FIN|frame.RST|frame.ACK) == frame.ACK &&
		me.Is(flow.SawAck) && h.Ack == me.Acked && h.Window == me.Window && h.Window != 0 && h.Seq == me.Next() &&
		!peer.Is(flow.KeptAlive|flow.ProbedWindow) {
		a.tcp.DupACK++
	}
}

// laterFragment judges a fragment after the first of a segment. seq is the sequence number of its first octet.
func (a *Analysis) laterFragment(v *verdict, seq uint32, f *frame.Frame) {
	v.role = flow.Data
	if v.copied {
		v.unique = 0
		return
	}
	n := f.Ledger[frame.Payload]
	v.unique = int64(a.flows.Holes.Insert(v.sender(), seq, int(n)))
	if v.unique == 0 && n > 0 {
		v.role = flow.Retransmit
		a.tcp.Retransmissions++
	}
	a.tcp.UniqueBytes += v.unique
	a.tcp.RetransmittedBytes += n - v.unique
}
