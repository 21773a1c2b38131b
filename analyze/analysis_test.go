package analyze

import (
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"wiretax/analyze/frame"
)

const ms = time.Millisecond

// analyse takes the packets in order and returns the result with one row a record.
func analyse(t testing.TB, o Options, packets ...packet) *Result {
	t.Helper()
	var rows []FrameRow
	o.EachFrame = func(r FrameRow) error { rows = append(rows, r); return nil }
	a := New(o)
	for _, p := range packets {
		if err := a.Add(p.record()); err != nil {
			t.Fatal(err)
		}
	}
	r := a.Result()
	r.Frames = rows
	checkLaws(t, r)
	return r
}

// checkLaws holds the sums against each other.
func checkLaws(t testing.TB, r *Result) {
	t.Helper()
	equal := func(what string, got, want int64) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %d, want %d", what, got, want)
		}
	}
	sum := func(m map[string]int64) (n int64) {
		for _, v := range m {
			n += v
		}
		return n
	}
	equal("sum of the owners", sum(r.Owners), r.Totals.RecordBytes)
	equal("owners and inferred", sum(r.Owners)+sum(r.Inferred), r.Totals.WireBytes)
	equal("owner tcp_options by kind", sum(r.TCP.OptionBytes), r.Owners["tcp_options"])

	for _, row := range r.Frames {
		if row.Owners != nil && (sum(row.Owners) != row.Len || sum(row.Owners)+sum(row.Inferred) != row.WireBytes) {
			t.Errorf("record %d: %d octets have owners, %d more are inferred, want %d of %d", row.N, sum(row.Owners), sum(row.Inferred), row.Len, row.WireBytes)
		}
	}
	var frames, wire int64
	for _, share := range r.Roles {
		frames, wire = frames+share.Frames, wire+share.WireBytes
	}
	equal("frames of all roles", frames, r.Totals.Frames)
	equal("wire bytes of all roles", wire, r.Totals.WireBytes)

	var all Direction
	for i := range r.Flows {
		all.add(&r.Flows[i].AB)
		all.add(&r.Flows[i].BA)
	}
	all.add(&r.Others.Direction)
	equal("records of all flows", all.Records, r.Totals.Records)
	equal("frames of all flows", all.Frames, r.Totals.Frames)
	equal("payload of all flows", all.PayloadBytes, r.Totals.PayloadBytes)
	equal("unique payload of all flows", all.UniquePayloadBytes, r.Totals.UniquePayloadBytes)
	equal("header bytes of all flows", all.HeaderBytes, r.Totals.HeaderBytes)
	equal("wire bytes of all flows", all.WireBytes, r.Totals.WireBytes)
	equal("data frames of all flows", all.DataFrames, r.Roles[Data].Frames)
	equal("ACKs of all flows", all.AckFrames, r.Roles[Ack].Frames)
	equal("retransmissions of all flows", all.Retransmissions, r.Roles[Retransmit].Frames)
	equal("setup frames of all flows", all.SetupFrames, r.Roles[Setup].Frames)
	equal("teardown frames of all flows", all.TeardownFrames, r.Roles[Teardown].Frames)
	equal("probes of all flows", all.ProbeFrames, r.Roles[Probe].Frames)
}

// wantRoles compares role and unique payload of each record.
func wantRoles(t *testing.T, r *Result, roles []Role, unique ...int64) {
	t.Helper()
	for i, row := range r.Frames {
		if row.Role != roles[i] {
			t.Errorf("record %d: role %s, want %s", row.N, row.Role, roles[i])
		}
		if i < len(unique) && row.UniqueBytes != unique[i] {
			t.Errorf("record %d: %d octets are unique, want %d", row.N, row.UniqueBytes, unique[i])
		}
	}
}

