package analyze

import (
	"fmt"
	"time"
)

// Capture is what a live capture knows of the frames that it should have seen.
type Capture struct {
	Interface        string  `json:"interface"`
	DurationSeconds  float64 `json:"duration_seconds"`
	Received         int64   `json:"received"`          // frames that matched, dropped ones included
	KernelDropped    int64   `json:"kernel_dropped"`    // for want of room in the capture's ring
	InterfaceDropped int64   `json:"interface_dropped"` // by the interface or its driver
}

// Dropped are the frames that are missing in the result.
func (c *Capture) Dropped() int64 { return c.KernelDropped + c.InterfaceDropped }

// Interval is what a live analysis took in between two of its results.
type Interval struct {
	End                time.Time
	Seconds            float64
	Frames             int64
	WireBytes          int64
	UniquePayloadBytes int64
	Dropped            int64
	Flows              int64 // at the end, of all so far
}

// Since is what r has more than the result before it; before is nil for the first. Both need Source.Capture.
func (r *Result) Since(before *Result, end time.Time) Interval {
	now := r.Source.Capture
	i := Interval{End: end, Seconds: now.DurationSeconds, Frames: r.Totals.Frames, WireBytes: r.Totals.WireBytes,
		UniquePayloadBytes: r.Totals.UniquePayloadBytes, Dropped: now.Dropped(), Flows: r.FlowCount()}
	if before == nil {
		return i
	}
	i.Seconds -= before.Source.Capture.DurationSeconds
	i.Frames -= before.Totals.Frames
	i.WireBytes -= before.Totals.WireBytes
	i.UniquePayloadBytes -= before.Totals.UniquePayloadBytes
	i.Dropped -= before.Source.Capture.Dropped()
	return i
}

// FlowCount is the number of flows, those that were not kept apart included.
func (r *Result) FlowCount() int64 {
	return int64(len(r.Flows)) + r.Unlisted.Flows + r.Others.Flows
}

// Efficiency is the unique payload of the interval over its wire bytes.
func (i *Interval) Efficiency() Ratio { return Over(i.UniquePayloadBytes, i.WireBytes) }

// PerSecond is n of the interval in a second.
func (i *Interval) PerSecond(n int64) float64 {
	if i.Seconds <= 0 {
		return 0
	}
	return float64(n) / i.Seconds
}

// WireBytes is what both directions of the flow took on the wire.
func (f *Flow) WireBytes() int64 { return f.AB.WireBytes + f.BA.WireBytes }

// UniquePayloadBytes is what both directions of the flow were there for.
func (f *Flow) UniquePayloadBytes() int64 { return f.AB.UniquePayloadBytes + f.BA.UniquePayloadBytes }

// Wasted is what the flow took on the wire beyond its unique payload.
func (f *Flow) Wasted() int64 { return f.WireBytes() - f.UniquePayloadBytes() }

// Captured completes a result with what the capture knows. Where frames are missing, a warning says so.
func (r *Result) Captured(c Capture) {
	r.Source.Capture = &c
	if c.Dropped() > 0 {
		r.Warnings = append(r.Warnings, Warning{Code: "capture_dropped", Count: c.Dropped(), Distrust: true,
			Message: fmt.Sprintf("frames are missing: the kernel dropped %d for want of room in the ring (--buffer-size), the interface %d",
				c.KernelDropped, c.InterfaceDropped)})
	}
}
