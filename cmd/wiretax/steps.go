package main

import (
	"fmt"
	"time"

	"wiretax/analyze"
	"wiretax/capture/recording"
)

// maxSteps bounds the groups of --by time:DURATION, which are as many as records where the duration is short: one takes 1 to
// 2.5 kB, by format.
const maxSteps = 250_000

// steps are those of time that have a record.
type steps struct {
	every       int64 // nanoseconds
	most        int
	seen        map[int64]bool
	last        int64 // the one seen last
	first, ends int64 // those of all
}

// newSteps returns nil where records are not grouped by time.
func newSteps(v analyze.View) *steps {
	if v.By != "time" {
		return nil
	}
	every := v.Every
	if every <= 0 {
		every = time.Second
	}
	return &steps{every: int64(every), most: maxSteps, seen: map[int64]bool{}}
}

// take takes the time of a record. Its error says which duration makes some hundred groups of what has been read.
func (s *steps) take(nanos int64) error {
	if s == nil || nanos == recording.NoTime {
		return nil
	}
	step := nanos / s.every
	switch {
	case len(s.seen) == 0:
		s.first, s.ends = step, step
	case step == s.last:
		return nil
	}
	s.last = step
	s.first, s.ends = min(s.first, step), max(s.ends, step)
	s.seen[step] = true
	if len(s.seen) <= s.most {
		return nil
	}
	longer := s.every
	for span := uint64(s.ends-s.first) / 1000; span > 0; span /= 10 {
		longer *= 10
	}
	return fmt.Errorf("group by time:%v: more than %d groups (try --by time:%v, or a part with --from and --to)",
		time.Duration(s.every), s.most, time.Duration(longer))
}
