package capture

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

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

// ExpectedRest is about how long Resume will take: as long as the trials that the recording in dir does not hold.
func (e Experiment) ExpectedRest(dir string) time.Duration {
	rest := e.whole()
	b, err := recording.ReadManifest(dir)
	var held manifest
	if err != nil || json.Unmarshal(b, &held) != nil || len(held.Workloads) != e.cells() {
		return rest.time // Resume will say what is wrong
	}
	for c, w := range held.Workloads {
		for _, t := range w.Transports {
			rest.add(-len(t.Trials), e.each(c))
		}
	}
	return max(0, rest.time)
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
	if err := r.sameConditions(); err != nil {
		return err
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
				transport.resumed = true
				transport.Trials = append(transport.Trials, *k.trial)
				r.left.add(-1, r.each(c))
				r.done.add(1, r.each(c))
			}
		}
	}
	r.sayChanges()
	return nil
}

// sameConditions refuses to continue what was measured with other messages or on another link: trials of both would be summed up
// as one. The flags are the same, but what they name need not be: the capture of --from, a preset of another version.
func (r *recorder) sameConditions() error {
	for c, now := range r.manifest.Workloads {
		before := *r.before.Workloads[c]
		if before.Link == nil {
			before.Link = &r.before.Link
		}
		was, is := before.conditions(), now.conditions()
		for i := range was {
			if was[i] != is[i] {
				return fmt.Errorf("resume %s: it was recorded with %s, this would be %s (record anew with --out)", r.dir, was[i], is[i])
			}
		}
	}
	return nil
}

// conditions are what all trials of a workload must have in common, each in words. Of a link that was found its rate and its
// round-trip time are measured, and differ a little each time.
func (w *workloadFacts) conditions() []string {
	l := w.Link
	rate, rtt := fmt.Sprintf("rate %d bit/s", l.RateBitsPerSecond), fmt.Sprintf("RTT %g s", l.RTTSeconds)
	if l.Kind == "interface" {
		rate, rtt = "a rate as found", "an RTT as found"
	}
	return []string{
		fmt.Sprintf("%d messages", w.Messages), fmt.Sprintf("messages of %d octets", w.Size), fmt.Sprintf("sizes %q", w.Sizes),
		fmt.Sprintf("interval %g s", w.IntervalSeconds), "arrivals " + w.Arrivals, "pattern " + w.Pattern,
		fmt.Sprintf("depth %d", w.Depth), fmt.Sprintf("%d connections", w.Connections), fmt.Sprintf("seed %d", w.Seed),
		fmt.Sprintf("replay %q", w.Replay), fmt.Sprintf("linger %g s", w.LingerSeconds),
		"link " + l.Kind, rate, rtt, fmt.Sprintf("loss %g", l.Loss), fmt.Sprintf("MTU %d", l.MTU), fmt.Sprintf("IPv%d", l.IP),
		"congestion control " + l.CongestionControl, fmt.Sprintf("NIC queue %t", l.NICQueue != nil),
	}
}

// negotiated are the options that decide what frames look like, and that a host's settings change behind the program's back.
var negotiated = []string{"tcp_timestamps", "tcp_sack", "tcp_window_scaling", "tcp_ecn", "tcp_autocorking", "initial_cwnd", "TCP_CONGESTION"}

// sayOptions warns where the trials that a resumed recording has were made with other options of the kernel.
func (m *manifest) sayOptions(t *transportFacts, options map[string]any) {
	if !t.resumed {
		return
	}
	for _, name := range negotiated {
		before, was := t.Options[name]
		now, is := options[name]
		if was && is && fmt.Sprint(before) != fmt.Sprint(now) { // of a file, numbers are floats
			m.warn(hostChanged, fmt.Sprintf("resumed with another %s over %s: %v before, %v then", name, t.Name, before, now))
		}
	}
	t.resumed = false
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
		{"rate of the link", fmt.Sprint(before.Link.RateBitsPerSecond), fmt.Sprint(now.Link.RateBitsPerSecond)},
		{"link devices", before.Link.Devices, now.Link.Devices},
	} {
		if fact.before != fact.now {
			now.warn(hostChanged, fmt.Sprintf("resumed with another %s: %s before, %s then", fact.what, fact.before, fact.now))
		}
	}
	if now.FarHost != nil && before.FarHost != nil {
		if *now.FarHost != *before.FarHost {
			now.warn(hostChanged, fmt.Sprintf("resumed with another far host: kernel %s, libpcap %s, %d CPUs before, kernel %s, libpcap %s, %d CPUs then",
				before.FarHost.Kernel, before.FarHost.Libpcap, before.FarHost.CPUs, now.FarHost.Kernel, now.FarHost.Libpcap, now.FarHost.CPUs))
		}
		now.FarHost = before.FarHost
	}
	now.Host, now.Version = before.Host, before.Version
}

// hostChanged is the code of the warnings of a recording that was made on more than one machine, or kernel.
const hostChanged = "host_changed"
