package analyze

import (
	"encoding/json"
	"fmt"
	"time"
)

// Run is an experiment: the same messages over several transports, several trials each. It is the JSON object of kind
// "run". A recording's run.json holds it without the figures that the analysis of the captures adds.
type Run struct {
	Schema  string  `json:"schema"`
	Kind    string  `json:"kind"` // "run"
	Version string  `json:"version"`
	Host    Host    `json:"host"`
	FarHost *Host   `json:"far_host,omitempty"` // the receiver's, where it is another
	Link    Link    `json:"link"`               // of the first workload
	Preset  *Preset `json:"preset,omitempty"`   // nil where the flags stand for themselves
	Plan    Plan    `json:"plan"`
	// Flags are those of the command that asked for the run, with which it can be resumed; nil in recordings that have none.
	Flags     map[string]string `json:"flags"`
	Workloads []Workload        `json:"workloads"`
	Claims    []Claim           `json:"claims,omitempty"` // of the preset, put to the test
	Trust     *Trust            `json:"trust,omitempty"`  // nil until the captures are counted
	Warnings  []Warning         `json:"warnings"`
}

// Plan is how often an experiment repeats what it measures.
type Plan struct {
	Runs       int     `json:"runs"`       // trials of each workload over each transport, at most; 0 in recordings that do not say
	Warmup     int     `json:"warmup"`     // trials before them that were thrown away
	Confidence float64 `json:"confidence"` // the width of the intervals, see Narrow, that ends the trials earlier; 0: nothing does
}

