package traffic

import (
	"io"
	"sort"
)

// Handovers are the moments at which the messages of one connection went into the sender's kernel and came out of the receiver's.
type Handovers struct {
	Port           uint16 // the sender's
	Sent, Received []Handover
}

// Handover is one message's. End is how many octets the connection had carried towards the receiver with the message's last one:
// of the TCP stream, TLS included, or of all datagrams. At is the time just before the system call that took that octet, or after
// the one that returned it, CLOCK_MONOTONIC in nanoseconds.
type Handover struct{ End, At int64 }

// journal notes the system calls of one direction.
type journal struct {
	octets int64
	calls  []Handover
}

// journalLimit bounds what a journal keeps: of longer runs the first calls.
const journalLimit = 1 << 20

func (j *journal) note(at int64, octets int) {
	if j == nil {
		return
	}
	j.octets += int64(octets)
	if len(j.calls) < journalLimit {
		j.calls = append(j.calls, Handover{j.octets, at})
	}
}

// covering is the first call that reached so far; false where none is known.
func (j *journal) covering(end int64) (Handover, bool) {
	i := sort.Search(len(j.calls), func(i int) bool { return j.calls[i].End >= end })
	if i == len(j.calls) {
		return Handover{}, false
	}
	return j.calls[i], true
}

// sealer notes where in the stream that TLS makes the application's octets are: whole records can be opened only.
type sealer struct {
	io.Writer
	sealed *journal // octets of the stream
	plain  int64
	writes []sealing
}

type sealing struct{ plain, sealed int64 }

func (s *sealer) Write(b []byte) (int, error) {
	n, err := s.Writer.Write(b)
	s.plain += int64(n)
	if len(s.writes) < journalLimit {
		s.writes = append(s.writes, sealing{s.plain, s.sealed.octets})
	}
	return n, err
}

// end is where the octet before the given one of the application ends in the stream; false where that is not known.
func (s *sealer) end(plain int64) (int64, bool) {
	if s == nil {
		return plain, true
	}
	i := sort.Search(len(s.writes), func(i int) bool { return s.writes[i].plain >= plain })
	if i == len(s.writes) {
		return 0, false
	}
	return s.writes[i].sealed, true
}

// handovers puts together when each message was handed over at the ends that are here; nothing where octets cannot be told, as in
// the packets of QUIC, and by the receiver alone of a stream of TLS.
func (c *connection) handovers() (h Handovers, known bool) {
	if c.via.carrier == overQUIC || c.via.carrier == overTLS && !c.here.sends() {
		return h, false
	}
	h.Port = c.terms.SenderPorts[c.number]
	var sent, arrived int64
	orderly := c.messages.corrupt+c.messages.duplicated+c.messages.reordered == 0
	for seq, t := range c.messages.times {
		size := int64(c.messages.size(seq))
		sent += size
		end, ok := c.sealer.end(sent)
		if !ok {
			break
		}
		if c.here.sends() {
			call, noted := c.sentCalls.covering(end)
			if !noted {
				break
			}
			h.Sent = append(h.Sent, Handover{end, call.At})
		}
		if !c.here.receives() || t >= 0 || !orderly {
			continue
		}
		if arrived += size; c.via.carrier != overUDP {
			arrived = end
		}
		if call, noted := c.receivedCalls.covering(arrived); noted {
			h.Received = append(h.Received, Handover{arrived, call.At})
		}
	}
	return h, true
}
