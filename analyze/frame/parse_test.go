package frame

import (
	"strings"
	"testing"
)

type testRecord struct {
	name    string
	b       packet
	wire    int // original length; 0 for len(b)
	link    LinkType
	fcs     int // 0 for "the file does not say"
	want    Ledger
	defects Defects
}

func (r testRecord) parse(f *Frame) int {
	wire := r.wire
	if wire == 0 {
		wire = len(r.b)
	}
	fcs := r.fcs
	if fcs == 0 {
		fcs = -1
	}
	Parse(f, r.b, wire, r.link, fcs)
	return wire
}

func TestOwners(t *testing.T) {
	for _, r := range allRecords() {
		t.Run(r.name, func(t *testing.T) {
			var f Frame
			wire := r.parse(&f)
			if got := f.Ledger.Record(); got != int64(wire) {
				t.Errorf("owners add up to %d, original length %d", got, wire)
			}
			for o := range NumMeasured {
				if f.Ledger[o] != r.want[o] {
					t.Errorf("%s: %d, want %d", Owner(o), f.Ledger[o], r.want[o])
				}
			}
			if f.Defects != r.defects {
				t.Errorf("defects %b, want %b", f.Defects, r.defects)
			}
		})
	}
}

func allRecords() []testRecord {
	var all []testRecord
	for _, group := range [][]testRecord{ethernetRecords, lengthRecords, ipRecords, transportRecords, tunnelRecords, linkRecords} {
		all = append(all, group...)
	}
	for i := range all {
		if all[i].link == 0 && !strings.HasPrefix(all[i].name, "null") {
			all[i].link = LinkEthernet
		}
	}
	return all
}

// tunnels nests n IPv4 headers.
func tunnels(n int) packet {
	var p packet
	for range n {
		p = ip4(protoIPv4, p)
	}
	return p
}

