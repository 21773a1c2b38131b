package analyze

import (
	"wiretax/analyze/flow"
	"wiretax/analyze/frame"
)

// Times by which a delayed ACK that holds back a sender is recognised, in microseconds. Linux delays ACKs by at least 40 ms
// (TCP_DELACK_MIN in include/net/tcp.h), on a tick of 1 to 10 ms.
const (
	delayedFrom = 35_000
	delayedTo   = 60_000
	// released is how soon after the ACK the data come that waited for it, if the capture is not much more than that away.
	released = 25_000
	gapUnit  = 100 // of Stream.Gap
)

// runUnit is the unit of Stream.RunBytes, in octets.
const runUnit = 8

// manySegments marks a run that is no message written in pieces.
const manySegments = 255

// observe follows the rhythm of writes and ACKs of a TCP connection.
func (e *evidence) observe(v *verdict, d *digest) {
	me, peer := v.sender(), v.receiver()
	now := uint32(d.nanos / 1000)
	if d.flags&frame.SYN != 0 {
		if v.role == flow.Setup && d.flags&frame.ACK == 0 {
			me.Mark = now
			me.State |= flow.Connecting
		}
		return
	}
	if me.Is(flow.Connecting) {
		me.State &^= flow.Connecting
		if peer.Is(flow.SawSYN) {
			e.handshakes.add(stake{count: 1, micros: int64(now - me.Mark)})
		}
	}
	if peer.Is(flow.SmallOut) && d.flags&frame.ACK != 0 && d.ack == peer.Next() {
		peer.State &^= flow.SmallOut
		if wait := now - peer.Mark; v.role == flow.Ack && delayedFrom <= wait && wait <= delayedTo {
			peer.State |= flow.Waited
			peer.Mark, peer.Gap = now, uint8((wait-delayedFrom)/gapUnit)
		}
	}
	if v.role == flow.Data && d.payload > 0 {
		e.write(v, me, peer, now, d)
	}
}

// write notes a segment with new data.
func (e *evidence) write(v *verdict, me, peer *flow.Stream, now uint32, d *digest) {
	overhead := v.wire - int64(d.payload)
	if me.Is(flow.Waited) && now-me.Mark <= released {
		e.stakes[nagleDelayedACK].add(stake{1, 2, 2 * overhead, delayedFrom + int64(me.Gap)*gapUnit})
	}
	small := v.frames == 1 && int(d.payload)+int(d.options) < fullSegment
	alone := small && !me.Is(flow.SmallOut) // after a second segment before the ACK nothing waits for it
	me.State &^= flow.Waited | flow.SmallOut
	if alone {
		me.State |= flow.SmallOut
		me.Mark = now
	}

	if peer.Run > 1 && peer.Run < manySegments && int(peer.RunBytes)*runUnit < fullSegment {
		more := int64(peer.Run - 1)
		e.stakes[splitWrites].add(stake{1, more, more * overhead, 0})
	}
	peer.Run, peer.RunBytes = 0, 0
	if !small || me.Run >= manySegments-1 {
		me.Run = manySegments
		return
	}
	me.Run++
	me.RunBytes = uint8(min(int(me.RunBytes)+(int(d.payload)+runUnit-1)/runUnit, 255))
}
