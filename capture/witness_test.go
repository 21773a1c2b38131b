package capture

import (
	"strings"
	"testing"
)

// agreement is the evidence of a trial in which everything fits: 16 messages over TCP as LAB's default shape has them.
func agreement() evidence {
	return evidence{
		A:      tally{Out: 5, In: 4, TCPOut: 5, TCPIn: 4},
		Wire:   true,
		B:      tally{Out: 4, In: 5, TCPOut: 4, TCPIn: 5, SYNACKOut: 1},
		WireIn: [2]int64{5, 4}, WireOut: [2]int64{5, 4},
		TxA: 5, RxA: 4, TxB: 4, RxB: 5,
		TCP: true, SegsOutA: 5, SegsInA: 4, SegsOutB: 3, SegsInB: 5,
		RecordedAtoB: 5, RecordedBtoA: 4,
	}
}

func TestJudge(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*evidence)
		want   string // in the first disagreement; empty: all agree
	}{
		{"everything agrees", func(*evidence) {}, ""},
		{"udp has no tcp_info", func(e *evidence) { e.TCP = false; e.SegsOutA, e.SegsInB = 0, 0 }, ""},
		{"a frame lost on the wire was sent and did not arrive", func(e *evidence) {
			e.A.Out, e.A.TCPOut, e.WireIn[0], e.TxA, e.SegsOutA, e.RecordedAtoB = 6, 6, 6, 6, 6, 6
			e.WireLost[0] = 1
		}, ""},
		{"a repeated SYN and its SYN-ACK are the request socket's", func(e *evidence) {
			e.A.Out, e.A.TCPOut, e.WireIn[0], e.WireOut[0], e.TxA, e.SegsOutA, e.RecordedAtoB = 6, 6, 6, 6, 6, 6, 6
			e.B.In, e.B.TCPIn, e.RxB, e.B.RepeatedSYNIn = 6, 6, 6, 1
			e.B.Out, e.B.TCPOut, e.WireIn[1], e.TxB, e.B.SYNACKOut, e.RecordedBtoA = 5, 5, 5, 5, 2, 5
			e.WireLost[1] = 1
		}, ""},
		{"a repeated FIN is answered by the TIME_WAIT socket", func(e *evidence) {
			e.B.Out, e.B.TCPOut, e.WireIn[1], e.WireOut[1], e.TxB, e.SegsOutB, e.RecordedBtoA = 5, 5, 5, 5, 5, 4, 5
			e.A.In, e.A.TCPIn, e.RxA, e.A.OutInTimeWait, e.A.InTimeWait = 5, 5, 5, 1, 1
			e.A.Out, e.A.TCPOut, e.WireIn[0], e.TxA, e.RecordedAtoB = 6, 6, 6, 6, 6
			e.WireLost[0] = 1
		}, ""},
		{"an ACK behind the receiver's FIN meets the TIME_WAIT socket", func(e *evidence) {
			e.B.Out, e.B.TCPOut, e.WireIn[1], e.WireOut[1], e.TxB, e.SegsOutB, e.RecordedBtoA = 5, 5, 5, 5, 5, 4, 5
			e.A.In, e.A.TCPIn, e.RxA, e.A.InTimeWait = 5, 5, 5, 1
		}, ""},
		{"a segment that finds no socket is answered by a RST", func(e *evidence) {
			e.A.Out, e.A.TCPOut, e.WireIn[0], e.WireOut[0], e.TxA, e.SegsOutA, e.RecordedAtoB = 6, 6, 6, 6, 6, 6, 6
			e.B.In, e.B.TCPIn, e.RxB = 6, 6, 6
			e.B.Out, e.B.TCPOut, e.B.RSTOut, e.WireIn[1], e.WireOut[1], e.TxB, e.RecordedBtoA = 5, 5, 1, 5, 5, 5, 5
			e.A.In, e.A.TCPIn, e.RxA, e.A.InTimeWait = 5, 5, 5, 1
		}, ""},
		{"the capture missed a frame", func(e *evidence) { e.A.Out, e.A.TCPOut, e.RecordedAtoB = 4, 4, 4 },
			"frames sender's capture saw leave 4, wire took in 5"},
		{"the device queue dropped a frame after the capture", func(e *evidence) { e.WireIn[0], e.WireOut[0], e.TxA, e.RxB, e.B.In, e.B.TCPIn = 4, 4, 4, 4, 4, 4 },
			"frames sender's capture saw leave 5, wire took in 4"},
		{"the wire lost a frame that nobody asked it to lose", func(e *evidence) { e.WireOut[0] = 4 },
			"frames receiver's capture saw arrive 5, wire delivered 4"},
		{"a super-frame: tcp_info counts segments, the capture one frame", func(e *evidence) { e.SegsOutA, e.SegsInB = 9, 9 },
			"sender's TCP segments captured out 5, TCP_INFO and TIME_WAIT 9"},
		{"a frame was not saved", func(e *evidence) { e.RecordedBtoA = 3 }, "frames recorded from receiver 3, capture 4"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := agreement()
			tt.change(&e)
			w := e.judge()
			if got := strings.Join(w.Disagree, "; "); tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("disagree: %q, want %q", got, tt.want)
			}
			if w.Agree != (tt.want == "") {
				t.Errorf("agree: %v", w.Agree)
			}
		})
	}
}