var ethernetRecords = []testRecord{
	{name: "udp4 of one octet, padded to the minimum", b: udp4(1).padTo(60),
		want: Ledger{Ethernet: 14, IPv4: 20, UDP: 8, Payload: 1, Padding: 17}},
	{name: "udp4 of one octet, captured before padding", b: udp4(1),
		want: Ledger{Ethernet: 14, IPv4: 20, UDP: 8, Payload: 1}},
	{name: "tcp4 with timestamps", b: tcp4(90),
		want: Ledger{Ethernet: 14, IPv4: 20, TCP: 20, TCPOptions: 12, Payload: 90}},
	{name: "tcp6", b: ether(typeIPv6, ip6(ProtoTCP, tcp(ACK, nil, data(3)))),
		want: Ledger{Ethernet: 14, IPv6: 40, TCP: 20, Payload: 3}},
	{name: "802.1Q", b: ether(typeVLAN, tag(5, typeIPv4, ip4(ProtoUDP, udp(1, 2, data(4))))),
		want: Ledger{Ethernet: 14, VLAN: 4, IPv4: 20, UDP: 8, Payload: 4}},
	{name: "802.1ad and 802.1Q", b: ether(typeSVLAN, tag(5, typeVLAN, tag(6, typeIPv6, ip6(ProtoUDP, udp(1, 2, data(4)))))),
		want: Ledger{Ethernet: 14, VLAN: 8, IPv6: 40, UDP: 8, Payload: 4}},
	{name: "ipv6 under EtherType 0800", b: ether(typeIPv4, ip6(ProtoUDP, udp(1, 2, data(4)))),
		want: Ledger{Ethernet: 14, IPv6: 40, UDP: 8, Payload: 4}},
	{name: "arp, padded", b: ether(typeARP, arpBody()).padTo(60), want: Ledger{Ethernet: 14, ARP: 28, Padding: 18}},
	{name: "unknown EtherType", b: ether(0x88cc, data(30)), want: Ledger{Ethernet: 14, Other: 30}},
	{name: "802.3 with LLC", b: ether(38, join([]byte{0x42, 0x42, 3}, data(35))).padTo(60),
		want: Ledger{Ethernet: 14, LLC: 3, Other: 35, Padding: 8}},
	{name: "802.3 with SNAP and ipv4", b: ether(8+32, join([]byte{0xaa, 0xaa, 3, 0, 0, 0, 8, 0}, ip4(ProtoUDP, udp(1, 2, data(4))))),
		want: Ledger{Ethernet: 14, LLC: 8, IPv4: 20, UDP: 8, Payload: 4}},
	{name: "802.3 with raw IPX", b: ether(30, join([]byte{0xff, 0xff}, data(28))), want: Ledger{Ethernet: 14, Other: 30}},
	{name: "mpls with two labels", b: ether(typeMPLS, join([]byte{0, 0, 16, 64, 0, 1, 17, 64}, ip4(ProtoUDP, udp(1, 2, data(4))))),
		want: Ledger{Ethernet: 14, MPLS: 8, IPv4: 20, UDP: 8, Payload: 4}},
	{name: "mpls pseudowire with control word", b: ether(typeMPLS, join([]byte{0, 1, 1, 64, 0, 0, 0, 0}, udp4(4))),
		want: Ledger{Ethernet: 28, MPLS: 8, IPv4: 20, UDP: 8, Payload: 4}},
	{name: "mpls pseudowire without control word", b: ether(typeMPLS, join([]byte{0, 1, 1, 64}, udp4(4))),
		want: Ledger{Ethernet: 28, MPLS: 4, IPv4: 20, UDP: 8, Payload: 4}},
	{name: "pppoe session", b: ether(typeSession, join([]byte{0x11, 0, 0, 1}, be16(2+32), be16(pppIPv4), ip4(ProtoUDP, udp(1, 2, data(4))))).padTo(60),
		want: Ledger{Ethernet: 14, PPPoE: 8, IPv4: 20, UDP: 8, Payload: 4, Padding: 6}},
	{name: "pppoe session, protocol compressed", b: ether(typeSession, join([]byte{0x11, 0, 0, 1}, be16(1+32), []byte{pppIPv4}, ip4(ProtoUDP, udp(1, 2, data(4))))),
		want: Ledger{Ethernet: 14, PPPoE: 7, IPv4: 20, UDP: 8, Payload: 4}},
	{name: "pppoe discovery", b: ether(typeDiscovery, join([]byte{0x11, 9, 0, 0}, be16(12), data(12))).padTo(60),
		want: Ledger{Ethernet: 14, PPPoE: 6, Other: 12, Padding: 28}},
	{name: "802.1ah", b: ether(typePBB, join(be32(77), udp4(4))),
		want: Ledger{Ethernet: 28, VLAN: 4, IPv4: 20, UDP: 8, Payload: 4}},
	{name: "vn-tag", b: ether(typeVNTag, join(be32(1), be16(typeIPv4), ip4(ProtoUDP, udp(1, 2, data(4))))),
		want: Ledger{Ethernet: 14, VLAN: 6, IPv4: 20, UDP: 8, Payload: 4}},
	{name: "macsec, integrity only", b: ether(typeMACsec, join([]byte{0, 0}, be32(1), be16(typeIPv4), ip4(ProtoUDP, udp(1, 2, data(4))), data(16))),
		want: Ledger{Ethernet: 14, Link: 8, IPv4: 20, UDP: 8, Payload: 4, Padding: 16}},
	{name: "macsec, encrypted", b: ether(typeMACsec, join([]byte{0x2c, 0}, be32(1), data(8), data(40))),
		want: Ledger{Ethernet: 14, Link: 14, Other: 40}},
	{name: "isl", b: join([]byte{1, 0, 0x0c, 0, 0}, data(21), udp4(4)),
		want: Ledger{Link: 26, Ethernet: 14, IPv4: 20, UDP: 8, Payload: 4}},
	{name: "tags without end", b: join(ether(typeVLAN, nil), []byte(strings.Repeat("\x00\x01\x81\x00", 100))),
		want: Ledger{Ethernet: 14, VLAN: 4 * maxLayers, Other: 4 * (100 - maxLayers)}, defects: TooManyLayers},
	{name: "empty record", b: nil, want: Ledger{}, defects: CutInHeader},
	{name: "record of ten octets", b: data(10), want: Ledger{Ethernet: 10}, defects: CutInHeader},
	{name: "802.3 with LLC information format", b: ether(40, join([]byte{4, 4, 0, 1}, data(36))).padTo(60), want: Ledger{Ethernet: 14, LLC: 4, Other: 36, Padding: 6}},
	{name: "802.3 with ip over LLC", b: ether(35, join([]byte{6, 6, 3}, ip4(ProtoUDP, udp(1, 2, data(4))))).padTo(60),
		want: Ledger{Ethernet: 14, LLC: 3, IPv4: 20, UDP: 8, Payload: 4, Padding: 11}},
	{name: "802.3 with SNAP of Cisco", b: ether(38, join([]byte{0xaa, 0xaa, 3, 0, 0, 0x0c, 0x20, 0}, data(30))).padTo(60), want: Ledger{Ethernet: 14, LLC: 8, Other: 30, Padding: 8}},
	{name: "802.3 length beyond the record", b: ether(100, join([]byte{0x42, 0x42, 3}, data(43))), want: Ledger{Ethernet: 14, LLC: 3, Other: 43}, defects: LengthBeyond},
	{name: "neither length nor type", b: ether(1510, data(46)), want: Ledger{Ethernet: 14, Other: 46}},
	{name: "arp cut behind the link header", b: ether(typeARP, nil), wire: 60, want: Ledger{Ethernet: 14, ARP: 28, Padding: 18}, defects: CutInHeader},
	{name: "pppoe session with lcp", b: ether(typeSession, join([]byte{0x11, 0, 0, 1}, be16(2+8), be16(0xc021), data(8))).padTo(60),
		want: Ledger{Ethernet: 14, PPPoE: 8, Other: 8, Padding: 30}},
	{name: "mpls over nothing known", b: ether(typeMPLS, join([]byte{0, 1, 1, 64, 0x10}, data(20))), want: Ledger{Ethernet: 14, MPLS: 4, Other: 21}},
	{name: "cisco metadata", b: ether(typeMetaData, join([]byte{1, 1, 0, 1, 0, 9}, be16(typeIPv4), ip4(ProtoUDP, udp(1, 2, data(4))))),
		want: Ledger{Ethernet: 14, Link: 8, IPv4: 20, UDP: 8, Payload: 4}},
	{name: "fabricpath", b: ether(typeFabricPath, join(be16(1), udp4(4))), want: Ledger{Ethernet: 28, Link: 2, IPv4: 20, UDP: 8, Payload: 4}},
}

