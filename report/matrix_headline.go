package report

import (
	"fmt"

	"wiretax/analyze"
)

// matrixHeadline is the answer in short where a run has several workloads: in how many the transport of the question saved frames
// and in how many it cost some, from what to what, and the latency it added; nothing for one workload.
func matrixHeadline(r *analyze.Run) string {
	if len(r.Workloads) < 2 {
		return ""
	}
	s := survey{names: cellNames(r)}
	for i := range r.Workloads {
		s.count(referenceFirst(&r.Workloads[i]), i)
	}
	if s.workloads == 0 {
		return ""
	}
	return clean(s.frames() + s.mostOfAll() + s.latency())
}

// survey goes through the workloads of a run.
type survey struct {
	names                      []string
	tcp, base                  string
	workloads, saving, costing int
	most, least, any           extreme
	anyBy                      string
	added                      int // workloads with a latency
	fastest, slowest           float64
	answered, oneWay, mixed    bool
}

// extreme is the largest saving or cost so far, and where.
type extreme struct {
	frames, of float64
	where      string
}

func (s *survey) count(w *analyze.Workload, i int) {
	if len(w.Transports) == 0 {
		return
	}
	ref, t := w.Transports[0], headlined(w)
	if t == nil || !measured(w) || !t.Summary["frames_saved"].Median.Valid() {
		return
	}
	s.mixed = s.mixed || s.tcp != "" && s.tcp != t.Name
	s.workloads++
	s.tcp, s.base = t.Name, ref.Name
	saved, of := float64(t.Summary["frames_saved"].Median), float64(ref.Summary["frames"].Median)
	here := extreme{saved, of, s.names[i]}
	switch {
	case saved > 0:
		s.saving++
		if saved > s.most.frames {
			s.most = here
		}
	case saved < 0:
		s.costing++
		if saved < s.least.frames {
			s.least = here
		}
	}
	for _, b := range w.Best {
		if b.Among == "all" && b.Frames != nil && float64(b.Frames.FramesSaved) > s.any.frames {
			s.any, s.anyBy = extreme{float64(b.Frames.FramesSaved), of, s.names[i]}, b.Frames.Transport
		}
	}
	s.addLatency(w, ref, t)
}

func (s *survey) addLatency(w *analyze.Workload, ref analyze.Transport, t *analyze.Transport) {
	figure := w.LatencyFigure("p50")
	if !compares(ref, *t, figure) {
		return
	}
	added := float64(t.Summary[figure].Median - ref.Summary[figure].Median)
	if s.added == 0 {
		s.fastest, s.slowest = added, added
	}
	s.added++
	s.fastest, s.slowest = min(s.fastest, added), max(s.slowest, added)
	s.answered, s.oneWay = s.answered || w.Answered(), s.oneWay || !w.Answered()
}

// name is the transport that the question is about; TCP, where it is not the same in all workloads.
func (s *survey) name() string {
	if s.mixed {
		return "TCP"
	}
	return s.tcp
}

// frames says where the transport saved and where it cost frames.
func (s *survey) frames() string {
	text := fmt.Sprintf("With handshake, ACKs and teardown %s needed fewer frames than %s in %d of %s", s.name(), s.base, s.saving, plural(float64(s.workloads), "workload"))
	if s.saving > 0 {
		text += fmt.Sprintf(" (at best %s of %s saved: %s)", count(s.most.frames), count(s.most.of), s.most.where)
	}
	if s.costing > 0 {
		text += fmt.Sprintf(", and more in %d (at worst %s more than %s: %s)", s.costing, count(-s.least.frames), count(s.least.of), s.least.where)
	}
	return text + "."
}

func (s *survey) mostOfAll() string {
	if s.any.frames <= 0 || s.anyBy == s.tcp {
		return ""
	}
	return fmt.Sprintf(" Of all measured, %s saved most frames: %s of %s.", s.anyBy, count(s.any.frames), count(s.any.of))
}

// latency is the range of what was added over the workloads, by medians.
func (s *survey) latency() string {
	if s.added == 0 || s.answered && s.oneWay {
		return ""
	}
	kind := "one-way"
	if s.answered {
		kind = "round-trip"
	}
	added := signedOrZero(s.fastest)
	if slowest := signedOrZero(s.slowest); slowest != added {
		added += " to " + slowest
	}
	return fmt.Sprintf(" Median %s latency of %s less that of %s: %s%sms.", kind, s.name(), s.base, added, glue)
}

func signedOrZero(v float64) string {
	if v == 0 {
		return "0"
	}
	return signed(v)
}