func TestWitnessesAreTheSameFrames(t *testing.T) {
	w := agreement().judge()
	if w.Capture != 9 || w.Wire != 9 || w.Interface != 9 || w.TCPInfoSegs != 9 {
		t.Errorf("capture %d, wire %d, interface %d, tcp_info %d, want 9 each", w.Capture, w.Wire, w.Interface, w.TCPInfoSegs)
	}
}

func TestTally(t *testing.T) {
	ip4 := func(protocol byte, options int, transport ...byte) []byte {
		b := append(make([]byte, 12), 0x08, 0x00, 0x45+byte(options/4))
		b = append(b, make([]byte, 19+options)...)
		b[23] = protocol
		return append(b, transport...)
	}
	ip6 := func(next byte, transport ...byte) []byte {
		b := append(make([]byte, 12), 0x86, 0xdd)
		b = append(b, make([]byte, 40)...)
		b[20] = next
		return append(b, transport...)
	}
	tcp := func(flags byte) []byte { return append(make([]byte, 12), 0x50, flags, 0, 0, 0, 0, 0, 0) }
	for _, tt := range []struct {
		name     string
		frame    []byte
		outgoing bool
		want     tally
	}{
		{"udp leaves", ip4(17, 0, make([]byte, 8)...), true, tally{Out: 1}},
		{"udp arrives", ip4(17, 0, make([]byte, 8)...), false, tally{In: 1}},
		{"syn arrives", ip4(6, 0, tcp(2)...), false, tally{In: 1, TCPIn: 1}},
		{"syn-ack leaves", ip4(6, 0, tcp(18)...), true, tally{Out: 1, TCPOut: 1, SYNACKOut: 1}},
		{"fin-ack arrives over ipv6", ip6(6, tcp(17)...), false, tally{In: 1, TCPIn: 1}},
		{"ack behind ip options", ip4(6, 8, tcp(16)...), true, tally{Out: 1, TCPOut: 1}},
		{"arp", append(make([]byte, 12), 0x08, 0x06), true, tally{Out: 1}},
		{"neighbour discovery", ip6(58, make([]byte, 24)...), true, tally{Out: 1}},
		{"tcp cut before its flags", ip4(6, 0, 1, 2, 3), true, tally{Out: 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got tally
			got.count(tt.frame, tt.outgoing, map[ports]*progress{})
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// What is repeated is so within its connection, and TIME_WAIT begins when both ends are acknowledged, not when a FIN has
// arrived behind a gap.
func TestTallyTellsConnectionsApart(t *testing.T) {
	const syn, fin, ack = 2, 17, 16
	type segment struct {
		out      bool
		port     byte // the other host's
		flags    byte
		seq, ack byte
		payload  byte
	}
	var got tally
	seen := map[ports]*progress{}
	for _, s := range []segment{
		{false, 1, syn, 0, 0, 0}, {false, 2, syn, 0, 0, 0},
		{false, 2, syn, 0, 0, 0}, // repeated
		{true, 1, fin, 9, 1, 1},
		{false, 1, fin, 5, 11, 0}, // behind a gap of 4 octets
		{true, 1, ack, 11, 1, 0},
		{false, 1, ack, 1, 11, 4}, // fills it
		{true, 1, ack, 11, 6, 0},  // TIME_WAIT from here
		{false, 1, fin, 5, 11, 0}, {true, 1, ack, 11, 6, 0},
		{false, 2, ack, 1, 1, 0},
	} {
		b := append(make([]byte, 12), 0x08, 0x00, 0x45, 0, 0, 40+s.payload)
		b = append(b, make([]byte, 16)...)
		b[23] = 6
		pair := []byte{0, s.port, 0, 80}
		if s.out {
			pair = []byte{0, 80, 0, s.port}
		}
		b = append(b, pair...)
		b = append(b, 0, 0, 0, s.seq, 0, 0, 0, s.ack, 0x50, s.flags, 0, 0, 0, 0, 0, 0)
		got.count(b, s.out, seen)
	}
	if want := (tally{Out: 4, In: 7, TCPOut: 4, TCPIn: 7, RepeatedSYNIn: 1, InTimeWait: 1, OutInTimeWait: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
