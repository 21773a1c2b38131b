// Package capture runs an experiment: it sends workloads over transports on a link of its own, captures every frame, and
// saves what it captured and counted as a recording. It interprets nothing; that is the analysis's business.
package capture

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"wiretax/capture/lab"
	"wiretax/capture/recording"
	"wiretax/capture/traffic"
)

// Experiment is what to measure: every workload on every link over every transport.
type Experiment struct {
	Links        []Link
	Workloads    []traffic.Workload
	Transports   []string // of traffic.Names
	Optional     []string // of Transports: left out, with a warning, where the kernel has none or a message does not fit
	Trials       int      // of each workload on each link over each transport, at most
	Warmup       int      // trials before the first of a cell and transport that are thrown away
	Devices      lab.Kind // zero: what works here; on lab.Veth there is no wire, and a Link has neither rate nor delay nor loss
	KeepOffloads bool     // on lab.Veth: see lab.Config
	Far          *Far     // the other host: then there is one link, the one between them, of which the congestion control alone is asked for
	NICQueue     bool     // a token bucket of the link's rate in front of the sender's interface: see lab.TokenBucket
	Seed         uint64   // decides the order of the trials and which frames are lost
	Version      string   // of the program, for the recording
	Preset       *Preset  // nil: the experiment is nobody's but the user's
	// Lent are interfaces to measure on; then Devices is nothing, and of a Link's device nothing but the MTU, or 0 to keep theirs.
	Lent *lab.Lent
	// InPlace are interfaces of the process's namespace to measure on as they are, instead; there is one Link then, with no MTU.
	InPlace [2]string
	// Opened is called when all devices are open that will be: the last moment at which rights are needed that the process does
	// not want to keep. Nil for nothing to do.
	Opened func() error

	// Enough is told of each trial when it is recorded, and of those that a resumed recording has, in their order. Where it says
	// so, the rest of the trials of that workload, link and transport is left out. nil: none is.
	Enough     func(Measured) (bool, error)
	Confidence float64           // what Enough goes by, for the recording; 0: no Enough
	Flags      map[string]string // of the program that asked for all this, for the recording
}

// Measured is a trial that is in the recording.
type Measured struct {
	Cell      int // counts the combinations of links and workloads
	Transport string
	Capture   string // file name within the recording
	Port      uint16 // the receiver's
}

// Progress is told before each trial.
type Progress struct {
	Done, Trials int
	AtMost       bool    // Trials may become fewer
	Share        float64 // of the whole time that the trials before took, about
	Transport    string
	Link         Link
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

// trial sends the workload once and saves what was captured; without a directory, nothing is saved.
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
	start, ahead := time.Now(), clocksApart()
	outcome, err := b.send(ctx, e, p)
	if err != nil {
		return nil, nil, err
	}
	facts := &trialFacts{
		SendCalls: outcome.SendCalls, RecvCalls: outcome.RecvCalls, MessagesDelivered: outcome.MessagesDelivered,
		AnswersDelivered: outcome.AnswersDelivered,
		ApplicationBytes: applicationFacts{Offered: outcome.ApplicationBytesOffered, Delivered: outcome.ApplicationBytesDelivered},
		costFacts:        costs(outcome),
		Latency:          seconds(outcome.Latency), DurationSeconds: outcome.Duration.Seconds(), Port: outcome.Port,
		Order: p.order + 1, Capture: e.captureName(p),
	}
	evidence, err := b.settle(ctx, base, outcome, facts)
	if err != nil {
		return nil, nil, err
	}
	facts.WireBitsPerSecond = b.wireRate()
	facts.Residence = b.residence(outcome, ahead)
	if facts.AutoCorked, err = b.lab.A.AutoCorked(); err != nil {
		return nil, nil, err
	}
	facts.AutoCorked -= base.autoCorked
	if dir == "" {
		return facts, outcome.Options, nil
	}
	if err := b.save(filepath.Join(dir, facts.Capture), e, p, start, facts.Drops, &evidence); err != nil {
		return nil, nil, err
	}
	evidence.Messages = int64(e.workload(p.cell).Messages)
	evidence.Complete = complete(e.Transports[p.transport], evidence, facts.Drops)
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
	w := e.workload(p.cell)
	limit := b.link.limit(w)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not finished after %v", limit))
	defer cancel()
	c := b.config(w)
	c.Transport = e.Transports[p.transport]
	return traffic.Run(ctx, c)
}

// config is what all trials have in common.
func (b *bench) config(w traffic.Workload) traffic.Config {
	queue, each := b.link.sendBuffer(w)
	return traffic.Config{
		Workload: w, MTU: b.link.MTU, CongestionControl: b.link.CongestionControl,
		From:        traffic.Host{Addr: b.lab.A.Addr, Within: b.lab.A.Within},
		To:          traffic.Host{Addr: b.lab.B.Addr, Within: b.lab.B.Within},
		Arrived:     func(ctx context.Context) error { return b.drain(ctx, 0, 1) },
		Room:        func(datagrams, _ int64) { b.room(datagrams*b.link.fragments(w), queue, each) },
		AnswerLimit: b.link.answerLimit(),
	}
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
	_, link := b.observers[0].framing()
	out, err := recording.Create(path, []recording.Interface{{
		Link: link, SnapLen: snapLen, Name: b.lab.A.Interface, FCS: -1,
		Description: "both hosts' interface, every frame as captured at its sender",
	}}, e.describe(p, b.link, b.lab.Kind))
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
func (e Experiment) describe(p planned, l Link, devices lab.Kind) string {
	link := fmt.Sprintf("%s devices, MTU %d, IPv%d", devices, l.MTU, l.IP)
	switch devices {
	case lab.Real:
		link = fmt.Sprintf("interfaces, RTT %v (measured), MTU %d, IPv%d", l.RTT, l.MTU, l.IP)
	case lab.Loopback:
		link = fmt.Sprintf("loopback, without Ethernet, RTT %v (measured), MTU %d, IPv%d", l.RTT, l.MTU, l.IP)
	case lab.Veth:
	default:
		rate := "no limit of rate"
		if l.Rate > 0 {
			rate = fmt.Sprintf("%d bit/s", l.Rate)
		}
		link = fmt.Sprintf("%s, RTT %v, loss %g, %s", rate, l.RTT, l.Loss, link)
	}
	return fmt.Sprintf("wiretax %s: %v, over %s (TCP congestion control %s), trial %d of %d; link: %s",
		e.Version, e.workload(p.cell), e.Transports[p.transport], l.CongestionControl, p.round+1, e.Trials, link)
}
