package capture

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"wiretax/capture/recording"
	"wiretax/capture/traffic"
)

// Record runs the experiment and writes its recording into dir: a capture for each trial, and run.json. When it fails or
// ctx ends it, the trials that were complete are in the recording all the same, and the error is an IncompleteError.
func Record(ctx context.Context, e Experiment, dir string, progress func(Progress)) error {
	r := &recorder{Experiment: e, dir: dir, progress: progress}
	return r.record(ctx)
}

// recorder is an experiment under way.
type recorder struct {
	Experiment
	dir      string
	progress func(Progress)

	bench    *bench
	session  *session // in the place of the bench, between two hosts
	manifest *manifest
	before   *manifest // of the recording that is resumed
	left     course    // what is still to be done
	done     course
	order    int           // of the next trial
	written  time.Time     // when run.json was written
	writing  time.Duration // how long that took
}

// course is a number of trials, and about how long they take.
type course struct {
	trials int
	time   time.Duration
}

func (c *course) add(trials int, each time.Duration) {
	c.trials += trials
	c.time += time.Duration(trials) * each
}

// planned is one trial of the experiment's order.
type planned struct {
	cell, transport, round, order int
}

// A cell is one combination of a link and a workload. The workloads of a link follow each other: its bench stays up.
func (e Experiment) cells() int                         { return len(e.Links) * len(e.Workloads) }
func (e Experiment) link(cell int) Link                 { return e.Links[cell/len(e.Workloads)] }
func (e Experiment) workload(cell int) traffic.Workload { return e.Workloads[cell%len(e.Workloads)] }

// captureName is the file of one trial: udp-01.pcapng, with a number before it where there are several cells.
func (e Experiment) captureName(p planned) string {
	name := fmt.Sprintf("%s-%02d.pcapng", e.Transports[p.transport], p.round+1)
	if e.cells() > 1 {
		name = fmt.Sprintf("%d-%s", p.cell+1, name)
	}
	return name
}

// each is about how long a trial of the cell takes.
func (e Experiment) each(cell int) time.Duration {
	return e.link(cell).expected(e.workload(cell)) + besideSending
}

// besideSending is about what a trial takes beside its messages: the ends of its sockets, draining, the capture's file.
const besideSending = 20 * time.Millisecond

// Expected is about how long Record will take.
func (e Experiment) Expected() time.Duration { return e.whole().time }

func (e Experiment) whole() (all course) {
	for c := range e.cells() {
		all.add(e.Trials*len(e.Transports), e.each(c))
	}
	return all
}

func (r *recorder) record(ctx context.Context) error {
	defer func() { r.dismantle() }()
	prepare := r.prepare
	if r.Far != nil {
		prepare = r.reach
	}
	if err := prepare(ctx); err != nil {
		return err
	}
	err := r.note(errKilled)
	draw := rand.New(rand.NewPCG(r.Seed, 0))
	for c := 0; c < r.cells() && err == nil; c++ {
		err = r.cell(ctx, c, draw)
	}
	switch {
	case err == nil:
		r.sayRates()
		return r.manifest.write(r.dir, "", 0)
	case r.done.trials == 0 && r.before == nil:
		os.Remove(filepath.Join(r.dir, recording.ManifestName)) // nothing was recorded
	default:
		r.note(err) // its own failure is the lesser news
	}
	return r.incomplete(err)
}

func (r *recorder) incomplete(cause error) *IncompleteError {
	return &IncompleteError{Done: r.done.trials, Trials: r.done.trials + r.left.trials, Cause: cause}
}

// prepare finds out what can be measured here and begins the recording.
func (r *recorder) prepare(ctx context.Context) (err error) {
	refused, err := r.refusals(ctx)
	if err != nil {
		return err
	}
	if err := r.build(ctx, r.Links[0]); err != nil {
		return err
	}
	if r.manifest, err = newManifest(r.Experiment, r.bench.lab); err != nil {
		return err
	}
	if err := r.noteRealLink(); err != nil {
		return err
	}
	for _, l := range r.Links {
		err := r.bench.lab.A.Within(func() error { return traffic.CheckCongestionControl(l.CongestionControl) })
		if err != nil {
			return err
		}
	}
	return r.schedule(refused)
}

// schedule says which trials are to be measured: those of the transports that are not refused, less what a recording that goes on has.
func (r *recorder) schedule(refused map[int]map[string]error) error {
	if err := r.leaveOut(refused); err != nil {
		return err
	}
	for c := range r.cells() {
		r.left.add(r.Trials*len(r.manifest.Workloads[c].Transports), r.each(c))
	}
	if r.before != nil {
		return r.takeOver()
	}
	return nil
}

