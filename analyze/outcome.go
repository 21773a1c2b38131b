package analyze

import (
	"strconv"
	"time"

	"wiretax/analyze/flow"
	"wiretax/analyze/frame"
)

// Result is what the records taken so far add up to. It fills all but the facts of Source that only files know.
func (a *Analysis) Result() *Result {
	r := &Result{
		Schema: Schema, Kind: "analysis",
		Source:   Source{Files: []string{}, LinkTypes: []string{}, First: stamp(a.clock.first, a.clock.known), Last: stamp(a.clock.last, a.clock.known)},
		Totals:   a.sums(),
		Owners:   make(map[string]int64, frame.NumMeasured),
		Inferred: make(map[string]int64, frame.NumOwners-frame.NumMeasured),
		Roles:    make(map[Role]Share, flow.NumRoles),
		TCP:      a.tcp,
		Flows:    make([]Flow, 0, a.flows.Len()),
		By:       a.options.View.By,
		Groups:   a.groups(),
		Findings: a.findings(),
		Warnings: a.warnings(),
	}
	for o, n := range a.ledger {
		if o < frame.NumMeasured {
			r.Owners[frame.Owner(o).String()] = n
		} else {
			r.Inferred[frame.Owner(o).String()] = n
		}
	}
	for i, share := range a.roles {
		r.Roles[Roles[i]] = share
	}
	r.TCP.OptionBytes = make(map[string]int64, frame.NumTCPOptions)
	for i, n := range a.option {
		r.TCP.OptionBytes[frame.TCPOption(i).String()] = n
	}
	if a.charts != nil {
		r.Charts = a.charts.result()
	}
	for ref, f := range a.flows.All() {
		r.Flows = append(r.Flows, a.conversation(ref, f))
	}
	if a.others.Records > 0 {
		r.Others = &OtherFlows{Flows: a.unmatched, Direction: figures(&a.others)}
	}
	return r
}

// sums completes the totals from the ledger.
func (a *Analysis) sums() Totals {
	t := a.totals
	t.RecordBytes = a.ledger.Record()
	t.PayloadBytes = a.ledger[frame.Payload]
	t.HeaderBytes = a.ledger.Headers()
	t.WireBytes = a.ledger.Wire()
	t.HeaderBytesPerPayloadByte = Over(t.HeaderBytes, t.UniquePayloadBytes)
	t.WireOverheadPerPayload = Over(t.WireBytes-t.UniquePayloadBytes, t.UniquePayloadBytes)
	t.Efficiency = Over(t.UniquePayloadBytes, t.WireBytes)
	return t
}

// conversation turns a flow so that A is the endpoint that sent the first frame seen.
func (a *Analysis) conversation(ref flow.Ref, f *flow.Flow) Flow {
	k := f.Key()
	ab, ba := a.flows.Counts(ref, 0), a.flows.Counts(ref, 1)
	c := Flow{Proto: protoName(k.Proto), A: k.AddrA().String(), APort: k.APort, B: k.AddrB().String(), BPort: k.BPort,
		AB: figures(&ab), BA: figures(&ba), Iface: int(f.Interface()), Number: int(ref) + 1,
		First: stamp(f.First, f.First != NoTime), Last: stamp(f.Last, f.Last != NoTime)}
	if f.Reversed() {
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

// row is the accounting of the record at hand.
func (a *Analysis) row(v *verdict, r *Record, f *frame.Frame) FrameRow {
	l, body := &f.Ledger, icmpBody(f)
	row := FrameRow{
		N: a.number, Time: stamp(r.Nanos, r.Nanos != NoTime), Len: l.Record(), CapLen: int64(len(r.Data)), Frames: v.frames,
		PayloadBytes: l[frame.Payload], UniqueBytes: v.unique, HeaderBytes: v.header - body, ICMPBodyBytes: body,
		PaddingBytes: l[frame.Padding] + l[frame.FCS], WireBytes: v.wire, Role: Roles[v.role], Expanded: v.frames > 1,
	}
	if v.flow != nil {
		row.Flow = int(v.ref) + 1
		row.AToB = (v.dir == 1) == v.flow.Reversed()
	}
	if a.options.FrameOwners {
		row.Owners = make(map[string]int64)
		row.Inferred = make(map[string]int64)
		for o, n := range l {
			switch {
			case n == 0:
			case o < frame.NumMeasured:
				row.Owners[frame.Owner(o).String()] = n
			default:
				row.Inferred[frame.Owner(o).String()] = n
			}
		}
	}
	return row
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
