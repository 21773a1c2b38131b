package analyze

import (
	"fmt"
	"strings"

	"wiretax/analyze/flow"
	"wiretax/analyze/frame"
)

// Finding is something in the traffic that costs frames, octets or time, with the numbers behind it.
type Finding struct {
	Code      string  `json:"code"`
	Message   string  `json:"message"`
	Count     int64   `json:"count"`      // of what the message counts first
	Frames    int64   `json:"frames"`     // frames that it takes part in
	WireBytes int64   `json:"wire_bytes"` // octets at stake: what the wire would carry less without it
	Seconds   float64 `json:"seconds"`    // time at stake: how long somebody waited; 0 where nobody does
}

// finding is a kind of Finding.
type finding uint8

const (
	nagleDelayedACK finding = iota
	splitWrites
	tinySegments
	tinyDatagrams
	ackPerSegment
	idleHandshakes
	paddingOutweighs
	ipFragments
	duplicateCapture
	superFrames

	numFindings = iota
)

// findingTexts are the code of each finding, which does not change, its sentence, and what it means. The sentence is the
// count, then one or many, then the rest with the operands frames, wire bytes and seconds.
var findingTexts = [numFindings]struct{ code, one, many, rest, explanation string }{
	nagleDelayedACK: {"nagle_delayed_ack", "time", "times",
		"a sender held data back until a delayed ACK released it (Nagle's algorithm): %.3[3]f s lost, %[2]d wire bytes",
		"A small segment was out, its ACK came alone 35 to 60 ms later (Linux delays ACKs by 40 ms, TCP_DELACK_MIN), and within 25 ms of it the sender sent more: it had waited (RFC 896, RFC 1122 section 4.2.3.2). Count: stalls. Frames, wire bytes: the ACK and the overhead of the second segment, which one write of both parts would save. Remedy: write the message in one piece, or TCP_NODELAY."},
	splitWrites: {"split_writes", "request was", "requests were",
		"sent in several segments although one would have held it (write-write-read): %[1]d frames, %[2]d wire bytes more than needed",
		"Two or more segments of one direction that together fit in one, then data the other way: the application wrote its message in pieces. Count: messages. Frames, wire bytes: the segments after the first, without their payload. The time that this costs is in nagle_delayed_ack. Remedy: one write, writev, MSG_MORE or TCP_CORK."},
	tinySegments: {"tiny_segments", "TCP segment", "TCP segments",
		"carried less payload than overhead: full segments would have saved %[2]d wire bytes",
		"TCP frames with payload of which more than half of the wire bytes is no payload. Wire bytes: their overhead less the share that the same payload has in full frames (1460 octets)."},
	tinyDatagrams: {"tiny_datagrams", "datagram", "datagrams",
		"carried less payload than overhead: full datagrams would have saved %[2]d wire bytes",
		"UDP frames of which more than half of the wire bytes is no payload. Wire bytes: their overhead less the share that the same payload has in full frames (1460 octets)."},
	ackPerSegment: {"ack_per_segment", "stream", "streams",
		"had a pure ACK for nearly every data frame: one for two would have saved %[1]d frames, %[2]d wire bytes",
		"Directions of TCP flows with 10 data frames or more that were answered by more than three pure ACKs for four data frames. A receiver has to acknowledge every second full segment (RFC 1122 section 4.2.3.2). Frames: the ACKs beyond that."},
	idleHandshakes: {"idle_handshakes", "connection", "connections",
		"carried less payload than handshake and close took on the wire: %[1]d frames, %[2]d wire bytes, %.3[3]f s of handshakes",
		"TCP flows that began in the capture and whose unique payload is smaller than the wire bytes of their SYN, FIN and RST frames. Seconds: from the SYN to the end of the handshake, at the mean of the capture. Remedy: keep connections open, or a datagram."},
	paddingOutweighs: {"padding_outweighs_payload", "frame", "frames",
		"carried more padding than payload: %[2]d octets of padding",
		"Frames with payload whose padding to the 60 octets of Ethernet (IEEE 802.3 clause 4.2.3.3), captured or inferred, is larger than the payload."},
	ipFragments: {"ip_fragments", "IP fragment:", "IP fragments:",
		"the headers of those after the first took %[2]d wire bytes",
		"Count, frames: all fragments. Wire bytes: what the fragments after the first carry besides payload. The loss of one fragment loses the packet (RFC 8900)."},
	duplicateCapture: {"duplicate_capture", "record was", "records were",
		"captured twice: %[2]d wire bytes are counted that the wire did not carry",
		"Packets repeated octet for octet within 20 ms, as a mirror port of both directions or a capture on both sides of a router shows them. They are in all sums, but are no retransmissions and, in TCP, no unique payload."},
	superFrames: {"super_frames", "super-frame stands", "super-frames stand",
		"for %[1]d frames on the wire, %[2]d wire bytes of them computed, not captured",
		"Records of segmentation or receive offload (TSO, GSO, GRO, UDP GSO). Turn the offloads off (ethtool -K) to see the frames of the wire."},
}

