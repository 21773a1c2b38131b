package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"wiretax/analyze"
)

// reference is the transport that all others are compared with; without it, the first one is.
const reference = "udp"

// runDocument states the experiment, shows a row for each transport, and answers in words. Ranges stand inline, beside their
// median, where width is no matter, otherwise in a table of their own.
func runDocument(r *analyze.Run, wide, inline bool) document {
	if len(r.Claims) > 0 && !wide {
		return storyDocument(r, inline)
	}
	var d document
	if len(r.Workloads) > fewWorkloads {
		d = matrixSections(r, wide, inline)
	} else {
		d = eachWorkload(r, wide, inline)
	}
	best := bestSections(r, wide || inline)
	if inline && len(best) > 0 { // who reads from the top has the answer there
		workloads, link := sharedLines(r)
		lead := section{title: workloads, lines: []line{{text: link}}}
		d = slices.Concat(document{lead}, best, d)
	} else {
		d = append(d, best...)
		if text := matrixHeadline(r); text != "" {
			d = append(d, section{lines: []line{{text: text}}})
		}
	}
	if len(r.Claims) > 0 {
		d = append(d, claimSections(r)...)
	}
	if inline && len(d) > 0 {
		d[0].lines = slices.Concat(answerLines(r), d[0].lines, trustSection(r).lines)
		return append(d, closing(r)[1:]...)
	}
	return append(d, closing(r)...)
}

// eachWorkload has tables and sentences for each workload.
func eachWorkload(r *analyze.Run, wide, inline bool) document {
	var d document
	link := ""
	for i := range r.Workloads {
		w := referenceFirst(&r.Workloads[i])
		head := section{title: workloadLine(w)}
		if text := linkLine(*r.LinkOf(w)); text != link {
			head.lines = append(head.lines, line{text: text})
			link = text
		}
		head.lines = append(head.lines, clockLines(w)...)
		if i == 0 {
			head.lines = append(presetLines(r.Preset), head.lines...)
		}
		if i == 0 && wide {
			head.lines = append(head.lines, line{text: hostLine(r)})
		}
		d = append(append(d, head), workloadSections(w, wide, inline)...)
	}
	return d
}

// answerLines are the answer in one sentence for a text that is read from its top. In a terminal the end is what one sees: it
// has the answer there.
func answerLines(r *analyze.Run) []line {
	if text := matrixHeadline(r); text != "" {
		return []line{{text: text}}
	}
	if len(r.Workloads) != 1 || len(r.Workloads[0].Transports) == 0 {
		return nil
	}
	if text := headline(referenceFirst(&r.Workloads[0])); text != "" {
		return []line{{text: text}}
	}
	return nil
}

// closing says whether to trust the figures, and where words are explained.
func closing(r *analyze.Run) document {
	d := document{trustSection(r)}
	if notes := runFootnotes(r.Warnings); len(notes) > 0 {
		d = append(d, section{lines: notes})
	}
	return append(d, section{lines: []line{{text: "wiretax run --explain defines every column", tone: faint}}})
}

// workloadSections are the figures of a workload and what they say; none without transports.
func workloadSections(w *analyze.Workload, wide, inline bool) document {
	if len(w.Transports) == 0 {
		return nil
	}
	d := document{{table: transportTable(w, wide, inline)}}
	if t := rangeTable(w, wide); !inline && t != nil {
		d = append(d, section{title: "range over the trials (blank: the same in each)", table: t})
	}
	if t := wireTable(w, inline); t != nil {
		d = append(d, section{title: "from wire bytes down to unique payload (medians)", table: t})
	}
	if options := optionSection(w); wide && len(options.lines) > 0 {
		d = append(d, options)
	}
	if wide || inline {
		d = append(d, theorySections(w)...)
	}
	d = append(d, causeSections(w, wide || inline)...)
	if len(w.Transports) > 1 {
		d = append(d, answer(w, inline)...)
	}
	return d
}

// referenceFirst is the workload without the variants of its transports, which stand in the table of causes.
func referenceFirst(w *analyze.Workload) *analyze.Workload {
	ordered := withVariants(w)
	ordered.Transports = slices.DeleteFunc(ordered.Transports, func(t analyze.Transport) bool {
		return t.Variant != nil && slices.ContainsFunc(w.Transports, func(of analyze.Transport) bool { return of.Name == t.Variant.Of })
	})
	return ordered
}

// withVariants has the reference first too.
func withVariants(w *analyze.Workload) *analyze.Workload {
	ordered := *w
	ordered.Transports = slices.Clone(w.Transports)
	slices.SortStableFunc(ordered.Transports, func(a, b analyze.Transport) int {
		switch {
		case a.Name == reference && b.Name != reference:
			return -1
		case b.Name == reference && a.Name != reference:
			return 1
		}
		return 0
	})
	return &ordered
}

