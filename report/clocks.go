package report

import (
	"fmt"
	"strings"

	"wiretax/analyze"
)

// clockLines say how well latencies between two hosts are known, and which say nothing.
func clockLines(w *analyze.Workload) []line {
	worst := 0.0
	var within []string
	for i := range w.Transports {
		t := &w.Transports[i]
		u := t.ClockDoubt()
		worst = max(worst, u)
		if p50 := t.Summary["latency_p50"].Median; u > 0 && p50.Valid() && float64(p50) <= u {
			within = append(within, t.Name)
		}
	}
	if worst == 0 {
		return nil
	}
	text := fmt.Sprintf("clocks of two hosts, compared: one-way latencies are good to ±%s%sms", millis(worst), glue)
	if len(within) > 0 {
		text += "; p50 is no more than that: " + strings.Join(within, ", ")
	}
	return []line{{text: text}}
}