var lengthRecords = []testRecord{
	{name: "fcs found by its value", b: udp4(1).padTo(60).withFCS(),
		want: Ledger{Ethernet: 14, IPv4: 20, UDP: 8, Payload: 1, Padding: 17, FCS: 4}},
	{name: "trailer that is no fcs", b: join(udp4(30), data(4)),
		want: Ledger{Ethernet: 14, IPv4: 20, UDP: 8, Payload: 30, Padding: 4}},
	{name: "fcs announced by the file, wrong value", b: join(udp4(30), data(4)), fcs: 4,
		want: Ledger{Ethernet: 14, IPv4: 20, UDP: 8, Payload: 30, FCS: 4}},
	{name: "fcs announced by the file but not there", b: udp4(30), fcs: 4,
		want: Ledger{Ethernet: 14, IPv4: 20, UDP: 8, Payload: 30}},
	{name: "fcs announced, unknown EtherType", b: ether(0x88cc, data(46)), fcs: 4,
		want: Ledger{Ethernet: 14, Other: 42, FCS: 4}},
	{name: "fcs announced, ipv4 total length 0", b: join(udp4(30).set(16, 0, 0), data(4)), fcs: 4,
		want: Ledger{Ethernet: 14, IPv4: 20, UDP: 8, Payload: 30, FCS: 4}},
	{name: "cut in the payload", b: udp4(1000)[:60], wire: 1042,
		want: Ledger{Ethernet: 14, IPv4: 20, UDP: 8, Payload: 1000}},
	{name: "cut before the padding", b: udp4(1), wire: 60,
		want: Ledger{Ethernet: 14, IPv4: 20, UDP: 8, Payload: 1, Padding: 17}},
	{name: "cut in the tcp options", b: tcp4(90)[:60], wire: 156,
		want: Ledger{Ethernet: 14, IPv4: 20, TCP: 20, TCPOptions: 12, Payload: 90}, defects: CutInHeader},
	{name: "cut in the tcp header", b: tcp4(90)[:40], wire: 156,
		want: Ledger{Ethernet: 14, IPv4: 20, TCP: 20, Other: 102}, defects: CutInHeader},
	{name: "cut in the udp header", b: udp4(90)[:38], wire: 132,
		want: Ledger{Ethernet: 14, IPv4: 20, UDP: 8, Payload: 90}, defects: CutInHeader},
	{name: "cut in the ipv4 header", b: udp4(90)[:30], wire: 132,
		want: Ledger{Ethernet: 14, IPv4: 20, Other: 98}, defects: CutInHeader},
	{name: "original length is a lie of 4.28 GB", b: udp4(90), wire: 4280295456,
		want: Ledger{Ethernet: 14, IPv4: 20, UDP: 8, Payload: 90, Other: 4280295456 - 132}, defects: SurplusLength},
	{name: "lie of 4.28 GB, ipv4 total length 0", b: udp4(90).set(16, 0, 0), wire: 4280295456,
		want: Ledger{Ethernet: 14, IPv4: 20, UDP: 8, Payload: 90, Other: 4280295456 - 132}, defects: SurplusLength},
	{name: "lie of 4.28 GB, unknown EtherType", b: ether(0x88cc, data(46)), wire: 4280295456,
		want: Ledger{Ethernet: 14, Other: 4280295456 - 14}, defects: SurplusLength},
	{name: "captured octets after the packet", b: join(udp4(90), data(1000)),
		want: Ledger{Ethernet: 14, IPv4: 20, UDP: 8, Payload: 90, Padding: 1000}},
	{name: "original length below the capture length", b: udp4(90), wire: 100,
		want: Ledger{Ethernet: 14, IPv4: 20, UDP: 8, Payload: 58}, defects: LengthBelowCapture | LengthBeyond},
	{name: "ipv4 total length beyond the record", b: udp4(90).set(16, 5, 0xdc),
		want: Ledger{Ethernet: 14, IPv4: 20, UDP: 8, Payload: 90}, defects: LengthBeyond},
	{name: "udp length below the ip length", b: udp4(90).set(38, 0, 18),
		want: Ledger{Ethernet: 14, IPv4: 20, UDP: 8, Payload: 10, Padding: 80}},
	{name: "udp length 0", b: udp4(90).set(38, 0, 0),
		want: Ledger{Ethernet: 14, IPv4: 20, UDP: 8, Payload: 90}},
	{name: "udp length 7", b: udp4(90).set(38, 0, 7),
		want: Ledger{Ethernet: 14, IPv4: 20, UDP: 8, Payload: 90}, defects: BadHeader},
	{name: "ipv4 total length 0 (TSO)", b: ether(typeIPv4, ip4(ProtoTCP, tcp(ACK, nil, data(9000))).set(2, 0, 0)),
		want: Ledger{Ethernet: 14, IPv4: 20, TCP: 20, Payload: 9000}},
	{name: "ipv6 payload length 0 (BIG TCP)", b: ether(typeIPv6, ip6(ProtoTCP, tcp(ACK, nil, data(80000))).set(4, 0, 0)),
		want: Ledger{Ethernet: 14, IPv6: 40, TCP: 20, Payload: 80000}},
	{name: "ipv6 jumbogram", b: ether(typeIPv6, ip6(0, join([]byte{ProtoTCP, 0, optionJumbo, 4}, be32(8+20+70000), tcp(ACK, nil, data(70010)))).set(4, 0, 0)),
		want: Ledger{Ethernet: 14, IPv6: 40, IPv6Ext: 8, TCP: 20, Payload: 70000, Padding: 10}},
	{name: "ipv6 with no next header", b: ether(typeIPv6, ip6(protoNone, nil)).padTo(60),
		want: Ledger{Ethernet: 14, IPv6: 40, Padding: 6}},
	{name: "cut in an ipv6 extension header", b: ether(typeIPv6, ip6(60, ext(ProtoUDP, udp(1, 2, data(4)))))[:58], wire: 74,
		want: Ledger{Ethernet: 14, IPv6: 40, IPv6Ext: 8, UDP: 8, Payload: 4}, defects: CutInHeader},
	{name: "cut before an ipv6 extension header", b: ether(typeIPv6, ip6(60, ext(ProtoUDP, udp(1, 2, data(4)))))[:54], wire: 74,
		want: Ledger{Ethernet: 14, IPv6: 40, IPv6Ext: 8, Other: 12}, defects: CutInHeader},
}

