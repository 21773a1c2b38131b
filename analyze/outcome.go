package analyze

import (
	"strconv"
	"time"

	"wiretax/analyze/flow"
	"wiretax/analyze/frame"
)

// Result is what the records taken so far add up to. It fills all but the facts of Source that only files know.
func (a *Analysis) Result() *Result { return a.Outline(-1) }

// Outline is Result with those flows only that took most wire bytes, so many as top says, and the sum of the others. All of
// them can be had one by one from EachFlow, once no more records come.
//
// While Take runs, the result is of all records up to one of them: Outline waits for the batches under way, and others wait
// for it, for as long as it takes to look at each flow once.
func (a *Analysis) Outline(top int) *Result {
	a.underway.Lock()
	defer a.underway.Unlock()
	t, c := a.sum(), &a.order.clock
	r := &Result{
		Schema: Schema, Kind: "analysis",
		Source:   Source{Files: []string{}, LinkTypes: []string{}, First: stamp(c.first, c.known), Last: stamp(c.last, c.known)},
		Totals:   t.sums(),
		Owners:   make(map[string]int64, frame.NumMeasured),
		Inferred: make(map[string]int64, frame.NumOwners-frame.NumMeasured),
		Roles:    make(map[Role]Share, flow.NumRoles),
		TCP:      t.tcp,
		By:       a.options.View.By,
		Groups:   a.groups(t),
		Findings: a.findings(t),
		Warnings: t.warnings(c),
	}
	for o, n := range t.ledger {
		if o < frame.NumMeasured {
			r.Owners[frame.Owner(o).String()] = n
		} else {
			r.Inferred[frame.Owner(o).String()] = n
		}
	}
	for i, share := range t.roles {
		r.Roles[Roles[i]] = share
	}
	r.TCP.OptionBytes = make(map[string]int64, frame.NumTCPOptions)
	for i, n := range t.option {
		r.TCP.OptionBytes[frame.TCPOption(i).String()] = n
	}
	if t.charts != nil {
		r.Charts = t.charts.result()
	}
	r.Flows, r.Unlisted = a.top(top)
	r.EachFlow = a.EachFlow()
	r.Others = OtherFlows{Flows: a.folded(), Direction: figures(&t.others)}
	return r
}

// sums completes the totals from the ledger.
func (t *tally) sums() Totals {
	s := t.totals
	s.RecordBytes = t.ledger.Record()
	s.PayloadBytes = t.ledger[frame.Payload]
	s.HeaderBytes = t.ledger.Headers()
	s.WireBytes = t.ledger.Wire()
	s.HeaderBytesPerPayloadByte = Over(s.HeaderBytes, s.UniquePayloadBytes)
	s.WireOverheadPerPayload = Over(s.WireBytes-s.UniquePayloadBytes, s.UniquePayloadBytes)
	s.Efficiency = Over(s.UniquePayloadBytes, s.WireBytes)
	return s
}

// conversation turns a flow so that A is the endpoint that sent the first frame seen.
func (p placed) conversation() Flow {
	k := p.Key()
	ab, ba := p.counts(0), p.counts(1)
	c := Flow{Proto: protoName(k.Proto), A: k.AddrA().String(), APort: k.APort, B: k.AddrB().String(), BPort: k.BPort,
		AB: figures(&ab), BA: figures(&ba), Iface: int(p.Interface()),
		First: stamp(p.First, p.First != NoTime), Last: stamp(p.Last, p.Last != NoTime)}
	if p.Reversed() {
		c.A, c.APort, c.B, c.BPort, c.AB, c.BA = c.B, c.BPort, c.A, c.APort, c.BA, c.AB
	}
	if outer, inner := k.VLANs(); inner != 0 {
		if outer != 0 {
			c.VLANs = append(c.VLANs, int(outer))
		}
		c.VLANs = append(c.VLANs, int(inner))
	}
	if vni := int(k.VNI()); vni != 0 {
		c.VNI = &vni
	}
	return c
}

func figures(c *flow.Counts) Direction {
	return Direction{
		Records: c.Records, Frames: c.AllFrames(), DataFrames: c.Frames[flow.Data], AckFrames: c.Frames[flow.Ack],
		SetupFrames: c.Frames[flow.Setup], TeardownFrames: c.Frames[flow.Teardown], ProbeFrames: c.Frames[flow.Probe],
		Retransmissions: c.Frames[flow.Retransmit],
		PayloadBytes:    c.Payload, UniquePayloadBytes: c.Payload - c.Repeated, HeaderBytes: c.Header, WireBytes: c.Wire,
	}
}

// icmpBody is what an ICMP or IGMP message has beyond its first 8 octets (RFC 792); a fragment after the first has nothing
// else.
func icmpBody(f *frame.Frame) int64 {
	if f.Fragment.Offset != 0 {
		return f.Ledger[frame.ICMP]
	}
	return max(f.Ledger[frame.ICMP]-8, 0)
}

// stamp writes a time as RFC 3339 with nanoseconds, empty where it is not known.
func stamp(nanos int64, known bool) string {
	if !known {
		return ""
	}
	return time.Unix(0, nanos).UTC().Format("2006-01-02T15:04:05.000000000Z07:00")
}

// protoName is the name of an IP protocol number (https://www.iana.org/assignments/protocol-numbers), or the number.
func protoName(p uint8) string {
	switch p {
	case frame.ProtoICMP:
		return "icmp"
	case frame.ProtoIGMP:
		return "igmp"
	case frame.ProtoTCP:
		return "tcp"
	case frame.ProtoUDP:
		return "udp"
	case frame.ProtoDCCP:
		return "dccp"
	case frame.ProtoGRE:
		return "gre"
	case frame.ProtoESP:
		return "esp"
	case frame.ProtoAH:
		return "ah"
	case frame.ProtoICMPv6:
		return "icmpv6"
	case frame.ProtoSCTP:
		return "sctp"
	case frame.ProtoUDPLite:
		return "udplite"
	}
	return strconv.Itoa(int(p))
}
