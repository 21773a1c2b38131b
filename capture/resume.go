package capture

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"wiretax/capture/recording"
)

// Resume continues the recording of the same experiment in dir, whatever ended it, a kill included. Trials whose captures are
// there are kept, all others are measured as Record would have.
func Resume(ctx context.Context, e Experiment, dir string, progress func(Progress)) error {
	b, err := recording.ReadManifest(dir)
	if err != nil {
		return err
	}
	before := new(manifest)
	if err := json.Unmarshal(b, before); err != nil {
		return fmt.Errorf("read %s: %w", filepath.Join(dir, recording.ManifestName), err)
	}
	r := &recorder{Experiment: e, dir: dir, progress: progress, before: before}
	return r.record(ctx)
}

// takeOver puts into the manifest what the recording holds. A trial is known by the name of its capture, which has the cell, the
// transport and the round in it.
func (r *recorder) takeOver() error {
	type known struct {
		trial   *trialFacts
		options map[string]any
	}
	trials := make(map[string]known)
	for _, w := range r.before.Workloads {
		for _, t := range w.Transports {
			for i := range t.Trials {
				trials[t.Trials[i].Capture] = known{&t.Trials[i], t.Options}
			}
		}
	}
	if len(r.before.Workloads) != r.cells() {
		return fmt.Errorf("resume %s: it has %d combinations of links and workloads, this experiment %d", r.dir, len(r.before.Workloads), r.cells())
	}
	for c, facts := range r.manifest.Workloads {
		for t, name := range r.Transports {
			transport := facts.transport(name)
			for round := 0; round < r.Trials && transport != nil; round++ {
				k, found := trials[r.captureName(planned{cell: c, transport: t, round: round})]
				if !found || !r.holds(k.trial.Capture) {
					continue
				}
				k.trial.round = round
				transport.Options = k.options
				transport.Trials = append(transport.Trials, *k.trial)
				r.left.add(-1, r.each(c))
				r.done.add(1, r.each(c))
			}
		}
	}
	r.sayChanges()
	return nil
}

// holds reports whether the recording has the capture. It is whole if it has its name: see recording.Create.
func (r *recorder) holds(capture string) bool {
	info, err := os.Lstat(filepath.Join(r.dir, capture))
	return err == nil && info.Mode().IsRegular() && info.Size() > 0
}

// sayChanges warns where what was measured before and what is measured now are of different machines. The recording names the
// first.
func (r *recorder) sayChanges() {
	now, before := r.manifest, r.before
	for _, w := range before.Warnings {
		if w.Code == hostChanged {
			now.Warnings = append(now.Warnings, w)
		}
	}
	for _, fact := range []struct{ what, before, now string }{
		{"wiretax", before.Version, now.Version},
		{"kernel", before.Host.Kernel, now.Host.Kernel},
		{"libpcap", before.Host.Libpcap, now.Host.Libpcap},
		{"operating system", before.Host.OS, now.Host.OS},
		{"architecture", before.Host.Arch, now.Host.Arch},
		{"number of CPUs", fmt.Sprint(before.Host.CPUs), fmt.Sprint(now.Host.CPUs)},
		{"link devices", before.Link.Devices, now.Link.Devices},
	} {
		if fact.before != fact.now {
			now.warn(hostChanged, fmt.Sprintf("resumed with another %s: %s before, %s then", fact.what, fact.before, fact.now))
		}
	}
	now.Host, now.Version = before.Host, before.Version
}

// hostChanged is the code of the warnings of a recording that was made on more than one machine, or kernel.
const hostChanged = "host_changed"
