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

// expand finds out how many frames the record, which has payload, was on the wire, and charges what they needed beyond it.
func (s *shard) expand(v *verdict, d *digest) {
	payload := int(d.payload)
	var size int
	switch d.proto {
	case frame.ProtoTCP:
		size = segmentSize(v, d)
	case frame.ProtoUDP, frame.ProtoUDPLite:
		if d.length > d.mtu {
			size = max(payload-d.beyondMTU(), 0)
		}
	}
	if size == 0 || payload <= size {
		return
	}
	if !d.is(onEthernet) { // there is nothing to expand it to
		s.doubts[oversizeNotExpanded]++
		return
	}
	s.doubts[oversizeFrames]++
	if d.proto != frame.ProtoTCP {
		s.doubts[udpGSOAssumed]++
	}
	n := (payload + size - 1) / size
	v.frames, v.last = int64(n), int64(payload-(n-1)*size)
	v.replicated = replicate(&s.ledger, d, v.frames, v.last)
}

// beyondMTU is by how many octets the packet exceeds the MTU, below 0 for one that does not.
func (d *digest) beyondMTU() int { return int(d.packet) - int(d.mtu) }

// segmentSize is the payload of a full segment if the record may be a super-frame, else 0.
func segmentSize(v *verdict, d *digest) int {
	me, peer := v.sender(), v.receiver()
	options := int(d.options)
	carried := int(d.payload) + options
	if me.Is(flow.SawMSS) && peer.Is(flow.SawMSS) {
		limit := max(min(int(peer.MSS), max(int(me.MSS), usualMSS(d.version))), minSendMSS)
		if d.is(mtuGiven) && d.length > d.mtu {
			limit = min(limit, carried-d.beyondMTU())
		}
		return segmentOfMSS(limit, carried, options)
	}
	over := 0 // octets of the packet beyond the MTU
	if d.length > d.mtu {
		over = d.beyondMTU()
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

// usualMSS is what a host on plain Ethernet announces over a version of IP.
func usualMSS(version uint8) int {
	if version == 6 {
		return ethernetMTU - 60
	}
	return ethernetMTU - 40
}

// replicate charges a record that was n frames on the wire with what the further n-1 needed, and returns how much that is.
// last is the payload of the last one.
func replicate(l *frame.Ledger, d *digest, n, last int64) int64 {
	headers := int64(d.header) + int64(d.priced)
	more := n - 1
	fill := max(frame.MinFrame-headers-last, 0)
	l[frame.ReplicatedHeaders] += more * headers
	l[frame.Preamble] += more * frame.PreambleLen
	l[frame.Gap] += more * frame.GapLen
	l[frame.InferredFCS] += more * frame.FCSLen
	l[frame.Fill] += fill
	return more*(headers+frame.PreambleLen+frame.GapLen+frame.FCSLen) + fill
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
