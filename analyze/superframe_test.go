package analyze

import (
	"testing"
	"time"

	"wiretax/analyze/frame"
)

// opened is a handshake whose SYNs announce these segment sizes, 0 for none.
func opened(a, b uint16) []packet {
	options := func(n uint16) []byte {
		if n == 0 {
			return nil
		}
		return mss(n)
	}
	return []packet{tcp(syn, 0, 0, 0, options(a)...), tcp(synAck, 0, 1, 0, options(b)...).back()}
}

func six(packets []packet) []packet {
	for i := range packets {
		packets[i] = packets[i].over6()
	}
	return packets
}

func TestSuperFramesExpandToTheFramesOfTheWire(t *testing.T) {
	oversize := map[string]int64{"oversize_frames": 1}
	assumed := map[string]int64{"oversize_frames": 1, "udp_gso_assumed": 1}
	tests := []struct {
		name     string
		options  Options
		before   []packet
		record   packet
		frames   int64
		wire     int64 // of the record
		warnings map[string]int64
	}{
		{"three full segments", Options{}, opened(1460, 1460), tcp(psh, 1, 1, 4380), 3, 4380 + 3*78, oversize},
		{"one octet more than a segment: the last frame is filled up", Options{}, opened(1460, 1460), tcp(psh, 1, 1, 1461), 2, 1461 + 2*78 + 5, oversize},
		{"the timestamp option takes room", Options{}, opened(1460, 1460), tcp(psh, 1, 1, 14480, timestamps()...), 10, 14480 + 10*90, oversize},
		{"a full segment is none", Options{}, opened(1460, 1460), tcp(psh, 1, 1, 1448, timestamps()...), 1, 1538, nil},
		{"the total length is 0", Options{}, opened(1460, 1460), tcp(psh, 1, 1, 73000), 50, 73000 + 50*78, oversize},
		{"IPv6", Options{}, six(opened(1440, 1440)), tcp(psh, 1, 1, 2880).over6(), 2, 2880 + 2*98, oversize},
		{"jumbo frames", Options{}, opened(8960, 8960), tcp(psh, 1, 1, 8960), 1, 9038, nil},
		{"jumbo frames on the receiver's side only", Options{}, opened(1460, 8960), tcp(psh, 1, 1, 2920), 2, 2920 + 2*78, oversize},
		{"a receiver that takes less than the sender's Ethernet", Options{}, opened(1460, 536), tcp(psh, 1, 1, 1460), 3, 1460 + 3*78, oversize},
		{"a sender that takes less than it sends", Options{}, opened(536, 1460), tcp(psh, 1, 1, 1460), 1, 1538, nil},
		{"an MSS of nothing", Options{}, opened(1460, 1), tcp(psh, 1, 1, 96), 2, 96 + 2*78, oversize},
		{"loopback", Options{}, opened(65495, 65495), tcp(psh, 1, 1, 32768), 1, 32768 + 78, nil},
		{"--mtu below what the SYNs say", Options{MTU: 1000}, opened(1460, 1460), tcp(psh, 1, 1, 1920), 2, 1920 + 2*78, oversize},
		{"no SYN was captured: the MTU decides", Options{}, nil, tcp(psh, 1, 1, 2896, timestamps()...), 2, 2896 + 2*90, oversize},
		{"no SYN, --mtu 9000", Options{MTU: 9000}, nil, tcp(psh, 1, 1, 2896, timestamps()...), 1, 2896 + 90, nil},
		{"no SYN, but a full segment before", Options{}, []packet{tcp(psh, 1, 1, 1360)}, tcp(psh, 1361, 1, 2720), 2, 2720 + 2*78, oversize},
		{"no SYN, a small segment before says nothing", Options{}, []packet{tcp(psh, 1, 1, 90)}, tcp(psh, 91, 1, 2920), 2, 2920 + 2*78, oversize},
		{"SYNs without MSS", Options{}, opened(0, 0), tcp(psh, 1, 1, 2920), 2, 2920 + 2*78, oversize},
		{"UDP GSO", Options{}, nil, udp(6100), 5, 6100 + 5*66, assumed},
		{"UDP GSO over IPv6", Options{}, nil, udp(6100).over6(), 5, 6100 + 5*86, assumed},
		{"UDP of an MTU that two SYNs showed", Options{}, opened(8960, 8960), udp(6100), 1, 6100 + 66, nil},
		{"UDP of an MTU that a ping showed", Options{}, []packet{icmp(8000)}, udp(6100), 1, 6100 + 66, nil},
		{"a fragment is as long as it was", Options{}, nil, udp(6100).fragments(3200)[0], 1, 14 + 20 + 3200 + 24, nil},
		{"a link that is no Ethernet", Options{}, nil, rawIP(tcp(psh, 1, 1, 2920)), 1, 2960, map[string]int64{"no_ethernet": 1, "oversize_not_expanded": 1}},
		{"a link priced as Ethernet", Options{AsEthernet: true}, nil, rawIP(tcp(psh, 1, 1, 2920)), 2, 2920 + 2*78, oversize},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := analyse(t, test.options, append(test.before, test.record)...)
			row := r.Frames[len(r.Frames)-1]
			if row.Frames != test.frames || row.WireBytes != test.wire || row.Expanded != (test.frames > 1) {
				t.Errorf("%d frames, %d wire bytes, expanded %v, want %d frames, %d wire bytes", row.Frames, row.WireBytes, row.Expanded, test.frames, test.wire)
			}
			if test.frames > 1 && r.Totals.ExpandedRecords != 1 {
				t.Errorf("%d expanded records, want 1", r.Totals.ExpandedRecords)
			}
			wantWarnings(t, r, test.warnings)
		})
	}
}

