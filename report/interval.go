package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"wiretax/analyze"
)

// Intervals writes a live analysis as a line an interval, and each finding when it first comes. As ndjson a line is the analysis
// so far, without its flows.
type Intervals struct {
	Format Format // NDJSON, or anything else for lines to read

	w      io.Writer
	lines  int
	before *analyze.Result
	said   map[string]bool // codes of findings
}

// NewIntervals starts a list of intervals.
func NewIntervals(w io.Writer) *Intervals { return &Intervals{w: w, said: map[string]bool{}} }

// intervalsAHeading is how many lines stand below the names of their columns before these come again, as vmstat has it.
const intervalsAHeading = 20

// Add writes the interval that ends with the result, and what was found in it for the first time.
func (l *Intervals) Add(r *analyze.Result, end time.Time) error {
	if l.Format == NDJSON {
		brief := *r
		brief.EachFlow = func(func(*analyze.Flow) bool) {}
		return NewStream(l.w, NDJSON, Style{}).End(&brief)
	}
	i := r.Since(l.before, end)
	l.before = r
	var b strings.Builder
	if l.lines%intervalsAHeading == 0 {
		fmt.Fprintf(&b, "%8s %11s %11s %13s %6s %9s %9s\n", "time", "frames/s", "wire Mb/s", "payload Mb/s", "eff.%", "flows", "dropped")
	}
	l.lines++
	megabits := func(octets int64) string { return ratio(8e-6 * i.PerSecond(octets)) }
	fmt.Fprintf(&b, "%8s %11s %11s %13s %6s %9s %9s\n", i.End.Format("15:04:05"), count(float64(int64(i.PerSecond(i.Frames)+0.5))),
		megabits(i.WireBytes), megabits(i.UniquePayloadBytes), ratioOf(i.Efficiency(), percent), integer(i.Flows), integer(i.Dropped))
	for _, f := range r.Findings {
		if !l.said[f.Code] {
			l.said[f.Code] = true
			fmt.Fprintf(&b, "%8s %s %s [%s]\n", i.End.Format("15:04:05"), bullet, withSeparators(clean(f.Message), f.Count, f.Frames, f.WireBytes), clean(f.Code))
		}
	}
	_, err := io.WriteString(l.w, b.String())
	return err
}

// Statistics is a live analysis so far, in one line.
func Statistics(r *analyze.Result) string {
	t, c := &r.Totals, r.Source.Capture
	return unglued(fmt.Sprintf("%s: %s s, %s frames, %s wire bytes, %s unique payload bytes, efficiency %s %%, %s; dropped by the kernel %s, by the interface %s",
		clean(c.Interface), ratio(c.DurationSeconds), integer(t.Frames), integer(t.WireBytes), integer(t.UniquePayloadBytes),
		ratioOf(t.Efficiency, percent), plural(float64(r.FlowCount()), "flow"), integer(c.KernelDropped), integer(c.InterfaceDropped)))
}
