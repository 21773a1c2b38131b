package analyze

import (
	"strings"
	"testing"
)

// views is some traffic of every kind that the groups tell apart.
func views() []packet {
	second := udp(90).onPort(53).after(1500 * ms)
	second.iface = 1
	return append(handshake(),
		tcp(psh, 1, 1, 1400).after(100*ms), tcp(psh, 1, 1, 500).back().after(200*ms),
		second, udp(10).onPort(53).back().after(2500*ms), icmp(56).after(2600*ms), udp(1000).over6().after(2700*ms))
}

func viewed(t *testing.T, v View, packets ...packet) []Group {
	t.Helper()
	r := analyse(t, Options{View: v}, packets...)
	var sum Direction
	for i := range r.Groups {
		sum.add(&r.Groups[i].Direction)
	}
	var want Direction
	for i := range r.Flows {
		want.add(&r.Flows[i].AB)
		want.add(&r.Flows[i].BA)
	}
	if sum != want {
		t.Errorf("the groups add up to %+v, the flows to %+v", sum, want)
	}
	return r.Groups
}

func TestGroupsAddUpAndComeInOrder(t *testing.T) {
	tests := []struct {
		by, sort string
		top      int
		keys     string
	}{
		{"flow", "", 0, "tcp 192.0.2.1:40000 198.51.100.2:443, udp [2001:db8::1]:40000 [2001:db8::2]:443, udp 192.0.2.1:53 198.51.100.2:443 interface 1, icmp 192.0.2.1 198.51.100.2, udp 198.51.100.2:443 192.0.2.1:53"},
		{"host", "", 0, "192.0.2.1, 2001:db8::1, 198.51.100.2"},
		{"port", "", 0, "tcp/443, udp/443, udp/53, icmp"},
		{"port", "records", 0, "tcp/443, udp/53, icmp, udp/443"},
		{"protocol", "", 0, "tcp, udp, icmp"},
		{"interface", "", 0, "0, 1"},
		{"size", "", 0, "64, 65-127, 128-255, 512-1023, 1024-1518"},
		{"size", "frames", 1, "64, other"},
		{"time:1s", "", 0, "2024-05-01T12:00:00.000000000Z, 2024-05-01T12:00:01.000000000Z, 2024-05-01T12:00:02.000000000Z"},
		{"time", "wire_bytes", 2, "2024-05-01T12:00:00.000000000Z, 2024-05-01T12:00:02.000000000Z, other"},
		{"flow", "efficiency", 2, "udp [2001:db8::1]:40000 [2001:db8::2]:443, tcp 192.0.2.1:40000 198.51.100.2:443, other"},
	}
	for _, test := range tests {
		t.Run(strings.Join([]string{test.by, test.sort}, " "), func(t *testing.T) {
			v, err := ParseView(test.by, test.sort, test.top)
			if err != nil {
				t.Fatal(err)
			}
			var keys []string
			for _, g := range viewed(t, v, views()...) {
				keys = append(keys, g.Key)
			}
			if got := strings.Join(keys, ", "); got != test.keys {
				t.Errorf("got  %s\nwant %s", got, test.keys)
			}
		})
	}
}

func TestGroupsHoldRecordsOfNoFlow(t *testing.T) {
	for by, want := range map[string]string{"flow": "other", "host": "other", "port": "other", "protocol": "arp", "interface": "0", "size": "64", "time:1m": "no time"} {
		v, err := ParseView(by, "", 0)
		if err != nil {
			t.Fatal(err)
		}
		a := New(Options{View: v})
		arp := append([]byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1}, make([]byte, 20)...)
		if err := a.Add(&Record{Data: arp, WireLen: len(arp), Nanos: NoTime, Link: 1, FCS: -1}); err != nil {
			t.Fatal(err)
		}
		if groups := a.Result().Groups; len(groups) != 1 || groups[0].Key != want || groups[0].WireBytes != 84 {
			t.Errorf("by %s: %+v, want one group %s of 84 wire bytes", by, groups, want)
		}
	}
}

func TestGroupsOfRatios(t *testing.T) {
	groups := viewed(t, View{By: "protocol"}, udp(90))
	if g := groups[0]; g.Efficiency != 90.0/156 || g.HeaderBytesPerPayloadByte != 42.0/90 || g.WireOverheadPerPayload != 66.0/90 {
		t.Errorf("%+v", g)
	}
}

func TestParseViewSaysWhatIsWrong(t *testing.T) {
	tests := []struct{ by, sort, want string }{
		{"colour", "", "unknown (flow, host"},
		{"time:soon", "", "no duration"},
		{"time:-1s", "", "no duration"},
		{"flow:1s", "", "unknown"},
		{"flow", "beauty", "sort by beauty: unknown column (ack_frames"},
	}
	for _, test := range tests {
		if _, err := ParseView(test.by, test.sort, 0); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("--by %s --sort %s: %v, want %q", test.by, test.sort, err, test.want)
		}
	}
	if v, err := ParseView("time:250ms", "", -1); err != nil || v.Every != 250*ms || v.Top != 0 {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestTimesBeforeTheEpochHaveGroups(t *testing.T) {
	for _, test := range []struct{ nanos, want int64 }{
		{0, 0}, {1, 0}, {999, 0}, {1000, 1000}, {-1, -1000}, {-1000, -1000}, {NoTime + 1, NoTime}, {NoTime, NoTime},
	} {
		if got := test.nanos - floorMod(test.nanos, 1000); got != test.want {
			t.Errorf("%d is in the group of %d, want %d", test.nanos, got, test.want)
		}
	}
}
