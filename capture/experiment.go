// Package capture runs an experiment: it sends workloads over transports on a link of its own, captures every frame, and
// saves what it captured and counted as a recording. It interprets nothing; that is the analysis's business.
package capture

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"wiretax/capture/lab"
	"wiretax/capture/recording"
	"wiretax/capture/traffic"
	"wiretax/capture/wire"
)

// Experiment is what to measure.
type Experiment struct {
	Workloads         []traffic.Workload
	Transports        []string // of traffic.Names
	Optional          []string // of Transports: left out, with a warning, where the kernel has none or a message does not fit
	Trials            int      // of each workload over each transport
	Link              Link
	Devices           lab.Kind  // zero: what works here; on lab.Veth there is no wire, and Link has an MTU only
	KeepOffloads      bool      // on lab.Veth: see lab.Config
	Lent              *lab.Lent // interfaces to measure on; then Devices is nothing, and of Link nothing but the MTU, or 0 to keep theirs
	NICQueue          bool      // a token bucket of the link's rate in front of the sender's interface: see lab.TokenBucket
	IP                int       // 4 or 6
	// Opened is called when all devices are open, before anything is measured: the last moment at which rights are needed that the
	// process does not want to keep. Nil for nothing to do.
	Opened            func() error
	CongestionControl string
	Seed              uint64 // decides the order of the trials and which frames are lost
	Version           string // of the program, for the recording
}

// Link is the wire between the hosts.
type Link struct {
	Rate int64         // bits per second; 0 for no limit
	RTT  time.Duration // propagation there and back
	Loss float64       // probability
	MTU  int           // octets of an IP packet
}

// nicQueue is the sender's NIC: as fast as the wire, so that frames wait in it and not on the wire. At least a frame may leave at
// once, and what the rate makes of a millisecond: a kernel timer is no more exact than that on a busy machine.
func (l Link) nicQueue() lab.TokenBucket {
	const ethernetHeader, perMillisecond = 14, 8 * 1000
	frame := l.MTU + ethernetHeader + wire.Overhead
	return lab.TokenBucket{
		Rate: l.Rate, Burst: max(frame, int(l.Rate/perMillisecond)), MTU: l.MTU,
		Overhead: wire.Overhead, Minimum: wire.MinFrame + wire.Overhead,
	}
}

// Progress is told before each trial.
type Progress struct {
	Done, Trials int
	Transport    string
	Workload     traffic.Workload
}

// IncompleteError says why a recording does not hold all trials.
type IncompleteError struct {
	Done, Trials int
	Cause        error
}

func (e *IncompleteError) Error() string {
	return fmt.Sprintf("after %d of %d trials: %v", e.Done, e.Trials, e.Cause)
}

func (e *IncompleteError) Unwrap() error { return e.Cause }

// Record runs the experiment and writes its recording into dir: a capture for each trial, and run.json. When it fails or
// ctx ends it, the trials that were complete are in the recording all the same, and the error is an IncompleteError.
func Record(ctx context.Context, e Experiment, dir string, progress func(Progress)) error {
	b, err := newBench(e)
	if err != nil {
		return err
	}
	defer b.close()
	if e.Opened != nil {
		if err := e.Opened(); err != nil {
			return err
		}
	}
	var doubts []string
	if b.lab.Kind == lab.Real {
		if e.Link, doubts, err = b.realLink(ctx, &e); err != nil {
			return err
		}
	}
	m, err := newManifest(e, b.lab)
	if err != nil {
		return err
	}
	for _, d := range doubts {
		m.warn("offloads_stayed_on", d)
	}
	if err := b.leaveOut(ctx, e, m); err != nil {
		return err
	}
	plan := e.plan(m)
	var written time.Time
	for i, t := range plan {
		if err := b.recordTrial(ctx, e, t, m, dir, len(plan), progress); err != nil {
			incomplete := &IncompleteError{Done: i, Trials: len(plan), Cause: err}
			if i > 0 {
				m.write(dir, incomplete.Error(), len(plan)-i) // its own failure is the lesser news
			}
			return incomplete
		}
		// Written now and then: whatever ends the program, the recording is good up to there and says what it lacks.
		if time.Since(written) > writeEvery && i < len(plan)-1 {
			written = time.Now()
			if err := m.write(dir, fmt.Sprintf("after %d of %d trials", i+1, len(plan)), len(plan)-i-1); err != nil {
				return err
			}
		}
	}
	return m.write(dir, "", 0)
}

