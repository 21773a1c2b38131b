package report

// furtherWords are the words of reports that no other chapter has.
var furtherWords = [...]chapter{
	{"names of columns and rows", []entry{
		{"transport", "How the messages were sent: a row a way."},
		{"setup+teardown", "Frames with SYN + frames with FIN or RST, of those that carry no payload."},
		{"p50", "latency p50: the median of the one-way delays of a trial's messages."},
		{"owner", "Whose the bytes of the row are: ethernet, ipv4, tcp_options, ..."},
		{"bytes", "Bytes that the owner of the row has, in all frames."},
		{"how", "measured: read from the capture; inferred: computed from the standard; expanded: computed from a super-frame."},
		{"frames a>b, frames b>a", "Frames of each direction of a flow."},
		{"unique", "unique payload: the payload bytes that had not been in the capture before."},
		{"header/payload", "header bytes per payload byte: header bytes / unique payload."},
		{"icmp body", "What an ICMP message has beyond its first 8 octets, a quoted packet for instance."},
		{"retrans.", "TCP frames that repeat sequence space which was sent before."},
		{"witnesses", "Independent counters of the same frames: the capture, the wire, the interfaces, TCP_INFO. They must agree exactly."},
		{"super-frame", "A record longer than a frame of the wire can be: segmentation offload (TSO, GSO, UDP GSO) divides it after the capture, receive offload (GRO, LRO) put it together before. It is expanded to the frames of the wire."},
	}},
	{"transports", []entry{
		{"udp", "One datagram a message: the base of all comparisons."},
		{"udp-packed", "The application puts whole messages into datagrams that fill the MTU: TCP's real competitor."},
		{"udp-gso", "Many messages in one call, which the kernel or the NIC divides into a datagram each (UDP_SEGMENT, udp(7)): fewer calls, the same frames."},
		{"udp-sendmmsg", "Many messages in one call of sendmmsg(2), a datagram each."},
		{"tcp", "One write a message with the kernel's default: Nagle's algorithm is on (RFC 896)."},
		{"tcp-nodelay", "Nagle's algorithm off (TCP_NODELAY, tcp(7)), as Go and many other programs have it."},
		{"tcp-cork", "TCP_CORK (tcp(7)) from before the first message to after the last: only full segments leave."},
		{"tcp-more", "MSG_MORE (send(2)) with all messages but the last: more is to come."},
		{"tcp-writev", "Many messages in one call of writev(2)."},
		{"tcp-buffered", "The application collects messages in a buffer of its own and writes when it is full."},
		{"tcp-noautocork", "tcp with the sysctl net.ipv4.tcp_autocorking off."},
		{"tcp-quickack", "tcp to a receiver that asks for immediate ACKs (TCP_QUICKACK, tcp(7))."},
		{"tls", "One TLS record a message, over TCP."},
		{"tls-buffered", "Messages collected in a buffer before TLS makes records of them."},
		{"quic-stream", "A QUIC stream (RFC 9000): ordered and reliable, over UDP."},
		{"quic-datagram", "QUIC datagrams (RFC 9221), one a message."},
		{"mptcp", "Multipath TCP (RFC 8684) on a single path: what its options cost."},
	}},
}
