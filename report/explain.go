package report

import (
	"fmt"
	"io"
	"slices"

	"wiretax/analyze"
)

// Explain writes what every word and column means, how it is computed and which standard it comes from.
func Explain(w io.Writer) error {
	if err := writeTerminal(w, explanation(chapters()), Style{}); err != nil {
		return fmt.Errorf("write definitions: %w", err)
	}
	return nil
}

// chapters are the definitions, the codes behind them.
func chapters() []chapter {
	findings := chapter{title: "codes of findings"}
	for _, f := range analyze.FindingExplanations() {
		findings.entries = append(findings.entries, entry{f.Code, f.Text})
	}
	return slices.Concat(definitions[:], runWords[:], furtherWords[:], []chapter{findings, {"codes of warnings", warningCodes[:]}})
}

type chapter struct {
	title   string
	entries []entry
}

type entry struct{ word, meaning string }

var definitions = [...]chapter{
	{"what is counted", []entry{
		{"message", "One application write of the workload."},
		{"frame", "One Ethernet frame as it occupies the wire, in either direction. Packet means IP, segment means TCP (RFC 9293), datagram means UDP (RFC 768)."},
		{"record", "One entry of a capture file. One record is one frame, except a super-frame (TSO, GSO, GRO, UDP GSO), which is expanded to the frames it became on the wire."},
		{"trial", "The workload sent once over one transport, on a connection of its own. Figures are medians over the trials; a range [min..max] stands beside a figure that varied, a tilde marks it where there is no room."},
		{"base", "The transport that the others are compared with: udp, one datagram a message."},
	}},
	{"what a frame is for; every frame has one role", []entry{
		{"setup", "TCP frames with SYN (RFC 9293 section 3.5)."},
		{"data", "Frames with payload, and datagrams without."},
		{"ack, column ACKs", "TCP frames without payload and without SYN, FIN and RST."},
		{"teardown", "TCP frames with FIN or RST and without payload. A FIN that rides on data counts as data."},
		{"retransmit", "TCP frames that repeat sequence space which was sent before."},
		{"probe", "Keep-alives (RFC 9293 section 3.8.4) and zero-window probes (section 3.8.6.1)."},
		{"other", "What has no transport: ARP, ICMP, neighbour discovery."},
	}},
	{"whose a byte is; every byte of the wire has one owner", []entry{
		{"payload bytes", "Bytes above the innermost decoded transport header, retransmitted bytes included."},
		{"unique payload", "Payload bytes without the retransmitted ones."},
		{"header bytes", "Every recorded byte that is not payload, padding, trailer or FCS. Over TLS and QUIC the security bytes are among them."},
		{"security bytes", "In a run over TLS or QUIC: unique payload in the capture less the bytes that the application offered. The capture shows ciphertext; how much of it is the application's only the application knows (application_bytes). The rest is handshake, record and packet headers, tags, padding, and QUIC's acknowledgments and retransmissions. Payload means the application's bytes over every transport of a run."},
		{"record bytes", "The sum of the original lengths of the records: what the capture says was there, before the wire's own share."},
		{"wire bytes", "Header, payload and padding, and what Ethernet adds to each frame: preamble and SFD 8, FCS 4, inter-frame gap 12 (IEEE 802.3 clauses 3.1.1 and 4.4.2), each frame filled up to 60 bytes without FCS (clause 4.2.3.3). The shortest frame costs 84."},
		{"measured, inferred, expanded", "Read from the capture; computed from the standard (preamble, fill, fcs, gap); computed from a super-frame (replicated_headers)."},
	}},
	{"ratios", []entry{
		{"header bytes per payload byte, column header", "Header bytes of all frames of a trial, in both directions, handshake, ACKs and teardown included, divided by the unique payload."},
		{"wire overhead per payload byte, column wire overhead", "(Wire bytes - unique payload) / unique payload."},
		{"efficiency, column eff.", "Unique payload / wire bytes, in percent. 90 B in a UDP/IPv4 datagram: 90/156 = 57.7 %."},
		{"messages/data frame", "Messages divided by data frames: more than 1 means that messages were coalesced."},
	}},
	{"comparison", []entry{
		{"frames saved", "Frames of the base less frames of the transport, for the same messages, both directions. Negative: a cost."},
		{"data saved", "The same for frames with payload only: what coalescing alone did."},
		{"from N messages on", "The number of messages from which the transport needs less than the base, handshake, ACKs and teardown included; never: not within 100,000. Up to the number of messages that were sent it rests on the measurement and is an upper bound; beyond, marked extrapolated, back-to-back messages are taken to fill segments and others to go on in the rhythm of the trials."},
		{"added latency", "Latency less that of the base, by the medians of both: from the moment a message was due where messages have times, else from the send call. In JSON cost, also divided by the frames saved."},
		{"pareto, star, column *", "The star behind frames saved: no other transport beats this one, that is saves at least as many frames (median) at no more latency (p50), and one of the two is better by more than the noise, see difference, trial by trial of the two. Of equals, and of those whose latency does not clearly differ, all keep the star. With fewer than five trials the medians alone decide. Whatever you weigh frames and time by, the best choice has a star. A transport that lost messages has none: what got lost is no saving."},
		{"unstable", "The trials differ by more than 10 % of the median: (max - min) / median."},
		{"difference", "A figure less the base's, trial by trial of the same number, so that a drift of the machine, which meets both alike, drops out. It is larger than the noise if the 95 % bootstrap interval of the median of five such differences at least leaves 0 out (of five: all on one side, as chance makes them once in 16; more --runs are surer), or if at least two are all the same and not 0. In JSON summary.FIGURE.difference: its median, ci95, exact (the same in every pair) and clear (larger than the noise)."},
		{"?, no clear change", "The difference from the base is no larger than the noise, see difference: another run may show none. Too few trials to tell: with fewer than five no difference of latency is told from the noise."},
	}},
	{"what the sockets saw", []entry{
		{"send calls, recv calls", "System calls that wrote messages and answers, and that returned some; of TLS and QUIC, those of the sender's and the receiver's connection for whatever the protocol sends."},
		{"delivered", "Messages that arrived whole and unchanged. The column appears when one did not: loss is no saving."},
		{"auto-corked", "How often the sender's kernel kept a small segment back because others of its socket still waited in the device's queue (TcpExtTCPAutoCorking). Shown where it happened: with --nic-queue."},
		{"latency, latency p50, p99, max", "One-way delay of a message, from its send call, after connecting, to the return of the receive call that completed it, waiting for coalescing included: median, 99th percentile and longest of a trial, both ends on one clock. What shares a frame arrives together, when its last octet has: beside half the RTT, at 10 Mb/s 16 x 90 B over udp take 0.12 to 2.0 ms, one frame after the other, half of them less than 1.1 ms; over udp-packed all take 1.2 ms, hence its higher p50 and lower p99. Where messages are answered, the round trip: from the first write of a transaction to the return of the call that completed the answer. The handshake is not in it: a new TCP connection costs one round trip more before its first message, with TLS two."},
		{"latency from due", "The same delay, counted from the moment a message was due. Where a sender is late, because an earlier write blocked or an answer did not come, the messages behind it wait too, and a latency from the send call keeps silent about that (coordinated omission). Shown as due p50, due p99 and due max where messages have times (--interval, --from); both are in JSON, latency_seconds and latency_from_due_seconds."},
		{"latency uncertainty", "Between two hosts (run --to), a one-way latency is the difference of two clocks. They are compared before and after every trial over the control connection, by the exchange with the shortest round trip; half of that round trip, and what the clocks drifted apart meanwhile, bounds the error, however different the ways there and back are. Differences within it are not called one. It is that of latency from due too. In JSON latency_uncertainty_seconds of each trial; absent where one clock measures, as in the lab and for round trips."},
		{"replay", "The messages of a flow of a capture, sent anew with their sizes and times (--from, --flow). Of UDP each datagram is a message. Of TCP a message ends with a segment that has PSH, which a sender sets where its application's write ends: writes that TCP coalesced are one message, so that the frames saved are a lower bound, and what was sent again counts once."},
		{"linger", "How long a connection stays open after its last write (--linger). Without, the close follows at once, and its FIN takes along what Nagle's algorithm holds back: the sender looks better than one that goes on."},
		{"sender CPU, receiver CPU", "CPU time a message of the threads that send and receive (CLOCK_THREAD_CPUTIME_ID), with their system calls and with making and checking the messages, which is the same over every transport. Not in it: waiting for the time of a message, the handshake, and what the kernel does for arriving frames in interrupts. - over QUIC, whose library works on threads of its own. cpu_seconds has the sums of a trial, and as floor the smallest time that the clock tells from none."},
		{"in send buffer, in recv buffer", "How long a message stays in the sockets' buffers, median of a trial (p99 and max: socket_residence_seconds in JSON). Sending: from the call that handed its last octet to the kernel to the time stamp of the first frame with it; what an application or a library holds back before its call is not in it. Receiving: from the arrival of that frame to the return of the call that gave the octet, wake-up included. Each is measured by the clock of the host that it is about: between two hosts the clocks' difference is not in it. - over QUIC, where a frame does not show messages, for the receiver of TLS on another host, who does not know where in the stream they end, where a socket dropped datagrams, and beyond the first million calls of a connection."},
		{"duration", "From the first send call of a trial to the last message received."},
	}},
	{"owners of bytes, from the outside of a frame to its inside", []entry{
		{"gap, preamble, fcs (inferred), fill", "What Ethernet adds to a recorded frame: 12 + 8 + 4 octets, and up to 60 octets without FCS."},
		{"replicated_headers (expanded)", "Headers of the further wire frames that a super-frame became."},
		{"priced_ethernet", "With --as ethernet: 14 octets less the link header that they replace; can be negative."},
		{"fcs (measured), padding", "The frame check sequence where the record holds it; what stands behind the packet: padding and trailers."},
		{"ethernet, vlan, mpls, pppoe, llc, link", "Link headers; link: those that are no Ethernet (Linux cooked, PPP, 802.11, ...)."},
		{"ipv4, ipv4_options, ipv6, ipv6_ext", "The fixed 20 or 40 octets (RFC 791, RFC 8200); options and extension headers, under IPv6 also AH and the header of ESP."},
		{"tcp, tcp_options, udp, sctp", "The fixed 20 octets, the options (RFC 9293 section 3.1), 8 octets (RFC 768), common and chunk headers (RFC 9260)."},
		{"arp, icmp, tunnel, other", "The whole body of ARP; of ICMP, ICMPv6 and IGMP; the own headers of GRE, VXLAN, GENEVE, GTP-U, ...; what no rule explains: undecoded protocols, ciphertext."},
	}},
	{"columns of analyze", []entry{
		{"share %", "Part of the frames or wire bytes of the capture."},
		{"retransmitted, captured twice", "What of the payload bytes had been in the capture before, sent again by its sender or recorded again: the rest is unique."},
		{"remaining", "What is left of the wire bytes when all owners down to this row have taken theirs."},
		{"flow, a, b", "Conversations by number of appearance; a sent the first frame seen. The largest on the wire stand first."},
		{"network", "VLAN ids, VNI and interface of a flow, where there are several."},
		{"expanded from", "The records that stood for the frames, where some were super-frames."},
		{"len, caplen", "Original and captured length of a record. len is header, payload, padding (with trailer and FCS) and icmp body: what an ICMP message has beyond its first 8 octets, a quoted packet for instance."},
	}},
	{"columns of watch", []entry{
		{"wasted", "Wire bytes less unique payload of a flow, both directions: headers, padding, preamble, FCS and gap, and what was sent again."},
		{"frames/s, wire Mb/s, payload Mb/s, wire b/s", "Frames, wire bits and bits of unique payload in a second of the last interval."},
		{"dropped", "Frames that matched and are in no figure: the kernel had no room in the capture's ring (--buffer-size), or the interface dropped them. Any make the exit code 4."},
	}},
	{"groups of analyze --by; they add up to the totals", []entry{
		{"flow", "Conversations, both directions."},
		{"host", "What each host sent."},
		{"port", "Protocol and the lower of the two ports."},
		{"protocol", "The innermost decoded transport or network protocol."},
		{"interface", "The number of the interface within the analysis, from 0. Each file has its own, unless it goes on with those of another as the files of a ring buffer do: names that differ in digits only, times that do not overlap, the same interfaces."},
		{"size", "Octets of a frame with FCS, in the classes of RFC 2819 section 5. The frames of a super-frame are in the class of their mean."},
		{"time:DURATION", "Steps of the duration, counted from 1970 on; steps without records are left out."},
		{"other", "What is of no other group, and with --top N the groups beyond."},
	}},
	{"trust", []entry{
		{"lost between the hosts", "Frames that the capture of one host saw leave and the capture of the other did not see arrive (run --to): loss of the link between them, in JSON drops.lost_on_path of each trial. They are counted at their sender as all frames are. Captures of what arrived are in the directory arrived of the recording."},
		{"trust", "What the last line of a run says: whether independent counters confirm the counts of frames, see verified. Nothing confirms a latency: where the p50 of a transport's trials ranges over more than half of its median, without loss, the line beneath says so. In JSON trust has verified, trials, trials_verified and drops."},
		{"verified", "Independent counters agree frame by frame: the capture (libpcap), the wire (frames relayed), the interfaces (tx_packets by netlink) and TCP_INFO (segments by both sockets, tcpi_segs_out in linux/tcp.h), and nobody dropped a frame."},
		{"must not be trusted", "Counters disagree, a capture dropped packets, or a file is cut off: the reason stands beside it, the exit code is 4."},
		{"finding", "What costs frames, bytes or time in this capture, with its numbers. First stands what takes the largest share of the capture's wire bytes or of its time. A finding that costs nobody time is left out below 1 % of the wire bytes."},
	}},
	{"units", []entry{
		{"SI throughout", "1 Mb/s is 10^6 bit/s, 1 ms is 10^-3 s. Sizes are octets and name their layer. - means that there is nothing to compute from."},
	}},
}

