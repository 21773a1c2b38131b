package traffic

import (
	"strings"
	"testing"
	"time"
)

func TestCheck(t *testing.T) {
	known := "(known: " + strings.Join(Names(), ", ") + ")"
	ok := Workload{Messages: 16, Size: 90}
	for _, tt := range []struct {
		name      string
		workload  Workload
		transport string
		ip        int
		want      string // "" for no error
	}{
		{"the default", ok, "udp", 4, ""},
		{"largest datagram, IPv4", Workload{Messages: 1, Size: 65507}, "udp", 4, ""},
		{"one more", Workload{Messages: 1, Size: 65508}, "udp", 4,
			"a UDP datagram over IPv4 carries at most 65507 bytes (RFC 768), size is 65508: use a tcp transport or a smaller --size"},
		{"one more, packed", Workload{Messages: 1, Size: 65508}, "udp-packed", 4,
			"a UDP datagram over IPv4 carries at most 65507 bytes (RFC 768), size is 65508: use a tcp transport or a smaller --size"},
		{"largest datagram, IPv6", Workload{Messages: 1, Size: 65527}, "udp", 6, ""},
		{"one more, IPv6", Workload{Messages: 1, Size: 65528}, "udp", 6,
			"a UDP datagram over IPv6 carries at most 65527 bytes (RFC 768), size is 65528: use a tcp transport or a smaller --size"},
		{"over TCP", Workload{Messages: 1, Size: 65508}, "tcp", 4, ""},
		{"no size", Workload{Messages: 1}, "udp", 4, "message size must be 1 to 65507 bytes, is 0"},
		{"negative size", Workload{Messages: 1, Size: -1}, "tcp", 4, "message size must be 1 to 16777216 bytes, is -1"},
		{"too large for TCP", Workload{Messages: 1, Size: 16<<20 + 1}, "tcp", 4, "message size must be 1 to 16777216 bytes, is 16777217"},
		{"no messages", Workload{Size: 1}, "tcp", 4, "messages must be 1 to 10000000, is 0"},
		{"negative messages", Workload{Messages: -3, Size: 1}, "tcp", 4, "messages must be 1 to 10000000, is -3"},
		{"a million messages", Workload{Messages: 1e6, Size: 1}, "tcp", 4, ""},
		{"too many messages", Workload{Messages: 1e7 + 1, Size: 1}, "tcp", 4, "messages must be 1 to 10000000, is 10000001"},
		{"negative interval", Workload{Messages: 1, Size: 1, Interval: -time.Second}, "tcp", 4, "interval must not be negative, is -1s"},
		{"endless", Workload{Messages: 1e7, Size: 1, Interval: time.Hour}, "tcp", 4, "10000000 messages at an interval of 1h0m0s take longer than a year"},
		{"unknown IP version", ok, "tcp", 5, "ip version must be 4 or 6, is 5"},
		{"unknown transport", ok, "carrier-pigeon", 4,
			`unknown transport "carrier-pigeon" ` + known},
		{"letters swapped", ok, "tpc", 4,
			`unknown transport "tpc", did you mean tcp? ` + known},
		{"half a name", ok, "nodelay", 4,
			`unknown transport "nodelay", did you mean tcp-nodelay? ` + known},
		{"upper case", ok, "TCP-NODELAY", 4,
			`unknown transport "TCP-NODELAY", did you mean tcp-nodelay? ` + known},
		{"empty", ok, "", 4, `unknown transport "" ` + known},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if err := tt.workload.Check(tt.transport, tt.ip); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestSets(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"all", strings.Join(Names(), ",")},
		{"udp-all", "udp,udp-packed,udp-gso,udp-sendmmsg"},
		{"tcp-all", "tcp,tcp-nodelay,tcp-cork,tcp-more,tcp-writev,tcp-buffered,tcp-noautocork,tcp-quickack"},
		{"secure", "tls,tls-buffered,quic-stream,quic-datagram"},
		{"udp", ""},
		{"", ""},
	} {
		if got := strings.Join(Set(tt.name), ","); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
	for _, name := range Default() {
		if _, err := lookup(name); err != nil {
			t.Error(err)
		}
	}
}