// rawIP is a packet of link type RAW: without its Ethernet header.
func rawIP(p packet) packet { p.raw = true; return p }

func TestRolesCountFramesOfTheWire(t *testing.T) {
	r := analyse(t, Options{}, append(opened(1460, 1460), tcp(psh, 1, 1, 4380), tcp(psh, 1, 1, 4380).after(300*ms))...)
	if d, again := r.Roles[Data], r.Roles[Retransmit]; d.Frames != 3 || again.Frames != 3 || r.Totals.Frames != 8 || r.Totals.Records != 4 {
		t.Errorf("data %+v, retransmitted %+v, totals %+v", d, again, r.Totals)
	}
	if r.Inferred["replicated_headers"] != 4*54 {
		t.Errorf("%d octets of replicated headers, want 216", r.Inferred["replicated_headers"])
	}
}

func TestPricedAsEthernet(t *testing.T) {
	tests := []struct {
		name   string
		packet packet
		wire   int64
		priced int64
	}{
		{"raw IP, 90 octets of UDP", rawIP(udp(90)), 156, 14},
		{"raw IP, one octet", rawIP(udp(1)), 84, 14},
		{"an Ethernet frame stays what it is", udp(1), 84, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := analyse(t, Options{AsEthernet: true}, test.packet)
			if r.Totals.WireBytes != test.wire || r.Inferred["priced_ethernet"] != test.priced {
				t.Errorf("%d wire bytes, %d for the header, want %d and %d", r.Totals.WireBytes, r.Inferred["priced_ethernet"], test.wire, test.priced)
			}
			wantWarnings(t, r, nil)
		})
	}
	r := analyse(t, Options{}, rawIP(udp(90)))
	if r.Totals.WireBytes != 118 {
		t.Errorf("without --as: %d wire bytes, want the 118 of the record", r.Totals.WireBytes)
	}
}

func TestFragmentsJoinTheFlowOfTheirPacket(t *testing.T) {
	whole := udp(4096).withID(7)
	parts := whole.fragments(1480)
	stranger := udp(4096).withID(8).fragments(1480)[1]
	r := analyse(t, Options{}, parts[0], parts[2], parts[1], stranger, whole.withID(9).back().fragments(1480)[0])
	if len(r.Flows) != 2 {
		t.Fatalf("%d flows, want the one with ports and the stranger's", len(r.Flows))
	}
	if f := r.Flows[0]; f.AB.Records != 3 || f.AB.PayloadBytes != 4096 || f.AB.UniquePayloadBytes != 4096 || f.AB.DataFrames != 3 || f.BA.Records != 1 {
		t.Errorf("flow 1: %+v", f)
	}
	if f := r.Flows[1]; f.APort != 0 || f.AB.PayloadBytes != 1480 {
		t.Errorf("flow 2: %+v", f)
	}
	wantWarnings(t, r, map[string]int64{"fragments_unjoined": 1})
}

func TestAnIdentificationIsForgottenInTime(t *testing.T) {
	parts := udp(4096).withID(7).fragments(1480)
	second := func(at time.Duration) packet { return parts[1].after(at) }
	for _, test := range []struct {
		name     string
		packets  []packet
		warnings map[string]int64
	}{
		{"within a minute", []packet{parts[0], second(60 * time.Second)}, nil},
		{"after a minute", []packet{parts[0], second(61 * time.Second)}, map[string]int64{"fragments_unjoined": 1}},
		{"since used for another packet", []packet{parts[0], parts[0].after(50 * time.Second), second(100 * time.Second)}, nil},
		{"a clock that was set back", []packet{parts[0].after(time.Hour), second(0)}, map[string]int64{"fragments_unjoined": 1, "time_backward": 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			wantWarnings(t, analyse(t, Options{}, test.packets...), test.warnings)
		})
	}
}

