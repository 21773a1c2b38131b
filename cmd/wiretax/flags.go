package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// list is a flag of several values of one kind, with commas between.
type list[T any, P interface {
	*T
	pflag.Value
}] []T

func (l *list[T, P]) Type() string { return P(new(T)).Type() + ",..." }

func (l *list[T, P]) String() string {
	var parts []string
	for i := range *l {
		parts = append(parts, P(&(*l)[i]).String())
	}
	return strings.Join(parts, ",")
}

func (l *list[T, P]) Set(text string) error {
	*l = nil
	for part := range strings.SplitSeq(text, ",") {
		var value T
		if err := P(&value).Set(part); err != nil {
			return err
		}
		*l = append(*l, value)
	}
	return nil
}

// rate is a flag of bits per second with an SI suffix: 10M is 10,000,000.
type rate int64

var _ pflag.Value = (*rate)(nil)

func (r *rate) Type() string { return "RATE" }

func (r *rate) String() string { return formatRate(int64(*r)) }

func (r *rate) Set(s string) error {
	number, factor := s, 1.0
	for _, unit := range []string{"bit/s", "b/s", "bps", "bit"} {
		number = strings.TrimSuffix(number, unit)
	}
	number = strings.TrimSpace(number)
	for _, unit := range []struct {
		suffix string
		factor float64
	}{{"k", 1e3}, {"K", 1e3}, {"M", 1e6}, {"G", 1e9}} {
		if n, ok := strings.CutSuffix(number, unit.suffix); ok {
			number, factor = n, unit.factor
			break
		}
	}
	v, err := strconv.ParseFloat(number, 64)
	bits := v * factor
	if err != nil || math.IsNaN(bits) || bits < 0 || bits > 1e12 || bits > 0 && bits < 1000 {
		return fmt.Errorf("want bits per second from 1k to 1000G, such as 10M, or 0 for no limit")
	}
	*r = rate(bits)
	return nil
}

func formatRate(bits int64) string {
	for _, u := range []struct {
		factor int64
		suffix string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if bits >= u.factor && bits%u.factor == 0 {
			return strconv.FormatInt(bits/u.factor, 10) + u.suffix
		}
	}
	return strconv.FormatInt(bits, 10)
}

// probability is a flag that takes 1% as well as 0.01.
type probability float64

var _ pflag.Value = (*probability)(nil)

func (p *probability) Type() string { return "P" }

func (p *probability) String() string { return strconv.FormatFloat(float64(*p), 'g', -1, 64) }

func (p *probability) Set(s string) error {
	v, err := parseShare(s)
	if err != nil || !(v >= 0 && v <= maxLoss) {
		return fmt.Errorf("want a probability from 0 to %g, such as 0.01 or 1%%", maxLoss)
	}
	*p = probability(v)
	return nil
}

// maxLoss is the loss at which TCP still gets through in a bearable time.
const maxLoss = 0.5

// share is a flag that takes 5% as well as 0.05.
type share float64

var _ pflag.Value = (*share)(nil)

func (s *share) Type() string { return "P" }

func (s *share) String() string { return strconv.FormatFloat(float64(*s), 'g', -1, 64) }

func (s *share) Set(text string) error {
	v, err := parseShare(text)
	if err != nil || !(v > 0 && v <= 1) {
		return fmt.Errorf("want a share above 0 and up to 1, such as 0.05 or 5%%")
	}
	*s = share(v)
	return nil
}

func parseShare(text string) (float64, error) {
	number, percent := strings.CutSuffix(text, "%")
	v, err := strconv.ParseFloat(number, 64)
	if percent {
		v /= 100
	}
	return v, err
}

// span is a flag of time, 0 allowed without a unit.
type span time.Duration

var _ pflag.Value = (*span)(nil)

func (s *span) Type() string { return "TIME" }

func (s *span) String() string { return formatSpan(time.Duration(*s)) }

func (s *span) Set(text string) error {
	d, err := parseSpan(text)
	*s = span(d)
	return err
}

func formatSpan(d time.Duration) string {
	if d == 0 {
		return "0"
	}
	return d.String()
}

func parseSpan(text string) (time.Duration, error) {
	if text == "0" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > time.Minute {
		return 0, fmt.Errorf("want a time from 0 to 1m, such as 1ms or 200us%s", withoutUnit(text))
	}
	return d, nil
}

// withoutUnit offers milliseconds, the unit of ping and of tc, for a bare number.
func withoutUnit(text string) string {
	if _, err := strconv.ParseFloat(text, 64); err != nil {
		return ""
	}
	if d, err := parseSpan(text + "ms"); err != nil || d == 0 {
		return ""
	}
	return ", did you mean " + text + "ms?"
}

// spans is a flag of a list of times.
type spans []time.Duration

var _ pflag.Value = (*spans)(nil)

func (s *spans) Type() string { return "TIME,..." }

func (s *spans) String() string {
	var parts []string
	for _, d := range *s {
		parts = append(parts, formatSpan(d))
	}
	return strings.Join(parts, ",")
}

func (s *spans) Set(text string) error {
	*s = nil
	for part := range strings.SplitSeq(text, ",") {
		d, err := parseSpan(part)
		if err != nil {
			return err
		}
		*s = append(*s, d)
	}
	return nil
}

// counts is a flag of a list of whole numbers.
type counts []int

var _ pflag.Value = (*counts)(nil)

func (c *counts) Type() string { return "N,..." }

func (c *counts) String() string {
	var parts []string
	for _, n := range *c {
		parts = append(parts, strconv.Itoa(n))
	}
	return strings.Join(parts, ",")
}

func (c *counts) Set(text string) error {
	*c = nil
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.ParseFloat(part, 64) // 1e6 is a number that people write
		if err != nil || n != math.Trunc(n) || math.Abs(n) > 1e15 {
			return fmt.Errorf("want a whole number, or several with commas between")
		}
		*c = append(*c, int(n))
	}
	return nil
}
