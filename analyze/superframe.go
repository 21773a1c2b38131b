package analyze

import (
	"wiretax/analyze/flow"
	"wiretax/analyze/frame"
)

// Sizes that stand in where a capture does not tell.
const (
	ethernetMTU = 1500 // IEEE 802.3 clause 3.2.7
	// minSendMSS is the smallest segment size that Linux uses, whatever the peer announces (TCP_MIN_SND_MSS in
	// include/net/tcp.h).
	minSendMSS = 48
	// fullSegment is from where on a segment can be taken for a full one: IPv6 guarantees 1,280 octets (RFC 8200 section 5).
	fullSegment = 1220
)

// A super-frame is a record that was captured where the host had not cut it yet (TSO, GSO, UDP GSO) or had glued it
// together already (LRO, GRO). On the wire it was several frames.
//
//   - A TCP segment is one when it exceeds the MSS that the receiver announced in its SYN, or the one that its sender
//     announced where that is lower: a host announces what its own MTU allows (RFC 9293 section 3.7.1). An own MSS below 1460
//     (1440 for IPv6) limits what the sender receives, not what it sends. Options count (RFC 6691 section 2). It expands to
//     segments of that size.
//   - Without both SYNs, it is one when the IP packet exceeds the MTU. It expands to segments as long as the longest ordinary
//     one of its direction that can have been full, else as long as the MTU allows.
//   - A datagram is one when it exceeds the MTU and is no fragment. The size that the application gave to UDP GSO is not in
//     the capture, so the expansion assumes the MTU; a warning says so.
//
// The MTU is Options.MTU, or 1500 unless the same interface has shown more: two SYNs that announce more, or packets that
// nothing could have glued together: fragments and ICMP.

// expand returns how many frames the record was on the wire, and charges what they need beyond the record.
func (a *Analysis) expand(v *verdict, r *Record, f *frame.Frame) int64 {
	l := &f.Ledger
	payload := int(l[frame.Payload])
	if !f.HasTransport || payload == 0 || f.Fragment.IsFragment() || f.Defects&(frame.SurplusLength|frame.LengthBelowCapture) != 0 {
		return 1
	}
	var size int
	switch f.Flow.Proto {
	case frame.ProtoTCP:
		size = a.segmentSize(v, r, f)
	case frame.ProtoUDP, frame.ProtoUDPLite:
		if mtu := a.mtus.of(r.Interface); r.WireLen > mtu {
			size = max(payload-(packetLen(f)-mtu), 0)
		}
	}
	if size == 0 || payload <= size {
		return 1
	}
	if l[frame.Preamble] == 0 { // no Ethernet: there is nothing to expand it to
		a.doubts[oversizeNotExpanded]++
		return 1
	}
	a.doubts[oversizeFrames]++
	if f.Flow.Proto != frame.ProtoTCP {
		a.doubts[udpGSOAssumed]++
	}
	n := (payload + size - 1) / size
	replicate(l, int64(n), int64(payload-(n-1)*size))
	return int64(n)
}

// packetLen is the length of the outermost network packet by its headers.
func packetLen(f *frame.Frame) int {
	return int(f.Ledger.Record()-f.Ledger[frame.Padding]-f.Ledger[frame.FCS]) - f.LinkHeader
}

// segmentSize is the payload of a full segment if the record may be a super-frame, else 0.
func (a *Analysis) segmentSize(v *verdict, r *Record, f *frame.Frame) int {
	me, peer := v.sender(), v.receiver()
	options := int(f.Ledger[frame.TCPOptions])
	carried := f.TCP.Segment + options
	if me.Is(flow.SawMSS) && peer.Is(flow.SawMSS) {
		limit := max(min(int(peer.MSS), max(int(me.MSS), usualMSS(f))), minSendMSS)
		if a.mtus.fixed > 0 && r.WireLen > a.mtus.fixed {
			limit = min(limit, carried-(packetLen(f)-a.mtus.fixed))
		}
		return segmentOfMSS(limit, carried, options)
	}
	mtu := a.mtus.of(r.Interface)
	over := 0 // octets of the packet beyond the MTU
	if r.WireLen > mtu {
		over = packetLen(f) - mtu
	}
	switch {
	case over > 0 && !me.Is(flow.SawMSS) && me.MSS >= fullSegment:
		return segmentOfMSS(int(me.MSS), carried, options)
	case over > 0:
		return segmentOfMSS(carried-over, carried, options)
	case !me.Is(flow.SawMSS):
		me.MSS = max(me.MSS, uint16(min(carried, 1<<16-1)))
	}
	return 0
}