var ipRecords = []testRecord{
	{name: "ipv4 options", b: ether(typeIPv4, ip4With([]byte{0x94, 4, 0, 0}, 0, ProtoUDP, udp(1, 2, data(4)))),
		want: Ledger{Ethernet: 14, IPv4: 20, IPv4Options: 4, UDP: 8, Payload: 4}},
	{name: "ipv4 header length 4", b: udp4(4).set(14, 0x44),
		want: Ledger{Ethernet: 14, IPv4: 20, Other: 12}, defects: BadHeader},
	{name: "ipv4 total length below the header's", b: udp4(4).set(16, 0, 19),
		want: Ledger{Ethernet: 14, IPv4: 20, Other: 12}, defects: BadHeader},
	{name: "ip version 5", b: udp4(4).set(14, 0x55), want: Ledger{Ethernet: 14, Other: 32}, defects: BadHeader},
	{name: "first fragment", b: ether(typeIPv4, ip4With(nil, 0x2000, ProtoUDP, udp(1, 2, data(2000))[:1480])),
		want: Ledger{Ethernet: 14, IPv4: 20, UDP: 8, Payload: 1472}},
	{name: "last fragment", b: ether(typeIPv4, ip4With(nil, 185, ProtoUDP, data(528))),
		want: Ledger{Ethernet: 14, IPv4: 20, Payload: 528}},
	{name: "last fragment of icmp", b: ether(typeIPv4, ip4With(nil, 185, ProtoICMP, data(528))),
		want: Ledger{Ethernet: 14, IPv4: 20, ICMP: 528}},
	{name: "first fragment of a tunnel", b: ether(typeIPv4, ip4With(nil, 0x2000, protoIPv4, ip4(ProtoUDP, udp(1, 2, data(2000)))[:1480])),
		want: Ledger{Ethernet: 14, IPv4: 20, Payload: 1480}},
	{name: "first fragment shorter than the tcp header", b: ether(typeIPv4, ip4With(nil, 0x2000, ProtoTCP, tcp(ACK, nil, nil)[:8])),
		want: Ledger{Ethernet: 14, IPv4: 20, TCP: 8}},
	{name: "every ipv6 extension header", b: ether(typeIPv6, ip6(0, ext(43, ext(60, ext(135, ext(ProtoUDP, udp(1, 2, data(4)))))))),
		want: Ledger{Ethernet: 14, IPv6: 40, IPv6Ext: 32, UDP: 8, Payload: 4}},
	{name: "ipv6 first fragment", b: ether(typeIPv6, ip6(44, frag6(ProtoUDP, 1, udp(1, 2, data(1000))[:808]))),
		want: Ledger{Ethernet: 14, IPv6: 40, IPv6Ext: 8, UDP: 8, Payload: 800}},
	{name: "ipv6 later fragment", b: ether(typeIPv6, ip6(44, frag6(ProtoUDP, 808, data(200)))),
		want: Ledger{Ethernet: 14, IPv6: 40, IPv6Ext: 8, Payload: 200}},
	{name: "ipv6 atomic fragment", b: ether(typeIPv6, ip6(44, frag6(ProtoUDP, 0, udp(1, 2, data(4))))),
		want: Ledger{Ethernet: 14, IPv6: 40, IPv6Ext: 8, UDP: 8, Payload: 4}},
	{name: "ipv6 extension header beyond the packet", b: ether(typeIPv6, ip6(60, packet{ProtoUDP, 200, 1, 4, 0, 0, 0, 0})),
		want: Ledger{Ethernet: 14, IPv6: 40, IPv6Ext: 8}, defects: LengthBeyond | CutInHeader},
	{name: "icmp that quotes a packet", b: ether(typeIPv4, ip4(ProtoICMP, join([]byte{3, 3, 0, 0, 0, 0, 0, 0}, ip4(ProtoUDP, udp(1, 2, nil))))),
		want: Ledger{Ethernet: 14, IPv4: 20, ICMP: 36}},
	{name: "igmp, padded", b: ether(typeIPv4, ip4With([]byte{0x94, 4, 0, 0}, 0, ProtoIGMP, data(8))).padTo(60),
		want: Ledger{Ethernet: 14, IPv4: 20, IPv4Options: 4, ICMP: 8, Padding: 14}},
	{name: "ospf", b: ether(typeIPv4, ip4(89, data(44))), want: Ledger{Ethernet: 14, IPv4: 20, Other: 44}},
	{name: "esp under ipv4", b: ether(typeIPv4, ip4(ProtoESP, data(60))), want: Ledger{Ethernet: 14, IPv4: 20, Other: 60}},
	{name: "ah and esp under ipv6", b: ether(typeIPv6, ip6(ProtoAH, join([]byte{ProtoESP, 4}, data(22), data(60)))),
		want: Ledger{Ethernet: 14, IPv6: 40, IPv6Ext: 24 + 8, Other: 52}},
	{name: "ah before udp", b: ether(typeIPv4, ip4(ProtoAH, join([]byte{ProtoUDP, 4}, data(22), udp(1, 2, data(4))))),
		want: Ledger{Ethernet: 14, IPv4: 20, Other: 24, UDP: 8, Payload: 4}},
}

