package traffic

import (
	"fmt"
	"strings"
	"time"
)

// transport is one way to carry the messages.
type transport struct {
	name    string
	udp     bool
	packed  bool // whole messages share a datagram
	noDelay bool // TCP_NODELAY
	cork    bool // TCP_CORK from before the first message to after the last
}

// transports is in the order in which tables show them.
var transports = [...]transport{
	{name: "udp", udp: true},
	{name: "udp-packed", udp: true, packed: true},
	{name: "tcp"},
	{name: "tcp-nodelay", noDelay: true},
	{name: "tcp-cork", cork: true},
}

// Names lists the transports in the order in which tables show them.
func Names() []string {
	names := make([]string, len(transports))
	for i, t := range transports {
		names[i] = t.name
	}
	return names
}

func lookup(name string) (transport, error) {
	for _, t := range transports {
		if t.name == name {
			return t, nil
		}
	}
	hint := ""
	if near := nearest(strings.ToLower(name), Names()); near != "" {
		hint = fmt.Sprintf(", did you mean %s?", near)
	}
	return transport{}, fmt.Errorf("unknown transport %q%s (known: %s)", name, hint, strings.Join(Names(), ", "))
}

// What a Workload may ask for.
const (
	MaxMessages = 10_000_000 // the time of every message is kept, 8 octets each
	MaxSize     = 16 << 20   // octets a message
	maxSpan     = 365 * 24 * time.Hour
)

// Check reports why the workload cannot travel over the transport, IP version 4 or 6.
func (w Workload) Check(transport string, ip int) error {
	t, err := lookup(transport)
	if err != nil {
		return err
	}
	if ip != 4 && ip != 6 {
		return fmt.Errorf("ip version must be 4 or 6, is %d", ip)
	}
	if w.Messages < 1 || w.Messages > MaxMessages {
		return fmt.Errorf("messages must be 1 to %d, is %d", MaxMessages, w.Messages)
	}
	if w.Interval < 0 {
		return fmt.Errorf("interval must not be negative, is %v", w.Interval)
	}
	if w.Interval > maxSpan/time.Duration(w.Messages) {
		return fmt.Errorf("%d messages at an interval of %v take longer than a year", w.Messages, w.Interval)
	}
	limit := MaxSize
	if t.udp {
		limit = maxDatagram(ip)
	}
	switch {
	case w.Size >= 1 && w.Size <= limit:
		return nil
	case w.Size > limit && t.udp:
		return fmt.Errorf("a UDP datagram over IPv%d carries at most %d bytes (RFC 768), size is %d: use a tcp transport or a smaller --size", ip, limit, w.Size)
	default:
		return fmt.Errorf("message size must be 1 to %d bytes, is %d", limit, w.Size)
	}
}

const (
	udpHeader   = 8
	ipv4Header  = 20
	ipv6Header  = 40
	maxIPLength = 65535 // the 16-bit length field; over IPv6 it excludes the IPv6 header
)

func maxDatagram(ip int) int {
	if ip == 6 {
		return maxIPLength - udpHeader
	}
	return maxIPLength - ipv4Header - udpHeader
}

// unfragmented is the number of octets that a datagram carries in one packet; not positive where the MTU leaves no room.
func unfragmented(mtu, ip int) int {
	if ip == 6 {
		return mtu - ipv6Header - udpHeader
	}
	return mtu - ipv4Header - udpHeader
}

// nearest returns the name that differs from s in at most two letters, or that contains it; "" if there is none.
func nearest(s string, names []string) string {
	best, least := "", 3
	for _, n := range names {
		if d := distance(s, n); d < least {
			best, least = n, d
		}
	}
	for _, n := range names {
		if best == "" && len(s) > 2 && strings.Contains(n, s) {
			best = n
		}
	}
	return best
}

// distance is the Levenshtein distance.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