// segmentOfMSS is the payload of a full segment next to options, 0 for a segment that is no longer.
func segmentOfMSS(mss, carried, options int) int {
	if carried <= mss || mss <= options {
		return 0
	}
	return mss - options
}

// usualMSS is what a host on plain Ethernet announces.
func usualMSS(f *frame.Frame) int {
	if f.Flow.IP == 6 {
		return ethernetMTU - 60
	}
	return ethernetMTU - 40
}

// replicate charges a record that was n frames on the wire with what the further n-1 needed. last is the payload of the
// last one.
func replicate(l *frame.Ledger, n, last int64) {
	headers := l.Headers() + l[frame.PricedEthernet]
	more := n - 1
	l[frame.ReplicatedHeaders] += more * headers
	l[frame.Preamble] += more * frame.PreambleLen
	l[frame.Gap] += more * frame.GapLen
	l[frame.InferredFCS] += more * frame.FCSLen
	l[frame.Fill] += max(frame.MinFrame-headers-last, 0)
}

// price gives a frame that is no Ethernet frame the cost of an untagged one: 14 octets in place of its link header and what
// Ethernet puts around a frame. A frame whose length cannot be true stays without.
func price(l *frame.Ledger, f *frame.Frame) {
	if f.Defects&(frame.SurplusLength|frame.LengthBelowCapture) != 0 {
		return
	}
	l[frame.PricedEthernet] = ethernetHeaderLen - int64(f.LinkHeader)
	length := l.Record() - l[frame.FCS] + l[frame.PricedEthernet]
	l[frame.Preamble] = frame.PreambleLen
	l[frame.Gap] = frame.GapLen
	l[frame.InferredFCS] = max(frame.FCSLen-l[frame.FCS], 0)
	l[frame.Fill] = max(frame.MinFrame-length, 0)
}

// ethernetHeaderLen is two addresses and the EtherType (IEEE 802.3 clause 3.1.1).
const ethernetHeaderLen = 14

// maxInterfaces is the number of interfaces whose MTU is learnt; further ones have 1500.
const maxInterfaces = 1 << 12

// mtus holds the MTU of each interface, in octets of an IP packet.
type mtus struct {
	fixed  int   // for all interfaces; 0 to learn it
	learnt []int // by number of interface; 0 for nothing learnt
}

func (m *mtus) of(iface int32) int {
	if m.fixed > 0 {
		return m.fixed
	}
	if int(iface) < len(m.learnt) && iface >= 0 {
		return max(m.learnt[iface], ethernetMTU)
	}
	return ethernetMTU
}

// learn takes what a frame says about the MTU.
func (m *mtus) learn(v *verdict, r *Record, f *frame.Frame) {
	var shown int
	switch {
	case f.TCP.Flags&frame.SYN != 0:
		ab, ba := v.sender(), v.receiver()
		if !ab.Is(flow.SawMSS) || !ba.Is(flow.SawMSS) {
			return
		}
		shown = int(min(ab.MSS, ba.MSS)) + ethernetMTU - usualMSS(f)
	case f.Fragment.More, f.Flow.Proto == frame.ProtoICMP, f.Flow.Proto == frame.ProtoICMPv6:
		if r.WireLen <= ethernetMTU || f.Defects&(frame.SurplusLength|frame.LengthBelowCapture) != 0 {
			return
		}
		shown = packetLen(f)
	}
	iface := r.Interface
	if shown <= ethernetMTU || iface < 0 || iface >= maxInterfaces {
		return
	}
	for int(iface) >= len(m.learnt) {
		m.learnt = append(m.learnt, 0)
	}
	m.learnt[iface] = max(m.learnt[iface], shown)
}
