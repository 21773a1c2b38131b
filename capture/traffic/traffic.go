// Package traffic sends one workload over one transport from one test host to another, checks every octet that arrives, and
// reads from the kernel what the sockets did.
package traffic

import (
	"context"
	"net/netip"
	"time"
)

// Host is one end of the link.
type Host struct {
	Addr netip.Addr
	// Within runs a function on a thread that is inside the host's network namespace; nil stands for the namespace of the
	// process. Sockets are created there and keep their namespace, so nothing that blocks runs within.
	Within func(func() error) error
}

func (h Host) within(fn func() error) error {
	if h.Within == nil {
		return fn()
	}
	return h.Within(fn)
}

// Config is one run.
type Config struct {
	Workload  Workload
	Transport string // one of Names
	From, To  Host   // sender and receiver, both IPv4 or both IPv6
	Port      uint16 // the receiver's; 0 for a free one
	MTU       int    // octets an IP packet may have on the link: the room in which udp-packed packs
	// CongestionControl is set on both TCP sockets (TCP_CONGESTION, tcp(7)); empty leaves the namespace's default.
	CongestionControl string
	// Arrived blocks until everything that either end sent before the call is in the other's socket, or lost. UDP has no end
	// that a receiver could see. nil stands for a link that is synchronous, as loopback is.
	Arrived func(ctx context.Context) error
	// Room blocks, as write(2) does on a NIC, until the sender's interface has room for another datagram behind those that all
	// connections wrote before, and the octets in them. Connections call it at once. A TAP device and a veth drop instead. nil
	// stands for a device that blocks.
	Room func(datagrams, octets int64)
	// AnswerLimit is how long an answer may take before a transport without retransmission takes it for lost; 0 stands for a
	// second.
	AnswerLimit time.Duration
}

// Outcome is what the application and its sockets saw of one run, of all its connections together.
type Outcome struct {
	// SendCalls are the system calls that wrote messages and answers, those that the kernel cut short or refused (ENOBUFS)
	// included; RecvCalls those that returned some, the end of the stream is none. Of TLS and QUIC they are the calls of the
	// sender and of the receiver for whatever the protocol sends.
	SendCalls, RecvCalls int64

	MessagesDelivered     int64 // messages that arrived intact, each counted once
	AnswersDelivered      int64 // answers that arrived intact
	PayloadBytesDelivered int64 // octets of messages that the receive calls returned, duplicates included
	Corrupt               int64 // messages and answers with a wrong octet, and what is no whole message
	Duplicated            int64 // intact messages and answers that had arrived before
	Reordered             int64 // messages and answers that arrived after a later one (Type-P-Reordered, RFC 4737 section 3.3)
	ReceiverOverflow      int64 // datagrams that the receivers' sockets dropped, their buffers being full (SK_MEMINFO_DROPS)

	// Octets of messages and answers: of all that the workload has, and of those that arrived, each counted once.
	ApplicationBytesOffered, ApplicationBytesDelivered int64

	Latency Latency
	// LatencyFromDue counts from the moment a message was due, not from its write: where a sender is late, because an earlier
	// write blocked or an answer did not come, the messages behind it wait, and a latency from the write does not say so
	// (coordinated omission). It is not known where no time is given: back to back nothing is due.
	LatencyFromDue Latency
	CPU            CPU
	// Handovers are those of each connection; none over QUIC, where the kernel sees no messages.
	Handovers []Handovers   `json:"-"`
	Duration  time.Duration // from the write of the first message to the return of the receive call that completed the last

	Port uint16 // the receiver's

	// Options holds the effective options by the names of the man pages (socket(7), tcp(7), udp(7), ip(7)), read back from
	// the kernel before the first message: SO_RCVBUF and TCP_QUICKACK the receiver's, all others the sender's. Lower-case
	// names are no socket options: sysctls, what TCP, TLS and QUIC negotiated, and the limits by which the application gathers.
	Options map[string]any

	// Senders and Receivers are the TCP_INFO of the sockets of each connection after the close; none where TCP does not carry
	// the messages, or not alone (MPTCP).
	Senders, Receivers []*TCPInfo
}

// Latency is the one-way delay of the delivered messages: from just before the write of the message, also where packing,
// Nagle or cork then holds it, to the return of the receive call that completed it. In patterns with answers it is the round
// trip: from the first write of a transaction to the return of the call that completed the answer. Each percentile is one of
// the measured values (nearest rank), to the resolution of CLOCK_MONOTONIC.
type Latency struct {
	P50, P99, Max time.Duration
	Known         bool // false when nothing was delivered
}

// TCPInfo is the part of the kernel's struct tcp_info that describes a whole connection (include/uapi/linux/tcp.h; RFC 4898
// has the definitions of the counters).
type TCPInfo struct {
	State uint8 // net/tcp_states.h; 7 is TCP_CLOSE: no frame of the connection is counted after it

	SegsOut, SegsIn         uint32 // SYN, FIN and retransmissions included. A SYN-ACK belongs to no socket yet: not counted by its sender
	DataSegsOut, DataSegsIn uint32 // with payload, retransmissions included
	TotalRetrans            uint32 // segments; the receiver's start with the retransmissions of its SYN-ACK
	Timeouts                uint16 // retransmission timeouts (Linux 6.7 and later)
	DSACKDups               uint32 // segments that the peer reported as duplicates
	OutOfOrder              uint32 // segments received out of order
	ReorderingsSeen         uint32

	BytesSent, BytesRetrans   uint64 // payload octets
	BytesAcked, BytesReceived uint64 // payload octets, one more for the SYN or the FIN that was acknowledged or received

	SndMSS, RcvMSS, AdvMSS, PathMTU uint32 // octets; SndMSS is without the options in use
	SndWScale, RcvWScale            uint8  // window scale, bits (RFC 7323)
	SndCwnd                         uint32 // segments

	RTT, RTTVar, MinRTT, RTO time.Duration

	Timestamps, SACK, WindowScaling, ECN bool // negotiated (tcpi_options)
}
