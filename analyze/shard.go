package analyze

import (
	"wiretax/analyze/flow"
	"wiretax/analyze/frame"
)

// shard has the flows of one part of all names and judges their packets, in the order of capture.
type shard struct {
	tally
	number int // among the shards
	flows  *flow.Table
	copies copies
	hashes [flow.WarmAtOnce]uint32 // of the packets at hand
	hints  [flow.WarmAtOnce]flow.Hint
	warmed uint32
}

// verdict is what the analysis found out about one record.
type verdict struct {
	flow       *flow.Flow // nil for none
	ref        flow.Ref
	born       bool // the record is its flow's first
	dir        int  // 0 from Key.A to Key.B, 1 the other way
	role       flow.Role
	copied     bool  // the record repeats an earlier one octet for octet
	unique     int64 // octets of payload not sent before
	frames     int64 // on the wire
	last       int64 // octets of payload in the last of several frames
	replicated int64 // octets that the frames after the first take beyond the record
	wire       int64
}

// sender and receiver are the directions of the flow that the record at hand belongs to and its answers do.
func (v *verdict) sender() *flow.Stream   { return v.flow.Stream(v.dir) }
func (v *verdict) receiver() *flow.Stream { return v.flow.Stream(1 - v.dir) }

// judgeAlone is the verdict on a record of no flow.
func (t *tally) judgeAlone(d *digest) verdict {
	v := verdict{role: flow.Other, unique: int64(d.payload), frames: 1}
	t.charge(&v, d)
	o := &t.others
	o.Records++
	o.Payload += int64(d.payload)
	o.Header += int64(d.header)
	o.Wire += v.wire
	o.Frames[v.role]++
	return v
}

// judge finds the flow of a packet and judges the packet by what the flow has seen. number is that of the record.
func (s *shard) judge(v *verdict, d *digest, hint flow.Hint, number int64) {
	*v = verdict{dir: d.direction(), role: flow.Other, unique: int64(d.payload), frames: 1}
	v.ref, v.born = s.flows.Find(&d.name, d.hash, hint, d.is(backward), number)
	v.flow = s.flows.At(v.ref)
	if v.born {
		v.flow.First, v.flow.Last = d.nanos, d.nanos
	} else {
		v.sender().State |= flow.Recent
		seen(v.flow, d.nanos)
	}
	if d.is(hasPrint) {
		v.copied = s.copies.repeats(v, d)
		if v.copied {
			s.doubts[duplicateRecords]++
		}
	}
	switch {
	case d.isTCP():
		s.segment(v, d)
	case d.proto == frame.ProtoTCP && d.is(joined):
		s.laterFragment(v, d)
	default:
		v.role = withoutState(d)
		if d.is(laterFragment) && !d.is(joined) {
			s.doubts[fragmentsUnjoined]++
		}
	}
	if d.is(hasTransport) && d.payload > 0 && d.facts&(isFragment|incredible) == 0 {
		s.expand(v, d)
	}
	s.charge(v, d)
	if d.isTCP() && !v.copied && d.nanos != NoTime {
		s.evidence.observe(v, d)
	}
	payload := int64(d.payload)
	s.flows.Charge(v.ref, v.flow, v.dir, v.role, v.frames, payload, payload-v.unique, int64(d.header), v.wire)
}

// seen widens the time span of a flow.
func seen(fl *flow.Flow, nanos int64) {
	if nanos == NoTime {
		return
	}
	if fl.First == NoTime || nanos < fl.First {
		fl.First = nanos
	}
	if nanos > fl.Last {
		fl.Last = nanos
	}
}

// take judges the packets of a batch that belong to the shard's flows.
func (s *shard) take(packets []*digest, l *lane) {
	var v verdict
	for len(packets) > 0 {
		n := min(len(packets), len(s.hashes))
		for i, d := range packets[:n] {
			s.hashes[i] = d.hash
		}
		s.warmed += s.flows.Warm(s.hashes[:n], &s.hints)
		for i, d := range packets[:n] {
			s.judge(&v, d, s.hints[i], l.first+int64(d.at))
			if l.rows != nil {
				l.rows[d.at].judged(&v, d)
			}
		}
		packets = packets[n:]
	}
}
