package report

import (
	"fmt"
	"slices"

	"wiretax/analyze"
	"wiretax/analyze/frame"
)

// The octets of the frames that the fixtures are made of: IPv4, TCP timestamps (RFC 7323), no padding.
const (
	onWire  = 24          // FCS, preamble, gap
	udpHead = 14 + 20 + 8 // Ethernet, IPv4, UDP
	tcpHead = 14 + 20 + 32
	synHead = 14 + 20 + 40
)

// udpTrial is n datagrams that carry payload octets together.
func udpTrial(n, payload int64) analyze.Trial {
	return priced(analyze.Trial{Frames: n, DataFrames: n, PayloadBytes: payload, HeaderBytes: n * udpHead, RecvCalls: n,
		Witnesses: analyze.Witnesses{Capture: n, Wire: n, Interface: n, Agree: true}}, payload)
}

// tcpTrial is a connection: two SYNs, then segments of the given roles.
func tcpTrial(data, acks, teardown, retransmit, payload int64) analyze.Trial {
	n := 2 + data + acks + teardown + retransmit
	return priced(analyze.Trial{Frames: n, DataFrames: data, AckFrames: acks, SetupFrames: 2, TeardownFrames: teardown,
		RetransmitFrames: retransmit, PayloadBytes: payload, HeaderBytes: 2*synHead + (n-2)*tcpHead, RecvCalls: data,
		Witnesses: analyze.Witnesses{Capture: n, Wire: n, Interface: n, TCPInfoSegs: n, Agree: true}}, payload)
}

func priced(t analyze.Trial, unique int64) analyze.Trial {
	t.UniquePayloadBytes = unique
	t.WireBytes = t.PayloadBytes + t.HeaderBytes + onWire*t.Frames
	t.HeaderBytesPerPayloadByte = analyze.Over(t.HeaderBytes, unique)
	t.WireOverheadPerPayload = analyze.Over(t.WireBytes-unique, unique)
	t.Efficiency = analyze.Over(unique, t.WireBytes)
	t.Drops = map[string]int64{"capture_ring": 0}
	return t
}

func timed(t analyze.Trial, p50, p99, longest float64) analyze.Trial {
	t.Latency = analyze.Latency{P50: analyze.Ratio(p50), P99: analyze.Ratio(p99), Max: analyze.Ratio(longest)}
	t.DurationSeconds = longest + 0.001
	return t
}

// transport repeats the trials, each a little later than the one before, as clocks have it.
func transport(name string, trials ...analyze.Trial) analyze.Transport {
	for i := range trials {
		jitter := analyze.Ratio(1 + 0.02*float64(i))
		trials[i].Latency.P50 *= jitter
		trials[i].Latency.P99 *= jitter
		trials[i].Latency.Max *= jitter
		trials[i].Capture = fmt.Sprintf("%s-%02d.pcapng", name, i+1)
		trials[i].Order = i
	}
	return analyze.Transport{Name: name, Trials: trials}
}

func times(n int, t analyze.Trial) []analyze.Trial { return slices.Repeat([]analyze.Trial{t}, n) }

// complete fills what the analysis of a run adds.
func complete(r *analyze.Run) *analyze.Run {
	r.Schema, r.Kind = analyze.Schema, "run"
	for _, w := range r.Workloads {
		for _, t := range w.Transports {
			for n := range t.Trials {
				t.Trials[n].SendCalls = int64(w.Messages)
				if t.Trials[n].MessagesDelivered == 0 {
					t.Trials[n].MessagesDelivered = int64(w.Messages)
				}
			}
		}
	}
	r.Complete()
	return r
}

func wireLink() analyze.Link {
	return analyze.Link{Kind: "wire", Devices: "tap", RateBitsPerSecond: 10_000_000, RTTSeconds: 0.001, MTU: 1500, IP: 4, CongestionControl: "cubic",
		Offloads: map[string]bool{"tx-tcp-segmentation": false, "rx-gro": false}}
}

