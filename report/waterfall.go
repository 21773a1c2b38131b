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
	t := &table{columns: []column{
		{name: "owner", left: true}, {name: "bytes"}, {name: "share %"}, {name: "remaining"}, {name: "how", left: true},
	}}
	whole := r.Totals.WireBytes
	left := whole
	row := func(name string, n int64, how string) {
		t.rows = append(t.rows, []string{name, integer(n), share(n, whole), integer(left), how})
	}
	take := func(name string, n int64, how string) {
		if n != 0 {
			left -= n
			row("- "+clean(name), n, how)
		}
	}
	if whole == 0 {
		return t
	}
	row("wire bytes", whole, "")
	for _, o := range inOrder(r.Inferred, inferredOwners[:]) {
		how := "inferred"
		if o == "replicated_headers" {
			how = "expanded"
		}
		take(o, r.Inferred[o], how)
	}
	if left != whole {
		row("record bytes", left, "")
	}
	for _, o := range inOrder(r.Owners, measuredOwners[:]) {
		if o != "payload" {
			take(o, r.Owners[o], "measured")
		}
	}
	row("payload bytes", left, "")
	repeated := r.Totals.PayloadBytes - r.Totals.UniquePayloadBytes
	take("retransmitted", r.TCP.RetransmittedBytes, "measured")
	take("captured twice", repeated-r.TCP.RetransmittedBytes, "measured") // what else was there before
	row("unique payload bytes", left, "")
	return t
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
