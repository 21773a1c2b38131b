// Package traffic sends one workload over one transport from one test host to another, checks every octet that arrives, and
// reads from the kernel what the sockets did.
package traffic

import (
	"context"
	"net/netip"
	"time"
)

// Workload is a series of messages of one size. Message i is written at i times Interval after the first; a sender that is
// late, because an earlier write blocked, catches up without waiting.
type Workload struct {
	Messages int
	Size     int           // octets a message
	Interval time.Duration // 0: back to back
}

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
	MTU       int    // octets an IP packet may have on the link: the room in which udp-packed packs
	// CongestionControl is set on both TCP sockets (TCP_CONGESTION, tcp(7)); empty leaves the namespace's default.
	CongestionControl string
	// Arrived blocks until everything sent before the call is in the receiver's socket, or lost. UDP has no end that a
	// receiver could see. nil stands for a link that is synchronous, as loopback is.
	Arrived func(ctx context.Context) error
	// Room blocks, as write(2) does on a NIC, until the sender's interface has room for another datagram behind the given
	// number of datagrams written before. A TAP device and a veth drop instead. nil stands for a device that blocks.
	Room func(written int64)
}

// Outcome is what the application and its sockets saw of one run.
type Outcome struct {
	SendCalls int64 // calls of write(2), those that the kernel cut short or refused (ENOBUFS) included
	RecvCalls int64 // calls of read(2) that returned data; the end of the stream is none

	MessagesDelivered     int64 // messages that arrived intact, each counted once
	PayloadBytesDelivered int64 // octets that the receive calls returned, duplicates included
	Corrupt               int64 // messages with a wrong octet, and what is no whole message
	Duplicated            int64 // intact messages that had arrived before
	Reordered             int64 // messages that arrived after a later one (Type-P-Reordered, RFC 4737 section 3.3)
	ReceiverOverflow      int64 // datagrams that the receiver's socket dropped, its buffer being full (SK_MEMINFO_DROPS)

	Latency  Latency
	Duration time.Duration // from the write of the first message to the return of the receive call that completed the last

	Port uint16 // the receiver's

	// Options holds the effective options by the names of the man pages (socket(7), tcp(7), udp(7), ip(7)), read back from
	// the kernel before the first message: SO_RCVBUF the receiver's, all others the sender's. Lower-case names are no
	// socket options: what TCP negotiated (tcpi_options), and the limits by which udp-packed packs.
	Options map[string]any

	// Sender and Receiver are the TCP_INFO of both sockets after the close; nil over UDP.
	Sender, Receiver *TCPInfo
}

// Latency is the one-way delay of the delivered messages: from just before the write of the message, also where packing,
// Nagle or cork then holds it, to the return of the receive call that completed it. Each percentile is one of the measured
// values (nearest rank), to the resolution of CLOCK_MONOTONIC.
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

// flushAfter is how long udp-packed holds a message: the limit that the kernel has for TCP_CORK (tcp(7)).
const flushAfter = 200 * time.Millisecond