// build makes the bench of a link, unless it stands already.
func (r *recorder) build(ctx context.Context, l Link) (err error) {
	if r.bench != nil && r.bench.asked == l {
		return nil
	}
	r.dismantle()
	if r.bench, err = newBench(r.Experiment, l); err != nil {
		return err
	}
	if last := len(r.Links) - 1; r.Opened != nil && l == r.Links[last] && !slices.Contains(r.Links[:last], l) {
		if err := r.Opened(); err != nil {
			return err
		}
	}
	if !r.bench.found() {
		return nil
	}
	if err := r.bench.realLink(ctx, r.KeepOffloads); err != nil {
		return err
	}
	return r.noteRealLink()
}

func (r *recorder) dismantle() {
	if r.session != nil {
		r.session.close()
		r.session = nil
	}
	if r.Far != nil {
		r.Far.Close()
	}
	if r.bench != nil {
		r.bench.close()
		r.bench = nil
	}
}

// usualMTU is Ethernet's (RFC 894), for links whose own is not known yet.
const usualMTU = 1500

// refusals tries, on links without loss or delay, the transports that not every kernel has. It tells by IP version and transport
// why one cannot be measured.
func (r *recorder) refusals(ctx context.Context) (map[int]map[string]error, error) {
	names := slices.Clone(r.Transports)
	names = slices.DeleteFunc(names, func(name string) bool { return !traffic.DependsOnKernel(name) })
	refused := make(map[int]map[string]error)
	for _, l := range r.Links {
		if len(names) == 0 || refused[l.IP] != nil {
			continue
		}
		refused[l.IP] = make(map[string]error)
		b, err := newBench(Experiment{Devices: r.Devices, KeepOffloads: r.KeepOffloads}, Link{MTU: cmp.Or(l.MTU, usualMTU), IP: l.IP})
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			refused[l.IP][name] = b.try(ctx, name)
		}
		b.close()
	}
	return refused, ctx.Err()
}

// try sends two small messages, which tells whether this kernel has what the transport needs.
func (b *bench) try(ctx context.Context, transport string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, tryLimit+100*b.link.RTT, errors.New("no answer"))
	defer cancel()
	c := b.config(traffic.Workload{Messages: 2, Size: 16})
	c.Transport = transport
	_, err := traffic.Run(ctx, c)
	return err
}

// tryLimit is plenty for a handshake.
const tryLimit = 10 * time.Second

// leaveOut takes out of the manifest what cannot be measured, if it is optional. What is left out for one reason is one warning.
func (r *recorder) leaveOut(refused map[int]map[string]error) error {
	for c, facts := range r.manifest.Workloads {
		ip := r.link(c).IP
		var reasons []string
		names := make(map[string][]string)
		for _, name := range r.Transports {
			optional := slices.Contains(r.Optional, name)
			why := refused[ip][name]
			if why == nil && optional {
				why = r.workload(c).Check(name, ip)
			}
			switch {
			case why == nil:
			case !optional:
				return fmt.Errorf("%s: %w", name, why)
			default:
				facts.remove(name)
				if names[why.Error()] == nil {
					reasons = append(reasons, why.Error())
				}
				names[why.Error()] = append(names[why.Error()], name)
			}
		}
		for _, why := range reasons {
			r.manifest.warn("transport_left_out", strings.Join(names[why], ", ")+" left out: "+why)
		}
	}
	return nil
}

// cell runs the trials of one cell: round by round, so that a drift of the machine meets all transports alike, each round in an
// order drawn by the seed, so that none always follows the same other.
func (r *recorder) cell(ctx context.Context, c int, draw *rand.Rand) error {
	facts := r.manifest.Workloads[c]
	open := make(map[string]bool) // transports that need more trials
	for _, t := range facts.Transports {
		open[t.Name] = true
	}
	warm := false
	for round := 0; round < r.Trials && len(open) > 0; round++ {
		for _, t := range draw.Perm(len(r.Transports)) {
			name := r.Transports[t]
			if !open[name] {
				continue
			}
			p := planned{c, t, round, r.order}
			r.order++
			if facts.transport(name).trial(round) == nil {
				if err := r.measure(ctx, p, !warm); err != nil {
					return err
				}
				warm = true
			}
			enough, err := r.enough(p)
			if err != nil {
				return err
			}
			if enough {
				delete(open, name)
			}
		}
	}
	return nil
}