// Host is the machine that ran the experiment.
type Host struct {
	Kernel  string `json:"kernel"`
	Libpcap string `json:"libpcap"`
	CPUs    int    `json:"cpus"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

// Link is what the frames travelled on.
type Link struct {
	Kind              string          `json:"kind"`                 // wire (a relay with rate and delay), veth (a pair with nothing between), interface
	Devices           string          `json:"devices"`              // tap, packet, veth or interface
	RateBitsPerSecond int64           `json:"rate_bits_per_second"` // 0 for no limit
	RTTSeconds        float64         `json:"rtt_seconds"`
	Loss              float64         `json:"loss"`
	Seed              uint64          `json:"seed"`
	MTU               int             `json:"mtu"`
	IP                int             `json:"ip"` // 4 or 6
	CongestionControl string          `json:"congestion_control"`
	Offloads          map[string]bool `json:"offloads"` // features of the interface that hide wire frames
	NICQueue          *NICQueue       `json:"nic_queue,omitempty"`
	// Interfaces are the sender's and the receiver's of a link of kind interface. Its rate is what their drivers say, 0 if they do
	// not, and its RTT is measured.
	Interfaces []Interface `json:"interfaces,omitempty"`
}

// Interface is one real interface.
type Interface struct {
	Name   string `json:"name"`
	Driver string `json:"driver"` // as ethtool -i has it
}

// NICQueue is the kernel's token bucket in front of the sender's interface (tc-tbf(8), tc-stab(8)): without it nothing ever
// waits in the sender's kernel, and TCP small queues and autocorking have nothing to go by.
type NICQueue struct {
	RateBitsPerSecond int64 `json:"rate_bits_per_second"`
	BurstBytes        int   `json:"burst_bytes"`
	OverheadBytes     int   `json:"overhead_bytes"` // charged beside each frame
	MinimumBytes      int   `json:"minimum_bytes"`  // charged at least, overhead included
}

// Workload is one set of messages, sent over every transport.
type Workload struct {
	Messages        int         `json:"messages"`
	Size            int         `json:"size"`            // octets a message; the mean of Sizes
	Sizes           string      `json:"sizes,omitempty"` // distribution, as --size has it; empty where all have one size
	IntervalSeconds float64     `json:"interval_seconds"`
	Arrivals        string      `json:"arrivals,omitempty"`    // constant, poisson, bursty:N
	Pattern         string      `json:"pattern,omitempty"`     // one-way, echo, wwr
	Depth           int         `json:"depth,omitempty"`       // transactions under way at once on a connection
	Connections     int         `json:"connections,omitempty"` // that share the messages
	Seed            uint64      `json:"seed"`                  // of sizes and times
	Replay          string      `json:"replay,omitempty"`      // the flow of a capture that sizes and times were taken from, in words
	LingerSeconds   float64     `json:"linger_seconds"`        // from the last write to the close of a connection
	Link            *Link       `json:"link"`                  // nil in recordings that have one link only
	Transports      []Transport `json:"transports"`
	Causes          []Cause     `json:"causes,omitempty"`
	Best            []Best      `json:"best,omitempty"` // of all transports, and of those over TCP
}

// LinkOf is the link of a workload.
func (r *Run) LinkOf(w *Workload) *Link {
	if w.Link == nil {
		return &r.Link
	}
	return w.Link
}

// Answered reports whether messages are answered: then latency is the round trip.
func (w *Workload) Answered() bool { return w.Pattern != "" && w.Pattern != "one-way" }

// Transport is one way to carry the messages, with its trials.
type Transport struct {
	Name    string             `json:"name"`
	Options map[string]any     `json:"options"` // read back from the kernel
	Trials  []Trial            `json:"trials"`
	Variant *Variant           `json:"variant,omitempty"` // nil for a transport that stands for itself
	Summary map[string]Summary `json:"summary,omitempty"` // by the JSON name of the figure
	// BreakEven is absent for the base.
	BreakEven *BreakEven `json:"break_even,omitempty"`
	// Cost is absent without trials.
	Cost *Cost `json:"cost,omitempty"`
	// Theory is nil where no standard determines anything.
	Theory   *Theory   `json:"theory,omitempty"`
	Timeline *Timeline `json:"-"` // frames to draw, where somebody asked for them
}

// Trial is the workload sent once. The first group of fields is what the capture counted, the rest what the sockets saw.
type Trial struct {
	Frames                    int64 `json:"frames"` // both directions, of the workload's flow
	DataFrames                int64 `json:"data_frames"`
	AckFrames                 int64 `json:"ack_frames"`
	SetupFrames               int64 `json:"setup_frames"`
	TeardownFrames            int64 `json:"teardown_frames"`
	RetransmitFrames          int64 `json:"retransmit_frames"`
	ProbeFrames               int64 `json:"probe_frames"`
	OtherFrames               int64 `json:"other_frames"` // seen on the link, not the workload's: in no other figure
	PayloadBytes              int64 `json:"payload_bytes"`
	UniquePayloadBytes        int64 `json:"unique_payload_bytes"`
	HeaderBytes               int64 `json:"header_bytes"`
	WireBytes                 int64 `json:"wire_bytes"`
	SecurityBytes             int64 `json:"security_bytes"` // of TLS and QUIC: in the header bytes, not in the payload
	HeaderBytesPerPayloadByte Ratio `json:"header_bytes_per_payload_byte"`
	WireOverheadPerPayload    Ratio `json:"wire_overhead_per_payload_byte"`
	Efficiency                Ratio `json:"efficiency"`
	MessagesPerDataFrame      Ratio `json:"messages_per_data_frame"`
	FramesSaved               int64 `json:"frames_saved"` // against the base of the same trial number
	DataFramesSaved           int64 `json:"data_frames_saved"`

	SendCalls         int64            `json:"send_calls"`
	RecvCalls         int64            `json:"recv_calls"`
	MessagesDelivered int64            `json:"messages_delivered"`
	AnswersDelivered  int64            `json:"answers_delivered"` // 0 where the pattern has none
	ApplicationBytes  ApplicationBytes `json:"application_bytes"`
	Latency           Latency          `json:"latency_seconds"`
	LatencyFromDue    *Latency         `json:"latency_from_due_seconds"` // nil where nothing was due at a time
	CPU               *CPU             `json:"cpu_seconds"`              // nil in recordings that say nothing about it
	CPUPerMessage     *CPUPerMessage   `json:"cpu_seconds_per_message"`  // nil with CPU
	// LatencyUncertainty is how well the clocks of two hosts could be compared: a one-way latency may be off by so much. It is absent
	// where one clock measures.
	LatencyUncertainty *Ratio           `json:"latency_uncertainty_seconds,omitempty"`
	Residence          *Residence       `json:"socket_residence_seconds"` // nil in recordings that say nothing about it
	DurationSeconds    float64          `json:"duration_seconds"`
	AutoCorked         int64            `json:"auto_corked"`                    // TcpExtTCPAutoCorking of the sender's host
	Port               uint16           `json:"port"`                           // the receiver's port: the workload's flow
	WireBitsPerSecond  float64          `json:"wire_bits_per_second,omitempty"` // reached by the sender's frames, first to last; absent without a wire
	Order              int              `json:"order"`                          // position in the sequence of all trials
	Capture            string           `json:"capture"`                        // file name within the recording
	Drops              map[string]int64 `json:"drops"`
	Witnesses          Witnesses        `json:"witnesses"`
	Span               time.Duration    `json:"-"` // from the first frame of the workload's flow to the last
}

// ApplicationBytes are the octets of the messages, and of their answers, as the application counts them: each message once,
// whatever became of it on the way. They are 0 in recordings that say nothing about them.
type ApplicationBytes struct {
	Offered   int64 `json:"offered"`   // handed over to be sent
	Delivered int64 `json:"delivered"` // arrived intact
}

// Latency is the one-way delay from the send call, or from the moment the message was due, to the receive call that returned the message's last byte, in seconds; where
// messages are answered, the round trip to the receive call that returned the answer's.
type Latency struct {
	P50 Ratio `json:"p50"`
	P99 Ratio `json:"p99"`
	Max Ratio `json:"max"`
}

// CPU is the CPU time of the threads of both ends, from the first message to the last, waiting left out, in seconds. It is NaN
// where a library works on threads that are not the sender's or the receiver's alone (QUIC).
type CPU struct {
	Sender   Ratio `json:"sender"`
	Receiver Ratio `json:"receiver"`
	Floor    Ratio `json:"floor"` // the smallest time that the clock tells from none
}

// Residence is how long messages stayed in the sockets' buffers, in seconds; nil where that is not known.
type Residence struct {
	Sender   *Latency `json:"sender"`   // from the call that handed over the last octet to the frame that carried it first
	Receiver *Latency `json:"receiver"` // from that frame's arrival to the return of the call that gave the octet
}

// CPUPerMessage is the CPU time divided by the messages of the workload, in seconds.
type CPUPerMessage struct {
	Sender   Ratio `json:"sender"`
	Receiver Ratio `json:"receiver"`
}

// Witnesses are the independent counts of the same frames.
type Witnesses struct {
	Capture     int64            `json:"capture"`       // frames libpcap saw on the sending side of each direction
	Wire        int64            `json:"wire"`          // frames the relay took in
	TCPInfoSegs int64            `json:"tcp_info_segs"` // segments by TCP_INFO of both ends; 0 for UDP
	Interface   int64            `json:"interface"`     // tx_packets of both interfaces
	Agree       bool             `json:"agree"`
	Detail      map[string]int64 `json:"detail,omitempty"`   // each counter on its own
	Disagree    []string         `json:"disagree,omitempty"` // the equations that do not hold, with their numbers
}

// Summary is one figure over the trials of a transport.
type Summary struct {
	Median Ratio     `json:"median"`
	Min    Ratio     `json:"min"`
	Max    Ratio     `json:"max"`
	CI95   *[2]Ratio `json:"ci95"`  // bootstrap interval of the median; null with fewer than three trials
	Exact  bool      `json:"exact"` // the figure was the same in every trial
	// Difference from the base; absent for the base.
	Difference *AgainstBase `json:"difference,omitempty"`
}

// ParseRun reads a run.json.
func ParseRun(b []byte) (*Run, error) {
	r := new(Run)
	if err := json.Unmarshal(b, r); err != nil {
		return nil, err
	}
	if r.Schema != Schema || r.Kind != "run" {
		return nil, fmt.Errorf("schema %q, kind %q: want %s, run", r.Schema, r.Kind, Schema)
	}
	for i, w := range r.Workloads {
		if w.Messages < 1 || w.Size < 1 {
			return nil, fmt.Errorf("workload %d: %d messages of %d octets", i+1, w.Messages, w.Size)
		}
	}
	return r, nil
}
