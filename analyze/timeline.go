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

// Typical is the index of the trial to draw: of those that are nearest to the median of frames, the one that took, from its first
// frame to its last, the median time; -1 without trials. A picture has an axis of time: by frames alone it could be the one trial
// in which the host stood still.
func (t *Transport) Typical() int {
	var nearest []int
	closest := math.Inf(1)
	for i := range t.Trials {
		d := math.Abs(float64(t.Trials[i].Frames) - float64(t.Summary["frames"].Median))
		if d < closest {
			closest, nearest = d, nil
		}
		if d == closest {
			nearest = append(nearest, i)
		}
	}
	if len(nearest) == 0 {
		return min(len(t.Trials), 1) - 1
	}
	slices.SortStableFunc(nearest, func(a, b int) int { return cmp.Compare(t.Trials[a].Span, t.Trials[b].Span) })
	median := t.Trials[nearest[(len(nearest)-1)/2]].Span
	return nearest[slices.IndexFunc(nearest, func(i int) bool { return t.Trials[i].Span == median })]
}
