// Package predict says what the standards determine before anything is measured: how many frames a workload takes, and how
// many octets of the wire. Where they leave it to timers, to the peer or to a race, it says nothing.
package predict

// Handover is how a transport gets its messages, as far as the number of frames depends on it.
type Handover uint8

// The ways to hand messages over.
const (
	Undetermined Handover = iota // no standard tells what the frames look like
	Datagrams                    // a datagram a message (RFC 768)
	Packed                       // whole messages share a datagram that fills the MTU
	NoDelay                      // TCP, each write is sent at once (TCP_NODELAY)
	Nagle                        // TCP, Nagle's algorithm (RFC 896, RFC 9293 section 3.7.4)
	Cork                         // TCP, full segments only until the end (TCP_CORK, tcp(7))
	More                         // TCP, all but the last write announce another (MSG_MORE, send(2))
	OneCall                      // TCP, everything in one write
)

// Case is a workload on a link without loss: messages of one size, one way, over one connection.
type Case struct {
	Handover Handover
	Messages int64
	Size     int64   // octets a message
	Interval float64 // seconds between two messages; 0: back to back
	RTT      float64 // seconds, propagation only
	Rate     int64   // bits per second; 0 for no limit
	MTU      int64   // octets of an IP packet
	IP       int     // 4 or 6

	// What the connection negotiated (RFC 7323, RFC 2018).
	Timestamps, WindowScaling, SACK bool
}

// Expectation is what follows from the standards.
type Expectation struct {
	DataFrames int64
	Frames     int64 // both directions
	WireBytes  int64 // with preamble, FCS, gap and the minimum of a frame
	// Minimum says that Frames and WireBytes are the least that a conforming host can do: when it acknowledges, and whether a
	// FIN rides on data, is its own choice. DataFrames is exact all the same.
	Minimum bool
	RestsOn string
}

// Octets of headers, and of what Ethernet adds.
const (
	ethernetHeader = 14
	ethernetLeast  = 60 // a frame without FCS (IEEE 802.3 clause 4.2.3.3)
	ethernetExtra  = 24 // preamble and SFD 8, FCS 4, gap 12 (IEEE 802.3 clauses 3.1.1, 4.4.2)
	udpHeader      = 8  // RFC 768
	tcpHeader      = 20 // RFC 9293 section 3.1
	timestamps     = 12 // RFC 7323 appendix A: two NOP before ten octets
)

// Slot is what a frame takes of the wire, in octets, whose IP packet has the given length.
func Slot(packet int64) int64 {
	return max(ethernetHeader+packet, ethernetLeast) + ethernetExtra
}

// leastMTU is what every link carries (RFC 791 section 3.2).
const leastMTU = 68

// DatagramSlot is what a datagram with the given payload takes of the wire, in octets, its fragments included; 0 where the MTU
// is none.
func DatagramSlot(payload, mtu int64, ip int) int64 {
	if mtu < leastMTU || payload < 0 {
		return 0
	}
	_, wire := datagram(payload, mtu, ip)
	return wire
}

// Theory returns what the standards determine for the case; false where they leave it open.
func Theory(c Case) (Expectation, bool) {
	if c.Messages < 1 || c.Size < 1 || c.MTU < leastMTU {
		return Expectation{}, false
	}
	switch c.Handover {
	case Datagrams:
		frames, wire := datagram(c.Size, c.MTU, c.IP)
		return datagrams(c.Messages*frames, c.Messages*wire, c.IP), true
	case Packed:
		return c.packed()
	}
	return c.stream()
}

// datagrams is the expectation where nothing but datagrams travels.
func datagrams(frames, wire int64, ip int) Expectation {
	rests := "RFC 768, RFC 791 section 3.2"
	if ip == 6 {
		rests = "RFC 768, RFC 8200 section 4.5"
	}
	return Expectation{DataFrames: frames, Frames: frames, WireBytes: wire, RestsOn: rests}
}

