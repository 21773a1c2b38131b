// Package frame reads one captured frame and gives every byte of it an owner.
package frame

import "net/netip"

// LinkType is a LINKTYPE_ value as it stands in capture files (https://www.tcpdump.org/linktypes.html), without the FCS
// bits that a pcap file header may carry above it.
type LinkType uint16

// Frame is what Parse found in one record. It holds no reference to the record's bytes.
type Frame struct {
	Ledger Ledger

	// Flow is the conversation of the innermost decoded transport (or network) header, the same for both directions.
	Flow Key
	// Reverse says that the frame travels from Flow.B to Flow.A.
	Reverse bool

	// Fragment describes an IP fragment; its zero value means that the packet is whole. Fragments after the first have no
	// ports in Flow.
	Fragment Fragment

	// TCP is valid when Flow.Proto is ProtoTCP and the frame carries the TCP header.
	TCP TCPHeader
	// HasTransport says that Flow names a transport header (TCP, UDP, UDP-Lite, SCTP, DCCP) by its ports and that what follows
	// it is Payload. It is false for ICMP, for fragments after the first, and where so much of the header was cut that its
	// ports or its length are unknown.
	HasTransport bool

	// IPOffset is where the innermost IP header starts in the record, -1 without one. PayloadOffset is where the payload
	// starts, -1 without payload.
	IPOffset, PayloadOffset int

	// IPLength is the length of the innermost IP packet by its own length field (0 when the field is 0, as super-frames
	// and jumbograms have it). LinkHeader is the number of octets before the outermost network header.
	IPLength, LinkHeader int

	// Defects says what was wrong with the record.
	Defects Defects
}

// IP protocol numbers that Key.Proto holds (https://www.iana.org/assignments/protocol-numbers).
const (
	ProtoICMP    = 1
	ProtoIGMP    = 2
	ProtoTCP     = 6
	ProtoUDP     = 17
	ProtoDCCP    = 33
	ProtoGRE     = 47
	ProtoESP     = 50
	ProtoAH      = 51
	ProtoICMPv6  = 58
	ProtoSCTP    = 132
	ProtoUDPLite = 136
)

// Key names a flow: the same value for both directions, A is the lower of the two endpoints (address, then port). The zero
// Key is that of frames that are no IP. Keys are comparable.
type Key struct {
	A, B         [16]byte // IPv4 as IPv4-mapped IPv6 (RFC 4291 section 2.5.5.2)
	APort, BPort uint16   // 0 where there is none
	Proto        uint8    // IP protocol number of the innermost header that was decoded
	IP           uint8    // 4, 6, or 0 for no IP
	Network      uint64   // VLANs and VNI in one word: one 5-tuple in several networks is several flows
}

// AddrA returns A as an address, IPv4 unmapped.
func (k Key) AddrA() netip.Addr { return k.addr(k.A) }

// AddrB returns B as an address, IPv4 unmapped.
func (k Key) AddrB() netip.Addr { return k.addr(k.B) }

func (k Key) addr(a [16]byte) netip.Addr {
	if k.IP == 4 {
		return netip.AddrFrom16(a).Unmap()
	}
	return netip.AddrFrom16(a)
}

// Fragment describes an IP fragment (RFC 791 section 3.1, RFC 8200 section 4.5).
type Fragment struct {
	ID     uint32
	Offset uint16 // octets from the start of the packet's payload
	More   bool   // further fragments follow
	Proto  uint8  // of the whole packet
}

// IsFragment reports whether the packet is a fragment at all (an atomic fragment is none).
func (f Fragment) IsFragment() bool { return f.More || f.Offset != 0 }

// TCPHeader holds the fields of a TCP header that the accounting needs (RFC 9293 section 3.1).
type TCPHeader struct {
	Seq, Ack    uint32
	Window      uint16
	Flags       TCPFlags
	MSS         uint16 // option on SYN; 0 without
	WindowShift int8   // window scale option on SYN; -1 without
	SACKBlocks  uint8
	// Segment is the number of payload octets by the length fields, whatever was captured.
	Segment int
	// Options holds the octets of each kind of option; they add up to the owner TCPOptions.
	Options [NumTCPOptions]uint8
}

// TCPFlags are the flag bits of a TCP header, FIN lowest.
type TCPFlags uint16

// The flag bits.
const (
	FIN TCPFlags = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
	ECE
	CWR
	AE
)

// TCPOption is a class of TCP options.
type TCPOption uint8

// The classes (https://www.iana.org/assignments/tcp-parameters).
const (
	OptPadding TCPOption = iota // end of list, no-operation
	OptMSS
	OptWindowScale
	OptSACK // SACK permitted and SACK blocks
	OptTimestamps
	OptMPTCP
	OptOther

	NumTCPOptions = int(OptOther) + 1
)

// String returns the name the class has in JSON.
func (o TCPOption) String() string {
	return [NumTCPOptions]string{"padding", "mss", "window_scale", "sack", "timestamps", "mptcp", "other"}[o]
}

// Defects is a set of things that were wrong with a record.
type Defects uint16

// The defects.
const (
	CutInHeader        Defects = 1 << iota // the record, or what was captured of it, ends inside a header
	BadHeader                              // a header contradicts itself (length field too small, version wrong)
	LengthBeyond                           // a length field says more octets than the record's original length has
	SurplusLength                          // the original length claims octets that the headers contradict (surplus is Other)
	NoEthernet                             // the link type is no Ethernet: nothing was inferred
	UnknownLink                            // the link type is not decoded
	TooManyLayers                          // nesting beyond the limit; the rest is Other
	LengthBelowCapture                     // the original length is smaller than the capture length
)
