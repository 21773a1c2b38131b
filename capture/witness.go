package capture

import "fmt"

// tally counts the frames of one host as its capture saw them. Frames that prove a drained direction are not among them.
type tally struct {
	Out, In       int64 // all frames, by source MAC
	TCPOut, TCPIn int64 // TCP segments
	SYNACKOut     int64 // SYN-ACKs sent, first and repeated
	RepeatedSYNIn int64 // SYNs received after the first of their connection
	InTimeWait    int64 // segments received after the host has acknowledged the end of both directions
	OutInTimeWait int64 // segments sent after that
	RSTOut        int64 // segments with RST sent
}

// evidence is every independent count of one trial's frames.
type evidence struct {
	A, B tally // the captures of sender and receiver

	Wire                      bool     // false: the hosts are connected directly, and the next three are 0
	WireIn, WireLost, WireOut [2]int64 // by direction: A to B, B to A

	// Apart: the hosts are two, with a real link between them, and WireLost is what left the one and did not arrive at the other.
	Apart bool

	Real        bool // the hosts' interfaces are lent: others' frames may arrive too
	Shared      bool // others send over the hosts' interfaces too: their counters are no witness
	SuperFrames bool // a captured frame may stand for several of the wire: segments are compared by the analysis

	TxA, RxA, TxB, RxB int64 // the interfaces' packet counters, sentinels taken off

	TCP          bool
	SegsOutA     int64 // tcpi_segs_out and tcpi_segs_in of both sockets (include/uapi/linux/tcp.h)
	SegsInA      int64
	SegsOutB     int64
	SegsInB      int64
	RetransA     int64 // tcpi_total_retrans
	RetransB     int64
	RecordedAtoB int64 // frames in the recording
	RecordedBtoA int64

	Messages, Delivered int64 // of the application; equal unless frames were lost
	Complete            bool  // the transport, and what was lost of its frames, leaves no reason for a difference
	Corrupt             int64 // messages that arrived with a wrong octet
}

// witnesses is what the recording says about them: CONTRACT's object of that name.
type witnesses struct {
	Capture     int64            `json:"capture"`
	Wire        int64            `json:"wire"`
	TCPInfoSegs int64            `json:"tcp_info_segs"`
	Interface   int64            `json:"interface"`
	Agree       bool             `json:"agree"`
	Detail      map[string]int64 `json:"detail"`
	Disagree    []string         `json:"disagree,omitempty"`
}

// judge holds the counts against each other. They must be equal exactly; what a count leaves out by the kernel's design is
// added to it here, each with its reason.
func (e evidence) judge() witnesses {
	w := witnesses{
		Capture:     e.A.Out + e.B.Out,
		Wire:        e.WireIn[0] + e.WireIn[1],
		Interface:   e.TxA + e.TxB,
		TCPInfoSegs: e.SegsOutA + e.SegsOutB,
		Detail: map[string]int64{
			"sender_capture_out": e.A.Out, "sender_capture_in": e.A.In,
			"receiver_capture_out": e.B.Out, "receiver_capture_in": e.B.In,
			"wire_a_to_b": e.WireIn[0], "wire_b_to_a": e.WireIn[1],
			"wire_lost_a_to_b": e.WireLost[0], "wire_lost_b_to_a": e.WireLost[1],
			"sender_tx_packets": e.TxA, "sender_rx_packets": e.RxA,
			"receiver_tx_packets": e.TxB, "receiver_rx_packets": e.RxB,
		},
	}
	check := func(what string, got int64, as string, want int64) {
		if got != want {
			w.Disagree = append(w.Disagree, fmt.Sprintf("%s %d, %s %d", what, got, as, want))
		}
	}
	if e.Wire {
		check("frames sender's capture saw leave", e.A.Out, "wire took in", e.WireIn[0])
		check("frames receiver's capture saw leave", e.B.Out, "wire took in", e.WireIn[1])
		check("frames receiver's capture saw arrive", e.B.In, "wire delivered", e.WireOut[0])
		check("frames sender's capture saw arrive", e.A.In, "wire delivered", e.WireOut[1])
		check("wire delivered to receiver", e.WireOut[0], "wire took in less lost", e.WireIn[0]-e.WireLost[0])
		check("wire delivered to sender", e.WireOut[1], "wire took in less lost", e.WireIn[1]-e.WireLost[1])
	} else if !e.uncountable() {
		check("frames sender's capture saw leave less lost", e.A.Out-e.WireLost[0], "receiver's capture saw arrive", e.B.In)
		check("frames receiver's capture saw leave less lost", e.B.Out-e.WireLost[1], "sender's capture saw arrive", e.A.In)
	}
	e.judgeInterfaces(&w, check)
	check("frames recorded from sender", e.RecordedAtoB, "capture", e.A.Out)
	check("frames recorded from receiver", e.RecordedBtoA, "capture", e.B.Out)
	if e.Complete {
		check("messages delivered", e.Delivered, "messages sent", e.Messages)
	}
	check("corrupt messages", e.Corrupt, "expected", 0)
	if e.TCP {
		e.judgeTCP(&w, check)
	}
	w.Agree = len(w.Disagree) == 0
	return w
}

