package report

import (
	"testing"

	"wiretax/analyze"
)

func TestFrameComment(t *testing.T) {
	for name, c := range map[string]struct {
		row  analyze.FrameRow
		want string
	}{
		"a datagram": {
			analyze.FrameRow{Role: analyze.Data, Len: 132, WireBytes: 156, Frames: 1, PayloadBytes: 90, UniqueBytes: 90,
				Owners: map[string]int64{"payload": 90, "udp": 8, "ipv4": 20, "ethernet": 14}},
			"data: 156 B on the wire = ethernet 14 + ipv4 20 + udp 8 + payload 90 + 24 inferred"},
		"no Ethernet: nothing is inferred": {
			analyze.FrameRow{Role: analyze.OtherRole, Len: 40, WireBytes: 40, Frames: 1, Owners: map[string]int64{"link": 16, "other": 24}},
			"other: 40 B on the wire = link 16 + other 24"},
		"a super-frame, partly a retransmission": {
			analyze.FrameRow{Role: analyze.Data, Len: 2954, WireBytes: 3044, Frames: 2, Expanded: true, PayloadBytes: 2900, UniqueBytes: 1500,
				Owners: map[string]int64{"ethernet": 14, "ipv4": 20, "tcp": 20, "payload": 2900}},
			"data: 3044 B on the wire = ethernet 14 + ipv4 20 + tcp 20 + payload 2900 + 90 inferred; a super-frame: 2 frames on the wire; 1400 B of the payload were sent before"},
	} {
		if got := FrameComment(&c.row); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
