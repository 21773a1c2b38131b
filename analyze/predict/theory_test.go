package predict

import "testing"

// wire is the usual link of an experiment, with the options that Linux negotiates.
func wire(h Handover, messages, size int64) Case {
	return Case{Handover: h, Messages: messages, Size: size, RTT: 0.001, Rate: 10e6, MTU: 1500, IP: 4, Timestamps: true, WindowScaling: true, SACK: true}
}

func TestTheory(t *testing.T) {
	every := func(interval float64, c Case) Case { c.Interval = interval; return c }
	ipv6 := func(c Case) Case { c.IP = 6; return c }
	bare := func(c Case) Case { c.Timestamps, c.WindowScaling, c.SACK = false, false, false; return c }
	for _, tt := range []struct {
		name               string
		c                  Case
		data, frames, wire int64 // 0: nothing is determined
	}{
		{"a datagram of 90 octets takes 156", wire(Datagrams, 16, 90), 16, 16, 2496},
		{"one octet takes the slot of the shortest frame", wire(Datagrams, 1, 1), 1, 1, 84},
		{"a full datagram over IPv4", wire(Datagrams, 1, 1472), 1, 1, 1538},
		{"an octet more is a fragment more", wire(Datagrams, 1, 1473), 2, 2, 1538 + 84},
		{"4096 octets are three fragments", wire(Datagrams, 16, 4096), 48, 48, 16 * (2*1538 + 38 + 20 + 8 + 4096 - 2*1480)},
		{"a full datagram over IPv6", ipv6(wire(Datagrams, 1, 1452)), 1, 1, 1538},
		{"over IPv6 each fragment has a header more", ipv6(wire(Datagrams, 1, 1453)), 2, 2, 38 + 48 + 1448 + 38 + 48 + 13},
		{"90 octets over IPv6", ipv6(wire(Datagrams, 1, 90)), 1, 1, 176},
		{"packed into one datagram", wire(Packed, 16, 90), 1, 1, 1506},
		{"packed into two, the last one short", wire(Packed, 17, 90), 2, 2, 1506 + 156},
		{"packed, but none fits", wire(Packed, 2, 1473), 4, 4, 2 * (1538 + 84)},
		{"packed, but the flush time comes first", every(0.02, wire(Packed, 16, 90)), 0, 0, 0},
		{"corked: one segment, three to open, two to close", wire(Cork, 16, 90), 1, 6, 98 + 98 + 90 + 1530 + 90 + 90},
		{"corked without options", bare(wire(Cork, 16, 90)), 1, 6, 84 + 84 + 84 + 1518 + 84 + 84},
		{"corked over IPv6", ipv6(wire(Cork, 16, 90)), 2, 7, 118 + 118 + 110 + (1428 + 110) + (12 + 110) + 110 + 110},
		{"two full segments: their ACK carries the FIN", wire(Cork, 2, 1448), 2, 7, 98 + 98 + 90 + 2*1538 + 90 + 90},
		{"two full segments and a rest: an ACK between", wire(Cork, 3, 1000), 3, 9, 98 + 98 + 90 + 2*1538 + 194 + 90 + 90 + 90},
		{"corked beyond the initial window", wire(Cork, 11, 1448), 0, 0, 0},
		{"corked longer than the kernel holds", every(0.03, wire(Cork, 16, 90)), 0, 0, 0},
		{"announced within a segment", wire(More, 16, 90), 1, 6, 1996},
		{"announced beyond a segment: an ACK lets go", wire(More, 17, 90), 0, 0, 0},
		{"one call", wire(OneCall, 100, 90), 7, 15, 98 + 98 + 90 + 9000 + 7*90 + 3*90 + 90 + 90},
		{"calls apart", every(0.001, wire(OneCall, 16, 90)), 0, 0, 0},
		{"no delay, further apart than the round trip", every(0.01, wire(NoDelay, 16, 90)), 16, 21, 98 + 98 + 90 + 16*180 + 90 + 90},
		{"no delay, one ACK each half second", every(0.1, wire(NoDelay, 16, 90)), 16, 24, 98 + 98 + 90 + 16*180 + 3*90 + 90 + 90},
		{"no delay, back to back: the window gathers", wire(NoDelay, 16, 90), 0, 0, 0},
		{"no delay, nearer than the wire takes", every(0.00105, wire(NoDelay, 16, 90)), 0, 0, 0},
		{"Nagle against delayed ACK", every(0.1, wire(Nagle, 16, 90)), 0, 0, 0},
		{"Nagle with an ACK before every write", every(0.6, wire(Nagle, 2, 90)), 2, 8, 98 + 98 + 90 + 2*180 + 90 + 90 + 90},
		{"a single write", wire(Nagle, 1, 90), 1, 6, 98 + 98 + 90 + 180 + 90 + 90},
		{"a single write with a short rest, padded", bare(wire(NoDelay, 1, 1461)), 2, 7, 84 + 84 + 84 + 1538 + 84 + 84 + 84},
		{"undetermined", wire(Undetermined, 1, 90), 0, 0, 0},
		{"no message", wire(Datagrams, 0, 90), 0, 0, 0},
	} {
		e, ok := Theory(tt.c)
		if ok != (tt.frames > 0) || e.DataFrames != tt.data || e.Frames != tt.frames || e.WireBytes != tt.wire {
			t.Errorf("%s: %d data frames, %d frames, %d octets (%v); want %d, %d, %d", tt.name, e.DataFrames, e.Frames, e.WireBytes, ok, tt.data, tt.frames, tt.wire)
		}
	}
}

func TestBreakEven(t *testing.T) {
	paced := wire(NoDelay, 1, 90)
	paced.Interval = 0.01
	for _, tt := range []struct {
		name         string
		c            Case
		frames, wire int64
	}{
		{"packed from the second message on", wire(Packed, 16, 90), 2, 2},
		{"a corked connection has five frames more", wire(Cork, 16, 90), 7, 9},
		{"a frame a message never gets ahead", paced, 0, 0},
		{"full messages save nothing", wire(Cork, 1, 1448), 0, 0},
	} {
		if frames, wire := BreakEven(tt.c); frames != tt.frames || wire != tt.wire {
			t.Errorf("%s: frames from %d on, wire bytes from %d; want %d, %d", tt.name, frames, wire, tt.frames, tt.wire)
		}
	}
}

// Whatever is asked, the parts fit together.
func FuzzTheory(f *testing.F) {
	f.Add(uint8(5), int64(16), int64(90), 0.0, int64(1500), true)
	f.Fuzz(func(t *testing.T, h uint8, messages, size int64, interval float64, mtu int64, v6 bool) {
		c := wire(Handover(h%8), messages%1e6, size%(1<<24))
		c.Interval, c.MTU, c.IP = interval, mtu%65536, 4
		if v6 {
			c.IP = 6
		}
		e, ok := Theory(c)
		if slot := DatagramSlot(c.Size, c.MTU, c.IP); slot != 0 && slot < c.Size {
			t.Errorf("%+v: slot of %d octets", c, slot)
		}
		if !ok {
			return
		}
		if e.DataFrames < 1 || e.Frames < e.DataFrames || e.WireBytes < c.Messages*c.Size+e.Frames*38 {
			t.Errorf("%+v: %+v", c, e)
		}
	})
}
