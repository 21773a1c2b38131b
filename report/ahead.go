package report

import "wiretax/analyze"

// aheadSentence says from about how many messages on the transport needs less than the reference.
func aheadSentence(w *analyze.Workload, ref, t analyze.Transport) string {
	if t.BreakEven == nil {
		return ""
	}
	frames, wire := t.BreakEven.Frames, t.BreakEven.WireBytes
	switch {
	case frames == nil && wire == nil:
		return "No break-even with " + ref.Name + " in sight"
	case frames == nil:
		return "Fewer wire bytes " + from(w, *wire) + ", no break-even in frames in sight"
	case wire == nil:
		return "Fewer frames " + from(w, *frames) + ", no break-even in wire bytes in sight"
	case *frames == *wire:
		return "Fewer frames and wire bytes " + from(w, *frames)
	}
	return "Fewer frames " + from(w, *frames) + ", fewer wire bytes from" + glue + integer(*wire) + beyond(w, *wire)
}

func from(w *analyze.Workload, messages int64) string {
	return "from about" + glue + plural(float64(messages), "message") + " on" + beyond(w, messages)
}

// beyond marks a number above the messages that were sent: nobody measured it.
func beyond(w *analyze.Workload, messages int64) string {
	if messages <= int64(w.Messages) {
		return ""
	}
	return " (extrapolated)"
}