// writeEvery is how often run.json is written while trials go on. It holds all of them, so once a trial would be work that
// grows with the square.
const writeEvery = time.Second

// recordTrial runs one trial and adds it to the recording.
func (b *bench) recordTrial(ctx context.Context, e Experiment, t planned, m *manifest, dir string, trials int, progress func(Progress)) error {
	progress(Progress{Done: t.order, Trials: trials, Transport: e.Transports[t.transport], Workload: e.Workloads[t.workload]})
	facts := m.Workloads[t.workload].transport(e.Transports[t.transport])
	trial, options, err := b.trial(ctx, e, t, dir)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return fmt.Errorf("%s, trial %d: %w", facts.Name, t.round+1, err)
	}
	facts.Options = options
	facts.Trials = append(facts.Trials, *trial)
	return nil
}

// planned is one trial of the experiment's order.
type planned struct {
	workload, transport, round, order int
}

// plan orders the trials: round by round, so that a drift of the machine meets all transports alike, and within a round in
// an order drawn by the seed, so that none always follows the same other. What the manifest leaves out has none.
func (e Experiment) plan(m *manifest) []planned {
	draw := rand.New(rand.NewPCG(e.Seed, 0))
	var plan []planned
	for w := range e.Workloads {
		for round := range e.Trials {
			for _, t := range draw.Perm(len(e.Transports)) {
				if m.Workloads[w].transport(e.Transports[t]) != nil {
					plan = append(plan, planned{w, t, round, len(plan)})
				}
			}
		}
	}
	return plan
}

// leaveOut takes out of the manifest what cannot be measured, if it is optional.
func (b *bench) leaveOut(ctx context.Context, e Experiment, m *manifest) error {
	for _, name := range e.Transports {
		optional := slices.Contains(e.Optional, name)
		var refused error
		if traffic.DependsOnKernel(name) {
			refused = b.try(ctx, e, name)
		}
		if refused != nil && (!optional || ctx.Err() != nil) {
			return fmt.Errorf("%s: %w", name, refused)
		}
		for i, w := range e.Workloads {
			why := refused
			if why == nil && optional {
				why = w.Check(name, e.IP)
			}
			if why == nil {
				continue
			}
			m.Workloads[i].remove(name)
			m.warn("transport_left_out", name+" left out: "+why.Error())
		}
	}
	return nil
}

// try sends two small messages, which tells whether this kernel has what the transport needs.
func (b *bench) try(ctx context.Context, e Experiment, transport string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, tryLimit+100*e.Link.RTT, errors.New("no answer"))
	defer cancel()
	c := b.config(e, traffic.Workload{Messages: 2, Size: 16})
	c.Transport = transport
	_, err := traffic.Run(ctx, c)
	return err
}

// tryLimit is plenty for a handshake.
const tryLimit = 10 * time.Second

// captureName is the file of one trial: udp-01.pcapng, with a number before it where there are several workloads.
func (e Experiment) captureName(p planned) string {
	name := fmt.Sprintf("%s-%02d.pcapng", e.Transports[p.transport], p.round+1)
	if len(e.Workloads) > 1 {
		name = fmt.Sprintf("%d-%s", p.workload+1, name)
	}
	return name
}

