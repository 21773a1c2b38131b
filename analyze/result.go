package analyze

import (
	"encoding/json"
	"iter"
	"math"
)

// Schema is the version of the JSON that wiretax prints and stores.
const Schema = "wiretax/1"

// Ratio is a quotient of two counts. A ratio over nothing is NaN, in JSON null.
type Ratio float64

// Over returns n/d.
func Over(n, d int64) Ratio {
	if d == 0 {
		return Ratio(math.NaN())
	}
	return Ratio(float64(n) / float64(d))
}

// Valid reports whether there was anything to divide by.
func (r Ratio) Valid() bool { return !math.IsNaN(float64(r)) && !math.IsInf(float64(r), 0) }

// MarshalJSON writes null for a ratio over nothing.
func (r Ratio) MarshalJSON() ([]byte, error) {
	if !r.Valid() {
		return []byte("null"), nil
	}
	return json.Marshal(float64(r))
}

// UnmarshalJSON reads null as a ratio over nothing.
func (r *Ratio) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*r = Ratio(math.NaN())
		return nil
	}
	return json.Unmarshal(b, (*float64)(r))
}

// Result is the analysis of one capture or of several taken as one: the JSON object of kind "analysis".
type Result struct {
	Schema   string           `json:"schema"`
	Kind     string           `json:"kind"` // "analysis"
	Source   Source           `json:"source"`
	Totals   Totals           `json:"totals"`
	Owners   map[string]int64 `json:"owners"`   // measured octets by owner; they add up to Totals.RecordBytes
	Inferred map[string]int64 `json:"inferred"` // inferred octets by owner; with Owners they add up to Totals.WireBytes
	Roles    map[Role]Share   `json:"roles"`
	TCP      TCP              `json:"tcp"`
	Flows    []Flow           `json:"flows"`
	Unlisted OtherFlows       `json:"-"` // the sum of the flows that Flows leaves out
	EachFlow iter.Seq[*Flow]  `json:"-"` // all flows, one by one; nil: Flows has them all
	Others   OtherFlows       `json:"other_flows"`
	Frames   []FrameRow       `json:"frames,omitempty"` // with --frames: one row a record
	By       string           `json:"by,omitempty"`     // what Groups are made by
	Groups   []Group          `json:"groups,omitempty"` // with --by; they add up to the totals
	Charts   *Charts          `json:"-"`                // with Options.Charts
	Findings []Finding        `json:"findings"`
	Warnings []Warning        `json:"warnings"`
}

// AllFlows iterates over the flows, those left out of Flows included.
func (r *Result) AllFlows() iter.Seq[*Flow] {
	if r.EachFlow != nil {
		return r.EachFlow
	}
	return func(yield func(*Flow) bool) {
		for i := range r.Flows {
			if !yield(&r.Flows[i]) {
				return
			}
		}
	}
}

// Source says where the records came from.
type Source struct {
	Files         []string `json:"files"`
	Format        string   `json:"format"`      // pcap, pcapng, or mixed; live
	Compression   string   `json:"compression"` // none, gzip, zstd, lz4, xz, or mixed
	LinkTypes     []string `json:"link_types"`  // names as in pcap-linktype(7), without LINKTYPE_ or DLT_
	SnapLen       int64    `json:"snaplen"`     // the largest of all interfaces; 0 for no limit
	First         string   `json:"first"`       // time of the earliest record, RFC 3339 with nanoseconds; empty without any
	Last          string   `json:"last"`
	TruncatedFile bool     `json:"truncated_file"`
	Filter        string   `json:"filter"`
	Capture       *Capture `json:"capture,omitempty"` // of a live capture
}

// Totals are the figures over all records.
type Totals struct {
	Records                   int64 `json:"records"`
	Frames                    int64 `json:"frames"`           // on the wire: after expansion of super-frames
	ExpandedRecords           int64 `json:"expanded_records"` // records that were super-frames
	RecordBytes               int64 `json:"record_bytes"`     // sum of original lengths
	CapturedBytes             int64 `json:"captured_bytes"`   // sum of capture lengths
	TruncatedRecords          int64 `json:"truncated_records"`
	MalformedRecords          int64 `json:"malformed_records"`
	PayloadBytes              int64 `json:"payload_bytes"`
	UniquePayloadBytes        int64 `json:"unique_payload_bytes"`
	HeaderBytes               int64 `json:"header_bytes"`
	WireBytes                 int64 `json:"wire_bytes"`
	HeaderBytesPerPayloadByte Ratio `json:"header_bytes_per_payload_byte"`
	WireOverheadPerPayload    Ratio `json:"wire_overhead_per_payload_byte"`
	Efficiency                Ratio `json:"efficiency"`
}

// Role says what a frame is for.
type Role string

