package frame

import (
	"math/rand/v2"
	"net"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// TestAgainstGopacket builds packets with gopacket, has gopacket decode them again, and compares header by header. Fragments
// and tunnels are left out.
func TestAgainstGopacket(t *testing.T) {
	owners := map[gopacket.LayerType][2]Owner{ // fixed part and options
		layers.LayerTypeEthernet:        {Ethernet, Ethernet},
		layers.LayerTypeDot1Q:           {VLAN, VLAN},
		layers.LayerTypeIPv4:            {IPv4, IPv4Options},
		layers.LayerTypeIPv6:            {IPv6, IPv6Ext},
		layers.LayerTypeIPv6Destination: {IPv6Ext, IPv6Ext},
		layers.LayerTypeTCP:             {TCP, TCPOptions},
		layers.LayerTypeUDP:             {UDP, UDP},
		gopacket.LayerTypePayload:       {Payload, Payload},
		layers.LayerTypeIPv6HopByHop:    {IPv6Ext, IPv6Ext},
	}
	fixed := map[gopacket.LayerType]int{layers.LayerTypeIPv4: 20, layers.LayerTypeTCP: 20, layers.LayerTypeIPv6: 40}
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range 2000 {
		b := gopacketFrame(t, rnd)
		var want Ledger
		decoded := gopacket.NewPacket(b, layers.LayerTypeEthernet, gopacket.NoCopy)
		for _, l := range decoded.Layers() {
			o, ok := owners[l.LayerType()]
			if !ok {
				t.Fatalf("packet %d: unexpected layer %s of %s", i, l.LayerType(), decoded)
			}
			n := len(l.LayerContents())
			first := n
			if k, ok := fixed[l.LayerType()]; ok {
				first = k
			}
			want[o[0]] += int64(first)
			want[o[1]] += int64(n - first)
		}
		want[Padding] = int64(len(b)) - want.Record() // gopacket pads, and gives padding to no layer
		var f Frame
		Parse(&f, b, len(b), LinkEthernet, -1)
		for o := range NumMeasured {
			if f.Ledger[o] != want[o] {
				t.Fatalf("packet %d: %s %d, gopacket %d\n%s", i, Owner(o), f.Ledger[o], want[o], decoded.Dump())
			}
		}
		if got := f.Flow.APort; f.Reverse == (int(got) == transportSource(decoded)) {
			t.Fatalf("packet %d: reverse %v, ports %d %d\n%s", i, f.Reverse, f.Flow.APort, f.Flow.BPort, decoded.Dump())
		}
	}
}

func transportSource(p gopacket.Packet) int {
	switch l := p.TransportLayer().(type) {
	case *layers.TCP:
		return int(l.SrcPort)
	case *layers.UDP:
		return int(l.SrcPort)
	}
	return -1
}

// gopacketFrame serializes a random stack: up to two tags, IPv4 with options or IPv6, TCP with options or UDP, payload.
func gopacketFrame(t *testing.T, rnd *rand.Rand) []byte {
	t.Helper()
	network := layers.EthernetTypeIPv4
	v6 := rnd.IntN(2) == 1
	if v6 {
		network = layers.EthernetTypeIPv6
	}
	mac := net.HardwareAddr{2, 0, 0, 0, 0, 1}
	stack := []gopacket.SerializableLayer{&layers.Ethernet{SrcMAC: mac, DstMAC: mac, EthernetType: network}}
	for tags := rnd.IntN(3); tags > 0; tags-- {
		stack[0].(*layers.Ethernet).EthernetType = layers.EthernetTypeDot1Q
		if len(stack) > 1 {
			stack[1].(*layers.Dot1Q).Type = layers.EthernetTypeDot1Q
		}
		stack = append(stack, &layers.Dot1Q{VLANIdentifier: uint16(rnd.IntN(4096)), Type: network})
	}
	proto := layers.IPProtocolTCP
	if rnd.IntN(2) == 1 {
		proto = layers.IPProtocolUDP
	}
	src, dst := byte(rnd.IntN(255)), byte(rnd.IntN(255))
	if v6 {
		stack = append(stack, &layers.IPv6{Version: 6, NextHeader: proto, HopLimit: 64, SrcIP: net.IP{0x20, 1, 0xd, 0xb8, 15: src}, DstIP: net.IP{0x20, 1, 0xd, 0xb8, 15: dst}})
	} else {
		ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: proto, SrcIP: net.IP{192, 0, 2, src}, DstIP: net.IP{198, 51, 100, dst}}
		if rnd.IntN(3) == 0 {
			ip.Options = []layers.IPv4Option{{OptionType: 0x94, OptionLength: 4, OptionData: []byte{0, 0}}}
		}
		stack = append(stack, ip)
	}
	ports := [2]uint16{uint16(20000 + rnd.IntN(20000)), uint16(50000 + rnd.IntN(10000))}
	if proto == layers.IPProtocolUDP {
		stack = append(stack, &layers.UDP{SrcPort: layers.UDPPort(ports[0]), DstPort: layers.UDPPort(ports[1])})
	} else {
		tcp := &layers.TCP{SrcPort: layers.TCPPort(ports[0]), DstPort: layers.TCPPort(ports[1]), ACK: true}
		for range rnd.IntN(4) {
			tcp.Options = append(tcp.Options, layers.TCPOption{OptionType: layers.TCPOptionKindTimestamps, OptionLength: 10, OptionData: make([]byte, 8)})
		}
		stack = append(stack, tcp)
	}
	if n := rnd.IntN(1400); n > 0 {
		stack = append(stack, gopacket.Payload(make([]byte, n)))
	}
	buffer := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buffer, gopacket.SerializeOptions{FixLengths: true}, stack...); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}