// A key that was added again goes when its second place is needed, not when its first is.
func TestRingForgetsTheOldest(t *testing.T) {
	var r ring[int, int]
	r.add(1, 10)
	r.add(1, 11)
	for k := range maxRemembered - 1 {
		r.add(100+k, k)
	}
	if v, ok := r.of(1); v != 11 || !ok {
		t.Errorf("a key that was added again: %d, %v", v, ok)
	}
	if _, ok := r.of(100); !ok {
		t.Error("a key was forgotten early")
	}
	r.add(5000, 0)
	if _, ok := r.of(1); ok {
		t.Error("the oldest key is still there")
	}
	if len(r.places) != maxRemembered {
		t.Errorf("%d keys, want %d", len(r.places), maxRemembered)
	}
}

func TestFragmentsOfASegmentAreOneSequence(t *testing.T) {
	parts := tcp(psh, 1, 1, 3000).withID(7).fragments(1480)
	again := tcp(psh, 1, 1, 3000).withID(8).fragments(1480)
	next := tcp(psh, 3001, 1, 100).withID(9)
	r := analyse(t, Options{}, append(append(parts, next), again...)...)
	wantRoles(t, r, []Role{Data, Data, Data, Data, Retransmit, Retransmit, Retransmit}, 1460, 1480, 60, 100, 0, 0, 0)
	if r.TCP.UniqueBytes != 3100 || r.TCP.RetransmittedBytes != 3000 {
		t.Errorf("%d unique, %d retransmitted octets, want 3100 and 3000", r.TCP.UniqueBytes, r.TCP.RetransmittedBytes)
	}
}

func TestCopiesAreNoRetransmissions(t *testing.T) {
	tests := []struct {
		name    string
		packets []packet
		copies  int64
		roles   []Role
		unique  []int64
	}{
		{"a mirror sees every packet twice", []packet{tcp(psh, 1, 1, 9).withID(1), tcp(psh, 1, 1, 9).withID(1), tcp(psh, 10, 1, 9).withID(2),
			tcp(psh, 10, 1, 9).withID(2)}, 2, []Role{Data, Data, Data, Data}, []int64{9, 0, 9, 0}},
		{"on both sides of a router", []packet{tcp(psh, 1, 1, 9).withID(1), tcp(psh, 10, 1, 9).withID(2), tcp(psh, 10, 1, 9).withID(2).routed().after(2 * ms)},
			1, []Role{Data, Data, Data}, []int64{9, 9, 0}},
		{"a new identification is a retransmission", []packet{tcp(psh, 1, 1, 9).withID(1), tcp(psh, 1, 1, 9).withID(2)}, 0, []Role{Data, Retransmit}, []int64{9, 0}},
		{"the same packet much later", []packet{tcp(psh, 1, 1, 9).withID(1), tcp(psh, 10, 1, 9).withID(2), tcp(psh, 10, 1, 9).withID(2).after(200 * ms)},
			0, []Role{Data, Data, Retransmit}, []int64{9, 9, 0}},
		{"a sender that always has the same identification", []packet{tcp(psh, 1, 1, 9).withID(1), tcp(psh, 10, 1, 9).withID(1), tcp(psh, 10, 1, 9).withID(1).after(5 * ms)},
			0, []Role{Data, Data, Retransmit}, []int64{9, 9, 0}},
		{"IPv6 within a millisecond", []packet{tcp(psh, 1, 1, 9).over6(), tcp(psh, 1, 1, 9).over6().after(ms)}, 1, []Role{Data, Data}, []int64{9, 0}},
		{"IPv6 later", []packet{tcp(psh, 1, 1, 9).over6(), tcp(psh, 1, 1, 9).over6().after(2 * ms)}, 0, []Role{Data, Retransmit}, []int64{9, 0}},
		{"duplicate acknowledgments without identification", []packet{tcp(frame.ACK, 1, 1, 0), tcp(frame.ACK, 1, 1, 0)}, 0, []Role{Ack, Ack}, nil},
		{"SYN and FIN", []packet{tcp(syn, 0, 0, 0), tcp(syn, 0, 0, 0), tcp(fin, 1, 1, 0), tcp(fin, 1, 1, 0)}, 2, []Role{Setup, Setup, Teardown, Teardown}, nil},
		{"UDP with identification: a copy is counted, its payload stays unique", []packet{udp(9).withID(1), udp(8).withID(2), udp(8).withID(2)}, 1,
			[]Role{Data, Data, Data}, []int64{9, 8, 8}},
		{"a mirror that pads its copies", []packet{tcp(psh, 1, 1, 3).withID(1), tcp(psh, 1, 1, 3).withID(1).padTo(60), tcp(psh, 4, 1, 3).over6().padTo(60),
			tcp(psh, 4, 1, 3).over6().padTo(100)}, 2, []Role{Data, Data, Data, Data}, []int64{3, 0, 3, 0}},
		{"UDP without", []packet{udp(9), udp(9)}, 0, []Role{Data, Data}, []int64{9, 9}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := analyse(t, Options{}, test.packets...)
			wantRoles(t, r, test.roles, test.unique...)
			var want map[string]int64
			if test.copies > 0 {
				want = map[string]int64{"duplicate_records": test.copies}
			}
			wantWarnings(t, r, want)
		})
	}
}
