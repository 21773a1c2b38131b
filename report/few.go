package report

import (
	"slices"

	"wiretax/analyze"
)

// fewNote says why nothing is concluded from a difference: it may be large, the trials cannot tell.
const fewNote = "fewer than 5 trials, too few to tell from the noise"

// fewTrials reports whether a transport has too few trials to tell a difference from the noise.
func fewTrials(w *analyze.Workload) bool {
	return slices.ContainsFunc(w.Transports, func(t analyze.Transport) bool {
		return len(t.Trials) > 0 && len(t.Trials) < analyze.FewTrials
	})
}

func fewAnywhere(r *analyze.Run) bool {
	return slices.ContainsFunc(r.Workloads, func(w analyze.Workload) bool { return fewTrials(&w) })
}

// unclearWord is what to say beside a difference that is not told from the noise.
func unclearWord(w *analyze.Workload) string {
	if fewTrials(w) {
		return "too few trials to tell"
	}
	return "no clear change"
}

// whyBrackets says what is in brackets in a table of differences.
func whyBrackets(r *analyze.Run) string {
	switch {
	case !fewAnywhere(r):
		return "not larger than the noise"
	case slices.ContainsFunc(r.Workloads, func(w analyze.Workload) bool { return len(w.Transports) > 0 && !fewTrials(&w) }):
		return "not larger than the noise, or " + fewNote
	}
	return fewNote
}

func starNote(few bool) string {
	note := "* no other saves more frames at less latency (p50)"
	if few {
		note += "; by medians alone, of fewer than 5 trials"
	}
	return note
}

// noisyNote explains the mark of savings that may be none, where the table has one.
func noisyNote(t *table, few bool) []string {
	switch {
	case !t.shows("?"):
		return nil
	case few:
		return []string{"? " + fewNote + " (wiretax explain difference)"}
	}
	return []string{"? no larger than the noise (wiretax explain difference)"}
}
