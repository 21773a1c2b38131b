package analyze

import (
	"math/rand/v2"
	"testing"
	"time"
)

// The charts add up to the totals, whatever the time between records, and in however many parts they were made.
func TestChartsAddUp(t *testing.T) {
	for _, c := range []struct {
		name  string
		gap   time.Duration
		every time.Duration
	}{
		{"a microsecond apart", time.Microsecond, 10 * time.Microsecond},
		{"a millisecond apart", time.Millisecond, 10 * time.Millisecond},
		{"a second apart", time.Second, 10 * time.Second},
		{"a year apart", 365 * 24 * time.Hour, 100_000_000 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			const records = 1000
			whole, parts := New(Options{Charts: true}), New(Options{Charts: true})
			var list []*Record
			for i := range records {
				frame := udp(10 + i).bytes()
				nanos := int64(i%290) * int64(c.gap) // the calendar of nanoseconds ends in 2262
				if c.gap < time.Hour {
					nanos = int64(i) * int64(c.gap)
				}
				r := Record{Data: frame, WireLen: len(frame), Nanos: nanos, Link: 1, FCS: -1}
				if i == records-1 {
					r.Nanos = NoTime
				}
				list = append(list, &r)
				if err := whole.Add(&r); err != nil {
					t.Fatal(err)
				}
			}
			if err := parts.Take(&batches{records: list, rng: rand.New(rand.NewPCG(1, 2))}, 3); err != nil {
				t.Fatal(err)
			}
			for name, a := range map[string]*Analysis{"whole": whole, "in parts": parts} {
				r := a.Result()
				if got := r.Charts.Every; c.gap < time.Hour && got != c.every {
					t.Errorf("%s: steps of %v, want %v", name, got, c.every)
				}
				if n := len(r.Charts.Times); n > maxSteps+1 {
					t.Errorf("%s: %d steps", name, n)
				}
				for _, groups := range [][]Group{r.Charts.Sizes, r.Charts.Times} {
					var wire, frames int64
					for _, g := range groups {
						wire, frames = wire+g.WireBytes, frames+g.Frames
					}
					if wire != r.Totals.WireBytes || frames != r.Totals.Frames {
						t.Errorf("%s: %d wire bytes in %d frames, want %d in %d", name, wire, frames, r.Totals.WireBytes, r.Totals.Frames)
					}
				}
			}
		})
	}
}

func TestTimelineKeepsTheFirstAndSumsAll(t *testing.T) {
	recorder := NewTimelineRecorder(3)
	a := New(Options{FrameOwners: true, EachFrame: recorder.Add})
	const records = 10
	for i := range records {
		frame := udp(100).bytes()
		if err := a.Add(&Record{Data: frame, WireLen: len(frame), Nanos: int64(i), Link: 1, FCS: -1}); err != nil {
			t.Fatal(err)
		}
	}
	r := a.Result()
	transport := Transport{Name: "udp", Trials: []Trial{{Port: r.Flows[0].BPort}}}
	transport.Draw(0, r, recorder)
	line := transport.Timeline
	if len(line.Rows) != 3 || line.Records != records {
		t.Errorf("%d rows of %d records, want 3 of %d", len(line.Rows), line.Records, records)
	}
	var octets int64
	for _, sums := range []map[string]int64{line.Owners, line.Inferred} {
		for _, n := range sums {
			octets += n
		}
	}
	if octets != r.Totals.WireBytes {
		t.Errorf("owners add up to %d, want %d wire bytes", octets, r.Totals.WireBytes)
	}
	if !line.Rows[0].AToB {
		t.Error("the sender's frame does not go to the receiver")
	}
}

func TestTypicalTrial(t *testing.T) {
	for _, c := range []struct {
		name   string
		frames []int64
		spans  []time.Duration
		want   int
	}{
		{"none", nil, nil, -1},
		{"one", []int64{9}, []time.Duration{5}, 0},
		{"the median of frames", []int64{27, 9, 11}, []time.Duration{5, 5, 5}, 2},
		{"the first of equals", []int64{9, 9, 9}, []time.Duration{5, 5, 5}, 0},
		{"a host that stood still", []int64{8, 8, 8}, []time.Duration{9, 6, 5}, 1},
		{"the first of equals in time", []int64{8, 8, 8, 8}, []time.Duration{9, 6, 6, 5}, 1},
		{"the shorter one of two", []int64{8, 8}, []time.Duration{9, 5}, 1},
		{"the median time among those of the median of frames", []int64{8, 8, 8, 20, 2}, []time.Duration{9, 6, 5, 7, 7}, 1},
	} {
		transport := Transport{}
		for i, n := range c.frames {
			transport.Trials = append(transport.Trials, Trial{Frames: n, WireBytes: 100 * n, Span: c.spans[i], Latency: Latency{P50: Over(1, 0)}})
		}
		transport.Summary = summarise(transport.Trials)
		if got := transport.Typical(); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