// sixteenMessages is the case of the default run: 16 messages of 90 B, 10 Mb/s, RTT 1 ms.
func sixteenMessages() *analyze.Run {
	const payload = 16 * 90
	nodelay := []analyze.Trial{
		tcpTrial(11, 13, 1, 0, payload), tcpTrial(11, 13, 1, 0, payload), tcpTrial(11, 10, 1, 0, payload), tcpTrial(11, 13, 1, 0, payload),
		tcpTrial(10, 13, 1, 0, payload),
	}
	for i := range nodelay {
		nodelay[i].RecvCalls = int64(4 + i%2)
		nodelay[i] = timed(nodelay[i], 0.00112, 0.00201, 0.00205)
	}
	return complete(&analyze.Run{
		Version: "1.0.0", Host: analyze.Host{Kernel: "6.18.0", Libpcap: "libpcap 1.10.3", CPUs: 2, OS: "linux", Arch: "amd64"},
		Link: wireLink(),
		Workloads: []analyze.Workload{{Messages: 16, Size: 90, Transports: []analyze.Transport{
			transport("udp", times(5, timed(udpTrial(16, payload), 0.00164, 0.00262, 0.00262))...),
			transport("udp-packed", times(5, timed(udpTrial(1, payload), 0.00176, 0.00181, 0.00181))...),
			transport("tcp", times(5, timed(tcpTrial(2, 4, 1, 0, payload), 0.00274, 0.00276, 0.00276))...),
			transport("tcp-nodelay", nodelay...),
			transport("tcp-cork", times(5, timed(tcpTrial(1, 3, 2, 0, payload), 0.00275, 0.00281, 0.00281))...),
		}}},
	})
}

// onePlusOne is the capture of a TCP connection with two data segments and a datagram, an ARP exchange beside them.
func onePlusOne() *analyze.Result {
	return withAllNames(&analyze.Result{
		Schema: analyze.Schema, Kind: "analysis",
		Source: analyze.Source{Files: []string{"tcp-01.pcapng"}, Format: "pcapng", Compression: "none", LinkTypes: []string{"EN10MB"},
			SnapLen: 256, First: "2026-03-01T12:00:00.000000000Z", Last: "2026-03-01T12:00:00.012345678Z"},
		Totals: analyze.Totals{Records: 12, Frames: 12, RecordBytes: 2266, CapturedBytes: 1302, TruncatedRecords: 2,
			PayloadBytes: 1530, UniquePayloadBytes: 1440, HeaderBytes: 736, WireBytes: 2590,
			HeaderBytesPerPayloadByte: analyze.Over(736, 1440), WireOverheadPerPayload: analyze.Over(2590-1440, 1440),
			Efficiency: analyze.Over(1440, 2590)},
		Owners: map[string]int64{"ethernet": 168, "ipv4": 200, "tcp": 180, "tcp_options": 124, "udp": 8, "arp": 56,
			"payload": 1530, "vlan": 0, "padding": 0},
		Inferred: map[string]int64{"preamble": 96, "fill": 36, "fcs": 48, "gap": 144, "replicated_headers": 0},
		Roles: map[analyze.Role]analyze.Share{
			analyze.Setup: {Frames: 2, WireBytes: 196}, analyze.Data: {Frames: 3, WireBytes: 1686}, analyze.Ack: {Frames: 3, WireBytes: 270},
			analyze.Teardown: {Frames: 1, WireBytes: 90}, analyze.Retransmit: {Frames: 1, WireBytes: 180}, analyze.OtherRole: {Frames: 2, WireBytes: 168},
		},
		TCP: analyze.TCP{SYN: 1, SYNACK: 1, FIN: 2, WithPayload: 3, PureACK: 3, UniqueBytes: 1350, RetransmittedBytes: 90,
			Retransmissions: 1, OptionBytes: map[string]int64{"mss": 8, "timestamps": 84, "sack": 4, "window_scale": 6, "padding": 22, "mptcp": 0}},
		Flows: []analyze.Flow{
			{Proto: "udp", A: "192.0.2.1", APort: 40000, B: "192.0.2.2", BPort: 9000, Number: 1,
				AB:    analyze.Direction{Records: 1, Frames: 1, DataFrames: 1, PayloadBytes: 90, UniquePayloadBytes: 90, HeaderBytes: 42, WireBytes: 156},
				First: "2026-03-01T12:00:00.000000000Z", Last: "2026-03-01T12:00:00.000000000Z"},
			{Proto: "tcp", A: "192.0.2.1", APort: 40001, B: "192.0.2.2", BPort: 9001, Number: 2,
				AB: analyze.Direction{Records: 6, Frames: 6, DataFrames: 2, PayloadBytes: 1440, UniquePayloadBytes: 1350, HeaderBytes: 404,
					WireBytes: 1988, Retransmissions: 1},
				BA:    analyze.Direction{Records: 3, Frames: 3, HeaderBytes: 206, WireBytes: 278},
				First: "2026-03-01T12:00:00.001000000Z", Last: "2026-03-01T12:00:00.012345678Z"},
		},
		Others: analyze.OtherFlows{Direction: analyze.Direction{Records: 2, Frames: 2, HeaderBytes: 84, WireBytes: 168}},
		Warnings: []analyze.Warning{
			{Code: "truncated_records", Message: "records are shorter than their frames; lengths come from the headers", Count: 2},
		},
	})
}

