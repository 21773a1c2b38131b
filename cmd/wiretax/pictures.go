package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"

	"wiretax/analyze"
	"wiretax/capture/lab"
	"wiretax/report"
)

// How many frames a report draws: in all, and of a transport at least, while there is room. It bounds the report's size.
const (
	mostDrawn  = 10_000
	fewestEach = 200
)

// drawTrials completes a run with the frames of a typical trial of each transport.
func drawTrials(ctx context.Context, dir string, r *analyze.Run) error {
	transports := 0
	for i := range r.Workloads {
		transports += len(r.Workloads[i].Transports)
	}
	room := mostDrawn
	for i := range r.Workloads {
		for j := range r.Workloads[i].Transports {
			t := &r.Workloads[i].Transports[j]
			trial := t.Typical()
			if trial >= 0 && room > 0 && t.Variant == nil {
				recorder := analyze.NewTimelineRecorder(min(max(room/transports, fewestEach), room))
				options := analyze.Options{FrameOwners: true, EachFrame: recorder.Add}
				result, err := wholeCapture(ctx, captureOf(dir, &t.Trials[trial]), options)
				if err != nil {
					return err
				}
				t.Draw(trial, result, recorder)
				room -= len(t.Timeline.Rows)
			}
			transports--
		}
	}
	return nil
}

// captureOf is the file of a trial. A run.json may come from a stranger: it names files beside it only.
func captureOf(dir string, t *analyze.Trial) string {
	return filepath.Join(dir, filepath.Base(t.Capture))
}

// html reports whether the result is to have charts.
func (o *outputFlags) html() bool { return o.format == string(report.HTML) }

// drawn reports whether the result is a drawing of frames.
func (o *outputFlags) drawn() bool { return o.format == string(report.SVG) }

// owners reports whether the result shows the owners of each frame.
func (o *outputFlags) owners() bool {
	switch report.Format(o.format) {
	case report.HTML, report.SVG, report.Markdown:
		return true
	case report.Table:
		return o.wide
	}
	return false
}

// show opens the written file in the browser of whoever sits at the machine, if that is wanted. Where there is none, it
// says so, and that is all.
func (o *outputFlags) show(c *cobra.Command) {
	if !o.open || lab.Inside() { // the lab's namespaces have no display: the process outside shows it
		return
	}
	file, err := filepath.Abs(o.file)
	if err == nil {
		err = exec.Command(cmp.Or(os.Getenv("BROWSER"), "xdg-open"), file).Start()
	}
	if err != nil {
		fmt.Fprintf(c.ErrOrStderr(), "wiretax: open %s in a browser: %v (set BROWSER)\n", o.file, err)
	}
}