// Explanation says what the code of a finding means.
type Explanation struct{ Code, Text string }

// FindingExplanations explains all findings, in the order in which they are shown.
func FindingExplanations() []Explanation {
	list := make([]Explanation, numFindings)
	for i, t := range findingTexts {
		list[i] = Explanation{t.code, t.explanation}
	}
	return list
}

// stake is what a finding is made of.
type stake struct{ count, frames, wire, micros int64 }

func (s *stake) add(o stake) {
	s.count += o.count
	s.frames += o.frames
	s.wire += o.wire
	s.micros += o.micros
}

// evidence is what findings rest on.
type evidence struct {
	stakes     [numFindings]stake
	handshakes stake // count and duration of handshakes from SYN to the third segment
}

// fullPayload is the payload of a full frame to measure small ones by.
const fullPayload = 1460

// weigh notes what one record tells.
func (e *evidence) weigh(v *verdict, d *digest) {
	payload := int64(d.payload)
	overhead := v.wire - payload
	if payload > 0 && d.is(hasTransport) && v.frames == 1 {
		if payload < overhead {
			of := tinySegments
			if d.proto != frame.ProtoTCP {
				of = tinyDatagrams
			}
			e.stakes[of].add(stake{1, 1, overhead - overhead*payload/fullPayload, 0})
		}
		if pad := int64(d.padding); pad > payload {
			e.stakes[paddingOutweighs].add(stake{1, 1, pad, 0})
		}
	}
	switch {
	case d.is(laterFragment):
		e.stakes[ipFragments].add(stake{1, 1, overhead, 0})
	case d.is(isFragment):
		e.stakes[ipFragments].add(stake{1, 1, 0, 0})
	}
	if v.copied {
		e.stakes[duplicateCapture].add(stake{1, v.frames, v.wire, 0})
	}
	if v.frames > 1 {
		e.stakes[superFrames].add(stake{1, v.frames, int64(d.around) + v.replicated, 0})
	}
}

// worthSaying is the share of the wire bytes from which on a finding that costs nobody time is reported.
const worthSaying = 0.01

// findings are the findings that matter: those that cost time, that take 1 % of the wire bytes or more, or that say what
// kind of capture this is.
func (a *Analysis) findings(t *tally) []Finding {
	list := []Finding{}
	stakes := t.evidence.stakes
	a.weighFlows(t, &stakes)
	wire := t.ledger.Wire()
	for i, s := range stakes {
		aboutCapture := finding(i) >= ipFragments
		if s.count == 0 || !aboutCapture && s.micros == 0 && float64(s.wire) < worthSaying*float64(wire) {
			continue
		}
		list = append(list, finding(i).say(s))
	}
	return list
}

// say puts a finding into words.
func (f finding) say(s stake) Finding {
	t := &findingTexts[f]
	seconds := float64(s.micros) / 1e6
	noun := t.many
	if s.count == 1 {
		noun = t.one
	}
	return Finding{Code: t.code, Count: s.count, Frames: s.frames, WireBytes: s.wire, Seconds: seconds,
		Message: fmt.Sprintf("%d %s ", s.count, noun) + singular.Replace(fmt.Sprintf(t.rest, s.frames, s.wire, seconds))}
}

// singular mends what a count of one leaves of the texts.
var singular = strings.NewReplacer(" 1 frames", " 1 frame", " 1 wire bytes", " 1 wire byte", " 1 octets", " 1 octet")

// enoughData is the number of data frames from which on a stream has a rhythm of ACKs.
const enoughData = 10

// weighFlows adds what whole flows tell.
func (a *Analysis) weighFlows(t *tally, stakes *[numFindings]stake) {
	mean := func(r flow.Role, frames int64) int64 { // wire bytes of frames of a role
		if t.roles[r].Frames == 0 {
			return 0
		}
		return t.roles[r].WireBytes * frames / t.roles[r].Frames
	}
	for _, f := range a.flows() {
		if k := f.Key(); k.Proto != frame.ProtoTCP {
			continue
		}
		ab, ba := f.counts(0), f.counts(1)
		for _, d := range [...]struct{ data, acks int64 }{{ab.Frames[flow.Data], ba.Frames[flow.Ack]}, {ba.Frames[flow.Data], ab.Frames[flow.Ack]}} {
			if d.data >= enoughData && 4*d.acks > 3*d.data {
				spared := d.acks - d.data/2
				stakes[ackPerSegment].add(stake{1, spared, mean(flow.Ack, spared), 0})
			}
		}
		ab.Add(&ba)
		frames := ab.Frames[flow.Setup] + ab.Frames[flow.Teardown]
		cost := mean(flow.Setup, ab.Frames[flow.Setup]) + mean(flow.Teardown, ab.Frames[flow.Teardown])
		if ab.Frames[flow.Setup] > 0 && ab.Payload-ab.Repeated < cost {
			s := stake{1, frames, cost, 0}
			if h := t.evidence.handshakes; h.count > 0 {
				s.micros = h.micros / h.count
			}
			stakes[idleHandshakes].add(s)
		}
	}
}
