package main

import (
	"context"

	"github.com/spf13/cobra"

	"wiretax/analyze"
	"wiretax/capture"
)

// Bounds of an experiment: run.json holds all trials at once.
const (
	maxRuns   = 10_000
	maxTrials = 100_000
	// patientRuns is how many trials --confidence gets where --runs does not say.
	patientRuns = 100
)

// trials are how often each transport is measured.
func (f *runFlags) trials(c *cobra.Command, e *capture.Experiment) error {
	if f.confidence > 0 && !c.Flags().Changed("runs") {
		f.runs = patientRuns
	}
	switch {
	case f.runs < 1 || f.runs > maxRuns:
		return usagef(c, "--runs %d: want 1 to %d", f.runs, maxRuns)
	case f.confidence > 0 && f.runs < analyze.FewTrials:
		return usagef(c, "--confidence: an interval needs %d trials at least, --runs is %d", analyze.FewTrials, f.runs)
	case f.warmup < 0 || f.warmup > maxRuns:
		return usagef(c, "--warmup %d: want 0 to %d", f.warmup, maxRuns)
	}
	e.Trials, e.Warmup, e.Confidence = f.runs, f.warmup, float64(f.confidence)
	// The product of the lists stays within what can be held and awaited.
	cells := f.conditions.count() * f.workloads.count()
	if trials := cells * float64(e.Trials*len(e.Transports)); trials > maxTrials {
		return usagef(c, "%.0f combinations, %d transports, %d runs: %.0f trials, want %d at most", cells, len(e.Transports), e.Trials, trials, maxTrials)
	}
	return nil
}

// narrowed counts each trial when it is recorded, as the report will, and says when the medians are as sure as was asked for.
func narrowed(ctx context.Context, dir string, confidence float64) func(capture.Measured) (bool, error) {
	type series struct {
		cell      int
		transport string
	}
	trials := make(map[series][]analyze.Trial)
	return func(m capture.Measured) (bool, error) {
		t := analyze.Trial{Capture: m.Capture, Port: m.Port}
		if err := countTrial(ctx, dir, m.Transport, &t); err != nil {
			return false, err
		}
		s := series{m.Cell, m.Transport}
		trials[s] = append(trials[s], t)
		return analyze.Narrow(trials[s], confidence), nil
	}
}
