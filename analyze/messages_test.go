package analyze

import (
	"math"
	"slices"
	"testing"
	"time"

	"wiretax/analyze/frame"
)

func TestConversation(t *testing.T) {
	const ms = time.Millisecond
	at := func(d time.Duration, packets ...packet) []packet {
		for i := range packets {
			packets[i] = packets[i].after(d)
		}
		return packets
	}
	for _, tt := range []struct {
		name    string
		records []packet
		flow    int
		aToB    bool
		sizes   []int32
		times   []time.Duration
		empty   int64
	}{
		{"datagrams", slices.Concat(at(5*ms, udp(90)), at(7*ms, udp(1)), at(7*ms, udp(1472))), 1, true,
			[]int32{90, 1, 1472}, []time.Duration{0, 2 * ms, 2 * ms}, 0},
		{"a datagram without payload is no message", slices.Concat(at(0, udp(0)), at(ms, udp(90))), 1, true,
			[]int32{90}, []time.Duration{0}, 1},
		{"the answers", slices.Concat(at(0, udp(90)), at(ms, udp(40).back()), at(3*ms, udp(41).back())), 1, false,
			[]int32{40, 41}, []time.Duration{0, 2 * ms}, 0},
		{"another flow", slices.Concat(at(0, udp(90)), at(ms, udp(40).onPort(5)), at(2*ms, udp(91))), 2, true,
			[]int32{40}, []time.Duration{0}, 0},
		{"fragments are one datagram", slices.Concat(at(0, udp(4096).withID(7).fragments(1480)...), at(ms, udp(2000).withID(8).fragments(1480)...)), 1, true,
			[]int32{4096, 2000}, []time.Duration{0, ms}, 0},
		{"time goes backward", slices.Concat(at(5*ms, udp(1)), at(9*ms, udp(2)), at(8*ms, udp(3))), 1, true,
			[]int32{1, 2, 3}, []time.Duration{0, 4 * ms, 4 * ms}, 0},
		{"segments up to PSH", slices.Concat(at(0, tcp(syn, 0, 0, 0)), at(ms, tcp(frame.ACK, 1, 1, 1460)), at(2*ms, tcp(psh, 1461, 1, 540)),
			at(4*ms, tcp(psh, 2001, 1, 90))), 1, true, []int32{2000, 90}, []time.Duration{0, 3 * ms}, 0},
		{"what is sent again counts once", slices.Concat(at(0, tcp(psh, 1, 1, 90)), at(ms, tcp(psh, 91, 1, 90)), at(300*ms, tcp(psh, 91, 1, 90)),
			at(301*ms, tcp(psh, 181, 1, 10))), 1, true, []int32{90, 90, 10}, []time.Duration{0, ms, 301 * ms}, 0},
		{"a stream ends without PSH", at(0, tcp(frame.ACK, 1, 1, 100), tcp(frame.ACK, 101, 1, 100)), 1, true, []int32{200}, []time.Duration{0}, 0},
		{"no such flow", at(0, udp(90)), 2, true, nil, nil, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := NewConversation(tt.flow, 0)
			for _, p := range tt.records {
				if err := c.Add(p.record()); err != nil {
					t.Fatal(err)
				}
			}
			m := c.Direction(tt.aToB)
			var times []time.Duration
			for _, nanos := range m.Times {
				times = append(times, time.Duration(nanos))
			}
			if !slices.Equal(m.Sizes, tt.sizes) || !slices.Equal(times, tt.times) || m.Empty != tt.empty {
				t.Errorf("sizes %v at %v, %d empty, want %v at %v, %d", m.Sizes, times, m.Empty, tt.sizes, tt.times, tt.empty)
			}
			if len(tt.sizes) > 0 && c.Larger() != tt.aToB && tt.name != "the answers" {
				t.Error("the other direction has more payload")
			}
		})
	}
}

func TestConversationOfSuperFrames(t *testing.T) {
	c := NewConversation(1, 0)
	if err := c.Add(udp(6100).record()); err != nil {
		t.Fatal(err)
	}
	m := c.Direction(true)
	sum := int32(0)
	for _, size := range m.Sizes {
		sum += size
	}
	if len(m.Sizes) != 5 || sum != 6100 || m.Divided != 5 {
		t.Errorf("%v, %d divided", m.Sizes, m.Divided)
	}
}

func TestConversationWithoutTimes(t *testing.T) {
	r := udp(90).record()
	r.Nanos = NoTime
	if err := NewConversation(1, 0).Add(r); err == nil {
		t.Error("a record without a time was taken")
	}
}

// A stream that sets no PSH for more than 4 GiB is no message of a few octets.
func TestMessageWithoutEndDoesNotComeRound(t *testing.T) {
	m := &Messages{Sizes: []int32{0}}
	for range 5 {
		m.grow(0, 1<<30)
	}
	if m.Sizes[0] != math.MaxInt32 {
		t.Errorf("size %d, want %d", m.Sizes[0], math.MaxInt32)
	}
}
