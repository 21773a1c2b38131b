package analyze

import (
	"fmt"

	"wiretax/analyze/predict"
)

// Theory is what the standards determine for a transport's workload before anything is measured.
type Theory struct {
	DataFrames int64 `json:"data_frames"`
	Frames     int64 `json:"frames"`
	WireBytes  int64 `json:"wire_bytes"`
	// Minimum: frames and wire bytes are the least that conforming hosts can do; how they acknowledge and close is their own
	// choice. DataFrames is exact.
	Minimum bool   `json:"minimum"`
	RestsOn string `json:"rests_on"`
	// BreakEven is what follows for the number of messages; absent for the base.
	BreakEven *BreakEven `json:"break_even,omitempty"`
	Holds     bool       `json:"holds"` // the medians of the trials agree
}

// addTheory gives each transport its theory, where the standards determine one, and warns where the trials contradict it.
func (r *Run) addTheory() {
	for i := range r.Workloads {
		w := &r.Workloads[i]
		base := w.base()
		for j := range w.Transports {
			t := &w.Transports[j]
			c := theoryCase(r.LinkOf(w), w, t)
			e, ok := predict.Theory(c)
			if !ok || len(t.Trials) == 0 {
				continue
			}
			t.Theory = &Theory{DataFrames: e.DataFrames, Frames: e.Frames, WireBytes: e.WireBytes, Minimum: e.Minimum, RestsOn: e.RestsOn}
			if t != base && base.Name == baseName {
				t.Theory.BreakEven = theoryBreakEven(c)
			}
			if why := t.contradiction(); why != "" {
				r.Warnings = append(r.Warnings, Warning{Code: "theory_disagrees", Count: 1,
					Message: fmt.Sprintf("%s, %d messages of %d octets: %s (%s)", t.Name, w.Messages, w.Size, why, e.RestsOn)})
			} else {
				t.Theory.Holds = true
			}
		}
	}
}

// theoryCase describes a transport's workload to the theory; its zero handover stands for what no standard determines.
func theoryCase(l *Link, w *Workload, t *Transport) predict.Case {
	option := func(name string) bool { on, _ := t.Options[name].(bool); return on }
	c := predict.Case{
		Messages: int64(w.Messages), Size: int64(w.Size), Interval: w.IntervalSeconds, RTT: l.RTTSeconds, Rate: l.RateBitsPerSecond,
		MTU: int64(l.MTU), IP: l.IP,
		Timestamps: option("tcp_timestamps"), WindowScaling: option("tcp_window_scaling"), SACK: option("tcp_sack"),
	}
	if w.Sizes != "" || l.Loss > 0 || l.Devices == "loopback" { // which has no Ethernet
		return c
	}
	switch t.Name {
	case "udp", "udp-gso", "udp-sendmmsg":
		c.Handover = predict.Datagrams
		c.Messages += answers(w)
	}
	constant := w.Arrivals == "" || w.Arrivals == "constant"
	if !constant || l.Kind != "wire" || w.Answered() || w.Connections > 1 || l.NICQueue != nil {
		return c
	}
	switch t.Name {
	case "udp-packed":
		c.Handover = predict.Packed
	case "tcp", "tcp-noautocork", "tcp-quickack":
		c.Handover = predict.Nagle
	case "tcp-nodelay":
		c.Handover = predict.NoDelay
	case "tcp-cork":
		c.Handover = predict.Cork
	case "tcp-more":
		c.Handover = predict.More
	case "tcp-writev":
		if w.Messages <= writevLimit {
			c.Handover = predict.OneCall
		}
	case "tcp-buffered":
		if w.Messages*w.Size <= bufferLimit {
			c.Handover = predict.OneCall
		}
	}
	return c
}

// answers is how many messages of the same size the receiver sends.
func answers(w *Workload) int64 {
	switch w.Pattern {
	case "echo": // each message is answered
		return int64(w.Messages)
	case "wwr": // each pair is
		return int64(w.Messages / 2)
	}
	return 0
}

// What one call takes: UIO_MAXIOV of writev(2), and the application's buffer of tcp-buffered in octets.
const (
	writevLimit = 1024
	bufferLimit = 4096
)

// theoryBreakEven is null where the standards determine no number.
func theoryBreakEven(c predict.Case) *BreakEven {
	some := func(n int64) *int64 {
		if n == 0 {
			return nil
		}
		return &n
	}
	frames, wire := predict.BreakEven(c)
	return &BreakEven{Frames: some(frames), WireBytes: some(wire)}
}

// contradiction says how the medians of the trials differ from the theory; empty where they do not.
func (t *Transport) contradiction() string {
	for _, f := range []struct {
		figure string
		theory int64
		exact  bool
	}{
		{"data_frames", t.Theory.DataFrames, true},
		{"frames", t.Theory.Frames, !t.Theory.Minimum},
		{"wire_bytes", t.Theory.WireBytes, !t.Theory.Minimum},
	} {
		measured, theory := float64(t.Summary[f.figure].Median), float64(f.theory)
		switch {
		case f.exact && measured != theory:
			return fmt.Sprintf("median of %s %g, by theory %d", f.figure, measured, f.theory)
		case measured < theory:
			return fmt.Sprintf("median of %s %g, by theory at least %d", f.figure, measured, f.theory)
		}
	}
	return ""
}
