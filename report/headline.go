package report

import (
	"fmt"
	"strings"

	"wiretax/analyze"
)

// headline is the answer in short: what coalescing saved TCP in data frames, what is left of it when every frame counts, and
// at what latency.
func headline(w *analyze.Workload) string {
	ref := w.Transports[0]
	t := headlined(w)
	if t == nil || len(ref.Summary) == 0 {
		return ""
	}
	data, frames := t.Summary["data_frames_saved"], t.Summary["frames_saved"]
	if !data.Median.Valid() || !frames.Median.Valid() {
		return ""
	}
	text := fmt.Sprintf("%s; %s.", dataHeadline(ref, t), totalHeadline(ref, t)) + mostSaved(w, t) + latencyHeadline(w, t)
	for _, sender := range []analyze.Transport{ref, *t} {
		if s, ok := sender.Summary["messages_delivered"]; ok && float64(s.Min) < float64(w.Messages) {
			text += fmt.Sprintf(" But %s delivered only %s of %s.", sender.Name, ranged(s, count), plural(float64(w.Messages), "message"))
		}
	}
	if !verified(&ref) || !verified(t) {
		text += " Not every trial of them is verified: see below."
	}
	return clean(text)
}

// headlined is the transport that the question is about: tcp, or the first of its kind; nil without any.
func headlined(w *analyze.Workload) *analyze.Transport {
	var first *analyze.Transport
	for i := range w.Transports[1:] {
		t := &w.Transports[1+i]
		switch {
		case len(t.Summary) == 0:
		case t.Name == "tcp":
			return t
		case first == nil && strings.HasPrefix(t.Name, "tcp"):
			first = t
		}
	}
	return first
}

// dataHeadline is what coalescing alone did.
func dataHeadline(ref analyze.Transport, t *analyze.Transport) string {
	saved := t.Summary["data_frames_saved"]
	of := fmt.Sprintf("%s's %s", ref.Name, quantified(ref.Summary["data_frames"], "data frame"))
	switch {
	case saved.Median > 0:
		return fmt.Sprintf("Coalescing saved %s %s of %s", t.Name, ranged(saved, count), of)
	case saved.Median < 0:
		return fmt.Sprintf("Coalescing saved %s nothing: it needed %s than %s's %s", t.Name, quantified(negative(saved), "more data frame"),
			ref.Name, ranged(ref.Summary["data_frames"], count))
	case differs(saved, count):
		return fmt.Sprintf("Coalescing saved %s %s of %s, none in the median", t.Name, ranged(saved, count), of)
	}
	return fmt.Sprintf("Coalescing saved %s none of %s", t.Name, of)
}

// totalHeadline is what is left of it with the frames that carry nothing.
func totalHeadline(ref analyze.Transport, t *analyze.Transport) string {
	all, saved := ref.Summary["frames"], t.Summary["frames_saved"]
	with := "in all"
	if t.Summary["setup_frames"].Median > 0 {
		with = "with handshake, ACKs and teardown"
	}
	switch {
	case saved.Median > 0:
		return fmt.Sprintf("%s it saved %s of %s", with, ranged(saved, count), quantified(all, "frame"))
	case saved.Median < 0:
		return fmt.Sprintf("%s it needed %s instead of %s: %s more", with, quantified(t.Summary["frames"], "frame"),
			ranged(all, count), ranged(negative(saved), count))
	}
	return fmt.Sprintf("%s it needed %s, as many as %s", with, quantified(t.Summary["frames"], "frame"), ref.Name)
}

// latencyHeadline is what a message took with the transport and with the reference.
func latencyHeadline(w *analyze.Workload, t *analyze.Transport) string {
	ref, figure := w.Transports[0], w.LatencyFigure("p50")
	if !compares(ref, *t, figure) || ref.Summary[figure].Median <= 0 {
		return ""
	}
	text := fmt.Sprintf(" Median %s: %s%sms against %s%sms", delayOf(w)+" latency after connecting", median(t.Summary[figure], millis), glue,
		median(ref.Summary[figure], millis), glue)
	if unclear(ref, *t, figure) {
		text += ", " + unclearWord(w)
	}
	return text + "; a new TCP connection costs a round trip more before its first message."
}

// mostSaved names the transport that saved most frames of all, where it is not the one that the question is about.
func mostSaved(w *analyze.Workload, t *analyze.Transport) string {
	for _, b := range w.Best {
		if b.Among == "all" && b.Frames != nil && b.Frames.Transport != t.Name && b.Frames.FramesSaved > max(0, t.Summary["frames_saved"].Median) {
			return fmt.Sprintf(" Of all measured, %s saved most frames: %s.", b.Frames.Transport, count(float64(b.Frames.FramesSaved)))
		}
	}
	return ""
}

func verified(t *analyze.Transport) bool {
	for i := range t.Trials {
		if !t.Trials[i].Verified() {
			return false
		}
	}
	return true
}
