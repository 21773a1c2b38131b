// Package recording reads and writes captures on disk: pcap, pcapng and their kin, compressed or not, from files, pipes
// and standard input; and the directory that a run leaves behind.
package recording

// Record is one entry of a capture. Package analyze declares the same structure, so that records convert.
type Record struct {
	Data      []byte // captured octets; valid until the next call of Next
	WireLen   int    // original length in octets, as the capture states it; it may be a lie in either direction
	Nanos     int64  // time of capture in nanoseconds since the Unix epoch; NoTime where the capture holds none
	Interface int32  // index into Interfaces
	Link      uint16 // LINKTYPE_ value
	FCS       int8   // octets of FCS that the file says each frame ends with; -1 where it does not say
}

// NoTime stands in Record.Nanos for a record without a time (pcapng simple packet block).
const NoTime = -1 << 63

// Interface is what a capture says about one of the interfaces it was taken on. A pcap file has one.
type Interface struct {
	Link        uint16 // LINKTYPE_ value
	SnapLen     uint32 // octets captured of each frame at most; 0 for no limit
	Name        string // if_name
	Filter      string // if_filter, as text
	Description string // if_description
	FCS         int8   // octets of FCS that each frame ends with; -1 where the file does not say
	File        string // name of the file that describes the interface
}