func wantWarnings(t *testing.T, r *Result, want map[string]int64) {
	t.Helper()
	got := map[string]int64{}
	for _, w := range r.Warnings {
		got[w.Code] = w.Count
		if w.Message == "" {
			t.Errorf("warning %s has no message", w.Code)
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("warnings %v, want %v", got, want)
	}
}

const (
	syn    = frame.SYN
	synAck = frame.SYN | frame.ACK
	psh    = frame.PSH | frame.ACK
	fin    = frame.FIN | frame.ACK
	rst    = frame.RST | frame.ACK
)

// wrap is 16 octets below the highest sequence number.
var wrap = ^uint32(0) - 15 - isnA

func handshake() []packet {
	return []packet{
		tcp(syn, 0, 0, 0, mss(1460)...),
		tcp(synAck, 0, 1, 0, mss(1460)...).back(),
		tcp(frame.ACK, 1, 1, 0),
	}
}

func TestRoles(t *testing.T) {
	tests := []struct {
		name    string
		packets []packet
		roles   []Role
		unique  []int64
	}{
		{"a connection from SYN to the last ACK", append(handshake(),
			tcp(psh, 1, 1, 90), tcp(frame.ACK, 1, 91, 0).back(), tcp(fin, 91, 1, 0), tcp(fin, 1, 92, 0).back(), tcp(frame.ACK, 92, 2, 0)),
			[]Role{Setup, Setup, Ack, Data, Ack, Teardown, Teardown, Ack}, []int64{0, 0, 0, 90}},
		{"a FIN with payload is data", []packet{tcp(psh, 1, 1, 10), tcp(fin, 11, 1, 10)}, []Role{Data, Data}, []int64{10, 10}},
		{"SYN, SYN-ACK and FIN sent again", []packet{tcp(syn, 0, 0, 0), tcp(syn, 0, 0, 0).after(1000 * ms),
			tcp(synAck, 0, 1, 0).back(), tcp(synAck, 0, 1, 0).back().after(1000 * ms), tcp(fin, 1, 1, 0), tcp(fin, 1, 1, 0).after(200 * ms)},
			[]Role{Setup, Retransmit, Setup, Retransmit, Teardown, Retransmit}, nil},
		{"payload sent again", []packet{tcp(psh, 1, 1, 90), tcp(psh, 1, 1, 90).after(200 * ms)}, []Role{Data, Retransmit}, []int64{90, 0}},
		{"half old, half new", []packet{tcp(psh, 1, 1, 90), tcp(psh, 46, 1, 90)}, []Role{Data, Data}, []int64{90, 45}},
		{"out of order is no retransmission", []packet{tcp(psh, 91, 1, 90), tcp(psh, 1, 1, 90), tcp(psh, 1, 1, 90).after(ms)},
			[]Role{Data, Data, Retransmit}, []int64{90, 90, 0}},
		{"the FIN arrives before the data", []packet{tcp(psh, 1, 1, 10), tcp(fin, 21, 1, 0), tcp(psh, 11, 1, 10), tcp(fin, 21, 1, 0).after(300 * ms)},
			[]Role{Data, Teardown, Data, Retransmit}, []int64{10, 0, 10, 0}},
		{"RST", []packet{tcp(psh, 1, 1, 10), tcp(rst, 1, 11, 0).back(), tcp(rst, 11, 1, 5)}, []Role{Data, Teardown, Data}, []int64{10, 0, 5}},
		{"keep-alive with and without octet, and its answer", []packet{tcp(psh, 1, 1, 10), tcp(frame.ACK, 1, 11, 0).back(),
			tcp(frame.ACK, 10, 1, 0), tcp(frame.ACK, 10, 1, 1), tcp(frame.ACK, 1, 11, 0).back()},
			[]Role{Data, Ack, Probe, Probe, Ack}, []int64{10, 0, 0, 0, 0}},
		{"one octet sent again while it is not acknowledged", []packet{tcp(psh, 1, 1, 1), tcp(frame.ACK, 1, 1, 0).back(),
			tcp(psh, 1, 1, 1).after(200 * ms)}, []Role{Data, Ack, Retransmit}, []int64{1, 0, 0}},
		{"zero-window probes", []packet{tcp(psh, 1, 1, 10), tcp(frame.ACK, 1, 11, 0).back().window(0), tcp(frame.ACK, 11, 1, 1),
			tcp(frame.ACK, 1, 11, 0).back().window(0), tcp(frame.ACK, 11, 1, 1), tcp(frame.ACK, 1, 11, 0).back(), tcp(psh, 11, 1, 10)},
			[]Role{Data, Ack, Probe, Ack, Probe, Ack, Data}, []int64{10, 0, 1, 0, 0, 0, 9}},
		{"ports used again", append(append(handshake(), tcp(psh, 1, 1, 10), tcp(rst, 11, 1, 0)),
			tcp(syn, 5_000_000, 0, 0), tcp(synAck, 7_000_000, 5_000_001, 0).back(), tcp(psh, 5_000_001, 7_000_001, 10)),
			[]Role{Setup, Setup, Ack, Data, Teardown, Setup, Setup, Data}, []int64{0, 0, 0, 10, 0, 0, 0, 10}},
		{"Fast Open: the SYN carries payload", []packet{tcp(syn, 0, 0, 50), tcp(synAck, 0, 51, 0).back(), tcp(psh, 51, 1, 10)},
			[]Role{Setup, Setup, Data}, []int64{50, 0, 10}},
		{"Fast Open refused: the payload again without SYN", []packet{tcp(syn, 0, 0, 50), tcp(synAck, 0, 1, 0).back(), tcp(psh, 1, 1, 50)},
			[]Role{Setup, Setup, Retransmit}, []int64{50, 0, 0}},
		{"a TCP segment without any flag", []packet{tcp(0, 1, 0, 0)}, []Role{OtherRole}, nil},
		{"UDP, also without payload", []packet{udp(90), udp(0)}, []Role{Data, Data}, []int64{90, 0}},
		{"UDP sent twice is two messages", []packet{udp(90), udp(90)}, []Role{Data, Data}, []int64{90, 90}},
		{"ICMP", []packet{icmp(56), icmp(56).back()}, []Role{OtherRole, OtherRole}, []int64{0, 0}},
		{"wrap-around", []packet{tcp(psh, wrap, 1, 32), tcp(psh, wrap+32, 1, 32), tcp(psh, wrap, 1, 32).after(200 * ms)},
			[]Role{Data, Data, Retransmit}, []int64{32, 32, 0}},
	}
	for _, test := range tests {
		for version, over := range map[string]func(packet) packet{"IPv4": func(p packet) packet { return p }, "IPv6": packet.over6} {
			t.Run(test.name+"/"+version, func(t *testing.T) {
				packets := slices.Clone(test.packets)
				for i := range packets {
					packets[i] = over(packets[i])
					packets[i].at += time.Duration(i) * 2 * ms // further apart than copies are
				}
				wantRoles(t, analyse(t, Options{}, packets...), test.roles, test.unique...)
			})
		}
	}
}

func TestTCPFacts(t *testing.T) {
	ack := tcp(frame.ACK, 1, 11, 0).back()
	r := analyse(t, Options{}, append(handshake(), tcp(psh, 1, 1, 10), ack, ack, ack.window(400), tcp(psh, 1, 1, 10).after(300*ms),
		tcp(frame.ACK, 10, 1, 0).after(300*ms), tcp(fin, 11, 1, 0).after(300*ms), tcp(rst, 1, 12, 0).back().after(300*ms))...)
	got := r.TCP
	got.OptionBytes = nil
	want := TCP{SYN: 1, SYNACK: 1, FIN: 1, RST: 1, WithPayload: 2, PureACK: 5, UniqueBytes: 10, RetransmittedBytes: 10,
		Retransmissions: 1, KeepAlive: 1, DupACK: 1}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if r.TCP.OptionBytes["mss"] != 8 {
		t.Errorf("option bytes %v, want 8 of mss", r.TCP.OptionBytes)
	}
}

func TestFlowsBeginAtTheFirstSender(t *testing.T) {
	r := analyse(t, Options{}, udp(90).back(), udp(10).after(ms), tcp(psh, 1, 1, 5).inVLAN(7).after(2*ms), icmp(8))
	if len(r.Flows) != 3 {
		t.Fatalf("%d flows, want 3", len(r.Flows))
	}
	first := r.Flows[0]
	if first.A != "198.51.100.2" || first.APort != serverPort || first.B != "192.0.2.1" || first.BPort != clientPort || first.Proto != "udp" {
		t.Errorf("flow 1 is %s %s:%d %s:%d", first.Proto, first.A, first.APort, first.B, first.BPort)
	}
	if first.AB.PayloadBytes != 90 || first.BA.PayloadBytes != 10 {
		t.Errorf("flow 1 carries %d and %d octets, want 90 and 10", first.AB.PayloadBytes, first.BA.PayloadBytes)
	}
	if first.First != "2024-05-01T12:00:00.000000000Z" || first.Last != "2024-05-01T12:00:00.001000000Z" {
		t.Errorf("flow 1 lasts from %s to %s", first.First, first.Last)
	}
	if f := r.Flows[1]; !slices.Equal(f.VLANs, []int{7}) || f.Proto != "tcp" || f.Number != 2 {
		t.Errorf("flow 2 is %+v", f)
	}
	if f := r.Flows[2]; f.Proto != "icmp" || f.APort != 0 || f.BPort != 0 {
		t.Errorf("flow 3 is %+v", f)
	}
	if r.Frames[0].AToB != true || r.Frames[1].AToB != false || r.Frames[1].Flow != 1 {
		t.Errorf("rows %+v", r.Frames[:2])
	}
	if r.Source.First != first.First || r.Source.Last != "2024-05-01T12:00:00.002000000Z" {
		t.Errorf("records from %s to %s", r.Source.First, r.Source.Last)
	}
}

func TestOneTupleInSeveralNetworksIsSeveralFlows(t *testing.T) {
	other := tcp(psh, 1, 1, 10)
	other.iface = 1
	r := analyse(t, Options{}, tcp(psh, 1, 1, 10), tcp(psh, 1, 1, 10).inVLAN(5), other)
	if len(r.Flows) != 3 || r.Totals.UniquePayloadBytes != 30 || r.TCP.Retransmissions != 0 {
		t.Errorf("%d flows, %d unique octets, %d retransmissions, want 3, 30, 0", len(r.Flows), r.Totals.UniquePayloadBytes, r.TCP.Retransmissions)
	}
}

func TestRecordsOfNoFlowGoToTheRest(t *testing.T) {
	a := New(Options{})
	arp := append([]byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1}, make([]byte, 20)...)
	for range 2 {
		if err := a.Add(&Record{Data: arp, WireLen: len(arp), Nanos: NoTime, Link: 1, FCS: -1}); err != nil {
			t.Fatal(err)
		}
	}
	r := a.Result()
	checkLaws(t, r)
	if r.Others.Records != 2 || r.Others.WireBytes != 168 || r.Others.Flows != 0 || len(r.Flows) != 0 {
		t.Errorf("others %+v, want 2 records of 84 wire bytes", r.Others)
	}
	if r.Totals.HeaderBytesPerPayloadByte.Valid() || r.Source.First != "" {
		t.Errorf("header bytes per payload byte %v, first %q: want none", r.Totals.HeaderBytesPerPayloadByte, r.Source.First)
	}
	wantWarnings(t, r, map[string]int64{"without_time": 2})
}

