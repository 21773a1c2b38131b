package analyze

import (
	"cmp"
	"math"
	"slices"
)

// Timeline is the frames of one trial, for a picture.
type Timeline struct {
	Trial    int              // index in Transport.Trials
	Rows     []FrameRow       // the first records of the workload, with owners; AToB means towards the receiver
	Records  int64            // all records of the workload
	Owners   map[string]int64 // measured octets of all of them by owner
	Inferred map[string]int64 // inferred octets of all of them by owner
}

// TimelineRecorder takes the rows of a trial's capture. It keeps the first ones and the sums of all.
type TimelineRecorder struct {
	most  int
	rows  []FrameRow
	flows map[int]*Timeline // sums by flow number
}

// NewTimelineRecorder returns a recorder that keeps at most so many rows.
func NewTimelineRecorder(most int) *TimelineRecorder {
	return &TimelineRecorder{most: most, flows: make(map[int]*Timeline)}
}

// Add takes the next row; it is an Options.EachFrame and needs Options.FrameOwners.
func (t *TimelineRecorder) Add(row FrameRow) error {
	sum := t.flows[row.Flow]
	if sum == nil {
		sum = newTimeline()
		t.flows[row.Flow] = sum
	}
	sum.Records++
	addAll(sum.Owners, row.Owners)
	addAll(sum.Inferred, row.Inferred)
	if len(t.rows) < t.most {
		t.rows = append(t.rows, row)
	}
	return nil
}

func newTimeline() *Timeline {
	return &Timeline{Owners: make(map[string]int64), Inferred: make(map[string]int64)}
}

func addAll(to, from map[string]int64) {
	for name, n := range from {
		to[name] += n
	}
}

// Draw completes the transport with the frames of a trial that a recorder took, r being the analysis of its capture.
func (t *Transport) Draw(trial int, r *Result, recorder *TimelineRecorder) {
	line := newTimeline()
	line.Trial = trial
	towards := make(map[int]bool) // the workload's flows: whether A to B is towards the receiver
	for i := range r.Flows {
		f := &r.Flows[i]
		if !t.Trials[trial].owns(f, t.Name) {
			continue
		}
		towards[f.Number] = f.BPort == t.Trials[trial].Port
		if sum := recorder.flows[f.Number]; sum != nil {
			line.Records += sum.Records
			addAll(line.Owners, sum.Owners)
			addAll(line.Inferred, sum.Inferred)
		}
	}
	for _, row := range recorder.rows {
		if forward, ok := towards[row.Flow]; ok {
			row.AToB = row.AToB == forward
			line.Rows = append(line.Rows, row)
		}
	}
	if n := t.Trials[trial].SecurityBytes; n != 0 {
		line.Owners["payload"] -= n
		line.Owners["security"] += n // only the sum is known: frames show ciphertext
	}
	t.Timeline = line
}

// Typical is the index of the trial that is nearest to the medians of frames, wire bytes and latency, in this order; -1
// without trials.
func (t *Transport) Typical() int {
	if len(t.Trials) == 0 {
		return -1
	}
	distance := func(i int) [3]float64 {
		trial := &t.Trials[i]
		var d [3]float64
		for j, f := range [3]struct {
			key   string
			value float64
		}{{"frames", float64(trial.Frames)}, {"wire_bytes", float64(trial.WireBytes)}, {"latency_p50", float64(trial.Latency.P50)}} {
			if d[j] = math.Abs(f.value - float64(t.Summary[f.key].Median)); math.IsNaN(d[j]) {
				d[j] = math.Inf(1)
			}
		}
		return d
	}
	indices := make([]int, len(t.Trials))
	for i := range indices {
		indices[i] = i
	}
	return slices.MinFunc(indices, func(a, b int) int {
		x, y := distance(a), distance(b)
		return cmp.Or(cmp.Compare(x[0], y[0]), cmp.Compare(x[1], y[1]), cmp.Compare(x[2], y[2]))
	})
}
