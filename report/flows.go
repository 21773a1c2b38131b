package report

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"wiretax/analyze"
)

// leastAddress is the width to which an address may be shortened: IPv4 with a port stays whole, IPv6 may not.
const leastAddress = 21

// flowsTable shows the flows that cost most on the wire.
func flowsTable(r *analyze.Result, s Style) *table {
	t := &table{columns: []column{
		{name: "flow"}, {name: "proto", left: true, priority: 1},
		{name: "a", left: true, least: leastAddress}, {name: "b", left: true, least: leastAddress}, {name: "network", left: true},
		{name: "frames\na>b"}, {name: "frames\nb>a"}, {name: "expanded\nfrom", priority: 1}, {name: "re-\ntrans.", priority: 2},
		{name: "payload\nbytes", priority: 4}, {name: "wire\nbytes"}, {name: "share", unit: "%", priority: 3}, {name: "eff.", unit: "%", priority: 2},
	}}
	flows := slices.Clone(r.Flows)
	slices.SortStableFunc(flows, func(a, b analyze.Flow) int {
		return cmp.Compare(b.AB.WireBytes+b.BA.WireBytes, a.AB.WireBytes+a.BA.WireBytes)
	})
	shown := s.top(len(flows))
	for _, f := range flows[:shown] {
		wire := f.AB.WireBytes + f.BA.WireBytes
		payload, unique := f.AB.PayloadBytes+f.BA.PayloadBytes, f.AB.UniquePayloadBytes+f.BA.UniquePayloadBytes
		t.rows = append(t.rows, []string{
			strconv.Itoa(f.Number), clean(f.Proto), endpoint(f.A, f.APort), endpoint(f.B, f.BPort), network(f),
			integer(f.AB.Frames), integer(f.BA.Frames), expandedFrom(f.AB, f.BA), blankZero(f.AB.Retransmissions + f.BA.Retransmissions),
			integer(payload), integer(wire), share(wire, r.Totals.WireBytes), share(unique, wire),
		})
	}
	if len(flows) > 0 {
		t.notes = flowNotes(flows[shown:], r)
	}
	*t = t.withoutBlank()
	return t
}

// flowNotes accounts for what the table leaves out, so that its reader can still add up.
func flowNotes(rest []analyze.Flow, r *analyze.Result) []string {
	var notes []string
	others := &r.Others
	if n := int64(len(rest)) + r.Unlisted.Flows; n > 0 {
		frames, wire := r.Unlisted.Frames, r.Unlisted.WireBytes
		for _, f := range rest {
			frames += f.AB.Frames + f.BA.Frames
			wire += f.AB.WireBytes + f.BA.WireBytes
		}
		notes = append(notes, fmt.Sprintf("%s, %s, %s (--top N)", plural(float64(n), "more flow"),
			plural(float64(frames), "frame"), plural(float64(wire), "wire byte")))
	}
	if others.Records > 0 {
		what := "of no flow"
		if others.Flows > 0 {
			what = fmt.Sprintf("of %s beyond --max-flows, and of none", plural(float64(others.Flows), "flow"))
		}
		notes = append(notes, fmt.Sprintf("%s %s, %s", plural(float64(others.Frames), "frame"), what,
			plural(float64(others.WireBytes), "wire byte")))
	}
	return notes
}

func endpoint(address string, port uint16) string {
	a, err := netip.ParseAddr(address)
	if err != nil || port == 0 {
		return clean(address)
	}
	return netip.AddrPortFrom(a, port).String()
}

// network tells one 5-tuple in several networks apart.
func network(f analyze.Flow) string {
	var parts []string
	if len(f.VLANs) > 0 {
		parts = append(parts, "vlan "+vlans(f, "."))
	}
	if f.VNI != nil {
		parts = append(parts, fmt.Sprintf("vni %d", *f.VNI))
	}
	if f.Iface > 0 {
		parts = append(parts, fmt.Sprintf("if %d", f.Iface))
	}
	return strings.Join(parts, " ")
}

func vlans(f analyze.Flow, separator string) string {
	ids := make([]string, len(f.VLANs))
	for i, id := range f.VLANs {
		ids[i] = strconv.Itoa(id)
	}
	return strings.Join(ids, separator)
}

func blankZero(n int64) string {
	if n == 0 {
		return ""
	}
	return integer(n)
}
