package screen

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"wiretax/analyze"
)

// nothing stands for a figure that does not exist: a ratio over nothing.
const nothing = "-"

// si writes v with three significant digits in the largest SI unit of which it is at least one.
func si(v float64, unit string) string {
	prefix := ""
	for _, p := range []string{"k", "M", "G", "T", "P"} {
		if v < 999.5 {
			break
		}
		v, prefix = v/1000, p
	}
	digits := 0
	switch {
	case v == 0 || prefix == "" && v == float64(int64(v)):
	case v < 9.995:
		digits = 2
	case v < 99.95:
		digits = 1
	}
	return strings.TrimRight(strconv.FormatFloat(v, 'f', digits, 64)+" "+prefix+unit, " ")
}

func octets(n int64) string { return si(float64(n), "B") }

func bits(octetsPerSecond float64) string { return si(8*octetsPerSecond, "b/s") }

// integer writes n with separators, in SI where it would be too long for a column.
func integer(n int64) string {
	if n > 99_999_999 || n < 0 {
		return si(float64(n), "")
	}
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func percent(r analyze.Ratio) string {
	if !r.Valid() {
		return nothing
	}
	return strconv.FormatFloat(100*float64(r), 'f', 1, 64)
}

// clock writes how long something has been going on.
func clock(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second)).Truncate(time.Second)
	return fmt.Sprintf("%d:%02d:%02d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60)
}

// fit makes a text as wide as a column: longer ones end in an ellipsis. Addresses and figures are ASCII.
func fit(s string, width int, left bool) string {
	if width <= 0 {
		return ""
	}
	if n := len([]rune(s)); n > width {
		if width == 1 {
			return "…"
		}
		return string([]rune(s)[:width-1]) + "…"
	}
	if left {
		return fmt.Sprintf("%-*s", width, s)
	}
	return fmt.Sprintf("%*s", width, s)
}

// bars are the heights of a sparkline, in eighths.
var bars = []rune(" ▁▂▃▄▅▆▇█")

// sparkline draws the last values, the newest at the right, against the largest of them or what is given as such.
func sparkline(values []float64, width int, largest float64) string {
	if width <= 0 {
		return ""
	}
	values = values[max(0, len(values)-width):]
	for _, v := range values {
		largest = max(largest, v)
	}
	line := []rune(strings.Repeat(" ", width-len(values)))
	for _, v := range values {
		bar := 0
		if largest > 0 && v > 0 {
			bar = min(1+int(v/largest*8), 8)
		}
		line = append(line, bars[bar])
	}
	return string(line)
}
