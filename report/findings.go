package report

import (
	"cmp"
	"slices"
	"strings"

	"wiretax/analyze"
)

// findingLines are one sentence a finding, those with most at stake first.
func findingLines(r *analyze.Result) []line {
	var duration float64
	if span, ok := between(r.Source.First, r.Source.Last); ok {
		duration = span.Seconds()
	}
	findings := slices.Clone(r.Findings)
	slices.SortStableFunc(findings, func(a, b analyze.Finding) int {
		return cmp.Compare(atStake(b, r.Totals.WireBytes, duration), atStake(a, r.Totals.WireBytes, duration))
	})
	var lines []line
	for _, f := range findings {
		text := withSeparators(clean(f.Message), f.Count, f.Frames, f.WireBytes)
		lines = append(lines, line{label: bullet, text: text + " [" + clean(f.Code) + "]"})
	}
	return lines
}

// atStake is the share of the capture's wire bytes, or of its time where that is larger, that a finding is about: so
// octets and seconds compare.
func atStake(f analyze.Finding, wireBytes int64, duration float64) float64 {
	var stake float64
	if wireBytes > 0 {
		stake = float64(f.WireBytes) / float64(wireBytes)
	}
	if duration > 0 {
		stake = max(stake, f.Seconds/duration)
	}
	return stake
}

// withSeparators writes the given counts as tables do wherever they stand in the text.
func withSeparators(text string, counts ...int64) string {
	var b strings.Builder
	for text != "" {
		digits := strings.IndexFunc(text, isDigit)
		if digits < 0 {
			break
		}
		end := digits
		for end < len(text) && isDigit(rune(text[end])) {
			end++
		}
		number := text[digits:end]
		for _, n := range counts {
			if s := integer(n); strings.ReplaceAll(s, ",", "") == number {
				number = s
				break
			}
		}
		b.WriteString(text[:digits] + number)
		text = text[end:]
	}
	return b.String() + text
}

func isDigit(r rune) bool { return '0' <= r && r <= '9' }