// measure runs one trial, after those that warm up, and adds it to the recording.
func (r *recorder) measure(ctx context.Context, p planned, first bool) error {
	if first {
		if err := r.warmUp(ctx, p); err != nil {
			return err
		}
	}
	name := r.Transports[p.transport]
	r.progress(r.now(p))
	trial, options, err := r.perform(ctx, p, r.dir)
	if err != nil {
		return r.failed(ctx, p, err)
	}
	facts := r.manifest.Workloads[p.cell].transport(name)
	r.manifest.sayOptions(facts, options)
	facts.Options = options
	trial.round = p.round
	facts.add(*trial)
	r.left.add(-1, r.each(p.cell))
	r.done.add(1, r.each(p.cell))
	return r.keepUp()
}

// perform runs a trial where it belongs.
func (r *recorder) perform(ctx context.Context, p planned, dir string) (*trialFacts, map[string]any, error) {
	if r.session != nil {
		facts, options, err := r.session.trial(ctx, r.Experiment, p, dir)
		if err == nil && r.session.clockSet {
			r.manifest.warn("clock_set", "a host's clock was set during a trial: the times in that trial's captures are off by as much; latency is not, it is by a clock that nobody sets")
		}
		if err == nil && r.session.putTogether && !r.session.superFrames {
			r.manifest.warn("super_frames", "frames arrived put together although the interfaces' offloads are off: what is in front of one does that, such as the host of a virtual machine, or a port of a bridge (there: ethtool -K IF gro off). Super-frames are expanded, frames lost between the hosts cannot be counted")
		}
		if err == nil && facts.Witnesses.Interface == 0 && !r.session.superFrames && !r.session.putTogether {
			r.manifest.warn("interface_counters", "the interfaces' own counters did not match in every trial: other traffic moved while they were read, or a driver brings them up to date late; the other witnesses stand")
		}
		return facts, options, err
	}
	if err := r.build(ctx, r.link(p.cell)); err != nil {
		return nil, nil, err
	}
	return r.bench.trial(ctx, r.Experiment, p, dir)
}

// warmUp sends the workload over each transport for nothing but caches, as often as was asked for.
func (r *recorder) warmUp(ctx context.Context, p planned) error {
	for range r.Warmup {
		for t, name := range r.Transports {
			if r.manifest.Workloads[p.cell].transport(name) == nil {
				continue
			}
			p.transport = t
			r.progress(r.now(p))
			if _, _, err := r.perform(ctx, p, ""); err != nil {
				return r.failed(ctx, p, fmt.Errorf("warm-up: %w", err))
			}
		}
	}
	return nil
}

func (r *recorder) failed(ctx context.Context, p planned, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return fmt.Errorf("%s, trial %d: %w", r.Transports[p.transport], p.round+1, err)
}

func (r *recorder) now(p planned) Progress {
	return Progress{
		Done: r.done.trials, Trials: r.done.trials + r.left.trials, AtMost: r.Enough != nil,
		Share:     float64(r.done.time) / float64(max(1, r.done.time+r.left.time)),
		Transport: r.Transports[p.transport], Link: r.link(p.cell), Workload: r.workload(p.cell),
	}
}

// enough asks whether the trial was the last that its transport needs in the cell, and then takes the others off the list.
func (r *recorder) enough(p planned) (bool, error) {
	if r.Enough == nil {
		return false, nil
	}
	name := r.Transports[p.transport]
	facts := r.manifest.Workloads[p.cell].transport(name)
	trial := facts.trial(p.round)
	enough, err := r.Enough(Measured{Cell: p.cell, Transport: name, Capture: trial.Capture, Port: trial.Port})
	if !enough || err != nil {
		return false, err
	}
	for round := p.round + 1; round < r.Trials; round++ {
		if facts.trial(round) == nil {
			r.left.add(-1, r.each(p.cell))
		}
	}
	return true, nil
}

// keepUp writes run.json now and then: whatever ends the program, the recording is good up to there and says what it lacks. It
// holds all trials, so once a trial would be work that grows with the square.
func (r *recorder) keepUp() error {
	if time.Since(r.written) < max(writeEvery, writeShare*r.writing) || r.left.trials == 0 {
		return nil
	}
	start := time.Now()
	err := r.note(errKilled)
	r.written = time.Now()
	r.writing = r.written.Sub(start)
	return err
}

// How often run.json is written while trials go on: at most once a second, and for at most a fiftieth of the time.
const (
	writeEvery = time.Second
	writeShare = 50
)

// errKilled is why a recording that goes no further ended: everything else would have been written down.
var errKilled = errors.New("killed")

// note writes run.json as it is if the run ends here.
func (r *recorder) note(cause error) error {
	return r.manifest.write(r.dir, r.incomplete(cause).Error(), r.left.trials)
}