// The roles. Those of TCP follow from flags and sequence numbers; every frame has exactly one.
const (
	Setup      Role = "setup"      // SYN, SYN-ACK
	Data       Role = "data"       // carries payload
	Ack        Role = "ack"        // pure ACK
	Teardown   Role = "teardown"   // FIN or RST without payload
	Retransmit Role = "retransmit" // repeats sequence space that was sent before
	Probe      Role = "probe"      // keep-alive, zero-window probe
	OtherRole  Role = "other"      // everything that is no transport: ARP, ICMP, neighbour discovery, ...
)

// Roles lists all roles in the order in which they are shown.
var Roles = [...]Role{Setup, Data, Ack, Teardown, Retransmit, Probe, OtherRole}

// Share is the part of the traffic that has one role.
type Share struct {
	Frames    int64 `json:"frames"`
	WireBytes int64 `json:"wire_bytes"`
}

// TCP holds the facts about all TCP segments.
type TCP struct {
	SYN                int64            `json:"syn"` // without SYN-ACK
	SYNACK             int64            `json:"syn_ack"`
	FIN                int64            `json:"fin"`
	RST                int64            `json:"rst"`
	WithPayload        int64            `json:"with_payload"`
	PureACK            int64            `json:"pure_ack"` // ACK without payload and without SYN, FIN, RST
	UniqueBytes        int64            `json:"unique_bytes"`
	RetransmittedBytes int64            `json:"retransmitted_bytes"`
	Retransmissions    int64            `json:"retransmissions"` // segments
	KeepAlive          int64            `json:"keep_alive"`
	ZeroWindowProbe    int64            `json:"zero_window_probe"`
	DupACK             int64            `json:"dup_ack"`
	OptionBytes        map[string]int64 `json:"option_bytes"` // by class of option; they add up to the owner tcp_options
}

// Flow is one conversation.
type Flow struct {
	Proto  string    `json:"proto"` // tcp, udp, icmp, ... ; the EtherType's name for frames that are no IP
	A      string    `json:"a"`     // the endpoint that sent the first frame seen
	APort  uint16    `json:"a_port"`
	B      string    `json:"b"`
	BPort  uint16    `json:"b_port"`
	VLANs  []int     `json:"vlans,omitempty"`
	VNI    *int      `json:"vni,omitempty"`
	Iface  int       `json:"interface"` // number of the interface within the analysis
	AB     Direction `json:"ab"`
	BA     Direction `json:"ba"`
	First  string    `json:"first"`
	Last   string    `json:"last"`
	Number int       `json:"number"` // in order of appearance, from 1; FrameRow.Flow refers to it
}

// Direction is one direction of a flow.
type Direction struct {
	Records            int64 `json:"records"`
	Frames             int64 `json:"frames"`
	DataFrames         int64 `json:"data_frames"`
	PayloadBytes       int64 `json:"payload_bytes"`
	UniquePayloadBytes int64 `json:"unique_payload_bytes"`
	HeaderBytes        int64 `json:"header_bytes"`
	WireBytes          int64 `json:"wire_bytes"`
	AckFrames          int64 `json:"ack_frames"` // this and the frames below by role; what Frames has more is of no role's
	SetupFrames        int64 `json:"setup_frames"`
	TeardownFrames     int64 `json:"teardown_frames"`
	ProbeFrames        int64 `json:"probe_frames"`
	Retransmissions    int64 `json:"retransmissions"`
}

// OtherFlows is the sum of the flows that did not fit --max-flows, and of the records that belong to no flow.
type OtherFlows struct {
	Flows int64 `json:"flows"`
	Direction
}

// FrameRow is the accounting of one record: headers, payload, padding and the body of an ICMP message add up to Len.
type FrameRow struct {
	N            int64  `json:"n"` // 1-based, as tshark counts
	Time         string `json:"time"`
	Len          int64  `json:"len"`    // original length
	CapLen       int64  `json:"caplen"` // capture length
	Frames       int64  `json:"frames"` // on the wire; more than 1 for a super-frame
	PayloadBytes int64  `json:"payload_bytes"`
	UniqueBytes  int64  `json:"unique_payload_bytes"`
	HeaderBytes  int64  `json:"header_bytes"`
	// ICMPBodyBytes is what an ICMP message has beyond its first 8 octets, a quoted packet for instance. It is neither header
	// nor payload here; in Totals and flows it counts as header bytes.
	ICMPBodyBytes int64            `json:"icmp_body_bytes,omitempty"`
	PaddingBytes  int64            `json:"padding_bytes"` // padding, trailer and FCS of the record
	WireBytes     int64            `json:"wire_bytes"`
	Role          Role             `json:"role"`
	Flow          int              `json:"flow"` // Flow.Number; 0 for none
	AToB          bool             `json:"a_to_b"`
	Expanded      bool             `json:"expanded"`
	Owners        map[string]int64 `json:"owners,omitempty"`
	Inferred      map[string]int64 `json:"inferred,omitempty"`
}

// Warning is a doubt about the result: a footnote of a table.
type Warning struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Count   int64  `json:"count"`
	// Distrust means that the result must not be trusted: exit code 4.
	Distrust bool `json:"distrust,omitempty"`
}