// withAllNames adds the owners, roles and classes of options that have nothing, as the analysis does.
func withAllNames(r *analyze.Result) *analyze.Result {
	for o := range frame.NumOwners {
		if o < frame.NumMeasured {
			r.Owners[frame.Owner(o).String()] += 0
		} else {
			r.Inferred[frame.Owner(o).String()] += 0
		}
	}
	for _, role := range analyze.Roles {
		share := r.Roles[role]
		r.Roles[role] = share
	}
	for o := range frame.NumTCPOptions {
		r.TCP.OptionBytes[frame.TCPOption(o).String()] += 0
	}
	return r
}

// busyServer is a large capture: IPv6, VLANs, super-frames, 25 flows.
func busyServer() *analyze.Result {
	r := &analyze.Result{
		Schema: analyze.Schema, Kind: "analysis",
		Source: analyze.Source{Files: []string{"a.pcap.zst", "b.pcap.zst", "c.pcap.zst", "d.pcap.zst"}, Format: "pcap", Compression: "zstd",
			LinkTypes: []string{"EN10MB"}, First: "2026-03-01T12:00:00Z", Last: "2026-03-01T13:00:00Z", TruncatedFile: true, Filter: "tcp port 443"},
		Totals: analyze.Totals{Records: 1_000_000_000, Frames: 1_250_000_000, ExpandedRecords: 20_784, MalformedRecords: 3,
			RecordBytes: 900_000_000_000, CapturedBytes: 900_000_000_000, PayloadBytes: 850_000_000_000, UniquePayloadBytes: 849_000_000_000,
			HeaderBytes: 50_000_000_000, WireBytes: 950_000_000_000, HeaderBytesPerPayloadByte: analyze.Over(50, 849),
			WireOverheadPerPayload: analyze.Over(101, 849), Efficiency: analyze.Over(849, 950)},
		Owners:   map[string]int64{"ethernet": 14_000_000_000, "ipv6": 20_000_000_000, "tcp": 16_000_000_000, "payload": 850_000_000_000},
		Inferred: map[string]int64{"preamble": 10_000_000_000, "fcs": 5_000_000_000, "gap": 15_000_000_000, "replicated_headers": 20_000_000_000},
		Roles: map[analyze.Role]analyze.Share{
			analyze.Data: {Frames: 1_000_000_000, WireBytes: 930_000_000_000}, analyze.Ack: {Frames: 250_000_000, WireBytes: 20_000_000_000},
		},
		TCP: analyze.TCP{WithPayload: 1_000_000_000, PureACK: 250_000_000, UniqueBytes: 849_000_000_000, RetransmittedBytes: 900_000_000},
		Warnings: []analyze.Warning{
			{Code: "oversize_frames", Message: "super-frames were expanded to wire frames by the MSS of their connection", Count: 20_784},
			{Code: "truncated_file", Message: "d.pcap.zst: the file ends inside frame 1234", Count: 1, Distrust: true},
		},
	}
	vni := 7
	for i := range 25 {
		f := analyze.Flow{Proto: "tcp", A: fmt.Sprintf("2001:db8:85a3:8d3:1319:8a2e:370:%x", 0x7334+i), APort: uint16(50000 + i),
			B: "2001:db8::443", BPort: 443, Number: i + 1, First: "2026-03-01T12:00:00Z", Last: "2026-03-01T13:00:00Z",
			AB: analyze.Direction{Records: 1000, Frames: 10_000_000, PayloadBytes: 1_000_000, WireBytes: int64(1_000_000 * (i + 1))},
			BA: analyze.Direction{Records: 1000, Frames: 40_000_000, PayloadBytes: 30_000_000_000, WireBytes: 36_000_000_000},
		}
		if i == 3 {
			f.VLANs, f.VNI = []int{10, 20}, &vni
		}
		r.Flows = append(r.Flows, f)
	}
	return r
}