func TestFlowsBeyondTheLimitStayInTheSums(t *testing.T) {
	r := analyse(t, Options{MaxFlows: 2}, udp(90), udp(90), udp(80).onPort(1), tcp(psh, 1, 1, 10), tcp(psh, 1, 1, 10).after(300*ms), udp(90).onPort(1).after(300*ms))
	if len(r.Flows) != 2 || r.Others.Flows != 2 || r.Others.PayloadBytes != 80+180 || r.Flows[0].AB.Retransmissions != 1 {
		t.Errorf("%d flows, others %+v", len(r.Flows), r.Others)
	}
	if r.Totals.UniquePayloadBytes != 360 || r.TCP.WithPayload != 2 || r.TCP.UniqueBytes != 10 {
		t.Errorf("%d octets unique, %+v", r.Totals.UniquePayloadBytes, r.TCP)
	}
	wantWarnings(t, r, map[string]int64{"flow_limit": 3})
}

func TestTimeBackwardAndTruncatedRecords(t *testing.T) {
	a := New(Options{})
	for i, at := range []time.Duration{5 * ms, 3 * ms, 4 * ms} {
		r := udp(90).after(at).record()
		r.Data = r.Data[:60-i]
		if err := a.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	r := a.Result()
	checkLaws(t, r)
	wantWarnings(t, r, map[string]int64{"time_backward": 1, "truncated_records": 3})
	if r.Totals.PayloadBytes != 270 || r.Totals.CapturedBytes != 60+59+58 || r.Totals.MalformedRecords != 0 {
		t.Errorf("totals %+v", r.Totals)
	}
	if r.Source.First != "2024-05-01T12:00:00.003000000Z" {
		t.Errorf("first is %s", r.Source.First)
	}
}

func TestRowsAndFlowsHaveTheSameNumbersBeyondTheLimit(t *testing.T) {
	r := analyse(t, Options{MaxFlows: 2}, udp(90), udp(80).onPort(1), udp(70).onPort(2), udp(60).onPort(3), udp(60).onPort(3))
	ports := map[int]uint16{}
	for i := range r.Flows {
		ports[r.Flows[i].Number] = r.Flows[i].APort
	}
	if len(ports) != 2 || ports[r.Frames[4].Flow] != 3 {
		t.Errorf("the last row is of flow %d, port 3; flows by number have ports %v", r.Frames[4].Flow, ports)
	}
}

// traffic is n random packets of flows that begin at port, ten to a port.
func traffic(seed uint64, port uint16, n int) []packet {
	rng := rand.New(rand.NewPCG(seed, 0))
	packets := make([]packet, n)
	for i := range packets {
		seq := uint32(rng.IntN(5000))
		var p packet
		switch rng.IntN(8) {
		case 0:
			p = udp(rng.IntN(1400))
		case 1:
			p = tcp([]frame.TCPFlags{syn, synAck, fin, rst, frame.ACK}[rng.IntN(5)], seq, 1, 0, mss(1460)...)
		case 2:
			p = tcp(psh, seq, 1, 1+rng.IntN(4000), timestamps()...) // some are super-frames
		case 3:
			p = udp(2500).fragments(1480)[i%2]
		case 4:
			p = udp(1400 + rng.IntN(3000))
		default:
			p = tcp(psh, seq, 1, 1+rng.IntN(100))
		}
		p.port = port + uint16(rng.IntN(10))
		p.id = uint16(i)
		if p.fragment != 0 {
			p.id = uint16(i / 2 * 2) // the same for a first fragment and the second right behind it
		}
		if p.fragment&0x1fff != 0 { // has no ports to keep the parts of a merged analysis apart
			p.vlan = port
		}
		p.at = time.Duration(i) * 100 * time.Microsecond
		if rng.IntN(2) == 0 {
			p = p.back()
		}
		if rng.IntN(3) == 0 {
			p = p.padTo(60)
		}
		packets[i] = p
	}
	return packets
}

func TestSumsHoldForRandomTraffic(t *testing.T) {
	for seed := range uint64(20) {
		packets := traffic(seed, 100, 500)
		r := analyse(t, Options{MaxFlows: 8}, packets...)
		if len(r.Flows) != 8 {
			t.Errorf("%d flows, want 8", len(r.Flows))
		}
		var rows FrameRow
		for _, row := range r.Frames {
			rows.Frames += row.Frames
			rows.WireBytes += row.WireBytes
			rows.UniqueBytes += row.UniqueBytes
		}
		if rows.Frames != r.Totals.Frames || rows.WireBytes != r.Totals.WireBytes || rows.UniqueBytes != r.Totals.UniquePayloadBytes {
			t.Errorf("the rows add up to %+v, the totals are %+v", rows, r.Totals)
		}
	}
}

func TestAddAllocatesNothing(t *testing.T) {
	records := make([]*Record, 0, 200)
	for _, p := range traffic(3, 100, 200) {
		if p.fragment == 0 {
			records = append(records, p.record())
		}
	}
	a := New(Options{})
	add := func() {
		for _, r := range records {
			if err := a.Add(r); err != nil {
				t.Fatal(err)
			}
		}
	}
	add()
	if n := testing.AllocsPerRun(10, add); n != 0 {
		t.Errorf("%v allocations for %d records, want none", n, len(records))
	}
}

// FuzzAdd gives two records of arbitrary octets and lengths to an analysis and holds the sums against each other.
func FuzzAdd(f *testing.F) {
	f.Add(udp(90).bytes(), tcp(syn, 0, 0, 0, mss(0)...).bytes(), 132, uint16(1), true)
	f.Add(tcp(psh, 1, 1, 3000).bytes(), tcp(psh, 1, 1, 3000).bytes(), 1<<30, uint16(113), true)
	f.Add(udp(2500).fragments(1480)[1].bytes(), udp(2500).fragments(1480)[0].bytes(), 0, uint16(12), false)
	f.Fuzz(func(t *testing.T, first, second []byte, length int, link uint16, priced bool) {
		a := New(Options{AsEthernet: priced})
		for _, b := range [][]byte{first, second, first} {
			if err := a.Add(&Record{Data: b, WireLen: max(length, 0), Nanos: 1, Link: link, FCS: -1}); err != nil {
				t.Fatal(err)
			}
		}
		r := a.Result()
		checkLaws(t, r)
		if r.Totals.UniquePayloadBytes > r.Totals.PayloadBytes || r.Totals.Frames < 3 {
			t.Errorf("totals %+v", r.Totals)
		}
	})
}
