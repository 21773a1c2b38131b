package frame

import (
	"testing"
)

func parsed(p packet) *Frame {
	f := new(Frame)
	Parse(f, p, len(p), LinkEthernet, -1)
	return f
}

func TestInferred(t *testing.T) {
	for _, r := range []struct {
		name string
		b    packet
		want Ledger
		wire int64
	}{
		{"full frame", udp4(1472), Ledger{Preamble: 8, Gap: 12, InferredFCS: 4}, 1538},
		{"90 octets of udp", udp4(90), Ledger{Preamble: 8, Gap: 12, InferredFCS: 4}, 156},
		{"one octet, captured before padding", udp4(1), Ledger{Preamble: 8, Gap: 12, InferredFCS: 4, Fill: 17}, 84},
		{"one octet, padded", udp4(1).padTo(60), Ledger{Preamble: 8, Gap: 12, InferredFCS: 4}, 84},
		{"one octet, padded, with fcs", udp4(1).padTo(60).withFCS(), Ledger{Preamble: 8, Gap: 12}, 84},
		{"one octet with fcs before padding", udp4(1).withFCS(), Ledger{Preamble: 8, Gap: 12, Fill: 17}, 84},
	} {
		t.Run(r.name, func(t *testing.T) {
			l := parsed(r.b).Ledger
			for o := NumMeasured; o < NumOwners; o++ {
				if l[o] != r.want[o] {
					t.Errorf("%s: %d, want %d", Owner(o), l[o], r.want[o])
				}
			}
			if got := l.Wire(); got != r.wire {
				t.Errorf("on the wire %d, want %d", got, r.wire)
			}
		})
	}
	t.Run("nothing where it cannot be true", func(t *testing.T) {
		for _, r := range allRecords() {
			var f Frame
			r.parse(&f)
			if f.Defects&(NoEthernet|SurplusLength|LengthBelowCapture) != 0 && f.Ledger.Inferred() != 0 {
				t.Errorf("%s: inferred %d octets", r.name, f.Ledger.Inferred())
			}
		}
	})
}

func TestFlow(t *testing.T) {
	back := join(udp4(4))
	copy(back[26:], addr4b)
	copy(back[30:], addr4a)
	back = back.set(34, 0, 53, 0x13, 0x88)

	there, here := parsed(udp4(4)), parsed(back)
	if there.Flow != here.Flow || there.Reverse || !here.Reverse {
		t.Errorf("two directions: %v reverse %v, %v reverse %v", there.Flow, there.Reverse, here.Flow, here.Reverse)
	}
	k := there.Flow
	if k.AddrA().String() != "192.0.2.1" || k.AddrB().String() != "198.51.100.2" || k.APort != 5000 || k.BPort != 53 || k.Proto != ProtoUDP || k.IP != 4 {
		t.Errorf("key %v %v %+v", k.AddrA(), k.AddrB(), k)
	}
}