var transportRecords = []testRecord{
	{name: "tcp data offset 4", b: tcp4(4).set(46, 0x40), want: Ledger{Ethernet: 14, IPv4: 20, TCP: 20, Other: 16}, defects: BadHeader},
	{name: "tcp data offset beyond the packet", b: tcp4(4).set(46, 0xf0),
		want: Ledger{Ethernet: 14, IPv4: 20, TCP: 20, TCPOptions: 16}, defects: BadHeader},
	{name: "udp-lite, coverage 8", b: ether(typeIPv4, ip4(ProtoUDPLite, udp(1, 2, data(90)).set(4, 0, 8))),
		want: Ledger{Ethernet: 14, IPv4: 20, UDP: 8, Payload: 90}},
	{name: "sctp with a sack and two data chunks", b: ether(typeIPv4, ip4(ProtoSCTP, join(be16(1), be16(2), data(8),
		[]byte{3, 0, 0, 16}, data(12),
		[]byte{0, 3, 0, 16 + 5}, data(12), data(5), make([]byte, 3),
		[]byte{0, 3, 0, 16 + 4}, data(12), data(4)))),
		want: Ledger{Ethernet: 14, IPv4: 20, SCTP: 12 + 16 + 16 + 3 + 16, Payload: 9}},
	{name: "sctp chunk of length 0", b: ether(typeIPv4, ip4(ProtoSCTP, join(be16(1), be16(2), data(8), make([]byte, 8)))),
		want: Ledger{Ethernet: 14, IPv4: 20, SCTP: 12, Payload: 8}, defects: BadHeader},
	{name: "sctp cut in the data", b: ether(typeIPv4, ip4(ProtoSCTP, join(be16(1), be16(2), data(8), []byte{0, 3}, be16(16+1000), data(1012))))[:100], wire: 14 + 20 + 12 + 16 + 1000,
		want: Ledger{Ethernet: 14, IPv4: 20, SCTP: 28, Payload: 1000}},
	{name: "dccp", b: ether(typeIPv4, ip4(ProtoDCCP, join(be16(1), be16(2), []byte{4}, data(11), data(5)))),
		want: Ledger{Ethernet: 14, IPv4: 20, Other: 16, Payload: 5}},
	{name: "dccp data offset beyond the packet", b: ether(typeIPv4, ip4(ProtoDCCP, join(be16(1), be16(2), []byte{40}, data(11), data(5)))),
		want: Ledger{Ethernet: 14, IPv4: 20, Other: 21}, defects: BadHeader},
	{name: "sctp i-data", b: ether(typeIPv4, ip4(ProtoSCTP, join(be16(1), be16(2), data(8), []byte{64, 3, 0, 20 + 4}, data(16), data(4)))),
		want: Ledger{Ethernet: 14, IPv4: 20, SCTP: 12 + 20, Payload: 4}},
}

var inner = ip4(ProtoUDP, udp(1, 2, data(4)))

