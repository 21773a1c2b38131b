package main

import (
	"fmt"
	"math"
	"time"

	"wiretax/capture/live"
	"wiretax/capture/recording"
)

// selection chooses the records of captures that are analysed.
type selection struct {
	filter *live.Filter // nil: all
	from   moment
	to     moment
	count  int64 // end after so many; 0: no end

	first    int64 // time of the first record of all
	any      bool  // a record has been seen
	selected int64
}

// moment is a point in time: absolute, or so long after the first record.
type moment struct {
	text     string
	absolute time.Time
	offset   time.Duration
	relative bool
}

func parseMoment(text string) (moment, error) {
	if text == "" {
		return moment{}, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return moment{text: text, offset: d, relative: true}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || t.Year() < 1678 || t.Year() > 2261 { // what nanoseconds in 64 bits reach
		return moment{}, fmt.Errorf("want a time such as 2008-06-30T12:00:00Z, or one since the first record such as 10s")
	}
	return moment{text: text, absolute: t}, nil
}

// nanos is the moment since the Unix epoch; unset is what an unset moment means.
func (m moment) nanos(first, unset int64) int64 {
	switch {
	case m.text == "":
		return unset
	case m.relative:
		return first + int64(m.offset)
	}
	return m.absolute.UnixNano()
}

// all reports whether every record is chosen.
func (s *selection) all() bool {
	return s == nil || s.filter == nil && s.from.text == "" && s.to.text == "" && s.count == 0
}

// takes reports whether the record is chosen. A record without a time is in no time range.
func (s *selection) takes(r *recording.Record) (bool, error) {
	if !s.any && r.Nanos != recording.NoTime {
		s.first, s.any = r.Nanos, true
	}
	if s.from.text != "" || s.to.text != "" {
		if r.Nanos == recording.NoTime || r.Nanos < s.from.nanos(s.first, math.MinInt64) || r.Nanos > s.to.nanos(s.first, math.MaxInt64) {
			return false, nil
		}
	}
	if s.filter != nil {
		match, err := s.filter.Match(r.Link, r.Data, r.WireLen)
		if err != nil || !match {
			return false, err
		}
	}
	s.selected++
	return true, nil
}

// full reports whether enough records have been chosen.
func (s *selection) full() bool { return s.count > 0 && s.selected >= s.count }

// copier writes chosen records to a capture of their own. A nil copier writes nothing.
type copier struct {
	in      *recording.Merge
	out     *recording.Writer
	written int // interfaces
	comment bool
	held    []*recording.Record // that wait for their comments
}

// take takes the next record, which is written at once or with its comment.
func (c *copier) take(r *recording.Record) error {
	switch {
	case c == nil:
		return nil
	case c.comment:
		c.held = append(c.held, r)
		return nil
	}
	return c.write(r, "")
}

// commented writes the first of the held records.
func (c *copier) commented(comment string) error {
	r := c.held[0]
	c.held = c.held[1:]
	return c.write(r, comment)
}

func (c *copier) write(r *recording.Record, comment string) error {
	for _, i := range c.in.Interfaces()[c.written:] {
		c.out.AddInterface(i)
		c.written++
	}
	return c.out.Annotate(*r, comment)
}

func (c *copier) close() error {
	if c == nil {
		return nil
	}
	return c.out.Close()
}

func (c *copier) abort() {
	if c != nil {
		c.out.Abort()
	}
}
