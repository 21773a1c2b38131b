package report

// runWords are the words of an experiment's further tables.
var runWords = [...]chapter{
	{"theory: what standards determine before anything is measured", []entry{
		{"theory, column by theory", "What follows from the standards alone, for a link without loss: a frame a datagram, or its fragments (RFC 791, RFC 8200); for TCP the data frames where nothing but full segments and the end of the stream decides (a cork, a single write), or where messages are further apart than the round trip. There is none where timers, the peer or a race decide: Nagle's algorithm against a delayed ACK, a congestion window that fills. Behind >= stands the least that conforming hosts can do: three segments to open, an ACK for every second full segment and every half second (RFC 9293 section 3.8.6.3), FINs that ride on the last data and the last ACK. break_even of a theory is the same for any number of messages."},
		{"rests on", "The standard or manual page from which the theory follows."},
		{"ahead from messages", "From how many messages on fewer frames / fewer wire bytes than udp's are needed, derived from the trials; see: from N messages on. -: no number found."},
		{"theory_disagrees", "Warning: the median of the trials is not what the standards determine. Both numbers stand in it; the measured one counts."},
	}},
}