func TestFlowNames(t *testing.T) {
	inner := ip6(ProtoTCP, tcp(ACK, nil, data(4)))
	for _, r := range []struct {
		name         string
		b            packet
		proto, ip    uint8
		aPort, bPort uint16
		transport    bool
		outer, inner uint16
		vni          uint32
	}{
		{name: "udp", b: udp4(1), proto: ProtoUDP, ip: 4, aPort: 5000, bPort: 53, transport: true},
		{name: "icmp has no ports", b: ether(typeIPv4, ip4(ProtoICMP, data(8))), proto: ProtoICMP, ip: 4},
		{name: "ospf", b: ether(typeIPv4, ip4(89, data(8))), proto: 89, ip: 4},
		{name: "arp has no key", b: ether(typeARP, arpBody())},
		{name: "later fragment has no ports", b: ether(typeIPv4, ip4With(nil, 185, ProtoUDP, data(8))), proto: ProtoUDP, ip: 4},
		{name: "innermost two of three tags, priority tag apart",
			b:     ether(typeSVLAN, tag(1, typeVLAN, tag(2, typeVLAN, tag(0x6000, typeVLAN, tag(3, typeIPv6, inner))))),
			proto: ProtoTCP, ip: 6, aPort: 40000, bPort: 443, transport: true, outer: 2, inner: 3},
		{name: "inside vxlan", b: overUDP(portVXLAN, vxlan(4096, ether(typeVLAN, tag(3, typeIPv6, inner)))),
			proto: ProtoTCP, ip: 6, aPort: 40000, bPort: 443, transport: true, inner: 3, vni: 4096},
		{name: "vxlan that carries arp is named by its udp", b: overUDP(portVXLAN, vxlan(4096, ether(typeARP, arpBody()))),
			proto: ProtoUDP, ip: 4, aPort: 50000, bPort: portVXLAN, transport: true},
		{name: "vxlan that carries ospf is named by its udp", b: overUDP(portVXLAN, vxlan(4096, ether(typeIPv4, ip4(89, data(8))))),
			proto: ProtoUDP, ip: 4, aPort: 50000, bPort: portVXLAN, transport: true},
		{name: "vxlan that carries icmp is named by the icmp", b: overUDP(portVXLAN, vxlan(1, ether(typeIPv4, ip4(ProtoICMP, data(8))))),
			proto: ProtoICMP, ip: 4, vni: 1},
		{name: "gre without a packet", b: ether(typeIPv4, ip4(ProtoGRE, packet{0, 0, 0, 0})), proto: ProtoGRE, ip: 4},
		{name: "quoted packet is no flow", b: ether(typeIPv6, ip6(ProtoICMPv6, join(data(8), inner))), proto: ProtoICMPv6, ip: 6},
	} {
		t.Run(r.name, func(t *testing.T) {
			f := parsed(r.b)
			k := f.Flow
			if k.Proto != r.proto || k.IP != r.ip || k.APort != r.aPort || k.BPort != r.bPort || f.HasTransport != r.transport {
				t.Errorf("proto %d ip %d ports %d %d transport %v", k.Proto, k.IP, k.APort, k.BPort, f.HasTransport)
			}
			if outer, inner := k.VLANs(); outer != r.outer || inner != r.inner || k.VNI() != r.vni {
				t.Errorf("vlans %d %d vni %d", outer, inner, k.VNI())
			}
		})
	}
}

func TestTCPHeader(t *testing.T) {
	f := parsed(ether(typeIPv4, ip4(ProtoTCP, tcp(SYN, synOptions, nil))))
	h := f.TCP
	if h.Seq != 1000 || h.Ack != 2000 || h.Window != 500 || h.Flags != SYN || h.MSS != 1460 || h.WindowShift != 7 || h.Segment != 0 {
		t.Errorf("SYN: %+v", h)
	}
	want := [NumTCPOptions]uint8{OptPadding: 1, OptMSS: 4, OptWindowScale: 3, OptSACK: 2, OptTimestamps: 10}
	if h.Options != want {
		t.Errorf("options of the SYN: %v, want %v", h.Options, want)
	}

	for _, r := range []struct {
		name    string
		options []byte
		want    [NumTCPOptions]uint8
		blocks  uint8
		defects Defects
	}{
		{name: "none"},
		{name: "timestamps", options: timestamps, want: [NumTCPOptions]uint8{OptPadding: 2, OptTimestamps: 10}},
		{name: "two SACK blocks", options: join([]byte{1, 1, 5, 18}, data(16)), want: [NumTCPOptions]uint8{OptPadding: 2, OptSACK: 18}, blocks: 2},
		{name: "mptcp", options: join([]byte{30, 12}, data(10)), want: [NumTCPOptions]uint8{OptMPTCP: 12}},
		{name: "md5 signature", options: join([]byte{19, 18}, data(16), []byte{1, 0}), want: [NumTCPOptions]uint8{OptOther: 18, OptPadding: 2}},
		{name: "end of list", options: []byte{0, 8, 8, 8}, want: [NumTCPOptions]uint8{OptPadding: 4}},
		{name: "length 0", options: []byte{1, 8, 0, 1}, want: [NumTCPOptions]uint8{OptPadding: 1, OptOther: 3}, defects: BadHeader},
		{name: "length beyond the header", options: []byte{1, 1, 8, 10}, want: [NumTCPOptions]uint8{OptPadding: 2, OptOther: 2}, defects: BadHeader},
	} {
		t.Run(r.name, func(t *testing.T) {
			f := parsed(ether(typeIPv4, ip4(ProtoTCP, tcp(ACK, r.options, data(7)))))
			if f.TCP.Options != r.want || f.TCP.SACKBlocks != r.blocks || f.Defects != r.defects {
				t.Errorf("options %v, %d blocks, defects %b; want %v, %d, %b", f.TCP.Options, f.TCP.SACKBlocks, f.Defects, r.want, r.blocks, r.defects)
			}
			if f.TCP.WindowShift != -1 || f.TCP.MSS != 0 || f.TCP.Segment != 7 {
				t.Errorf("without options of a SYN: %+v", f.TCP)
			}
		})
	}
}

