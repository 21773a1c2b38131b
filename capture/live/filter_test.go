package live

import (
	"strings"
	"testing"
)

// tcp4 is an IPv4 packet with a TCP header from port 1000 to the given one.
func tcp4(port byte) []byte {
	b := make([]byte, 40)
	b[0], b[8], b[9] = 0x45, 64, 6
	b[3] = 40
	copy(b[12:], []byte{192, 0, 2, 1, 192, 0, 2, 2})
	b[20], b[21], b[23], b[32] = 1000>>8, 1000&0xff, port, 0x50
	return b
}

func ethernet(etherTypes []byte, packet []byte) []byte {
	return append(append(make([]byte, 12), etherTypes...), packet...)
}

func TestFilter(t *testing.T) {
	plain := ethernet([]byte{0x08, 0x00}, tcp4(80))
	tagged := ethernet([]byte{0x81, 0x00, 0, 7, 0x08, 0x00}, tcp4(80))
	twice := ethernet([]byte{0x88, 0xa8, 0, 9, 0x81, 0x00, 0, 7, 0x08, 0x00}, tcp4(80))
	cooked := append([]byte{0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0x08, 0x00}, tcp4(80)...)
	cooked2 := append([]byte{0x08, 0x00, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0}, tcp4(80)...)
	for _, tt := range []struct {
		name       string
		expression string
		link       uint16
		data       []byte
		want       bool
	}{
		{"empty expression takes everything", "", 1, plain, true},
		{"port of an ethernet frame", "tcp port 80", 1, plain, true},
		{"other port", "tcp port 81", 1, plain, false},
		{"port of a tagged frame", "tcp port 80", 1, tagged, true},
		{"negation of a tagged frame", "not tcp", 1, tagged, false},
		{"port behind two tags", "tcp port 80", 1, twice, true},
		{"the expression speaks of vlans itself", "vlan 7 and tcp port 80", 1, tagged, true},
		{"another vlan", "vlan 8", 1, tagged, false},
		{"no tag", "vlan", 1, plain, false},
		{"linux cooked", "tcp dst port 80", 113, cooked, true},
		{"linux cooked, version 2", "tcp dst port 80", 276, cooked2, true},
		{"raw ip", "host 192.0.2.1", 101, tcp4(80), true},
		{"raw ipv4", "host 192.0.2.9", 228, tcp4(80), false},
		{"length is the original one", "greater 100", 1, plain, true},
		{"words of 802.11 alone", "wlan type mgt", 105, make([]byte, 24), true},
		{"another type of 802.11", "wlan type data", 105, make([]byte, 24), false},
		{"direction, which Ethernet does not tell", "outbound", 113, append([]byte{0, 4}, cooked[2:]...), true},
		{"nothing captured", "tcp", 1, nil, false},
		{"cut before the port", "tcp port 80", 1, plain[:30], false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := NewFilter(tt.expression)
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.Match(tt.link, tt.data, len(tt.data)+60)
			if err != nil || got != tt.want {
				t.Errorf("got %v, %v, want %v", got, err, tt.want)
			}
		})
	}
}

func TestFilterErrors(t *testing.T) {
	if _, err := NewFilter("tcp prot 80"); err == nil || !strings.Contains(err.Error(), "syntax error") {
		t.Errorf("got %v, want libpcap's syntax error", err)
	}
	f, err := NewFilter("wlan type mgt")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Match(1, make([]byte, 60), 60); err == nil {
		t.Error("a type of 802.11 on Ethernet: want an error")
	}
	f, err = NewFilter("ether host 02:00:00:00:00:01")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Match(101, tcp4(80), 40); err == nil {
		t.Error("an ethernet address on raw IP: want an error")
	}
}

func BenchmarkMatch(b *testing.B) {
	f, err := NewFilter("tcp port 80")
	if err != nil {
		b.Fatal(err)
	}
	data := ethernet([]byte{0x08, 0x00}, tcp4(80))
	b.ReportAllocs()
	for b.Loop() {
		f.Match(1, data, len(data))
	}
}
