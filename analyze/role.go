package analyze

import (
	"wiretax/analyze/flow"
	"wiretax/analyze/frame"
)

// role is a Role by its place in Roles.
type role uint8

const (
	setup role = iota
	data
	ack
	teardown
	retransmit
	probe
	other

	numRoles = len(Roles)
)

func (r role) name() Role { return Roles[r] }

// counter is where a flow counts the frames of the role; the role other has no counter.
func (r role) counter() flow.Counter {
	if r == other {
		return flow.Counter(flow.NumCounters)
	}
	return flow.SetupFrames + flow.Counter(r)
}

// withoutState is the role of a frame that no sequence number helps to judge: a datagram is data even when it is empty, a
// network or tunnel packet without a transport is other.
func withoutState(f *frame.Frame) role {
	switch f.Flow.Proto {
	case frame.ProtoUDP, frame.ProtoUDPLite:
		if f.HasTransport || f.Fragment.Offset != 0 {
			return data
		}
	case frame.ProtoTCP:
		if f.HasTransport {
			return byFlags(&f.TCP)
		}
	}
	if f.Ledger[frame.Payload] > 0 && (f.HasTransport || f.Fragment.Offset != 0) {
		return data
	}
	return other
}

// byFlags is the role of a TCP segment without regard to what was sent before.
func byFlags(h *frame.TCPHeader) role {
	switch {
	case h.Flags&frame.SYN != 0:
		return setup
	case h.Segment > 0:
		return data
	case h.Flags&(frame.FIN|frame.RST) != 0:
		return teardown
	case h.Flags&frame.ACK != 0:
		return ack
	}
	return other
}