// ipHeader is RFC 791 section 3.1 and RFC 8200 section 3.
func ipHeader(ip int) int64 {
	if ip == 6 {
		return 40
	}
	return 20
}

// datagram returns frames and octets of the wire of one datagram. Beyond the MTU it is fragmented: all fragments but the last
// carry a multiple of 8 octets (RFC 791 section 3.2; RFC 8200 section 4.5, with a header of 8 octets in each).
func datagram(payload, mtu int64, ip int) (frames, wire int64) {
	header, rest := ipHeader(ip), udpHeader+payload
	if header+rest <= mtu {
		return 1, Slot(header + rest)
	}
	if ip == 6 {
		header += 8
	}
	full := (mtu - header) &^ 7
	before := ceil(rest-(mtu-header), full) // fragments before the last
	return before + 1, before*Slot(header+full) + Slot(header+rest-before*full)
}

// held is how long a sender may gather in seconds: the limit of TCP_CORK (tcp(7)), which udp-packed takes too.
const held = 0.2

// packed is the arithmetic of whole messages in datagrams that fill the MTU.
func (c *Case) packed() (Expectation, bool) {
	each := (c.MTU - ipHeader(c.IP) - udpHeader) / c.Size
	if each < 1 { // it does not fit: a datagram of its own
		frames, wire := datagram(c.Size, c.MTU, c.IP)
		return datagrams(c.Messages*frames, c.Messages*wire, c.IP), true
	}
	if c.Interval*float64(min(each, c.Messages)) >= held {
		return Expectation{}, false
	}
	full, rest := c.Messages/each, c.Messages%each
	_, wire := datagram(each*c.Size, c.MTU, c.IP)
	wire *= full
	if rest > 0 {
		_, last := datagram(rest*c.Size, c.MTU, c.IP)
		full, wire = full+1, wire+last
	}
	return datagrams(full, wire, c.IP), true
}

// segment is the payload of a full segment: the MSS excludes the headers without options, the sender takes its options off
// (RFC 6691 section 2).
func (c *Case) segment() int64 {
	return c.MTU - ipHeader(c.IP) - tcpHeader - c.everyOption()
}

func (c *Case) everyOption() int64 {
	if c.Timestamps {
		return timestamps
	}
	return 0
}

// initialWindow is what may be sent before the first ACK, in octets (RFC 6928 section 2).
func (c *Case) initialWindow() int64 {
	mss := c.MTU - ipHeader(c.IP) - tcpHeader
	return min(10*mss, max(2*mss, 14600))
}

// delayedACK is the longest that a receiver may wait with an ACK, in seconds (RFC 9293 section 3.8.6.3, RFC 1122 section
// 4.2.3.2).
const delayedACK = 0.5

// stream is what TCP must do: the data frames are certain, of the others the least.
func (c *Case) stream() (Expectation, bool) {
	segment := c.segment()
	if segment < 1 {
		return Expectation{}, false
	}
	total := c.Messages * c.Size
	duration := c.Interval * float64(c.Messages-1)
	each := ceil(c.Size, segment) // segments of a message that leaves alone
	var rests string
	gathered := true
	switch {
	case c.Messages == 1 && c.Handover != Undetermined:
		rests = "RFC 9293: a single write"
	case c.Handover == Cork && total <= c.initialWindow() && duration < held:
		rests = "tcp(7) TCP_CORK: full segments until the end"
	case c.Handover == More && total <= segment && duration < held:
		rests = "send(2) MSG_MORE: one segment until the last write"
	case c.Handover == OneCall && total <= c.initialWindow() && c.Interval == 0:
		rests = "RFC 9293: a single write"
	case c.Handover == NoDelay && c.Interval > c.roundTrip() && c.Size <= c.initialWindow():
		gathered, rests = false, "RFC 9293 section 3.7.4 without Nagle: a segment a write"
	case c.Handover == Nagle && c.Interval > c.roundTrip()+delayedACK && c.Size <= c.initialWindow():
		gathered, rests = false, "RFC 9293 section 3.7.4: nothing is unacknowledged when the next write comes"
	default:
		return Expectation{}, false
	}
	if gathered {
		return c.connection(ceil(total, segment), total/segment, c.slots(total), rests), true
	}
	return c.connection(c.Messages*each, c.Messages*(c.Size/segment), c.Messages*c.slots(c.Size), rests), true
}