// trial sends the workload once and saves what was captured.
func (b *bench) trial(ctx context.Context, e Experiment, p planned, dir string) (*trialFacts, map[string]any, error) {
	if err := b.drain(ctx, 0, 1); err != nil {
		return nil, nil, err
	}
	if b.wire != nil {
		b.wire.Reset(e.Seed + uint64(p.order))
	}
	for _, o := range b.observers {
		o.reset()
	}
	base, err := b.baseline()
	if err != nil {
		return nil, nil, err
	}
	start := time.Now()
	outcome, err := b.send(ctx, e, p)
	if err != nil {
		return nil, nil, err
	}
	facts := &trialFacts{
		SendCalls: outcome.SendCalls, RecvCalls: outcome.RecvCalls, MessagesDelivered: outcome.MessagesDelivered,
		AnswersDelivered: outcome.AnswersDelivered,
		ApplicationBytes: applicationFacts{Offered: outcome.ApplicationBytesOffered, Delivered: outcome.ApplicationBytesDelivered},
		Latency:          seconds(outcome.Latency), DurationSeconds: outcome.Duration.Seconds(), Port: outcome.Port,
		Order: p.order + 1, Capture: e.captureName(p),
	}
	evidence, err := b.settle(ctx, base, outcome, facts)
	if err != nil {
		return nil, nil, err
	}
	if facts.AutoCorked, err = b.lab.A.AutoCorked(); err != nil {
		return nil, nil, err
	}
	facts.AutoCorked -= base.autoCorked
	if err := b.save(filepath.Join(dir, facts.Capture), e, p, start, facts.Drops, &evidence); err != nil {
		return nil, nil, err
	}
	w, name := e.Workloads[p.workload], e.Transports[p.transport]
	evidence.Messages = int64(w.Messages)
	evidence.Complete = complete(name, evidence, facts.Drops)
	facts.Witnesses = evidence.judge()
	return facts, outcome.Options, nil
}

// complete reports whether every message must have arrived: always over a stream; in datagrams, when no frame was lost and the
// receiver had room. (The QUIC library drops datagrams that are not read in time.)
func complete(transport string, e evidence, drops map[string]int64) bool {
	switch {
	case transport == "quic-datagram":
		return false
	case strings.HasPrefix(transport, "udp"):
		return e.WireLost == [2]int64{} && drops["receiver_socket"] == 0
	}
	return true
}

// send lets the traffic run. The collector rests meanwhile: it would be measured as latency.
func (b *bench) send(ctx context.Context, e Experiment, p planned) (*traffic.Outcome, error) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	w := e.Workloads[p.workload]
	ctx, cancel := context.WithTimeoutCause(ctx, e.limit(w), fmt.Errorf("not finished after %v", e.limit(w)))
	defer cancel()
	c := b.config(e, w)
	c.Transport = e.Transports[p.transport]
	return traffic.Run(ctx, c)
}

// config is what all trials have in common.
func (b *bench) config(e Experiment, w traffic.Workload) traffic.Config {
	return traffic.Config{
		Workload: w, MTU: e.Link.MTU, CongestionControl: e.CongestionControl,
		From:        traffic.Host{Addr: b.lab.A.Addr, Within: b.lab.A.Within},
		To:          traffic.Host{Addr: b.lab.B.Addr, Within: b.lab.B.Within},
		Arrived:     func(ctx context.Context) error { return b.drain(ctx, 0, 1) },
		Room:        func(written int64) { b.room(written * e.fragments(w)) },
		AnswerLimit: e.answerLimit(),
	}
}

// limit is how long a trial may take: far above what a working one does, so that only one without an end meets it. A link
// that loses frames takes TCP many timeouts, up to two minutes each (TCP_RTO_MAX).
func (e Experiment) limit(w traffic.Workload) time.Duration {
	limit := 15*time.Minute + 1000*e.Link.RTT + 10*e.expected(w)
	if e.Link.Loss > 0 {
		limit *= 10
	}
	return limit
}

// fragments is how many frames a datagram of a message takes at most.
func (e Experiment) fragments(w traffic.Workload) int64 {
	room := (e.Link.MTU - 48) &^ 7 // of a fragment behind the IPv6 and fragment headers (RFC 8200 section 4.5)
	return int64(1 + (int(w.MeanSize())+7)/room)
}

// expected is about how long a trial takes whose every message has a frame of its own.
func (e Experiment) expected(w traffic.Workload) time.Duration {
	sending := time.Duration(w.Messages) * w.Interval
	if e.Link.Rate > 0 {
		bits := float64(w.Messages) * (w.MeanSize() + perMessage) * 8
		sending = max(sending, time.Duration(bits/float64(e.Link.Rate)*float64(time.Second)))
	}
	if n, underWay := w.Transactions(); n > 0 {
		each := e.Link.RTT + time.Duration(2*e.Link.Loss*float64(e.answerLimit()))
		if w.Pattern == traffic.WriteWriteRead {
			each += delayedACK
		}
		sending += time.Duration(n) * each / time.Duration(min(n, underWay))
	}
	return sending + 4*e.Link.RTT
}

