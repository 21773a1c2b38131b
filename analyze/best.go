package analyze

import "strings"

// Best is the transport that saves most against the base, of all or of those over TCP.
type Best struct {
	Among     string  `json:"among"`                // all or tcp
	Frames    *Winner `json:"frames,omitempty"`     // nil: none saves a frame
	WireBytes *Winner `json:"wire_bytes,omitempty"` // nil: none saves a byte
}

// Winner is a transport with what it saves and what that costs.
type Winner struct {
	Transport       string     `json:"transport"`
	FramesSaved     Ratio      `json:"frames_saved"`      // medians: of the base less of the transport
	WireBytesSaved  Ratio      `json:"wire_bytes_saved"`  // the same
	AddedLatencyP50 Difference `json:"added_latency_p50"` // seconds; see Workload.LatencyFigure
}

// addBest finds who saves most. Who delivered less than the base saves nothing.
func (w *Workload) addBest() {
	w.Best = nil
	base := w.base()
	if base == nil || len(w.Transports) < 2 {
		return
	}
	for _, among := range []string{"all", "tcp"} {
		b := Best{Among: among, Frames: w.winner(base, among, "frames"), WireBytes: w.winner(base, among, "wire_bytes")}
		w.Best = append(w.Best, b)
	}
}

// winner is who saves most of a figure; of equals, the one that adds less latency. It is nil where none saves.
func (w *Workload) winner(base *Transport, among, figure string) (best *Winner) {
	most, latency := Ratio(0), w.LatencyFigure("p50")
	for i := range w.Transports {
		t := &w.Transports[i]
		saved := base.median(figure) - t.median(figure)
		lost := t.figure("messages_delivered").Min < base.figure("messages_delivered").Min // in any trial
		if t == base || t.Variant != nil || lost || !(saved > 0) || saved < most || among == "tcp" && !strings.HasPrefix(t.Name, "tcp") {
			continue
		}
		added := differenceOf(valuesOf(t.Trials, latency), valuesOf(base.Trials, latency))
		if saved == most && !(added.Median < best.AddedLatencyP50.Median) {
			continue
		}
		most = saved
		best = &Winner{Transport: t.Name, FramesSaved: base.median("frames") - t.median("frames"),
			WireBytesSaved: base.median("wire_bytes") - t.median("wire_bytes"), AddedLatencyP50: added}
	}
	return best
}
