package main

import (
	"slices"
	"strings"
)

// setSize is the number of captures in the set that the counts of reasons belong to. Any other set is judged by the same
// rules, without the counts.
const setSize = 943

// reasons are why a number may differ from the oracle's. Most are a convention on who owns octets that both sides see: then
// the sums over all owners concerned have to agree to the octet. A number that no reason explains is a defect.
var reasons = []struct {
	name     string
	why      string
	numbers  int64 // that it explains in the set
	explains func(*captured, difference) bool
}{
	{"IGMP", "an owner of its own to the oracle; CONTRACT: icmp owns the whole body of ICMP, ICMPv6 and IGMP",
		19, moved("igmp", "icmp", "igmp", "")},
	{"fragments", "the oracle keeps the data of fragments apart; CONTRACT: it is payload, less the transport header in the first",
		13, moved("frag_rest", "payload", "frag_payload", "")},
	{"ICMP fragments", "the same for a message whose whole body is owned by icmp",
		6, moved("frag_rest", "icmp", "igmp frag_payload", "")},
	{"IPsec under IPv6", "AH and the ESP header are extension headers to wiretax (RFC 4302, RFC 4303), owners of their own to the oracle",
		12, moved("ah esp", "ipv6_ext", "ah esp esp_body l3_payload", "other")},
	{"PPP on its own", "pppoe owns the PPP of a session on Ethernet; as link type of the capture PPP is link",
		6, moved("ppp", "pppoe", "sll null other_link nonip l3_payload", "link other")},
	{"SCTP chunks", "the oracle takes everything after the common header for payload; to wiretax only user data is (RFC 9260 section 3.3.1)",
		11, moved("sctp", "payload", "sctp", "sctp")},
	{"impossible lengths", "the original length is a lie, nothing of it was captured: other, not trailing octets (CONTRACT)",
		8, moved("absurd_length trailing_not_captured", "padding", "nonip l3_payload other_link", "other link")},
	{"MPLS pseudowires", "whether a control word follows the label stack is a guess (RFC 4385); tshark's misses some and stops",
		44, pseudowire},
	{"802.1ah", "the I-tag owns 4 octets (vlan), the customer's addresses are ethernet; the oracle has 18 octets of other_link",
		18, moved("ieee8021ah", "ethernet vlan llc ipv4 udp payload", "other_link nonip", "other")},
	{"VN-tag", "a tag like 802.1Q: vlan", 1, moved("vntag", "vlan", "other_link", "")},
	{"XID", "the header of an LLC frame with an unnumbered control field has 3 octets, the information field is not LLC's (IEEE 802.2)",
		1, moved("llc", "llc", "nonip", "other")},
	{"ERSPAN III", "the capture ends inside the optional subheader; the inner Ethernet header must follow it, the oracle waits for its octets",
		3, moved("tunnel", "ethernet tunnel padding", "l3_payload nonip", "other")},
	{"L2TP data", "tshark shows a data message with PPP in it, the oracle took it for one of the control connection",
		3, moved("tunnel_control", "pppoe tunnel payload", "", "")},
	{"TCP not captured", "20 octets are left of the length field where the capture ends: a TCP header, the least there can be",
		1, moved("short", "tcp", "l3_payload", "other")},
	{"damaged file", "tshark stops at the damage, libpcap and wiretax read one record more",
		8, func(c *captured, _ difference) bool { return !c.readable() && c.result.Source.TruncatedFile }},
	{"captured twice", "what a mirror port or a second interface repeats is no retransmission and no duplicate ACK",
		33, copies},
	{"labels", "tshark labels segments by time and order, keep-alives and late ones included; unique and repeated octets agree",
		23, sequenceSpace},
	{"ports used again", "a SYN after both FINs is a new connection, also with the sequence numbers of the last one", 4, portsAgain},
	{"text of a RST", "a diagnostic text is sent (RFC 9293 section 3.5.2) but not in the stream; the oracle leaves it out",
		2, resetText},
	{"several networks", "one 5-tuple in several virtual networks is several flows", 2, networks},
}

// reasonFor returns the name of the first reason that explains the row, "" for none.
func (c *captured) reasonFor(r difference) string {
	for _, reason := range reasons {
		if r.weight != fail && reason.explains(c, r) {
			return reason.name
		}
	}
	return ""
}

