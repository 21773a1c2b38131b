package report

import (
	"fmt"

	"wiretax/analyze"
)

// aheadSentence says from how many messages on the transport needs less than the reference.
func aheadSentence(w *analyze.Workload, ref, t analyze.Transport) string {
	if t.BreakEven == nil {
		return ""
	}
	frames, wire := t.BreakEven.Frames, t.BreakEven.WireBytes
	saved := t.Summary["frames_saved"].Median > 0 || t.Summary["wire_bytes"].Median < ref.Summary["wire_bytes"].Median
	switch {
	case saved && (frames == nil || wire == nil):
		return "" // more messages were sent than the break-even looks at
	case frames == nil && wire == nil:
		return "Never fewer frames or wire bytes than " + ref.Name
	case frames == nil:
		return fmt.Sprintf("Never fewer frames, fewer wire bytes %s%s", from(w, *wire), extrapolated(w, *wire))
	case wire == nil:
		return fmt.Sprintf("Fewer frames %s%s, never fewer wire bytes", from(w, *frames), extrapolated(w, *frames))
	case *frames == *wire:
		return fmt.Sprintf("Fewer frames and wire bytes %s%s", from(w, *frames), extrapolated(w, *frames))
	}
	first, second := extrapolated(w, *frames), extrapolated(w, *wire)
	if first == second {
		first = "" // said once, at the end
	}
	return fmt.Sprintf("Fewer frames %s%s, fewer wire bytes from %s%s", from(w, *frames), first, integer(*wire), second)
}

// from says "at most" below the number of messages that were sent: with fewer, the frames may be fewer too.
func from(w *analyze.Workload, messages int64) string {
	bound := ""
	if messages <= int64(w.Messages) {
		bound = "at most" + glue
	}
	return "from " + bound + plural(float64(messages), "message") + " on"
}

// extrapolated marks a number beyond the messages that were sent: nobody measured it.
func extrapolated(w *analyze.Workload, messages int64) string {
	if messages <= int64(w.Messages) {
		return ""
	}
	return " (extrapolated)"
}
