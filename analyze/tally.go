package analyze

import (
	"wiretax/analyze/flow"
	"wiretax/analyze/frame"
)

// tally is what adds up over records, in whatever order they come and whoever takes them.
type tally struct {
	ledger   frame.Ledger
	totals   Totals // the counts that ledger does not have
	roles    [flow.NumRoles]Share
	tcp      TCP
	option   [frame.NumTCPOptions]int64
	others   flow.Counts // of no flow
	doubts   [numDoubts]int64
	evidence evidence
	buckets  buckets
	charts   *charts // nil: not asked for
}

func newTally(o *Options) tally {
	t := tally{buckets: newBuckets(o.View)}
	if o.Charts {
		t.charts = newCharts()
	}
	return t
}

func (t *tally) add(o *tally) {
	t.ledger.Add(&o.ledger)
	t.totals.add(&o.totals)
	for i := range t.roles {
		t.roles[i].Frames += o.roles[i].Frames
		t.roles[i].WireBytes += o.roles[i].WireBytes
	}
	t.tcp.add(&o.tcp)
	for i := range t.option {
		t.option[i] += o.option[i]
	}
	t.others.Add(&o.others)
	for i := range t.doubts {
		t.doubts[i] += o.doubts[i]
	}
	for i, s := range o.evidence.stakes {
		t.evidence.stakes[i].add(s)
	}
	t.evidence.handshakes.add(o.evidence.handshakes)
	t.buckets.merge(&o.buckets)
	if t.charts != nil {
		t.charts.merge(o.charts)
	}
}

func (t *Totals) add(o *Totals) {
	t.Records += o.Records
	t.Frames += o.Frames
	t.ExpandedRecords += o.ExpandedRecords
	t.CapturedBytes += o.CapturedBytes
	t.TruncatedRecords += o.TruncatedRecords
	t.MalformedRecords += o.MalformedRecords
	t.UniquePayloadBytes += o.UniquePayloadBytes
}

func (t *TCP) add(o *TCP) {
	t.SYN += o.SYN
	t.SYNACK += o.SYNACK
	t.FIN += o.FIN
	t.RST += o.RST
	t.WithPayload += o.WithPayload
	t.PureACK += o.PureACK
	t.UniqueBytes += o.UniqueBytes
	t.RetransmittedBytes += o.RetransmittedBytes
	t.Retransmissions += o.Retransmissions
	t.KeepAlive += o.KeepAlive
	t.ZeroWindowProbe += o.ZeroWindowProbe
	t.DupACK += o.DupACK
}

// charge adds a judged record to every sum that it belongs to.
func (t *tally) charge(v *verdict, d *digest) {
	v.wire = int64(d.length) + int64(d.around) + v.replicated
	t.totals.Frames += v.frames
	if v.frames > 1 {
		t.totals.ExpandedRecords++
	}
	t.totals.UniquePayloadBytes += v.unique
	t.roles[v.role].Frames += v.frames
	t.roles[v.role].WireBytes += v.wire
	t.evidence.weigh(v, d)
	if t.buckets.sums != nil {
		t.buckets.add(v, d)
	}
	if t.charts != nil {
		t.charts.add(v, d)
	}
}
