package report

import (
	"slices"
	"strings"

	"wiretax/analyze"
)

// sharedLines are what all workloads of a run have in common: how many there are and the messages, and the link.
func sharedLines(r *analyze.Run) (workloads, link string) {
	if len(r.Workloads) == 1 {
		return workloadLine(referenceFirst(&r.Workloads[0])), sharedLink(r)
	}
	workloads = plural(float64(len(r.Workloads)), "workload")
	if parts := sharedWords(r); len(parts) > 0 {
		workloads += ": " + strings.Join(parts, ", ")
	}
	return workloads, sharedLink(r)
}

// ownLine is what a workload has of its own, the rest of what sharedLines says; the whole of it where all are alike.
func ownLine(r *analyze.Run, i int) string {
	shared, link := sharedWords(r), strings.Split(sharedLink(r), ", ")
	without := func(words, common []string) []string {
		return slices.DeleteFunc(words, func(p string) bool { return slices.Contains(common, p) })
	}
	w := &r.Workloads[i]
	own := without(workloadWords(w), shared)
	for _, p := range without(strings.Split(linkLine(*r.LinkOf(w)), ", "), link) {
		own = append(own, strings.TrimPrefix(p, "link: "+r.Link.Kind+" "))
	}
	if len(own) == 0 {
		return workloadLine(referenceFirst(w))
	}
	return strings.Join(own, ", ")
}

func workloadWords(w *analyze.Workload) []string {
	return strings.Split(workloadLine(referenceFirst(w)), ", ")
}

func sharedWords(r *analyze.Run) (parts []string) {
	for i := range r.Workloads {
		of := workloadWords(&r.Workloads[i])
		if i == 0 {
			parts = of
		}
		parts = slices.DeleteFunc(parts, func(p string) bool { return !slices.Contains(of, p) })
	}
	return parts
}