// marked reports whether the oracle's notes or conventions on the capture have one of the marks.
func (c *captured) marked(marks string) bool {
	for mark := range strings.FieldsSeq(marks) {
		if c.oracle.sum("conventions."+mark+" notes."+mark) > 0 {
			return true
		}
	}
	return false
}

// moved explains totals in marked captures where octets have other owners, and the same sum: that of the labels' owners and
// further ones of either side.
func moved(marks, labels, theirs, ours string) func(*captured, difference) bool {
	return func(c *captured, r difference) bool {
		if !c.marked(marks) || !slices.Contains(strings.Fields(labels), r.label) {
			return false
		}
		var oracle, wiretax int64
		for _, j := range judgedTotals {
			if slices.Contains(strings.Fields(labels), j.label) {
				oracle += c.oracle.sum(j.oracle)
				wiretax += c.ours.sum(j.ours)
			}
		}
		for owner := range strings.FieldsSeq(theirs) {
			oracle += c.oracle.sum("owners." + owner)
		}
		for owner := range strings.FieldsSeq(ours) {
			wiretax += c.ours.sum("owners." + owner)
		}
		return oracle == wiretax
	}
}

var inPseudowire = moved("mpls", "mpls ethernet vlan llc ipv4 ipv6 tcp udp payload arp pppoe", "nonip other_link", "other")

func pseudowire(c *captured, r difference) bool {
	if strings.HasPrefix(r.label, "tcp ") { // the oracle has seen no TCP at all
		return c.marked("mpls") && c.oracle.sum("owners.tcp") == 0
	}
	return inPseudowire(c, r)
}

func copies(c *captured, r difference) bool {
	var n int64
	for _, w := range c.result.Warnings {
		if w.Code == "duplicate_records" {
			n = w.Count
		}
	}
	totals := c.result.Totals
	switch r.label {
	case "tcp repeated bytes":
		return n > 0 && c.sameUnique() && r.ours <= r.oracle && r.oracle <= totals.PayloadBytes-totals.UniquePayloadBytes
	case "tcp retransmissions":
		labels := c.oracle.sum("tcp.analysis.retransmission") // fast and spurious ones have this label, too
		return n > 0 && c.sameUnique() && r.ours <= labels && labels <= r.ours+n
	case "tcp duplicate ack":
		return r.ours <= r.oracle && r.oracle <= r.ours+n
	}
	return false
}

func sequenceSpace(c *captured, r difference) bool {
	labels := c.oracle.sum("tcp.analysis.retransmission tcp.analysis.out_of_order")
	return r.label == "tcp retransmissions" && c.sameUnique() &&
		c.oracle.sum("tcp.seqspace.repeated") == c.result.TCP.RetransmittedBytes &&
		c.oracle.sum("tcp.seqspace.frames_fully_repeated") <= r.ours && r.ours <= labels
}

func (c *captured) sameUnique() bool {
	return c.oracle.sum("tcp.seqspace.unique") == c.result.TCP.UniqueBytes
}

// portsAgain allows four labels for each connection that follows another: SYN, SYN-ACK, data, FIN.
func portsAgain(c *captured, r difference) bool {
	again := c.result.TCP.SYN
	for _, f := range c.result.Flows {
		if f.Proto == "tcp" {
			again--
		}
	}
	switch r.label {
	case "tcp repeated bytes":
		return again > 0 && c.oracle.sum("tcp.seqspace.payload") == c.result.TCP.UniqueBytes+c.result.TCP.RetransmittedBytes
	case "tcp retransmissions":
		labels := c.oracle.sum("tcp.analysis.retransmission") - c.oracle.sum("tcp.analysis.keep_alive")
		return r.ours <= labels && labels <= r.ours+4*again
	}
	return false
}

func resetText(c *captured, r difference) bool {
	return r.label == "tcp unique bytes" && c.result.TCP.RST > 0 &&
		r.ours-r.oracle == c.oracle.sum("owners.payload")-c.oracle.sum("tcp.seqspace.payload")
}

func networks(c *captured, r difference) bool {
	vnis := map[int]bool{}
	for _, f := range c.result.Flows {
		if f.VNI != nil {
			vnis[*f.VNI] = true
		}
	}
	return len(vnis) > 1 && strings.HasPrefix(r.label, "tcp ") &&
		c.oracle.sum("tcp.seqspace.payload") == c.result.TCP.UniqueBytes+c.result.TCP.RetransmittedBytes
}