func withFrames(r *analyze.Result) *analyze.Result {
	r.Frames = []analyze.FrameRow{
		{N: 1, Time: "2026-03-01T12:00:00.000000000Z", Len: 132, CapLen: 132, Frames: 1, PayloadBytes: 90, UniqueBytes: 90, HeaderBytes: 42, WireBytes: 156,
			Role: analyze.Data, Flow: 1, AToB: true},
		{N: 2, Time: "2026-03-01T12:00:00.001000000Z", Len: 74, CapLen: 74, Frames: 1, HeaderBytes: 74, WireBytes: 98, Role: analyze.Setup, Flow: 2, AToB: true},
		{N: 3, Time: "2026-03-01T12:00:00.002000000Z", Len: 74, CapLen: 74, Frames: 1, HeaderBytes: 74, WireBytes: 98, Role: analyze.Setup, Flow: 2},
		{N: 4, Time: "2026-03-01T12:00:00.003500000Z", Len: 2962, CapLen: 256, Frames: 2, PayloadBytes: 2896, UniqueBytes: 2896, HeaderBytes: 66, WireBytes: 3076,
			Role: analyze.Data, Flow: 2, AToB: true, Expanded: true,
			Owners: map[string]int64{"ethernet": 14, "ipv4": 20, "tcp": 20, "tcp_options": 12, "payload": 2896}},
		{N: 5, Time: "2026-03-01T12:00:00.204000000Z", Len: 156, CapLen: 156, Frames: 1, PayloadBytes: 90, HeaderBytes: 66, WireBytes: 180,
			Role: analyze.Retransmit, Flow: 2, AToB: true},
		{N: 6, Time: "2026-03-01T12:00:00.205000000Z", Len: 114, CapLen: 114, Frames: 1, HeaderBytes: 42, ICMPBodyBytes: 72, WireBytes: 138,
			Role: analyze.OtherRole, Owners: map[string]int64{"ethernet": 14, "ipv4": 20, "icmp": 80}},
		{N: 7, Time: "", Len: 42, CapLen: 42, Frames: 1, HeaderBytes: 42, WireBytes: 84, Role: analyze.OtherRole},
	}
	return r
}

// grouped asks for the groups of a view in place of the flows.
func grouped(r *analyze.Result, by string, groups ...analyze.Group) *analyze.Result {
	r.By, r.Groups = by, groups
	return r
}

// groupOf is a group of frames with the given octets, each frame a record of its own.
func groupOf(key string, frames, payload, header, wire int64) analyze.Group {
	d := analyze.Direction{Records: frames, Frames: frames, DataFrames: frames, PayloadBytes: payload, UniquePayloadBytes: payload,
		HeaderBytes: header, WireBytes: wire}
	return analyze.Group{Key: key, Direction: d, HeaderBytesPerPayloadByte: analyze.Over(header, payload),
		WireOverheadPerPayload: analyze.Over(wire-payload, payload), Efficiency: analyze.Over(payload, wire)}
}

func byHost() *analyze.Result {
	server := groupOf("2001:db8:85a3:8d3:1319:8a2e:370:7334", 1_250_000_000, 850_000_000_000, 50_000_000_000, 900_000_000_000)
	server.Records = 1_000_000_000
	return grouped(busyServer(), "host", groupOf("other", 500, 0, 21_000, 42_000), server,
		groupOf("192.0.2.1", 100_000_000, 0, 5_400_000_000, 8_400_000_000))
}

func byFlow() *analyze.Result {
	return grouped(onePlusOne(), "flow", groupOf("tcp [2001:db8:85a3:8d3:1319:8a2e:370:7334]:40001 [2001:db8::443]:443 vlan 10 vni 7 interface 2", 9, 1440, 610, 2266),
		groupOf("udp 192.0.2.1:40000 192.0.2.2:9000", 1, 90, 42, 156), groupOf("icmp 192.0.2.1 192.0.2.2", 2, 0, 84, 168))
}

func byTime() *analyze.Result {
	return grouped(onePlusOne(), "time", groupOf("2026-03-01T12:00:00.000000000Z", 5, 90, 300, 600),
		groupOf("2026-03-01T12:00:00.250000000Z", 7, 1440, 436, 1990), groupOf("no time", 1, 0, 42, 84))
}

func acrossMidnight() *analyze.Result {
	return grouped(onePlusOne(), "time", groupOf("2026-03-01T23:59:59.000000000Z", 5, 90, 300, 600),
		groupOf("2026-03-02T00:00:00.000000000Z", 7, 1440, 436, 1990))
}

func withFindings(r *analyze.Result) *analyze.Result {
	r.Findings = []analyze.Finding{
		{Code: "tiny_segments", Message: "12345 TCP segments carried less payload than overhead: full segments would have saved 259 wire bytes",
			Count: 12345, Frames: 12345, WireBytes: 259},
		{Code: "nagle_delayed_ack", Message: "3 times a sender held data back until a delayed ACK released it (Nagle's algorithm): 0.123 s lost, 546 wire bytes",
			Count: 3, Frames: 6, WireBytes: 546, Seconds: 0.123},
	}
	return r
}
