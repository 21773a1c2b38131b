package analyze

import (
	"strings"
	"testing"
	"time"

	"wiretax/analyze/frame"
)

// found returns the finding of a code, its zero value where there is none.
func found(r *Result, code string) Finding {
	for _, f := range r.Findings {
		if f.Code == code {
			return f
		}
	}
	return Finding{}
}

// transactions are n requests of two segments and their answers. The second segment leaves held after the first, answered
// by an ACK shortly before if acked.
func transactions(n int, held time.Duration, acked bool) []packet {
	packets := handshake()
	seq, reply := uint32(1), uint32(1)
	for i := range n {
		at := time.Duration(i+1) * time.Second
		packets = append(packets, tcp(psh, seq, reply, 90).after(at))
		if acked {
			packets = append(packets, tcp(frame.ACK, reply, seq+90, 0).back().after(at+held-ms))
		}
		packets = append(packets, tcp(psh, seq+90, reply, 90).after(at+held), tcp(psh, reply, seq+180, 90).back().after(at+held+ms))
		seq, reply = seq+180, reply+90
	}
	return packets
}

func TestFindings(t *testing.T) {
	bulk := handshake()
	for i := range uint32(20) {
		bulk = append(bulk, tcp(psh, 1+1460*i, 1, 1460), tcp(frame.ACK, 1, 1+1460*(i+1), 0).back())
	}
	sparing := handshake()
	for i := range uint32(20) {
		sparing = append(sparing, tcp(psh, 1+1460*i, 1, 1460))
		if i%2 == 1 {
			sparing = append(sparing, tcp(frame.ACK, 1, 1+1460*(i+1), 0).back())
		}
	}
	tests := []struct {
		name    string
		packets []packet
		want    Finding // zero but for Code: not found
	}{
		{"Nagle meets delayed ACK", transactions(10, 45*ms, true),
			Finding{Code: "nagle_delayed_ack", Count: 10, Frames: 20, WireBytes: 10 * 2 * 78, Seconds: 0.44}},
		{"the ACK came soon", transactions(10, 5*ms, true), Finding{Code: "nagle_delayed_ack"}},
		{"the answer carried the ACK", transactions(10, 45*ms, false), Finding{Code: "nagle_delayed_ack"}},
		{"write, write, read", transactions(10, 0, false), Finding{Code: "split_writes", Count: 10, Frames: 10, WireBytes: 780}},
		{"one write", []packet{tcp(psh, 1, 1, 180), tcp(psh, 1, 181, 90).back()}, Finding{Code: "split_writes"}},
		{"tiny segments", []packet{tcp(psh, 1, 1, 1), tcp(psh, 2, 1, 1)}, Finding{Code: "tiny_segments", Count: 2, Frames: 2, WireBytes: 2 * 83}},
		{"a segment of more payload than overhead", []packet{tcp(psh, 1, 1, 90)}, Finding{Code: "tiny_segments"}},
		{"tiny datagrams", []packet{udp(60)}, Finding{Code: "tiny_datagrams", Count: 1, Frames: 1, WireBytes: 66 - 66*60/1460}},
		{"an ACK for every segment", bulk, Finding{Code: "ack_per_segment", Count: 1, Frames: 10, WireBytes: 840}},
		{"an ACK for every second segment", sparing, Finding{Code: "ack_per_segment"}},
		{"a connection that carries a question", append([]packet{tcp(syn, 0, 0, 0), tcp(synAck, 0, 1, 0).back().after(10 * ms), tcp(frame.ACK, 1, 1, 0).after(20 * ms)},
			tcp(psh, 1, 1, 90).after(20*ms), tcp(fin, 91, 1, 0).after(20*ms), tcp(fin, 1, 92, 0).back().after(30*ms)),
			Finding{Code: "idle_handshakes", Count: 1, Frames: 4, WireBytes: 4 * 84, Seconds: 0.02}},
		{"padding that outweighs payload", []packet{udp(1), udp(8).padTo(60), udp(10)},
			Finding{Code: "padding_outweighs_payload", Count: 2, Frames: 2, WireBytes: 17 + 10}},
		{"fragments", udp(4096).withID(7).fragments(1480), Finding{Code: "ip_fragments", Count: 3, Frames: 3, WireBytes: 2 * (14 + 20 + 24)}},
		{"captured twice", []packet{tcp(psh, 1, 1, 9).withID(1), tcp(psh, 1, 1, 9).withID(1)}, Finding{Code: "duplicate_capture", Count: 1, Frames: 1, WireBytes: 54 + 9 + 24}},
		{"super-frames", []packet{tcp(psh, 1, 1, 2920)}, Finding{Code: "super_frames", Count: 1, Frames: 2, WireBytes: 54 + 2*24}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := found(analyse(t, Options{}, test.packets...), test.want.Code)
			if test.want.Count == 0 {
				if got.Count != 0 {
					t.Errorf("found %+v", got)
				}
				return
			}
			if strings.Contains(got.Message, "%!") || got.Message == "" {
				t.Errorf("message %q", got.Message)
			}
			got.Message = ""
			if got != test.want {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
}

func TestFindingsThatCostNothingAreNotReported(t *testing.T) {
	packets := []packet{tcp(psh, 1, 1, 1)}
	for i := range uint32(20) {
		packets = append(packets, tcp(psh, 2+1460*i, 1, 1460))
	}
	if f := found(analyse(t, Options{}, packets...), "tiny_segments"); f.Count != 0 {
		t.Errorf("one tiny segment among full ones: %+v", f)
	}
}

func TestEveryFindingIsExplained(t *testing.T) {
	codes := map[string]bool{}
	for _, e := range FindingExplanations() {
		if e.Code == "" || e.Text == "" || codes[e.Code] {
			t.Errorf("%+v", e)
		}
		codes[e.Code] = true
	}
}
