package traffic

import (
	"fmt"
	"slices"
	"strings"
)

// transport is one way to carry the messages.
type transport struct {
	name      string
	about     string // what it does, in words
	carrier   carrier
	datagrams bool    // messages are not a byte stream: they can be lost, and travel whole
	outlet    outlets // how messages are handed over
	noDelay   bool    // TCP_NODELAY

	noAutocork bool // sysctl net.ipv4.tcp_autocorking is 0 on both hosts
	quickAck   bool // TCP_QUICKACK before each read

	// Of variants, on both hosts.
	noTimestamps  bool // sysctl net.ipv4.tcp_timestamps is 0
	initialWindow int  // initcwnd of the route in segments; 0: the kernel's
	quickRoute    bool // quickack of the route: no ACK is delayed
}

// carrier is the protocol below the messages.
type carrier uint8

const (
	overUDP carrier = iota
	overTCP
	overMPTCP
	overTLS
	overQUIC
)

// outlets names the ways in which an application hands over messages.
type outlets uint8

const (
	oneByOne  outlets = iota // a call for each message
	packed                   // whole messages share a datagram of at most the link's MTU
	segmented                // the messages at hand in one call, which the kernel divides again (UDP_SEGMENT)
	batched                  // the messages at hand in one call (sendmmsg(2) over UDP, writev(2) over TCP)
	corked                   // TCP_CORK from before the first message to after the last
	announced                // MSG_MORE with all but the last message
	buffered                 // a buffer of the application, bufio.Writer
)

// transports is in the order in which tables show them.
var transports = [...]transport{
	{name: "udp", about: "one datagram a message", datagrams: true},
	{name: "udp-packed", about: "the application fills datagrams, waits 200 ms at most", datagrams: true, outlet: packed},
	{name: "udp-gso", about: "the messages at hand in one call (UDP_SEGMENT)", datagrams: true, outlet: segmented},
	{name: "udp-sendmmsg", about: "the messages at hand in one call of sendmmsg", datagrams: true, outlet: batched},
	{name: "tcp", about: "Nagle's algorithm, the kernel's default", carrier: overTCP},
	{name: "tcp-nodelay", about: "TCP_NODELAY", carrier: overTCP, noDelay: true},
	{name: "tcp-cork", about: "TCP_CORK around all messages", carrier: overTCP, outlet: corked},
	{name: "tcp-more", about: "MSG_MORE with all but the last message", carrier: overTCP, outlet: announced},
	{name: "tcp-writev", about: "the messages at hand in one call of writev", carrier: overTCP, outlet: batched},
	{name: "tcp-buffered", about: "a buffer of 4096 bytes, flushed after 200 ms at most", carrier: overTCP, outlet: buffered},
	{name: "tcp-noautocork", about: "tcp, with net.ipv4.tcp_autocorking=0", carrier: overTCP, noAutocork: true},
	{name: "tcp-quickack", about: "tcp, the receiver sets TCP_QUICKACK before each read", carrier: overTCP, quickAck: true},
	{name: "tls", about: "TLS 1.3 over tcp-nodelay, one record a message", carrier: overTLS, noDelay: true},
	{name: "tls-buffered", about: "tls behind a buffer as in tcp-buffered", carrier: overTLS, noDelay: true, outlet: buffered},
	{name: "quic-stream", about: "one QUIC stream", carrier: overQUIC},
	{name: "quic-datagram", about: "QUIC datagrams (RFC 9221)", carrier: overQUIC, datagrams: true},
	{name: "mptcp", about: "Multipath TCP with one subflow, Nagle on", carrier: overMPTCP},
}

// Names lists the transports in the order in which tables show them.
func Names() []string {
	names := make([]string, len(transports))
	for i, t := range transports {
		names[i] = t.name
	}
	return names
}

// About says in words what a transport does; empty for an unknown one.
func About(name string) string {
	t, _ := lookup(name)
	return t.about
}

// Default lists the transports that answer the first question: what does coalescing save, and who does it.
func Default() []string { return []string{"udp", "udp-packed", "tcp", "tcp-nodelay", "tcp-cork"} }

// Sets lists the names of sets of transports.
func Sets() []string { return []string{"all", "udp-all", "tcp-all", "secure"} }

// Set lists the transports that a name of a set stands for; none for any other name.
func Set(name string) []string {
	var prefixes []string
	switch name {
	case "all":
		return Names()
	case "udp-all":
		prefixes = []string{"udp"}
	case "tcp-all":
		prefixes = []string{"tcp"}
	case "secure":
		prefixes = []string{"tls", "quic"}
	}
	return slices.DeleteFunc(Names(), func(n string) bool {
		return !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(n, p) })
	})
}

// DependsOnKernel reports whether there are kernels in use that refuse what the transport needs: MPTCP is a build option and a
// sysctl, UDP_SEGMENT on a device without checksum offload came with Linux 6.11, and variants set what not every kernel has.
func DependsOnKernel(name string) bool {
	return name == "mptcp" || name == "udp-gso" || isVariant(name)
}

// SetsHost reports whether the transport sets sysctls or routes of its hosts: it needs network namespaces of its own.
func SetsHost(name string) bool {
	t, err := lookup(name)
	return err == nil && t.setsHost()
}

func lookup(name string) (transport, error) {
	for _, t := range transports {
		if t.name == name {
			return t, nil
		}
	}
	if t, ok := variant(name); ok {
		return t, nil
	}
	hint := ""
	if near := nearest(strings.ToLower(name), Names()); near != "" {
		hint = fmt.Sprintf(", did you mean %s?", near)
	}
	return transport{}, fmt.Errorf("unknown transport %q%s (known: %s)", name, hint, strings.Join(Names(), ", "))
}

// limit is the size of the largest message that the transport carries, in octets.
func (t transport) limit(ip int) int {
	switch {
	case t.carrier == overUDP:
		return maxDatagram(ip)
	case t.datagrams:
		return quicDatagram
	}
	return MaxSize
}

// quicDatagram is what a QUIC datagram carries, in octets, in the packets that a connection starts with where the MTU is
// IPv6's least, 1280: the UDP payload of 1232 less quic-go's estimate of header, frame header and authentication tag.
const quicDatagram = 1190

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