func TestFragmentFields(t *testing.T) {
	for _, r := range []struct {
		name string
		b    packet
		want Fragment
	}{
		{"whole", udp4(1), Fragment{}},
		{"don't fragment", ether(typeIPv4, ip4With(nil, 0x4000, ProtoUDP, udp(1, 2, nil))), Fragment{}},
		{"ipv4 first", ether(typeIPv4, ip4With(nil, 0x2000, ProtoUDP, data(16))), Fragment{ID: 7, More: true, Proto: ProtoUDP}},
		{"ipv4 last", ether(typeIPv4, ip4With(nil, 185, ProtoUDP, data(16))), Fragment{ID: 7, Offset: 1480, Proto: ProtoUDP}},
		{"ipv6 middle", ether(typeIPv6, ip6(44, frag6(ProtoTCP, 1449, data(16)))), Fragment{ID: 0x12345678, Offset: 1448, More: true, Proto: ProtoTCP}},
		{"ipv6 atomic", ether(typeIPv6, ip6(44, frag6(ProtoTCP, 0, data(20)))), Fragment{}},
	} {
		t.Run(r.name, func(t *testing.T) {
			if got := parsed(r.b).Fragment; got != r.want {
				t.Errorf("%+v, want %+v", got, r.want)
			}
		})
	}
}

func TestOffsets(t *testing.T) {
	for _, r := range []struct {
		name                      string
		b                         packet
		link, ip, payload, length int
	}{
		{"udp4", udp4(9), 14, 14, 42, 37},
		{"udp4 without payload", udp4(0), 14, 14, -1, 28},
		{"802.1Q", ether(typeVLAN, tag(5, typeIPv6, ip6(ProtoUDP, udp(1, 2, data(4))))), 18, 18, 66, 52},
		{"vxlan", overUDP(portVXLAN, vxlan(1, udp4(9))), 14, 64, 92, 37},
		{"arp", ether(typeARP, arpBody()), 14, -1, -1, 0},
		{"unknown EtherType", ether(0x88cc, data(4)), 14, -1, -1, 0},
		{"TSO", ether(typeIPv4, ip4(ProtoUDP, udp(1, 2, data(4))).set(2, 0, 0)), 14, 14, 42, 0},
	} {
		t.Run(r.name, func(t *testing.T) {
			f := parsed(r.b)
			if f.LinkHeader != r.link || f.IPOffset != r.ip || f.PayloadOffset != r.payload || f.IPLength != r.length {
				t.Errorf("link header %d, ip at %d, payload at %d, ip length %d", f.LinkHeader, f.IPOffset, f.PayloadOffset, f.IPLength)
			}
		})
	}
}