// uncountable reports whether frames are counted differently wherever they pass: a real interface that segments and reassembles
// shows its capture other frames than its counters, and than the other end's. Which, is its driver's choice.
func (e evidence) uncountable() bool { return (e.Real || e.Apart) && e.SuperFrames }

// judgeInterfaces compares the interfaces' own counters. A lent interface also receives what others send; what is sent from
// its namespace is the experiment's.
func (e evidence) judgeInterfaces(w *witnesses, check func(string, int64, string, int64)) {
	if e.uncountable() || e.Shared {
		w.Interface = 0
		return
	}
	check("sender's tx_packets", e.TxA, "capture", e.A.Out)
	check("receiver's tx_packets", e.TxB, "capture", e.B.Out)
	rxA, rxB := e.RxA, e.RxB
	if e.Real {
		w.Detail["sender_rx_others"], w.Detail["receiver_rx_others"] = max(0, rxA-e.A.In), max(0, rxB-e.B.In)
		rxA, rxB = min(rxA, e.A.In), min(rxB, e.B.In)
	}
	check("sender's rx_packets", rxA, "capture", e.A.In)
	check("receiver's rx_packets", rxB, "capture", e.B.In)
}

// judgeTCP compares segments. Some segments belong to no socket that lasts, and so to no TCP_INFO:
//   - the SYN-ACKs, and the SYNs after the first: they are the request socket's, from before the connection's socket exists,
//     which counts one SYN as its own (tcp_check_req and tcp_create_openreq_child, net/ipv4/tcp_minisocks.c);
//   - what reaches and leaves the sender after both FINs are acknowledged: a TIME_WAIT socket has taken over (tcp_fin,
//     net/ipv4/tcp_input.c). It answers what is repeated;
//   - what reaches the receiver after the end of its socket: the host answers each with a RST (tcp_v4_send_reset).
func (e evidence) judgeTCP(w *witnesses, check func(string, int64, string, int64)) {
	w.TCPInfoSegs += e.B.SYNACKOut + e.A.OutInTimeWait + e.B.RSTOut
	w.Detail["sender_tcp_info_segs_out"], w.Detail["sender_tcp_info_segs_in"] = e.SegsOutA, e.SegsInA
	w.Detail["receiver_tcp_info_segs_out"], w.Detail["receiver_tcp_info_segs_in"] = e.SegsOutB, e.SegsInB
	w.Detail["syn_acks_of_request_socket"], w.Detail["acks_of_time_wait_socket"] = e.B.SYNACKOut, e.A.OutInTimeWait
	w.Detail["segments_in_time_wait"], w.Detail["resets_of_receiver"] = e.A.InTimeWait, e.B.RSTOut
	w.Detail["sender_tcp_info_retrans"], w.Detail["receiver_tcp_info_retrans"] = e.RetransA, e.RetransB
	if e.SuperFrames {
		return
	}
	check("sender's TCP segments captured out", e.A.TCPOut, "TCP_INFO and TIME_WAIT", e.SegsOutA+e.A.OutInTimeWait)
	check("sender's TCP segments captured in", e.A.TCPIn, "TCP_INFO and TIME_WAIT", e.SegsInA+e.A.InTimeWait)
	check("receiver's TCP segments captured out", e.B.TCPOut, "TCP_INFO, SYN-ACKs and RSTs", e.SegsOutB+e.B.SYNACKOut+e.B.RSTOut)
	check("receiver's TCP segments captured in", e.B.TCPIn, "TCP_INFO, repeated SYNs and what was reset", e.SegsInB+e.B.RepeatedSYNIn+e.B.RSTOut)
}
