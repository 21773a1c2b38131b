package frame

import "testing"

var benchmarkRecords = []struct {
	name string
	b    packet
}{
	{"udp4", udp4(90)},
	{"tcp4", tcp4(90)},
	{"tcp6", ether(typeIPv6, ip6(ProtoTCP, tcp(ACK, timestamps, data(90))))},
	{"vlan", ether(typeVLAN, tag(5, typeIPv4, ip4(ProtoTCP, tcp(ACK, timestamps, data(90)))))},
	{"vxlan", overUDP(portVXLAN, vxlan(7, tcp4(90)))},
	{"padded", udp4(1).padTo(60)},
	{"fcs", udp4(1400).withFCS()},
}

func BenchmarkParse(b *testing.B) {
	for _, r := range benchmarkRecords {
		b.Run(r.name, func(b *testing.B) {
			b.ReportAllocs()
			var f Frame
			for b.Loop() {
				Parse(&f, r.b, len(r.b), LinkEthernet, -1)
			}
		})
	}
}

func TestParseAllocatesNothing(t *testing.T) {
	for _, r := range allRecords() {
		var f Frame
		if n := testing.AllocsPerRun(10, func() { r.parse(&f) }); n != 0 {
			t.Errorf("%s: %v allocations", r.name, n)
		}
	}
}