// roundTrip is from the write of a message to its ACK in seconds, the time that both take of the wire included.
func (c *Case) roundTrip() float64 {
	if c.Rate == 0 {
		return c.RTT
	}
	segments := ceil(c.Size, c.segment())
	bits := 8 * (c.Size + segments*c.besides() + c.pure())
	return c.RTT + float64(bits)/float64(c.Rate)
}

// besides is what a full or large segment takes of the wire beside its payload.
func (c *Case) besides() int64 {
	return ethernetHeader + ethernetExtra + ipHeader(c.IP) + tcpHeader + c.everyOption()
}

// pure is a segment without payload on the wire.
func (c *Case) pure() int64 { return Slot(ipHeader(c.IP) + tcpHeader + c.everyOption()) }

// connection adds what any connection has to its data frames: a handshake of three segments (RFC 9293 section 3.5), an ACK for
// every second full segment at least (section 3.8.6.3, a SHOULD) and every half second, and a close whose FINs ride on the last
// data and on the last ACK (section 3.6).
func (c *Case) connection(data, full, payload int64, rests string) Expectation {
	acks := full / 2
	if data == full && full%2 == 0 {
		acks-- // the last one carries the FIN
	}
	acks = max(acks, int64(c.Interval*float64(c.Messages-1)/delayedACK), 0)
	const handshake, close = 3, 2
	wire := payload + 2*c.syn() + (acks+1+close)*c.pure()
	return Expectation{DataFrames: data, Frames: handshake + data + acks + close, WireBytes: wire, Minimum: true, RestsOn: rests}
}

// slots is what the segments of one piece of the stream take of the wire.
func (c *Case) slots(octets int64) int64 {
	header, segment := ipHeader(c.IP)+tcpHeader+c.everyOption(), c.segment()
	wire := octets / segment * Slot(header+segment)
	if rest := octets % segment; rest > 0 {
		wire += Slot(header + rest)
	}
	return wire
}

// syn is a SYN or SYN-ACK on the wire: MSS 4 (RFC 9293 section 3.2), window scale 3 and timestamps 10 (RFC 7323 sections 2.2
// and 3.2), SACK permitted 2 (RFC 2018 section 2), filled up to a multiple of 4.
func (c *Case) syn() int64 {
	options := int64(4)
	for _, o := range []struct {
		on     bool
		octets int64
	}{{c.WindowScaling, 3}, {c.Timestamps, 10}, {c.SACK, 2}} {
		if o.on {
			options += o.octets
		}
	}
	return Slot(ipHeader(c.IP) + tcpHeader + ceil(options, 4)*4)
}

// horizon is how many messages BreakEven looks at.
const horizon = 100_000

// BreakEven is the smallest number of messages for which the standards determine that the case needs fewer frames, and fewer
// octets of the wire, than datagrams of their own; 0 where they determine none. The numbers of messages are taken in turn up
// to where nothing is determined any more.
func BreakEven(c Case) (frames, wire int64) {
	base := c
	base.Handover = Datagrams
	for c.Messages = 1; c.Messages <= horizon && (frames == 0 || wire == 0); c.Messages++ {
		e, ok := Theory(c)
		if !ok {
			break
		}
		base.Messages = c.Messages
		u, _ := Theory(base)
		if frames == 0 && e.Frames < u.Frames {
			frames = c.Messages
		}
		if wire == 0 && e.WireBytes < u.WireBytes {
			wire = c.Messages
		}
	}
	return frames, wire
}

// ceil is the quotient rounded up, of numbers that are not negative.
func ceil(n, by int64) int64 { return (n + by - 1) / by }
