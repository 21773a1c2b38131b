package analyze

import (
	"wiretax/analyze/flow"
	"wiretax/analyze/frame"
)

// withoutState is the role of a frame that no sequence number helps to judge: a datagram is data even when it is empty, a
// network or tunnel packet without a transport is other.
func withoutState(f *frame.Frame) flow.Role {
	switch f.Flow.Proto {
	case frame.ProtoUDP, frame.ProtoUDPLite:
		if f.HasTransport || f.Fragment.Offset != 0 {
			return flow.Data
		}
	case frame.ProtoTCP:
		if f.HasTransport {
			return byFlags(&f.TCP)
		}
	}
	if f.Ledger[frame.Payload] > 0 && (f.HasTransport || f.Fragment.Offset != 0) {
		return flow.Data
	}
	return flow.Other
}

// byFlags is the role of a TCP segment without regard to what was sent before.
func byFlags(h *frame.TCPHeader) flow.Role {
	switch {
	case h.Flags&frame.SYN != 0:
		return flow.Setup
	case h.Segment > 0:
		return flow.Data
	case h.Flags&(frame.FIN|frame.RST) != 0:
		return flow.Teardown
	case h.Flags&frame.ACK != 0:
		return flow.Ack
	}
	return flow.Other
}