// delayedACK is about what Nagle's algorithm makes the second of two writes wait.
const delayedACK = 50 * time.Millisecond

// answerLimit is when a datagram's answer is taken for lost.
func (e Experiment) answerLimit() time.Duration { return time.Second + 4*e.Link.RTT }

// perMessage is what a message of its own frame costs beside its payload, in octets: Ethernet 38, IP 20 to 40, TCP 32.
const perMessage = 100

// Expected is about how long Record will take.
func (e Experiment) Expected() (d time.Duration) {
	for _, w := range e.Workloads {
		d += time.Duration(e.Trials*len(e.Transports)) * e.expected(w)
	}
	return d
}

// attempts is how often a trial's counters are looked at before a difference between them is believed: a counter may be
// incremented just after the frame that it counts has been seen.
const attempts = 5

// settle waits until both directions are empty and collects the evidence.
func (b *bench) settle(ctx context.Context, base baseline, o *traffic.Outcome, facts *trialFacts) (e evidence, err error) {
	began := time.Now()
	for n := 0; n < attempts || b.lab.Kind == lab.Real && time.Since(began) < slowCounters; n++ {
		if n >= attempts {
			time.Sleep(slowCounters / 20)
		}
		if err := b.drain(ctx, 0, 1); err != nil {
			return e, err
		}
		if e, facts.Drops, err = b.gather(base, o); err != nil {
			return e, err
		}
		e.RecordedAtoB, e.RecordedBtoA = e.A.Out, e.B.Out // not saved yet
		if e.judge().Agree {
			return e, nil
		}
	}
	return e, nil
}

// save writes the frames of both hosts in the order of time, and what was counted beside them.
func (b *bench) save(path string, e Experiment, p planned, start time.Time, drops map[string]int64, found *evidence) error {
	a, z := b.observers[0].take(), b.observers[1].take()
	found.RecordedAtoB, found.RecordedBtoA = int64(len(a)), int64(len(z))
	out, err := recording.Create(path, []recording.Interface{{
		Link: linkTypeEthernet, SnapLen: snapLen, Name: b.lab.A.Interface, FCS: -1,
		Description: "both hosts' interface, every frame as captured at its sender",
	}}, e.describe(p, b.lab.Kind))
	if err != nil {
		return err
	}
	for _, r := range merge(a, z) {
		if err := out.Write(r); err != nil {
			out.Abort()
			return err
		}
	}
	out.AddStatistics(0, recording.Statistics{
		Start: start, End: time.Now(), Received: found.TxA + found.TxB, Delivered: found.A.Out + found.B.Out,
		IfDropped: drops["capture_if"], OSDropped: drops["capture_ring"],
	})
	return out.Close()
}

// describe says what a trial is, for whoever opens its capture alone.
func (e Experiment) describe(p planned, devices lab.Kind) string {
	w := e.Workloads[p.workload]
	link := fmt.Sprintf("%s devices, MTU %d, IPv%d", devices, e.Link.MTU, e.IP)
	switch devices {
	case lab.Real:
		link = fmt.Sprintf("interfaces %s and %s, RTT %v (measured), MTU %d, IPv%d", e.Lent.Names[0], e.Lent.Names[1], e.Link.RTT, e.Link.MTU, e.IP)
	case lab.Veth:
	default:
		rate := "no limit of rate"
		if e.Link.Rate > 0 {
			rate = fmt.Sprintf("%d bit/s", e.Link.Rate)
		}
		link = fmt.Sprintf("%s, RTT %v, loss %g, %s", rate, e.Link.RTT, e.Link.Loss, link)
	}
	return fmt.Sprintf("wiretax %s: %v, over %s (TCP congestion control %s), trial %d of %d; link: %s",
		e.Version, w, e.Transports[p.transport], e.CongestionControl, p.round+1, e.Trials, link)
}
