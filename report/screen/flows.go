package screen

import (
	"net/netip"
	"strconv"
	"strings"

	"wiretax/analyze"
)

// column is one of the table of flows.
type column struct {
	name   string
	width  int
	left   bool
	from   int // columns of the terminal from which on it is shown
	figure func(m *model, f *analyze.Flow) string
}

// columns are those of the table, but for a and b, which take what is left.
var columns = []column{
	{"flow", 5, false, 72, func(_ *model, f *analyze.Flow) string { return strconv.Itoa(f.Number) }},
	{"proto", 5, true, 56, func(_ *model, f *analyze.Flow) string { return f.Proto }},
	{"a", 0, true, 0, func(_ *model, f *analyze.Flow) string { return endpoint(f.A, f.APort) }},
	{"b", 0, true, 0, func(_ *model, f *analyze.Flow) string { return endpoint(f.B, f.BPort) }},
	{"network", 12, true, 150, func(_ *model, f *analyze.Flow) string { return network(f) }},
	{"wasted", 8, false, 0, func(_ *model, f *analyze.Flow) string { return octets(f.Wasted()) }},
	{"eff.%", 5, false, 34, func(_ *model, f *analyze.Flow) string {
		return percent(analyze.Over(f.UniquePayloadBytes(), f.WireBytes()))
	}},
	{"wire", 8, false, 64, func(_ *model, f *analyze.Flow) string { return octets(f.WireBytes()) }},
	{"share%", 6, false, 110, func(m *model, f *analyze.Flow) string {
		return percent(analyze.Over(f.WireBytes(), m.sample.Result.Totals.WireBytes))
	}},
	{"wire b/s", 9, false, 94, func(m *model, f *analyze.Flow) string { return m.rate(f) }},
	{"payload", 8, false, 120, func(_ *model, f *analyze.Flow) string { return octets(f.UniquePayloadBytes()) }},
	{"frames a>b", 10, false, 132, func(_ *model, f *analyze.Flow) string { return integer(f.AB.Frames) }},
	{"frames b>a", 10, false, 132, func(_ *model, f *analyze.Flow) string { return integer(f.BA.Frames) }},
	{"ACKs", 8, false, 160, func(_ *model, f *analyze.Flow) string { return integer(f.AB.AckFrames + f.BA.AckFrames) }},
	{"retrans.", 8, false, 160, func(_ *model, f *analyze.Flow) string { return integer(f.AB.Retransmissions + f.BA.Retransmissions) }},
}

// usualAddress is the width of an IPv4 address with a port; wideAddress that of an IPv6 address with one.
const (
	usualAddress = 21
	wideAddress  = 47
)

// layout chooses the columns that fit the terminal and gives a and b what they leave.
func layout(width int) []column {
	var chosen []column
	left := width - 1 // the mark of the selected flow
	for _, c := range columns {
		if width >= c.from {
			chosen = append(chosen, c)
			left -= c.width + 1
		}
	}
	each := min(max(left/2, 1), wideAddress)
	for i := range chosen {
		if chosen[i].width == 0 {
			chosen[i].width = each
		}
	}
	return chosen
}

// heading is the line above the table.
func heading(columns []column) string {
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = fit(c.name, c.width, c.left)
	}
	return " " + strings.Join(parts, " ")
}

// row is the line of a flow.
func (m *model) row(columns []column, f *analyze.Flow) string {
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = fit(c.figure(m, f), c.width, c.left)
	}
	return " " + strings.Join(parts, " ")
}

// rate is what the flow took on the wire in the last interval.
func (m *model) rate(f *analyze.Flow) string {
	before, known := m.before[nameOf(f)]
	if !known || m.interval.Seconds <= 0 {
		return nothing
	}
	return si(8*float64(f.WireBytes()-before)/m.interval.Seconds, "")
}

// name tells flows apart, also when their numbers change because an old one was given up.
type name struct {
	proto, a, b, network, first string
	aPort, bPort                uint16
}

func nameOf(f *analyze.Flow) name {
	return name{proto: f.Proto, a: f.A, b: f.B, network: network(f), first: f.First, aPort: f.APort, bPort: f.BPort}
}

func endpoint(address string, port uint16) string {
	a, err := netip.ParseAddr(address)
	if err != nil || port == 0 {
		return address
	}
	return netip.AddrPortFrom(a, port).String()
}

// network is what tells one 5-tuple in several networks apart.
func network(f *analyze.Flow) string {
	var parts []string
	for _, id := range f.VLANs {
		parts = append(parts, "vlan "+strconv.Itoa(id))
	}
	if f.VNI != nil {
		parts = append(parts, "vni "+strconv.Itoa(*f.VNI))
	}
	return strings.Join(parts, " ")
}

// Matches reports whether a flow's line has all words of the filter: protocol, addresses, ports, network.
func Matches(filter string) func(*analyze.Flow) bool {
	words := strings.Fields(strings.ToLower(filter))
	if len(words) == 0 {
		return nil
	}
	return func(f *analyze.Flow) bool {
		text := strings.Join([]string{f.Proto, endpoint(f.A, f.APort), endpoint(f.B, f.BPort), network(f)}, " ")
		for _, w := range words {
			if !strings.Contains(text, w) {
				return false
			}
		}
		return true
	}
}