func workloadLine(w *analyze.Workload) string {
	pace := "back to back"
	if w.IntervalSeconds > 0 {
		pace = "every " + seconds(w.IntervalSeconds)
	}
	if w.Replay != "" {
		pace = "replayed from " + clean(w.Replay)
	}
	if w.Arrivals != "" && w.Arrivals != "constant" {
		pace += " (" + w.Arrivals + ")"
	}
	if w.Answered() {
		pace += ", " + w.Pattern
		if w.Depth > 1 {
			pace += " with depth " + strconv.Itoa(w.Depth)
		}
	}
	if w.Connections > 1 {
		pace += ", over " + plural(float64(w.Connections), "connection")
	}
	if w.LingerSeconds > 0 {
		pace += ", closed after " + seconds(w.LingerSeconds)
	}
	return fmt.Sprintf("%s of %s%sB %s, %s", plural(float64(w.Messages), "message"), sizeOf(w), glue, pace, trialCount(w))
}

// sizeOf is the size of the messages, or how it is distributed.
func sizeOf(w *analyze.Workload) string {
	if w.Sizes != "" {
		return w.Sizes
	}
	return strconv.Itoa(w.Size)
}

// delayOf names what latency is.
func delayOf(w *analyze.Workload) string {
	if w.Answered() {
		return "round-trip"
	}
	return "one-way"
}

// latencyOf says what the column p50 is.
func latencyOf(w *analyze.Workload) string {
	if w.FromDue() {
		return delayOf(w) + " latency from the moment a message was due"
	}
	return delayOf(w) + " latency"
}

// trialCount says how often each transport sent the workload.
func trialCount(w *analyze.Workload) string {
	fewest, most := -1, 0
	for _, t := range w.Transports {
		n := len(t.Trials)
		if fewest < 0 || n < fewest {
			fewest = n
		}
		most = max(most, n)
	}
	if fewest >= 0 && fewest != most {
		return fmt.Sprintf("%d to %s per transport", fewest, plural(float64(most), "trial"))
	}
	return plural(float64(most), "trial") + " per transport"
}

// interfaceNames names the ends of a real link, after its kind.
func interfaceNames(ends []analyze.Interface) string {
	var names []string
	for _, i := range ends {
		names = append(names, clean(i.Name))
	}
	switch {
	case len(names) == 0:
		return ""
	case names[0] == names[len(names)-1]:
		return " " + names[0]
	}
	return "s " + strings.Join(names, " to ")
}

func linkLine(l analyze.Link) string {
	parts := []string{strings.TrimSpace("link: " + l.Kind + interfaceNames(l.Interfaces))}
	emulated := l.Kind != "interface" // of an interface the rate is what its driver says, if it does
	switch {
	case l.RateBitsPerSecond > 0:
		parts[0] += " " + bitRate(l.RateBitsPerSecond)
	case emulated:
		parts[0] += " without rate limit"
	}
	switch {
	case emulated:
		parts = append(parts, "RTT"+glue+seconds(l.RTTSeconds))
	case l.RTTSeconds > 0:
		parts = append(parts, "RTT"+glue+seconds(math.Round(l.RTTSeconds*1e6)/1e6)+glue+"(measured)")
	}
	if l.Loss > 0 {
		parts = append(parts, fmt.Sprintf("loss%s%s%s%% (seed%s%d)", glue, decimal(sixDigits(100*l.Loss)), glue, glue, l.Seed))
	}
	parts = append(parts, fmt.Sprintf("MTU%s%d", glue, l.MTU))
	if l.IP != 0 {
		parts = append(parts, fmt.Sprintf("IPv%d", l.IP))
	}
	if l.CongestionControl != "" {
		parts = append(parts, "TCP"+glue+l.CongestionControl)
	}
	if l.NICQueue != nil {
		parts = append(parts, "NIC queue")
	}
	return strings.Join(append(parts, offloadWords(l.Offloads)), ", ")
}

// offloadWords names the features that are on: with them a capture shows super-frames instead of wire frames.
func offloadWords(features map[string]bool) string {
	var on []string
	for name, enabled := range features {
		if enabled {
			on = append(on, name)
		}
	}
	if len(on) == 0 {
		return "offloads" + glue + "off"
	}
	slices.Sort(on)
	return "offloads on: " + strings.Join(on, " ")
}

func hostLine(r *analyze.Run) string {
	h := r.Host
	parts := []string{strings.TrimSpace(h.OS + " " + h.Kernel), h.Arch, plural(float64(h.CPUs), "CPU")}
	if h.Libpcap != "" {
		parts = append(parts, h.Libpcap)
	}
	if r.Version != "" {
		parts = append(parts, "wiretax "+r.Version)
	}
	if far := r.FarHost; far != nil {
		parts = append(parts, fmt.Sprintf("receiver on %s %s, %s, %s, %s", far.OS, far.Kernel, far.Arch, plural(float64(far.CPUs), "CPU"), far.Libpcap))
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
}

// optionSection lists the socket options as the kernel reported them.
func optionSection(w *analyze.Workload) section {
	s := section{title: "socket options, read back from the kernel"}
	for _, t := range w.Transports {
		var options []string
		for name, value := range t.Options {
			if number, ok := value.(float64); ok { // as JSON has it: 8388608, not 8.388608e+06
				value = decimal(number)
			}
			options = append(options, fmt.Sprintf("%s=%v", name, value))
		}
		slices.Sort(options)
		if len(options) > 0 {
			s.lines = append(s.lines, line{label: t.Name, text: strings.Join(options, " ")})
		}
	}
	return s
}
