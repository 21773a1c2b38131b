package analyze

// Merge adds what o has seen. It equals one analysis of both parts, o's records after a's, as far as no flow has records in
// both: what the second part repeats of the first is not found out. o must not be used afterwards.
func (a *Analysis) Merge(o *Analysis) {
	for _, p := range o.flows() {
		n := p.Name()
		a.shards[n.Shard(a.shardBits)].flows.Take(p.shard.flows, p.ref, a.order.number)
	}
	for _, s := range o.shards {
		rest := &a.shards[0].flows.Folded
		rest.Flows += s.flows.Folded.Flows
		rest.Add(&s.flows.Folded.Counts)
		a.shards[0].tally.add(&s.tally)
	}
	for _, l := range o.lanes {
		a.lanes[0].tally.add(&l.tally)
	}
	a.order.clock.follow(&o.order.clock)
	a.order.number += o.order.number
	for _, l := range o.order.links {
		a.order.link(l)
	}
}