var tunnelRecords = []testRecord{
	{name: "ip in ip", b: ether(typeIPv4, ip4(protoIPv4, inner)), want: Ledger{Ethernet: 14, IPv4: 40, UDP: 8, Payload: 4}},
	{name: "6in4", b: ether(typeIPv4, ip4(protoIPv6, ip6(ProtoUDP, udp(1, 2, data(4))))), want: Ledger{Ethernet: 14, IPv4: 20, IPv6: 40, UDP: 8, Payload: 4}},
	{name: "gre", b: ether(typeIPv4, ip4(ProtoGRE, join(be16(0), be16(typeIPv4), inner))),
		want: Ledger{Ethernet: 14, IPv4: 40, Tunnel: 4, UDP: 8, Payload: 4}},
	{name: "gre with checksum, key and sequence", b: ether(typeIPv4, ip4(ProtoGRE, join(be16(0xb000), be16(typeIPv4), data(12), inner))),
		want: Ledger{Ethernet: 14, IPv4: 40, Tunnel: 16, UDP: 8, Payload: 4}},
	{name: "gre keep-alive", b: ether(typeIPv4, ip4(ProtoGRE, join(be16(0), be16(typeIPv4), ip4(ProtoGRE, packet{0, 0, 0, 0})))),
		want: Ledger{Ethernet: 14, IPv4: 40, Tunnel: 8}},
	{name: "pptp", b: ether(typeIPv4, ip4(ProtoGRE, join(be16(0x3081), be16(typePPP), be16(36), be16(1), data(8), []byte{0xff, 3}, be16(pppIPv4), inner))),
		want: Ledger{Ethernet: 14, IPv4: 40, Tunnel: 16, PPPoE: 4, UDP: 8, Payload: 4}},
	{name: "nvgre", b: ether(typeIPv4, ip4(ProtoGRE, join(be16(0x2000), be16(typeBridged), be32(9<<8), udp4(4)))),
		want: Ledger{Ethernet: 28, IPv4: 40, Tunnel: 8, UDP: 8, Payload: 4}},
	{name: "eoip, padded inside", b: ether(typeIPv4, ip4(ProtoGRE, join(be16(0x2001), be16(greEoIP), be16(46), be16(1), udp4(4), data(6)))),
		want: Ledger{Ethernet: 28, IPv4: 40, Tunnel: 8, UDP: 8, Payload: 4, Padding: 6}},
	{name: "erspan I", b: ether(typeIPv4, ip4(ProtoGRE, join(be16(0), be16(greERSPAN), udp4(4)))),
		want: Ledger{Ethernet: 28, IPv4: 40, Tunnel: 4, UDP: 8, Payload: 4}},
	{name: "erspan II", b: ether(typeIPv4, ip4(ProtoGRE, join(be16(0x1000), be16(greERSPAN), be32(1), be32(0x10000000), be32(0), udp4(4)))),
		want: Ledger{Ethernet: 28, IPv4: 40, Tunnel: 16, UDP: 8, Payload: 4}},
	{name: "erspan III with subheader", b: ether(typeIPv4, ip4(ProtoGRE, join(be16(0x1000), be16(greERSPAN3), be32(1), be32(0x20000000), be32(0), be32(1), be32(0), be32(0), udp4(4)))),
		want: Ledger{Ethernet: 28, IPv4: 40, Tunnel: 28, UDP: 8, Payload: 4}},
	{name: "etherip", b: ether(typeIPv4, ip4(protoEtherIP, join(be16(0x3000), udp4(4)))),
		want: Ledger{Ethernet: 28, IPv4: 40, Tunnel: 2, UDP: 8, Payload: 4}},
	{name: "mpls in ip", b: ether(typeIPv4, ip4(protoMPLS, join([]byte{0, 1, 1, 64}, inner))),
		want: Ledger{Ethernet: 14, IPv4: 40, MPLS: 4, UDP: 8, Payload: 4}},
	{name: "mpls in udp", b: overUDP(portMPLS, join([]byte{0, 1, 1, 64}, inner)),
		want: Ledger{Ethernet: 14, IPv4: 40, MPLS: 4, UDP: 16, Payload: 4}},
	{name: "vxlan", b: overUDP(portVXLAN, vxlan(7, udp4(4))), want: Ledger{Ethernet: 28, IPv4: 40, Tunnel: 8, UDP: 16, Payload: 4}},
	{name: "vxlan that carries arp", b: overUDP(portVXLAN, vxlan(7, ether(typeARP, arpBody()))),
		want: Ledger{Ethernet: 28, IPv4: 20, ARP: 28, Tunnel: 8, UDP: 8}},
	{name: "vxlan that carries an unknown EtherType", b: overUDP(portVXLAN, vxlan(7, ether(0x88cc, data(9)))),
		want: Ledger{Ethernet: 28, IPv4: 20, Tunnel: 8, UDP: 8, Payload: 9}},
	{name: "vxlan with padding inside", b: overUDP(portVXLAN, vxlan(7, udp4(4).padTo(60))),
		want: Ledger{Ethernet: 28, IPv4: 40, Tunnel: 8, UDP: 16, Payload: 4, Padding: 14}},
	{name: "vxlan's port without its header", b: overUDP(portVXLAN, data(60)), want: Ledger{Ethernet: 14, IPv4: 20, UDP: 8, Payload: 60}},
	{name: "vxlan-gpe", b: overUDP(portVXLANGPE, join([]byte{0x0c, 0, 0, 1}, be32(7<<8), inner)), want: Ledger{Ethernet: 14, IPv4: 40, Tunnel: 8, UDP: 16, Payload: 4}},
	{name: "vxlan from its port", b: fromUDP(portVXLAN, vxlan(7, udp4(4))), want: Ledger{Ethernet: 28, IPv4: 40, Tunnel: 8, UDP: 16, Payload: 4}},
	{name: "vxlan's port as a sender's, without its header", b: fromUDP(portVXLAN, data(60)), want: Ledger{Ethernet: 14, IPv4: 20, UDP: 8, Payload: 60}},
	{name: "vxlan-gpe that names ip without the bit for it", b: overUDP(portVXLANGPE, join([]byte{8, 0, 0, 1}, be32(7<<8), inner)),
		want: Ledger{Ethernet: 14, IPv4: 40, Tunnel: 8, UDP: 16, Payload: 4}},
	{name: "vxlan-gpe that names ip without the bit for it, but carries ethernet", b: overUDP(portVXLANGPE, join([]byte{8, 0, 0, 1}, be32(7<<8), udp4(4))),
		want: Ledger{Ethernet: 28, IPv4: 40, Tunnel: 8, UDP: 16, Payload: 4}},
	{name: "geneve from its port", b: fromUDP(portGeneve, geneve(typeBridged, 7, nil, udp4(4))),
		want: Ledger{Ethernet: 28, IPv4: 40, Tunnel: 8, UDP: 16, Payload: 4}},
	{name: "geneve with options", b: overUDP(portGeneve, geneve(typeBridged, 7, make([]byte, 12), udp4(4))),
		want: Ledger{Ethernet: 28, IPv4: 40, Tunnel: 20, UDP: 16, Payload: 4}},
	{name: "gtp-u", b: overUDP(portGTPU, join([]byte{0x30, 0xff}, be16(32), be32(1), inner)), want: Ledger{Ethernet: 14, IPv4: 40, Tunnel: 8, UDP: 16, Payload: 4}},
	{name: "gtp-u with an extension header", b: overUDP(portGTPU, join([]byte{0x34, 0xff}, be16(40), be32(1), []byte{0, 0, 0, 0x85, 1, 0, 9, 0}, inner)),
		want: Ledger{Ethernet: 14, IPv4: 40, Tunnel: 16, UDP: 16, Payload: 4}},
	{name: "gtp-u echo", b: overUDP(portGTPU, join([]byte{0x32, 1}, be16(4), be32(0), data(4))), want: Ledger{Ethernet: 14, IPv4: 20, UDP: 8, Payload: 12}},
	{name: "l2tp data", b: overUDP(portL2TP, join(be16(0x4002), be16(44), be32(1), []byte{0xff, 3}, be16(pppIPv4), inner)),
		want: Ledger{Ethernet: 14, IPv4: 40, Tunnel: 8, PPPoE: 4, UDP: 16, Payload: 4}},
	{name: "l2tp control", b: overUDP(portL2TP, join(be16(0xc802), be16(12), data(8))), want: Ledger{Ethernet: 14, IPv4: 20, UDP: 8, Payload: 12}},
	{name: "teredo", b: overUDP(portTeredo, ip6(ProtoUDP, udp(1, 2, data(4)))), want: Ledger{Ethernet: 14, IPv4: 20, IPv6: 40, UDP: 16, Payload: 4}},
	{name: "teredo with authentication and origin", b: overUDP(portTeredo, join([]byte{0, 1, 0, 0}, data(9), make([]byte, 8), ip6(protoNone, nil))),
		want: Ledger{Ethernet: 14, IPv4: 20, IPv6: 40, Tunnel: 21, UDP: 8}},
	{name: "ayiya", b: overUDP(portAYIYA, join([]byte{0x41, 0x52, 0x11, 41}, data(40), ip6(ProtoUDP, udp(1, 2, data(4))))),
		want: Ledger{Ethernet: 14, IPv4: 20, IPv6: 40, Tunnel: 44, UDP: 16, Payload: 4}},
	{name: "lisp", b: overUDP(portLISP, join(data(8), inner)), want: Ledger{Ethernet: 14, IPv4: 40, Tunnel: 8, UDP: 16, Payload: 4}},
	{name: "nsh", b: ether(typeNSH, join([]byte{0, 2, 1, 1}, be32(0), inner)), want: Ledger{Ethernet: 14, IPv4: 20, Tunnel: 8, UDP: 8, Payload: 4}},
	{name: "quic and wireguard are payload", b: overUDP(51820, data(32)), want: Ledger{Ethernet: 14, IPv4: 20, UDP: 8, Payload: 32}},
	{name: "gre with source routes", b: ether(typeIPv4, ip4(ProtoGRE, join(be16(0x4000), be16(typeIPv4), data(4), []byte{8, 0, 0, 4}, data(4), data(3), []byte{0}, inner))),
		want: Ledger{Ethernet: 14, IPv4: 40, Tunnel: 20, UDP: 8, Payload: 4}},
	{name: "gre with wccp redirect header", b: ether(typeIPv4, ip4(ProtoGRE, join(be16(0), be16(greWCCP), []byte{0, 0, 0, 0}, inner))),
		want: Ledger{Ethernet: 14, IPv4: 40, Tunnel: 8, UDP: 8, Payload: 4}},
	{name: "gre with an unknown type", b: ether(typeIPv4, ip4(ProtoGRE, join(be16(0), be16(0x2000), data(20)))), want: Ledger{Ethernet: 14, IPv4: 20, Tunnel: 4, Other: 20}},
	{name: "ethernet on ipv6", b: ether(typeIPv6, ip6(protoEthernet, udp4(4))), want: Ledger{Ethernet: 28, IPv4: 20, IPv6: 40, UDP: 8, Payload: 4}},
	{name: "vxlan-gpe without next protocol", b: overUDP(portVXLANGPE, vxlan(7, udp4(4))), want: Ledger{Ethernet: 28, IPv4: 40, Tunnel: 8, UDP: 16, Payload: 4}},
	{name: "vxlan-gpe with nsh with ethernet", b: overUDP(portVXLANGPE, join([]byte{0x0c, 0, 0, 4}, be32(7<<8), []byte{0, 2, 1, 3}, be32(0), udp4(4))),
		want: Ledger{Ethernet: 28, IPv4: 40, Tunnel: 16, UDP: 16, Payload: 4}},
	{name: "nsh of length 1", b: ether(typeNSH, join([]byte{0, 1, 1, 1}, inner)), want: Ledger{Ethernet: 14, Other: 36}, defects: BadHeader},
	{name: "mpls' port without labels", b: overUDP(portMPLS, data(40)), want: Ledger{Ethernet: 14, IPv4: 20, UDP: 8, Payload: 40}},
	{name: "geneve's port without its header", b: overUDP(portGeneve, data(40)), want: Ledger{Ethernet: 14, IPv4: 20, UDP: 8, Payload: 40}},
	{name: "l2tp data with sequence and offset", b: overUDP(portL2TP, join(be16(0x0a02), be32(1), be32(2), be16(2), data(2), be16(pppIPv4), inner)),
		want: Ledger{Ethernet: 14, IPv4: 40, Tunnel: 14, PPPoE: 2, UDP: 16, Payload: 4}},
	{name: "l2tp's port without its header", b: overUDP(portL2TP, data(40)), want: Ledger{Ethernet: 14, IPv4: 20, UDP: 8, Payload: 40}},
	{name: "tunnels without end", b: join(ether(typeIPv4, nil), tunnels(100)), want: Ledger{Ethernet: 14, IPv4: 20 * (maxLayers - 1), Other: 20 * (100 - maxLayers + 1)}, defects: TooManyLayers},
}

