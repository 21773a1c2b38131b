package capture

import (
	"time"

	"wiretax/capture/lab"
	"wiretax/capture/traffic"
	"wiretax/capture/wire"
)

// Link is the wire between the hosts, and how they use it.
type Link struct {
	Rate int64         // bits per second; 0 for no limit
	RTT  time.Duration // propagation there and back
	Loss float64       // probability
	MTU  int           // octets of an IP packet
	IP   int           // 4 or 6

	CongestionControl string // of TCP; empty: the kernel's default
}

// nicQueue is the sender's NIC: as fast as the wire, so that frames wait in it and not on the wire. At least a frame may leave at
// once, and what the rate makes of a millisecond: a kernel timer is no more exact than that on a busy machine.
func (l Link) nicQueue() lab.TokenBucket {
	const ethernetHeader, perMillisecond = 14, 8 * 1000
	frame := l.MTU + ethernetHeader + wire.Overhead
	return lab.TokenBucket{
		Rate: l.Rate, Burst: max(frame, int(l.Rate/perMillisecond)), MTU: l.MTU,
		Overhead: wire.Overhead, Minimum: wire.MinFrame + wire.Overhead,
	}
}

// limit is how long a trial may take: far above what a working one does, so that only one without an end meets it. A link
// that loses frames takes TCP many timeouts, up to two minutes each (TCP_RTO_MAX).
func (l Link) limit(w traffic.Workload) time.Duration {
	limit := 15*time.Minute + 1000*l.RTT + 10*l.expected(w)
	if l.Loss > 0 {
		limit *= 10
	}
	return limit
}

// fragments is how many frames a datagram of a message takes at most.
func (l Link) fragments(w traffic.Workload) int64 {
	room := (l.MTU - 48) &^ 7 // of a fragment behind the IPv6 and fragment headers (RFC 8200 section 4.5)
	return int64(1 + (int(w.MeanSize())+7)/room)
}

// expected is about how long a trial takes whose every message has a frame of its own.
func (l Link) expected(w traffic.Workload) time.Duration {
	sending := time.Duration(w.Messages) * w.Interval
	if l.Rate > 0 {
		bits := float64(w.Messages) * (w.MeanSize() + perMessage) * 8
		sending = max(sending, time.Duration(bits/float64(l.Rate)*float64(time.Second)))
	}
	if n, underWay := w.Transactions(); n > 0 {
		each := l.RTT + time.Duration(2*l.Loss*float64(l.answerLimit()))
		if w.Pattern == traffic.WriteWriteRead {
			each += delayedACK
		}
		sending += time.Duration(n) * each / time.Duration(min(n, underWay))
	}
	return sending + w.Linger + 4*l.RTT
}

// delayedACK is about what Nagle's algorithm makes the second of two writes wait.
const delayedACK = 50 * time.Millisecond

// answerLimit is when a datagram's answer is taken for lost.
func (l Link) answerLimit() time.Duration { return time.Second + 4*l.RTT }

// perMessage is what a message of its own frame costs beside its payload, in octets: Ethernet 38, IP 20 to 40, TCP 32.
const perMessage = 100

// sendBuffer is how many frames of a message a UDP socket's send buffer holds while the NIC has them, and how long each takes on
// the wire, 0 where the link has no rate. Each is charged with the memory that it takes: a structure of 256 octets, and a power
// of two for data, headers, headroom and 320 octets of shared information (__alloc_skb, net/core/skbuff.c).
func (l Link) sendBuffer(w traffic.Workload) (frames int64, each time.Duration) {
	const (
		sndbuf     = 212_992 // net.core.wmem_default
		structure  = 256
		beside     = 391 // headers, headroom, shared information, aligned
		withoutTCP = 66  // Ethernet 38, IPv4 and UDP 28
	)
	size := min(int(w.MeanSize()), l.MTU)
	memory := 512
	for memory < size+beside {
		memory *= 2
	}
	if l.Rate > 0 {
		each = time.Duration(float64(size+withoutTCP) * 8 / float64(l.Rate) * float64(time.Second))
	}
	return int64(sndbuf/(structure+memory)) + 1, each
}
