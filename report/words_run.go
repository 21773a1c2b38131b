package report

// runWords are the words of an experiment's further tables.
var runWords = [...]chapter{
	{"theory: what standards determine before anything is measured", []entry{
		{"theory, column by theory", "What follows from the standards alone, for a link without loss: a frame a datagram, or its fragments (RFC 791, RFC 8200); for TCP the data frames where nothing but full segments and the end of the stream decides (a cork, a single write), or where messages are further apart than the round trip. There is none where timers, the peer or a race decide: Nagle's algorithm against a delayed ACK, a congestion window that fills. Behind >= stands the least that conforming hosts can do: three segments to open, an ACK for every second full segment and every half second (RFC 9293 section 3.8.6.3), FINs that ride on the last data and the last ACK. break_even of a theory is the same for any number of messages."},
		{"rests on", "The standard or manual page from which the theory follows."},
		{"ahead from messages", "From how many messages on fewer frames / fewer wire bytes than udp's are needed, derived from the trials; see: from N messages on. -: no number found."},
		{"theory_disagrees", "Warning: the median of the trials is not what the standards determine. Both numbers stand in it; the measured one counts."},
	}},
	{"causes: what run --explain-causes adds", []entry{
		{"mechanism", "What of TCP is turned off, alone, in trials that take turns with the transport's own: Nagle (TCP_NODELAY=1), autocorking (sysctl net.ipv4.tcp_autocorking=0), the initial congestion window (route initcwnd 1000 instead of 10 segments, RFC 6928), delayed ACK (route quickack 1), timestamps (sysctl net.ipv4.tcp_timestamps=0, RFC 7323). Where a transport has Nagle off already, it is turned on. Options are set within the lab only and read back; one that the kernel does not take is left out with a warning."},
		{"contribution", "The median of the trials with the mechanism less that of the trials without it: negative frames are frames that it saved. It is larger than the noise if the 99.5 % bootstrap interval of the difference leaves 0 out, with five trials of each or more: so strict, because a table of causes is many comparisons at once. Contributions do not add up: where two mechanisms work only together, as Nagle and delayed ACK do in write-write-read, taking away either one removes the whole effect, and both show it."},
		{"without it", "How the trials without the mechanism are made, on both hosts; with: how those with it are, where the transport has it off."},
		{"variant", "A transport with one mechanism the other way, named like tcp+nodelay: a row of the JSON and the CSV, not of the tables. --transports takes the name too."},
	}},
	{"presets: workloads with sources", []entry{
		{"preset", "A named set of flags whose numbers have a source, or are said to be assumed: wiretax run --preset list. A flag given beside it overrides it, and the report says so."},
		{"claim", "What the thread of 2008 said, tested by run --preset thread. As CSV such a run is its claims; its transports are in the JSON."},
		{"no", "The number of a claim, under which it stands in words."},
		{"claimed, measured", "The value that was claimed, or the limit that follows from the rate; the median of the trials."},
		{"range", "The smallest and the largest of the trials. Blank: the same in each."},
		{"verdict", "What the trials make of a claim, computed from them alone: holds; holds only if, with the condition in words; does not hold; not decided, where the trials differ too much or are too few; not measured. A frame rate holds if the median reaches 98 % of the limit and no more than 100.5 %. More over TCP holds if every trial was above what the wire can carry in datagrams, or the difference is larger than the noise."},
	}},
	{"comparison of the workloads of a run", []entry{
		{"workload", "The messages, and in what else the workloads of the run differ."},
		{"saves most", "The transport with the fewest frames (median), of equals the one that adds less latency; a row more for the one with the fewest wire bytes, if it is another; the same among those over TCP. none: none needs less than the base; not measured: the run ended before there was something to compare. Who lost messages saves nothing."},
		{"frames saved, bytes saved", "Medians: of the base less of the transport, handshake, ACKs and teardown included."},
		{"added p50", "Median latency of a message less that over the base. In brackets: not larger than the noise, or of fewer than five trials, which cannot tell."},
		{"udp frames, udp bytes", "The medians of the base."},
	}},
}
