package analyze

import "wiretax/analyze/flow"

// Merge adds what o has seen. It equals one analysis of both parts, o's records after a's, as far as no flow has records in
// both: what the second part repeats of the first is not found out. o must not be used afterwards.
func (a *Analysis) Merge(o *Analysis) {
	t, u := &a.totals, &o.totals
	t.Records += u.Records
	t.Frames += u.Frames
	t.ExpandedRecords += u.ExpandedRecords
	t.CapturedBytes += u.CapturedBytes
	t.TruncatedRecords += u.TruncatedRecords
	t.MalformedRecords += u.MalformedRecords
	t.UniquePayloadBytes += u.UniquePayloadBytes
	a.ledger.Add(&o.ledger)
	for i := range a.roles {
		a.roles[i].Frames += o.roles[i].Frames
		a.roles[i].WireBytes += o.roles[i].WireBytes
	}
	a.tcp.add(&o.tcp)
	for i := range a.option {
		a.option[i] += o.option[i]
	}
	for i := range a.doubts {
		a.doubts[i] += o.doubts[i]
	}
	a.flows.Merge(o.flows, func(c *flow.Counts) {
		a.unmatched++
		a.doubts[flowLimit] += c.Records
		a.others.Add(c)
	})
	a.unmatched += o.unmatched
	a.others.Add(&o.others)
	a.clock.merge(&o.clock)
	for i, s := range o.evidence.stakes {
		a.evidence.stakes[i].add(s)
	}
	a.evidence.handshakes.add(o.evidence.handshakes)
	a.buckets.merge(&o.buckets)
	if a.charts != nil && o.charts != nil {
		a.charts.merge(o.charts)
	}
	a.number += o.number
	for _, l := range o.links {
		a.link(l)
	}
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

func (c *clock) merge(o *clock) {
	switch {
	case !o.known:
	case !c.known:
		without := c.without
		*c = *o
		c.without += without
		return
	default:
		if o.start < c.prev {
			c.backward++
		}
		c.prev = o.prev
		c.first, c.last = min(c.first, o.first), max(c.last, o.last)
	}
	c.backward += o.backward
	c.without += o.without
}

func (b *buckets) merge(o *buckets) {
	for k, sum := range o.sums {
		if b.sums == nil {
			return
		}
		if b.sums[k] == nil {
			b.sums[k] = sum
		} else {
			b.sums[k].Add(sum)
		}
	}
}
