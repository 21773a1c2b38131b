package frame

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
)

// checkPlain fails where ParsePlain reads a frame otherwise than Parse. It reports whether the frame is plain.
func checkPlain(t *testing.T, b []byte, wireLen int, link LinkType, fcs int) bool {
	t.Helper()
	p := Plain{Options: 1, Seq: 2, Ack: 3, TCPFlags: 4, Window: 5, Padding: 6, Fill: 7, Reverse: true} // ParsePlain overwrites all of it
	if !ParsePlain(&p, b, wireLen, link, fcs) {
		return false
	}
	var f Frame
	Parse(&f, b, wireLen, link, fcs)
	var l Ledger
	p.AddTo(&l)
	options := [NumTCPOptions]uint8{}
	if p.Options > 0 {
		options[OptPadding], options[OptTimestamps] = 2, p.Options-2
	}
	key := Key{APort: p.APort, BPort: p.BPort, Proto: p.Proto, IP: p.IP}
	for i := range p.A {
		binary.BigEndian.PutUint64(key.A[8*i:], p.A[i])
		binary.BigEndian.PutUint64(key.B[8*i:], p.B[i])
	}
	for _, is := range []struct {
		what       string
		plain, all any
	}{
		{"owners", l, f.Ledger},
		{"flow", key, f.Flow},
		{"reverse", p.Reverse, f.Reverse},
		{"transport", true, f.HasTransport},
		{"fragment", false, f.Fragment.IsFragment()},
		{"defects", Defects(0), f.Defects},
		{"offset of IP", ethernetLen, f.IPOffset},
		{"link header", ethernetLen, f.LinkHeader},
		{"packet", p.Packet, f.IPLength},
		{"payload", int64(p.Payload), f.Ledger[Payload]},
		{"padding", int64(p.Padding), f.Ledger[Padding]},
		{"fill", int64(p.Fill), f.Ledger[Fill]},
		{"TCP", []any{p.Seq, p.Ack, p.TCPFlags, p.Window, uint16(0), options},
			[]any{f.TCP.Seq, f.TCP.Ack, f.TCP.Flags, f.TCP.Window, f.TCP.MSS, f.TCP.Options}},
	} {
		if plain, all := fmt.Sprint(is.plain), fmt.Sprint(is.all); plain != all {
			t.Errorf("%s: ParsePlain says %s, Parse says %s; %d of %d octets, fcs %d: % x", is.what, plain, all, len(b), wireLen, fcs, b)
		}
	}
	return true
}

func TestPlain(t *testing.T) {
	for _, c := range []struct {
		name  string
		b     packet
		wire  int // 0 for len(b)
		fcs   int
		plain bool
	}{
		{"udp4", udp4(90), 0, -1, true},
		{"udp4 without payload", udp4(0), 0, -1, true},
		{"udp6", ether(typeIPv6, ip6(ProtoUDP, udp(5000, 53, data(9)))), 0, -1, true},
		{"tcp4 without options", ether(typeIPv4, ip4(ProtoTCP, tcp(ACK, nil, data(9)))), 0, -1, true},
		{"tcp4 with timestamps", tcp4(90), 0, -1, true},
		{"tcp6 with timestamps", ether(typeIPv6, ip6(ProtoTCP, tcp(ACK, timestamps, data(9)))), 0, -1, true},
		{"a file that says frames have no FCS", tcp4(90), 0, 0, true},
		{"padded with zeros", udp4(1).padTo(60), 0, -1, true},
		{"payload cut", udp4(90)[:50], 132, -1, true},
		{"payload and padding cut", udp4(1)[:42], 60, -1, true},

		{"header cut", udp4(90)[:41], 132, -1, false},
		{"what could be an FCS", udp4(90).withFCS(), 0, -1, false},
		{"an FCS that the file tells of", udp4(90).withFCS(), 0, 4, false},
		{"octets that cannot have been there", udp4(90), 1000, -1, false},
		{"more captured than was there", udp4(90), 100, -1, false},
		{"a tag", ether(typeVLAN, tag(5, typeIPv4, ip4(ProtoTCP, tcp(ACK, nil, data(9))))), 0, -1, false},
		{"other options", ether(typeIPv4, ip4(ProtoTCP, tcp(SYN, synOptions, nil))), 0, -1, false},
		{"a fragment", ether(typeIPv4, ip4With(nil, ipv4MoreFragments, ProtoUDP, udp(5000, 53, data(8)))), 0, -1, false},
		{"a tunnel", overUDP(portVXLAN, vxlan(7, tcp4(90))), 0, -1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			wire := c.wire
			if wire == 0 {
				wire = len(c.b)
			}
			if got := checkPlain(t, c.b, wire, LinkEthernet, c.fcs); got != c.plain {
				t.Errorf("plain: %v, want %v", got, c.plain)
			}
		})
	}
}

// TestPlainIsWhatParseSays changes every made-up record a little, in many ways.
func TestPlainIsWhatParseSays(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	plain := 0
	for _, r := range allRecords() {
		for range 600 {
			b := append(packet(nil), r.b...)
			for range rng.IntN(3) {
				if n := min(len(b), 60); n > 0 {
					b[rng.IntN(n)] = byte(rng.Uint32())
				}
			}
			b = append(b, make([]byte, rng.IntN(3)*rng.IntN(9))...)
			if rng.IntN(2) == 0 {
				b = append(b, data(rng.IntN(6))...)
			}
			wire := max(r.wire, len(b)) + rng.IntN(2)*rng.IntN(80)
			b = b[:len(b)-rng.IntN(2)*rng.IntN(min(len(b), 60)+1)]
			if checkPlain(t, b, wire, r.link, rng.IntN(6)-1) {
				plain++
			}
		}
	}
	if plain < 1000 {
		t.Errorf("only %d of the records are plain", plain)
	}
}

func TestParsePlainAllocatesNothing(t *testing.T) {
	var p Plain
	b := tcp4(90)
	if n := testing.AllocsPerRun(10, func() { ParsePlain(&p, b, len(b), LinkEthernet, -1) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkParsePlain(b *testing.B) {
	for _, r := range benchmarkRecords[:3] {
		b.Run(r.name, func(b *testing.B) {
			b.ReportAllocs()
			var p Plain
			for b.Loop() {
				ParsePlain(&p, r.b, len(r.b), LinkEthernet, -1)
			}
		})
	}
}
