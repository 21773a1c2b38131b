// Package analyze turns records into flows, roles and the accounting of wire bytes.
package analyze

import "wiretax/analyze/frame"

// Record is one entry of a capture. Package recording declares the same structure, so that its records convert.
type Record struct {
	Data      []byte // captured octets; valid only during the call they are passed to
	WireLen   int    // original length in octets, as the capture states it
	Nanos     int64  // time of capture in nanoseconds since the Unix epoch; NoTime where the capture holds none
	Interface int32  // the number of the interface within the analysis
	Link      uint16 // LINKTYPE_ value
	FCS       int8   // octets of FCS that the file says each frame ends with; -1 where it does not say
}

// NoTime stands in Record.Nanos for a record without a time (pcapng simple packet block).
const NoTime = -1 << 63

func (r Record) link() frame.LinkType { return frame.LinkType(r.Link) }
