package report

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// nothing stands for a figure that does not exist: a ratio over nothing, a latency that nobody measured.
const nothing = "-"

// count writes an integer with thousands separators; the median of an even number of trials may end in .5.
func count(v float64) string {
	if v == math.Trunc(v) {
		return separated(strconv.FormatFloat(v, 'f', 0, 64))
	}
	return separated(strconv.FormatFloat(v, 'f', 1, 64))
}

func integer(n int64) string { return separated(strconv.FormatInt(n, 10)) }

// ratio writes three significant digits.
func ratio(v float64) string {
	if v == 0 {
		return "0"
	}
	rounded := strconv.FormatFloat(v, 'e', 2, 64)
	exponent, err := strconv.Atoi(rounded[strings.IndexByte(rounded, 'e')+1:])
	if err != nil {
		return nothing
	}
	return separated(strconv.FormatFloat(v, 'f', max(0, 2-exponent), 64))
}

// percent writes a share of 1 in percent, one decimal, without the sign.
func percent(v float64) string { return separated(strconv.FormatFloat(100*v, 'f', 1, 64)) }

// millis writes seconds in milliseconds.
func millis(v float64) string { return ratio(1e3 * v) }

// micros writes seconds in microseconds.
func micros(v float64) string { return ratio(1e6 * v) }

// share writes n/of in percent.
func share(n, of int64) string {
	if of == 0 {
		return nothing
	}
	return percent(float64(n) / float64(of))
}

func separated(digits string) string {
	whole, fraction, _ := strings.Cut(digits, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	var b strings.Builder
	for i, d := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	if fraction != "" {
		b.WriteString("." + fraction)
	}
	return sign + b.String()
}

// quantity writes v in the largest SI unit of which it is at least one, with at most six significant digits.
func quantity(v float64, units []unit) string {
	v = sixDigits(v)
	u := units[len(units)-1]
	for _, larger := range units {
		if v >= larger.size {
			u = larger
			break
		}
	}
	return strconv.FormatFloat(sixDigits(v/u.size), 'f', -1, 64) + glue + u.name
}

// sixDigits rounds away what binary fractions add: 0.0003 s are 300 us, not 299.99999999999994.
func sixDigits(v float64) float64 {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'e', 5, 64), 64)
	if err != nil {
		return v
	}
	return rounded
}

type unit struct {
	size float64
	name string
}

func bitRate(bitsPerSecond int64) string {
	return quantity(float64(bitsPerSecond), []unit{{1e9, "Gb/s"}, {1e6, "Mb/s"}, {1e3, "kb/s"}, {1, "b/s"}})
}

func seconds(s float64) string {
	if s == 0 {
		return "0" + glue + "s"
	}
	return quantity(s, []unit{{1, "s"}, {1e-3, "ms"}, {1e-6, "us"}, {1e-9, "ns"}})
}

// duration writes how long something took, from two minutes on in the two largest units that it has.
func duration(d time.Duration) string {
	const day = 24 * time.Hour
	whole := func(n time.Duration, unit string) string { return integer(int64(n)) + glue + unit }
	switch {
	case d < 2*time.Minute:
		return seconds(d.Seconds())
	case d < time.Hour:
		return whole(d/time.Minute, "min") + glue + seconds((d % time.Minute).Round(time.Millisecond).Seconds())
	case d < day:
		return whole(d/time.Hour, "h") + glue + whole(d%time.Hour/time.Minute, "min")
	}
	return whole(d/day, "d") + glue + whole(d%day/time.Hour, "h")
}

// between returns the time from one RFC 3339 time to another.
func between(first, last string) (time.Duration, bool) {
	a, err := time.Parse(time.RFC3339Nano, first)
	if err != nil {
		return 0, false
	}
	b, err := time.Parse(time.RFC3339Nano, last)
	if err != nil {
		return 0, false
	}
	return b.Sub(a), true
}

// plural writes a count with its noun; the nouns of this package all take an s.
func plural(n float64, noun string) string {
	if n == 1 {
		return "1" + glue + noun
	}
	return count(n) + glue + noun + "s"
}