// warningCodes are the footnotes of results, of analyses first.
var warningCodes = [...]entry{
	{"no_ethernet", "The link is no Ethernet. Nothing is inferred for its records, their wire bytes are their record bytes; --as ethernet prices them."},
	{"unknown_link", "The link type is not decoded: all octets of its records are of the owner link or other."},
	{"truncated_records", "The capture kept less of a record than was on the wire (snap length). Lengths come from the headers."},
	{"cut_in_header", "A record ends inside a header; what is missing is not explained."},
	{"malformed_records", "The headers of a record contradict each other or its length."},
	{"surplus_length", "The original length of a record claims octets that its headers contradict: they are counted as other, nothing is inferred from them."},
	{"too_many_layers", "A record nests more headers than are decoded; the rest is other."},
	{"oversize_frames", "A record was a super-frame of segmentation or receive offload (TSO, GSO, GRO, UDP GSO): it was expanded to the frames of the wire."},
	{"oversize_not_expanded", "A super-frame on a link that is no Ethernet: it counts as one frame; --as ethernet expands it."},
	{"udp_gso_assumed", "A datagram was longer than the MTU. How long the datagrams of a UDP super-frame were is not in the capture: they are taken to fill the MTU."},
	{"duplicate_records", "A record repeats a packet captured just before, as a mirror port shows it: it is counted, but not as retransmission."},
	{"fragments_unjoined", "An IP fragment came without the first one of its packet: it belongs to a flow without ports."},
	{"time_backward", "A record is earlier than the one before it."},
	{"without_time", "A record has no time (pcapng simple packet block)."},
	{"flow_limit", "There were more flows than --max-flows: those not used for longest are summed up in other_flows. All sums are of all records; a flow that comes again is a new one, which knows of no octets sent before: unique payload and efficiency may be too high, retransmissions too low."},
	{"rows_left_out", "A table of --frames has 100,000 rows at most; csv, json and ndjson have all. All sums are of all records."},
	{"file_cut_off", "Files end inside a record, are damaged, or went while they were read: the records before count. Not to be trusted, exit code 4."},
	{"interrupted", "The analysis was interrupted: the records up to then count, as if the capture ended there. Exit code 130."},
	{"capture_unreadable", "A capture of a run cannot be read: the run counts without this trial. Not to be trusted, exit code 4."},
	{"capture_dropped", "A live capture missed frames: the kernel had no room for them in the capture's ring, or the interface dropped them. They are in no figure. Not to be trusted, exit code 4."},
	{"transport_left_out", "A transport of a set was not measured: this machine has it not, or a message does not fit."},
	{"confidence_not_reached", "After all trials that --confidence was allowed, the 95 % interval of a median was still wider than asked for: the count says of how many workloads and transports. The trials differ that much, or are too few."},
	{"rate_not_reached", "Of so many workloads, whose datagrams would have filled the link, no trial carried more than 90 % of its rate (wire_bits_per_second); the slowest is named. This machine's sender or relay is the limit there, not the link."},
	{"host_changed", "A recording was resumed on another machine, kernel or version: trials before and after may differ for that reason. The run names the first."},
	{"witnesses_disagree", "In so many trials the independent counts of frames are not equal; the witnesses of each trial have the numbers. Not to be trusted, exit code 4."},
	{"frames_dropped", "In so many trials frames or datagrams were dropped by a capture, an interface, the wire or a socket: drops of each trial says where. Not to be trusted, exit code 4."},
	{"retransmissions_without_loss", "So many TCP frames were sent again on links that were asked to lose none: a retransmission timer or a tail loss probe fired before the ACK came, as on a machine too busy to answer in time, or where --rtt is above the first timer's second (RFC 6298). They count among frames and wire bytes."},
	{"interface_counters", "Between two hosts the counters of the interfaces did not match the captures in so many trials, less what else was on the interfaces: other traffic moved while they were read, or a driver brings them up to date late. These trials stand without that witness."},
	{"clock_set", "Between two hosts the clock of one was set, not slewed, during so many trials: the times in the captures of these, and the order of frames of different hosts, are off by as much. Latency is not: it is by CLOCK_MONOTONIC, which nobody sets."},
	{"super_frames", "Offloads are on at an end of a run between two hosts, or something in front of an end put frames together on the way: super-frames are expanded, and neither frames lost on the way nor the interfaces' counters can be compared."},
	{"incomplete", "A run ended before all of its trials: those that are complete count."},
}
