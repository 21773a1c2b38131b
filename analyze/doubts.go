package analyze

import (
	"fmt"

	"wiretax/analyze/frame"
)

// doubt is something that makes a result less certain. Each has a code that does not change.
type doubt uint8

const (
	noEthernet doubt = iota
	unknownLink
	truncatedRecords
	cutInHeader
	malformedRecords
	surplusLength
	tooManyLayers
	oversizeFrames
	oversizeNotExpanded
	udpGSOAssumed
	duplicateRecords
	fragmentsUnjoined
	timeBackward
	withoutTime
	flowLimit

	numDoubts = iota
)

// doubtTexts are the code and the message of each doubt; %d is its count.
var doubtTexts = [numDoubts]struct{ code, one, many string }{
	noEthernet: {"no_ethernet", "1 record is no Ethernet: nothing is inferred for it, its wire bytes are its record bytes (--as ethernet prices it)",
		"%d records are no Ethernet: nothing is inferred for them, their wire bytes are their record bytes (--as ethernet prices them)"},
	unknownLink:      {"unknown_link", "the link type of 1 record is not decoded", "the link type of %d records is not decoded"},
	truncatedRecords: {"truncated_records", "1 record was cut by the capture; lengths come from its headers", "%d records were cut by the capture; lengths come from their headers"},
	cutInHeader:      {"cut_in_header", "1 record ends inside a header", "%d records end inside a header"},
	malformedRecords: {"malformed_records", "1 record has headers that contradict each other or its length", "%d records have headers that contradict each other or their length"},
	surplusLength:    {"surplus_length", "1 record claims octets that its headers contradict: they are counted as other, nothing is inferred for it", "%d records claim octets that their headers contradict: they are counted as other, nothing is inferred for them"},
	tooManyLayers:    {"too_many_layers", "1 record nests more headers than are decoded; the rest is other", "%d records nest more headers than are decoded; the rest is other"},
	oversizeFrames: {"oversize_frames", "1 record is a super-frame of segmentation or receive offload: it was expanded to the frames of the wire",
		"%d records are super-frames of segmentation or receive offload: they were expanded to the frames of the wire"},
	oversizeNotExpanded: {"oversize_not_expanded", "1 record is a super-frame on a link that is no Ethernet: it was not expanded (--as ethernet does)",
		"%d records are super-frames on a link that is no Ethernet: they were not expanded (--as ethernet does)"},
	udpGSOAssumed: {"udp_gso_assumed", "1 datagram is longer than the MTU: its expansion assumes datagrams that fill the MTU", "%d datagrams are longer than the MTU: their expansion assumes datagrams that fill the MTU"},
	duplicateRecords: {"duplicate_records", "1 record repeats a packet captured just before (a mirror port?): it is counted, but not as retransmission",
		"%d records repeat a packet captured just before (a mirror port?): they are counted, but not as retransmissions"},
	fragmentsUnjoined: {"fragments_unjoined", "1 fragment came without its packet's first one: it belongs to a flow without ports", "%d fragments came without their packet's first one: they belong to flows without ports"},
	timeBackward:      {"time_backward", "1 record is earlier than the one before it", "%d records are earlier than the one before them"},
	withoutTime:       {"without_time", "1 record has no time", "%d records have no time"},
	flowLimit:         {"flow_limit", "1 record belongs to a flow that was not kept apart (--max-flows): what a flow sends again after that counts as new", "%d records belong to flows that were not kept apart (--max-flows): what a flow sends again after that counts as new"},
}

// malformed are the defects of a record whose headers cannot be right.
const malformed = frame.BadHeader | frame.LengthBeyond | frame.SurplusLength | frame.TooManyLayers | frame.LengthBelowCapture

// doubt notes what was wrong with a record.
func (p *reader) doubt(r *Record, f *frame.Frame) {
	d := f.Defects
	note := func(defect frame.Defects, of doubt) {
		if d&defect != 0 {
			p.doubts[of]++
		}
	}
	if !p.options.AsEthernet {
		note(frame.NoEthernet, noEthernet)
	}
	note(frame.UnknownLink, unknownLink)
	note(frame.CutInHeader, cutInHeader)
	note(frame.SurplusLength, surplusLength)
	note(frame.TooManyLayers, tooManyLayers)
	if d&malformed != 0 || d&frame.CutInHeader != 0 && len(r.Data) >= r.WireLen {
		p.totals.MalformedRecords++
	}
}

// warnings says what makes the result less certain.
func (t *tally) warnings(c *clock) []Warning {
	counts := t.doubts
	counts[truncatedRecords] = t.totals.TruncatedRecords
	counts[malformedRecords] = t.totals.MalformedRecords
	counts[timeBackward], counts[withoutTime] = c.backward, c.without
	warnings := []Warning{}
	for d, n := range counts {
		t := doubtTexts[d]
		switch {
		case n == 1:
			warnings = append(warnings, Warning{Code: t.code, Message: t.one, Count: n})
		case n > 1:
			warnings = append(warnings, Warning{Code: t.code, Message: fmt.Sprintf(t.many, n), Count: n})
		}
	}
	return warnings
}

// WarningCodes are the codes that warnings of an analysis may have.
func WarningCodes() []string {
	codes := make([]string, numDoubts)
	for d, t := range doubtTexts {
		codes[d] = t.code
	}
	return codes
}
