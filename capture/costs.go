package capture

import (
	"time"

	"wiretax/capture/traffic"
)

// costFacts are what the messages cost beside frames.
type costFacts struct {
	FromDue *latencyFacts `json:"latency_from_due_seconds"` // nil where nothing was due at a time
	CPU     cpuFacts      `json:"cpu_seconds"`
	// Residence is how long messages stayed in the sockets' buffers.
	Residence residenceFacts `json:"socket_residence_seconds"`
}

// cpuFacts are seconds of CPU time of both ends' threads; nil where the work is not done on threads of their own.
type cpuFacts struct {
	Sender   *float64 `json:"sender"`
	Receiver *float64 `json:"receiver"`
	Floor    float64  `json:"floor"` // what the clock cannot tell from none
}

func costs(o *traffic.Outcome) costFacts {
	f := costFacts{CPU: cpuFacts{Floor: o.CPU.Floor.Seconds()}}
	if o.LatencyFromDue.Known {
		l := seconds(o.LatencyFromDue)
		f.FromDue = &l
	}
	if o.CPU.Known {
		f.CPU.Sender, f.CPU.Receiver = known(o.CPU.Sender), known(o.CPU.Receiver)
	}
	return f
}

func known(d time.Duration) *float64 {
	s := d.Seconds()
	return &s
}
