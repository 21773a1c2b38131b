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
	switch {
	case frames == nil && wire == nil:
		return "Never fewer frames or wire bytes than " + ref.Name
	case frames == nil:
		return fmt.Sprintf("Never fewer frames than %s, fewer wire bytes from %s%s", ref.Name, from(*wire), extrapolated(w, *wire))
	case wire == nil:
		return fmt.Sprintf("Fewer frames than %s from %s%s, never fewer wire bytes", ref.Name, from(*frames), extrapolated(w, *frames))
	case *frames == *wire:
		return fmt.Sprintf("Fewer frames and wire bytes than %s from %s%s", ref.Name, from(*frames), extrapolated(w, *frames))
	}
	first, second := extrapolated(w, *frames), extrapolated(w, *wire)
	if first == second {
		first = ""
	}
	return fmt.Sprintf("Fewer frames than %s from %s%s, fewer wire bytes from %s%s", ref.Name, from(*frames), first, integer(*wire), second)
}

func from(messages int64) string { return plural(float64(messages), "message") + " on" }

// extrapolated marks a number beyond the messages that were sent: nobody measured it.
func extrapolated(w *analyze.Workload, messages int64) string {
	if messages > int64(w.Messages) {
		return " (extrapolated)"
	}
	return ""
}
