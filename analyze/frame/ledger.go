package frame

// Owner names who a byte on the wire belongs to. Measured owners come first: over one record they add up to its original
// length. Inferred owners follow: what the standard adds around the recorded bytes, so that all owners add up to the bytes
// the frame occupies on Ethernet.
type Owner uint8

// The measured owners.
const (
	Ethernet    Owner = iota // MAC addresses and EtherType or length, 14 octets (IEEE 802.3 clause 3.1.1)
	VLAN                     // 802.1Q, 802.1ad and older tags, 4 octets each; VN-tags, 802.1ah I-tags
	MPLS                     // label stack entries and the pseudowire control word
	PPPoE                    // PPPoE header and the PPP protocol field
	LLC                      // 802.2 LLC and SNAP
	Link                     // link layers that are no Ethernet: Linux cooked, null, PPP, 802.11, radiotap, ...; MACsec, FabricPath, ISL
	ARP                      // ARP and RARP, whole body
	IPv4                     // the fixed 20 octets
	IPv4Options              // IPv4 options
	IPv6                     // the fixed 40 octets
	IPv6Ext                  // IPv6 extension headers, AH and the header of ESP under IPv6 included
	ICMP                     // ICMP, ICMPv6 and IGMP, whole body, quoted packets included
	TCP                      // the fixed 20 octets
	TCPOptions               // TCP options
	UDP                      // UDP and UDP-Lite, 8 octets
	SCTP                     // SCTP common header, headers of data chunks, all other chunks
	Tunnel                   // GRE, VXLAN, GENEVE, GTP-U, L2TP, ... : the tunnel's own header
	Other                    // what no rule above explains: undecoded protocols, ciphertext, AH and ESP under IPv4, DCCP headers
	Payload                  // above the innermost decoded transport header
	Padding                  // after the end of the packet: padding and trailers
	FCS                      // frame check sequence found in the record

	// The inferred owners.

	Preamble          // preamble and SFD, 8 octets a frame
	Fill              // what the NIC adds to reach 60 octets without FCS (IEEE 802.3 clause 4.2.3.3)
	InferredFCS       // FCS that the capture did not contain, 4 octets a frame
	Gap               // inter-frame gap, 12 octet times a frame
	ReplicatedHeaders // headers of the further frames that a super-frame expands to
	PricedEthernet    // --as ethernet: 14 octets less the link header that they replace; can be negative

	NumOwners = int(PricedEthernet) + 1
)

// NumMeasured is the number of measured owners: Owner(0) to Owner(NumMeasured-1).
const NumMeasured = int(FCS) + 1

// What Ethernet adds to each frame, in octets (IEEE 802.3 clauses 3.1.1, 4.2.3.3 and 4.4.2).
const (
	PreambleLen = 8
	FCSLen      = 4
	GapLen      = 12
	MinFrame    = 60 // without FCS
)

// String returns the name that the owner has in JSON and in tables.
func (o Owner) String() string {
	if int(o) < len(ownerNames) {
		return ownerNames[o]
	}
	return "unknown"
}

var ownerNames = [NumOwners]string{
	"ethernet", "vlan", "mpls", "pppoe", "llc", "link", "arp", "ipv4", "ipv4_options", "ipv6", "ipv6_ext", "icmp", "tcp",
	"tcp_options", "udp", "sctp", "tunnel", "other", "payload", "padding", "fcs",
	"preamble", "fill", "fcs", "gap", "replicated_headers", "priced_ethernet",
}

// Ledger holds octets by owner. The zero value is empty. Ledgers add: a flow's is the sum of its frames', a file's the sum
// of its flows'.
type Ledger [NumOwners]int64

// Add adds the octets of m.
func (l *Ledger) Add(m *Ledger) {
	for o := range l {
		l[o] += m[o]
	}
}

// Record is the sum over the measured owners: the record's original length.
func (l *Ledger) Record() int64 { return l.sum(0, NumMeasured) }

// Inferred is the sum over the inferred owners.
func (l *Ledger) Inferred() int64 { return l.sum(NumMeasured, NumOwners) }

// Wire is the sum over all owners: what the frame occupies on Ethernet, preamble and inter-frame gap included.
func (l *Ledger) Wire() int64 { return l.sum(0, NumOwners) }

// Headers is every recorded octet that is not payload, padding, trailer or FCS.
func (l *Ledger) Headers() int64 { return l.sum(0, int(Payload)) }

func (l *Ledger) sum(from, to int) int64 {
	var n int64
	for _, v := range l[from:to] {
		n += v
	}
	return n
}