var linkRecords = []testRecord{
	{name: "raw ipv4", b: inner, link: LinkRaw, want: Ledger{IPv4: 20, UDP: 8, Payload: 4}, defects: NoEthernet},
	{name: "null, little endian", b: join([]byte{2, 0, 0, 0}, inner), link: LinkNull, want: Ledger{Link: 4, IPv4: 20, UDP: 8, Payload: 4}, defects: NoEthernet},
	{name: "null, big endian", b: join(be32(30), ip6(ProtoUDP, udp(1, 2, data(4)))), link: LinkLoop, want: Ledger{Link: 4, IPv6: 40, UDP: 8, Payload: 4}, defects: NoEthernet},
	{name: "linux cooked", b: join(make([]byte, 14), be16(typeIPv4), inner), link: LinkLinuxSLL, want: Ledger{Link: 16, IPv4: 20, UDP: 8, Payload: 4}, defects: NoEthernet},
	{name: "linux cooked v2", b: join(be16(typeARP), make([]byte, 18), arpBody(), make([]byte, 18)), link: LinkLinuxSLL2, want: Ledger{Link: 20, ARP: 28, Padding: 18}, defects: NoEthernet},
	{name: "ppp", b: join([]byte{0xff, 3}, be16(pppIPv4), inner), link: LinkPPP, want: Ledger{Link: 4, IPv4: 20, UDP: 8, Payload: 4}, defects: NoEthernet},
	{name: "cisco hdlc", b: join([]byte{0x0f, 0}, be16(typeIPv4), inner), link: LinkCiscoHDLC, want: Ledger{Link: 4, IPv4: 20, UDP: 8, Payload: 4}, defects: NoEthernet},
	{name: "frame relay", b: join([]byte{0x18, 0x41, 3, 0xcc}, inner), link: LinkFrameRelay, want: Ledger{Link: 4, IPv4: 20, UDP: 8, Payload: 4}, defects: NoEthernet},
	{name: "radiotap, qos data, fcs announced", link: LinkRadiotap,
		b:    join([]byte{0, 0, 9, 0, 2, 0, 0, 0, 0x10}, []byte{0x88, 1}, data(22), be16(0), []byte{0xaa, 0xaa, 3, 0, 0, 0, 8, 0}, inner, data(4)),
		want: Ledger{Link: 9 + 26, LLC: 8, IPv4: 20, UDP: 8, Payload: 4, FCS: 4}, defects: NoEthernet},
	{name: "802.11 beacon", b: join([]byte{0x80, 0}, data(80)), link: Link80211, want: Ledger{Link: 82}, defects: NoEthernet},
	{name: "802.11 encrypted", b: join([]byte{8, 0x41}, data(22), data(50)), link: Link80211, want: Ledger{Link: 24, Other: 50}, defects: NoEthernet},
	{name: "nflog", b: join([]byte{2, 0, 0, 0}, []byte{8, 0, 1, 0}, data(4), []byte{36, 0, 9, 0}, inner), link: LinkNFLog,
		want: Ledger{Link: 16, IPv4: 20, UDP: 8, Payload: 4}, defects: NoEthernet},
	{name: "arcnet", b: join([]byte{1, 2, 0, 0, 212, 0, 0, 0}, inner), link: LinkARCNETLinux, want: Ledger{Link: 8, IPv4: 20, UDP: 8, Payload: 4}, defects: NoEthernet},
	{name: "fddi", b: join(data(13), []byte{0xaa, 0xaa, 3, 0, 0, 0, 8, 0}, inner), link: LinkFDDI, want: Ledger{Link: 13, LLC: 8, IPv4: 20, UDP: 8, Payload: 4}, defects: NoEthernet},
	{name: "link type that is not decoded", b: data(40), link: 195, want: Ledger{Other: 40}, defects: NoEthernet | UnknownLink},
	{name: "null with an EtherType", b: join([]byte{0x0f, 0, 8, 0}, inner), link: LinkNull, want: Ledger{Link: 4, IPv4: 20, UDP: 8, Payload: 4}, defects: NoEthernet},
	{name: "null with an unknown family", b: join([]byte{7, 0, 0, 0}, data(9)), link: LinkNull, want: Ledger{Link: 4, Other: 9}, defects: NoEthernet},
	{name: "linux cooked with LLC", b: join(make([]byte, 14), be16(4), []byte{0x42, 0x42, 3}, data(9)), link: LinkLinuxSLL, want: Ledger{Link: 16, LLC: 3, Other: 9}, defects: NoEthernet},
	{name: "ppp with direction", b: join([]byte{0}, []byte{0xff, 3}, be16(pppIPv6), ip6(ProtoUDP, udp(1, 2, nil))), link: LinkPPPWithDir, want: Ledger{Link: 5, IPv6: 40, UDP: 8}, defects: NoEthernet},
	{name: "ppp with mpls", b: join([]byte{0xff, 3}, be16(pppMPLS), []byte{0, 1, 1, 64}, inner), link: LinkPPP, want: Ledger{Link: 4, MPLS: 4, IPv4: 20, UDP: 8, Payload: 4}, defects: NoEthernet},
	{name: "cisco hdlc with slarp", b: join([]byte{0x8f, 0}, be16(0x8035), data(18)), link: LinkCiscoHDLC, want: Ledger{Link: 4, Other: 18}, defects: NoEthernet},
	{name: "pppoe without ethernet", b: join([]byte{0x11, 0, 0, 1}, be16(2+32), be16(pppIPv4), inner), link: LinkPPPEther, want: Ledger{PPPoE: 8, IPv4: 20, UDP: 8, Payload: 4}, defects: NoEthernet},
	{name: "frame relay with snap", b: join([]byte{0x18, 0x41, 3, 0, 0x80, 0, 0, 0}, be16(typeIPv4), inner), link: LinkFrameRelay, want: Ledger{Link: 10, IPv4: 20, UDP: 8, Payload: 4}, defects: NoEthernet},
	{name: "frame relay of cisco", b: join([]byte{0, 0x18, 0x41}, be16(typeIPv4), inner), link: LinkFRelayWithDir, want: Ledger{Link: 5, IPv4: 20, UDP: 8, Payload: 4}, defects: NoEthernet},
	{name: "token ring with source route", b: join(data(8), []byte{0x80}, data(5), []byte{4, 0, 0, 0}, []byte{0xaa, 0xaa, 3, 0, 0, 0, 8, 0}, inner), link: LinkTokenRing,
		want: Ledger{Link: 18, LLC: 8, IPv4: 20, UDP: 8, Payload: 4}, defects: NoEthernet},
	{name: "atm", b: join([]byte{0xaa, 0xaa, 3, 0, 0, 0, 8, 0}, inner), link: LinkATM, want: Ledger{LLC: 8, IPv4: 20, UDP: 8, Payload: 4}, defects: NoEthernet},
	{name: "arcnet with arp of RFC 1051", b: join([]byte{1, 2, 241}, []byte{0, 7, 8, 0, 1, 4, 0, 1}, data(10)), link: LinkARCNET, want: Ledger{Link: 3, ARP: 18}, defects: NoEthernet},
	{name: "switch tag", b: join(data(12), data(4), be16(typeIPv4), inner), link: LinkDSA, want: Ledger{Link: 18, IPv4: 20, UDP: 8, Payload: 4}, defects: NoEthernet},
	{name: "switch tag with EtherType", b: join(data(12), data(8), be16(typeIPv4), inner), link: LinkEDSA, want: Ledger{Link: 22, IPv4: 20, UDP: 8, Payload: 4}, defects: NoEthernet},
	{name: "packet filter log", b: join([]byte{61}, data(63), inner), link: LinkPFLog, want: Ledger{Link: 64, IPv4: 20, UDP: 8, Payload: 4}, defects: NoEthernet},
	{name: "ipsec encapsulation", b: join(data(12), inner), link: LinkENC, want: Ledger{Link: 12, IPv4: 20, UDP: 8, Payload: 4}, defects: NoEthernet},
	{name: "ppi, data, fcs announced", link: LinkPPI,
		b:    join([]byte{0, 0, 32, 0, 105, 0, 0, 0, 2, 0, 20, 0}, make([]byte, 8), []byte{1, 0}, make([]byte, 10), []byte{8, 3}, data(28), []byte{0xaa, 0xaa, 3, 0, 0, 0, 8, 0}, inner, data(4)),
		want: Ledger{Link: 32 + 30, LLC: 8, IPv4: 20, UDP: 8, Payload: 4, FCS: 4}, defects: NoEthernet},
	{name: "prism", b: join(be32(0x44), []byte{144, 0, 0, 0}, data(136), []byte{0xd4, 0}, data(8)), link: LinkPrism, want: Ledger{Link: 154}, defects: NoEthernet},
}
