package analyze

import (
	"wiretax/analyze/flow"
	"wiretax/analyze/frame"
)

// withoutState is the role of a frame that no sequence number helps to judge: a datagram is data even when it is empty, a
// network or tunnel packet without a transport is other.
func withoutState(d *digest) flow.Role {
	switch d.proto {
	case frame.ProtoUDP, frame.ProtoUDPLite:
		if d.facts&(hasTransport|laterFragment) != 0 {
			return flow.Data
		}
	case frame.ProtoTCP:
		if d.is(hasTransport) {
			return byFlags(d)
		}
	}
	if d.payload > 0 && d.facts&(hasTransport|laterFragment) != 0 {
		return flow.Data
	}
	return flow.Other
}

// byFlags is the role of a TCP segment without regard to what was sent before.
func byFlags(d *digest) flow.Role {
	switch {
	case d.flags&frame.SYN != 0:
		return flow.Setup
	case d.payload > 0:
		return flow.Data
	case d.flags&(frame.FIN|frame.RST) != 0:
		return flow.Teardown
	case d.flags&frame.ACK != 0:
		return flow.Ack
	}
	return flow.Other
}
