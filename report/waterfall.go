package report

import (
	"maps"
	"slices"

	"wiretax/analyze"
)

// The owners from the outside of a frame to its inside, by their names in JSON.
var (
	inferredOwners = [...]string{"gap", "preamble", "fcs", "fill", "replicated_headers", "priced_ethernet"}
	measuredOwners = [...]string{
		"fcs", "padding", "ethernet", "link", "vlan", "mpls", "pppoe", "llc", "arp", "ipv4", "ipv4_options", "ipv6", "ipv6_ext",
		"tunnel", "icmp", "tcp", "tcp_options", "udp", "sctp", "other",
	}
)

// waterfall goes from the wire bytes down to the unique payload: what each owner takes, and what is left below it.
func waterfall(r *analyze.Result) *table {
	d := newDescent(r)
	if d.whole == 0 {
		return &d.table
	}
	d.level("wire bytes")
	for _, o := range inOrder(r.Inferred, inferredOwners[:]) {
		how := "inferred"
		if o == "replicated_headers" {
			how = "expanded"
		}
		d.take(o, ownerClass(o), r.Inferred[o], how)
	}
	if d.left != d.whole {
		d.level("record bytes")
	}
	for _, o := range inOrder(r.Owners, measuredOwners[:]) {
		if o != "payload" {
			d.take(o, ownerClass(o), r.Owners[o], "measured")
		}
	}
	d.level("payload bytes")
	repeated := r.Totals.PayloadBytes - r.Totals.UniquePayloadBytes
	d.take("retransmitted", "retransmit", r.TCP.RetransmittedBytes, "measured")
	d.take("captured twice", "retransmit", repeated-r.TCP.RetransmittedBytes, "measured") // what else was there before
	d.level("unique payload bytes")
	return &d.table
}

// descent is a waterfall on its way down.
type descent struct {
	table
	whole, left int64
	of          map[string]int64 // what is left, by class
}

func newDescent(r *analyze.Result) *descent {
	d := &descent{whole: r.Totals.WireBytes, left: r.Totals.WireBytes, of: make(map[string]int64)}
	d.columns = []column{
		{name: "owner", left: true}, {name: "bytes"}, {name: "share %"}, {name: "remaining", priority: 2}, {name: "how", left: true, priority: 1},
	}
	d.sketch = &sketch{legend: ownerLegend, unit: "wire bytes", over: 2}
	for _, p := range ownerParts(r) {
		d.of[p.class] = int64(p.n)
	}
	return d
}

// level is a row for all that is left.
func (d *descent) level(name string) {
	var parts []part
	for _, l := range ownerLegend {
		parts = append(parts, part{l.Class, l.Name, float64(d.of[l.Class])})
	}
	d.row(name, d.left, "", parts)
}

// take is a row for what an owner has; in its bar it stands where it is missed below.
func (d *descent) take(name, class string, n int64, how string) {
	if n == 0 {
		return
	}
	d.left -= n
	d.of[class] -= n
	d.row("- "+clean(name), n, how, []part{{skipped, "what is left", float64(d.left)}, {class, name, float64(n)}})
}

func (d *descent) row(name string, n int64, how string, bar []part) {
	d.rows = append(d.rows, []string{name, integer(n), share(n, d.whole), integer(d.left), how})
	d.sketch.rows = append(d.sketch.rows, bar)
}

// inOrder lists the owners of m, those without a place in the order behind the others: no byte may disappear.
func inOrder(m map[string]int64, order []string) []string {
	names := slices.Clone(order)
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
