package traffic

import (
	"strings"
	"testing"
	"time"
)

// tinyToLarge has messages that are too short to tell their number.
func tinyToLarge() Workload {
	s := &Schedule{Origin: "a test"}
	for i := range 40 {
		s.Sizes = append(s.Sizes, []int32{1, 7, 8, 90, 3, 1100, 2}[i%7])
		s.Due = append(s.Due, int64(i/4)*int64(time.Millisecond))
	}
	return Workload{Messages: len(s.Sizes), Schedule: s}
}

func TestSchedule(t *testing.T) {
	w := tinyToLarge()
	for _, pattern := range []Pattern{OneWay, Echo} {
		w.Pattern = pattern
		for _, transport := range everywhere() {
			if transport == "udp-packed" {
				if err := w.Check(transport, 4); err == nil || !strings.Contains(err.Error(), "told apart") {
					t.Errorf("messages in one datagram that nobody can tell apart: %v", err)
				}
				continue
			}
			o, err := Run(t.Context(), loopback(transport, "127.0.0.1", w))
			if err != nil {
				t.Fatal(err)
			}
			sum := int64(0)
			for _, size := range w.Schedule.Sizes {
				sum += int64(size)
			}
			if o.MessagesDelivered != 40 || o.PayloadBytesDelivered != sum || o.Corrupt+o.Reordered+o.Duplicated != 0 || !o.LatencyFromDue.Known {
				t.Errorf("%s, %s: %+v, want %d octets", transport, pattern, *o, sum)
			}
			if pattern == OneWay && o.Duration < 9*time.Millisecond {
				t.Errorf("%s: sent in %v", transport, o.Duration)
			}
		}
	}
}

func TestCheckSchedule(t *testing.T) {
	ok := func() Workload {
		return Workload{Messages: 2, Schedule: &Schedule{Sizes: []int32{8, 9}, Due: []int64{0, 1}}}
	}
	for _, transport := range Names() {
		if err := ok().Check(transport, 4); err != nil {
			t.Errorf("%s: %v", transport, err)
		}
	}
	for name, change := range map[string]func(*Workload){
		"fewer messages":         func(w *Workload) { w.Messages = 1 },
		"a size missing":         func(w *Workload) { w.Schedule.Sizes = w.Schedule.Sizes[:1] },
		"a time missing":         func(w *Workload) { w.Schedule.Due = w.Schedule.Due[:1] },
		"no messages":            func(w *Workload) { *w.Schedule, w.Messages = Schedule{}, 0 },
		"a message of no octets": func(w *Workload) { w.Schedule.Sizes[0] = 0 },
		"no datagram so large":   func(w *Workload) { w.Schedule.Sizes[1] = 70000 },
		"longer than a year":     func(w *Workload) { w.Schedule.Due[1] = int64(maxSpan) + 1 },
	} {
		w := ok()
		change(&w)
		if err := w.Check("udp", 4); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
