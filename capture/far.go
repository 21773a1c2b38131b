package capture

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"time"

	"wiretax/capture/nic"
	"wiretax/capture/peer"
	"wiretax/capture/recording"
	"wiretax/capture/traffic"
)

// Far is the other host of an experiment between two: a Server.
type Far struct {
	Place          // of this host
	Address string // host and port of the server's control connection
	IP      int    // 4 or 6; 0 for what the name gives
	Key     *peer.Key

	vantage *vantage // of this host, once it is open
}

// Open opens the captures of this host. No privileges are needed afterwards, and nothing has been read that another host wrote:
// it is the moment to give them up. Record does it itself where it was not done before.
func (f *Far) Open() (err error) {
	if f.vantage == nil {
		f.vantage, err = f.open()
	}
	return err
}

// Close closes the captures; Record does when it returns. Closing twice is harmless.
func (f *Far) Close() {
	if f.vantage != nil {
		f.vantage.close()
		f.vantage = nil
	}
}

// session is that with the server: this host sends, the other receives.
type session struct {
	*vantage
	conn        *peer.Conn
	there       ready
	far         netip.Addr
	link        Link
	clock       peer.Offset // of the last comparison
	superFrames bool
	clockSet    bool              // in the last trial
	putTogether bool              // frames were, on the way, in the last trial
	told        *traffic.Schedule // what the server has
}

// reach opens a session.
func (f *Far) reach(ctx context.Context, version string) (s *session, err error) {
	network := "tcp"
	if f.IP != 0 {
		network = fmt.Sprintf("tcp%d", f.IP)
	}
	s = &session{vantage: f.vantage}
	for limit := time.Now().Add(busyLimit); ; time.Sleep(busyLimit / 20) {
		err = f.within(func() (err error) {
			s.conn, err = peer.Dial(ctx, net.Dialer{}, network, f.Address, f.Key, version)
			return err
		})
		var remote *peer.RemoteError
		if !errors.As(err, &remote) || !remote.Busy || time.Now().After(limit) || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	if err := s.open(ctx); err != nil {
		err = s.blame(err)
		s.close()
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, err
	}
	return s, nil
}

// busyLimit is how long the server may take to clean up after the session before this one.
const busyLimit = 2 * time.Second

func (s *session) open(ctx context.Context) (err error) {
	if err := s.conn.Send(kindBegin, struct{}{}); err != nil {
		return err
	}
	if err := s.conn.Receive(ctx, kindReady, &s.there); err != nil {
		return err
	}
	own, far := addresses(s.conn)
	s.far = far
	if err := s.aim(own, far, s.there.Port); err != nil {
		return err
	}
	s.superFrames = s.hides() || s.there.Hides
	if s.clock, err = s.conn.Compare(ctx); err != nil {
		return err
	}
	s.link = Link{MTU: min(s.mtu, s.there.MTU), IP: ipOf(own), RTT: 2 * s.clock.Uncertainty}
	return nil
}

func (s *session) close() {
	s.conn.Close()
	s.rest()
}

// blame says of an error that it is the other host's, or the connection's to it.
func (s *session) blame(err error) error {
	if cause := context.Cause(s.conn.Context()); cause != nil && errors.Is(err, cause) {
		return fmt.Errorf("server %v: %w", s.conn.RemoteAddr(), cause)
	}
	return err
}

// rounds is how many comparisons without a change make a lull.
func (s *session) rounds() int {
	each := compareEvery + s.link.RTT
	return max(10, int(lull/each), int(4*s.link.RTT/each))
}

// exchange sends the workload and returns what both ends saw of it.
func (s *session) exchange(ctx context.Context, q request, w traffic.Workload) (sent, received *traffic.Half, err error) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // it would be measured as latency
	ctx, cancel := s.untilFull(ctx)
	defer cancel(nil)
	defer context.AfterFunc(s.conn.Context(), func() { cancel(context.Cause(s.conn.Context())) })()
	if err := s.conn.Send(kindTrial, q); err != nil {
		return nil, nil, err
	}
	sent, err = traffic.Send(ctx, traffic.Config{
		Workload: w, Transport: q.Transport, MTU: q.MTU, CongestionControl: q.CongestionControl,
		From: traffic.Host{Addr: s.own, Within: s.Within}, To: traffic.Host{Addr: s.far},
		Arrived:     func(ctx context.Context) error { return s.settled(ctx, s.conn, q.Rounds) },
		Room:        pace(ctx, s.there.Limits.Rate, s.mtu),
		AnswerLimit: q.AnswerLimit,
	}, meeting(s.conn))
	if err != nil {
		return nil, nil, err
	}
	received = new(traffic.Half)
	if err := s.conn.Receive(ctx, kindHalf, received); err != nil {
		return nil, nil, err
	}
	if received.Times, err = receiveTimes(ctx, s.conn, sent.Times); err != nil {
		return nil, nil, err
	}
	return sent, received, s.settled(ctx, s.conn, q.Rounds)
}

// request is what the server is asked for.
func (s *session) request(transport string, w traffic.Workload, l Link, trial bool) (request, error) {
	asked, err := ask(w)
	return request{
		Workload: asked, Transport: transport, MTU: l.MTU, CongestionControl: l.CongestionControl, AnswerLimit: l.answerLimit(),
		Rounds: s.rounds(), Trial: trial,
	}, err
}

// try sends two small messages. After a refusal the session is over.
func (s *session) try(ctx context.Context, transport string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, tryLimit+100*s.link.RTT, errors.New("no answer"))
	defer cancel()
	w := traffic.Workload{Messages: 2, Size: 16}
	q, err := s.request(transport, w, s.link, false)
	if err == nil {
		_, _, err = s.exchange(ctx, q, w)
	}
	if err == nil {
		_, _, _, err = s.sightings(ctx)
	}
	if err != nil {
		err = s.blame(err)
		s.conn.Fail(fmt.Errorf("%s does not work: %w", transport, err))
	}
	return err
}

// sightings receives what the server saw.
func (s *session) sightings(ctx context.Context) (far sighting, sent, arrived []recording.Record, err error) {
	if err := s.conn.Receive(ctx, kindSighting, &far); err != nil {
		return far, nil, nil, err
	}
	sent, arrived, err = receiveRecords(ctx, s.conn)
	return far, sent, arrived, err
}

// trial sends the workload once and saves what both hosts captured.
func (s *session) trial(ctx context.Context, e Experiment, p planned, dir string) (facts *trialFacts, options map[string]any, err error) {
	interrupted := ctx
	defer func() {
		if err != nil && interrupted.Err() == nil { // the connection tells of that itself
			err = s.blame(err)
			s.conn.Fail(err)
		}
	}()
	w, l := e.workload(p.cell), e.link(p.cell)
	limit := l.limit(w)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not finished after %v", limit))
	defer cancel()
	q, err := s.request(e.Transports[p.transport], w, l, true)
	if err != nil {
		return nil, nil, err
	}
	if err := s.tellSchedule(w.Schedule); err != nil {
		return nil, nil, err
	}
	base, err := s.begin()
	if err != nil {
		return nil, nil, err
	}
	t := &farTrial{session: s, Experiment: e, planned: p, dir: dir, start: time.Now()}
	sent, received, err := s.exchange(ctx, q, w)
	if err != nil {
		return nil, nil, err
	}
	if t.here, err = s.since(base, counterPatience); err != nil {
		return nil, nil, err
	}
	if t.there, t.farSent, t.farArrived, err = s.sightings(ctx); err != nil {
		return nil, nil, err
	}
	before := s.clock
	if s.clock, err = s.conn.Compare(ctx); err != nil {
		return nil, nil, err
	}
	own, arrived, err := s.frames()
	if err != nil {
		return nil, nil, err
	}
	s.putTogether = putTogether(own, t.farArrived, s.there.MTU) || putTogether(t.farSent, arrived, s.mtu)
	t.superFrames = s.superFrames || s.putTogether
	t.here.Residence = s.residence(sent.Outcome.Handovers, own, nil).Sender
	t.clock, s.clockSet = peer.Between(before, s.clock), peer.Set(before, s.clock)
	if !s.clockSet && !t.superFrames { // else the frames' times say nothing of the offset, or the i-th to arrive is not the i-th sent
		t.clock = narrow(t.clock, own, t.farArrived, t.farSent, arrived, time.Since(t.start))
	}
	t.outcome = traffic.Join(sent, received, t.clock.Monotonic)
	facts, err = t.facts()
	return facts, t.outcome.Options, err
}

// farTrial is one trial between two hosts, when all is over.
type farTrial struct {
	*session
	Experiment
	planned
	dir                 string
	start               time.Time
	here, there         sighting
	farSent, farArrived []recording.Record
	clock               peer.Offset
	outcome             *traffic.Outcome
	superFrames         bool // of the session, or of this trial
}

func (t *farTrial) facts() (*trialFacts, error) {
	o := t.outcome
	f := &trialFacts{
		SendCalls: o.SendCalls, RecvCalls: o.RecvCalls, MessagesDelivered: o.MessagesDelivered, AnswersDelivered: o.AnswersDelivered,
		ApplicationBytes: applicationFacts{Offered: o.ApplicationBytesOffered, Delivered: o.ApplicationBytesDelivered},
		costFacts:        costs(o),
		Latency:          seconds(o.Latency), DurationSeconds: o.Duration.Seconds(), Port: o.Port,
		Order: t.order + 1, Capture: t.captureName(t.planned),
	}
	f.Residence = residenceFacts{Sender: t.here.Residence, Receiver: t.there.Residence}
	w := t.workload(t.cell)
	if n, _ := w.Transactions(); n == 0 && o.Latency.Known {
		uncertainty := t.clock.Uncertainty.Seconds()
		f.LatencyUncertainty = &uncertainty
	}
	v := t.evidence()
	f.Drops = t.drops(v)
	if t.dir == "" { // a warm-up
		return f, nil
	}
	if err := t.save(f, &v); err != nil {
		return nil, err
	}
	v.Messages = int64(w.Messages)
	v.Complete = complete(t.Transports[t.transport], v, f.Drops)
	f.Witnesses = v.judge()
	return f, nil
}

// evidence is what each end counted. The interfaces' counters are left out where they say something else than the captures: other
// traffic was on the interface while it was counted, or the driver is late.
func (t *farTrial) evidence() evidence {
	o := t.outcome
	v := evidence{
		A: t.here.Tally, B: t.there.Tally, Apart: true, SuperFrames: t.superFrames,
		TxA: t.here.Tx, RxA: t.here.Rx, TxB: t.there.Tx, RxB: t.there.Rx,
		Delivered: o.MessagesDelivered, Corrupt: o.Corrupt, TCP: len(o.Senders) > 0,
	}
	v.Shared = v.TxA != v.A.Out || v.RxA != v.A.In || v.TxB != v.B.Out || v.RxB != v.B.In
	if !t.superFrames {
		v.WireLost = [2]int64{max(0, v.A.Out-v.B.In), max(0, v.B.Out-v.A.In)}
	}
	v.SegsOutA, v.SegsInA, v.RetransA = segments(o.Senders)
	v.SegsOutB, v.SegsInB, v.RetransB = segments(o.Receivers)
	return v
}

func (t *farTrial) drops(v evidence) map[string]int64 {
	drops := map[string]int64{"receiver_socket": t.outcome.ReceiverOverflow, lostOnPath: v.WireLost[0] + v.WireLost[1]}
	for _, end := range []sighting{t.here, t.there} {
		for where, n := range end.Drops {
			drops[where] += n
		}
	}
	return drops
}

// lostOnPath are the frames that left one host and did not arrive at the other.
const lostOnPath = "lost_on_path"

// arrivedDir holds beside each trial's capture the frames as they arrived, by the same names.
const arrivedDir = "arrived"

// save writes two captures by this host's clock: every frame as captured at its sender, which is what is analysed; and every
// frame as it arrived.
func (t *farTrial) save(f *trialFacts, v *evidence) error {
	sent, arrived, err := t.frames()
	if err != nil {
		return err
	}
	for _, far := range [][]recording.Record{t.farSent, t.farArrived} {
		for i := range far {
			far[i].Nanos -= int64(t.clock.Real)
		}
	}
	v.RecordedAtoB, v.RecordedBtoA = int64(len(sent)), int64(len(t.farSent))
	if err := t.write(filepath.Join(t.dir, f.Capture), "every frame as captured at its sender", f.Drops, sent, t.farSent); err != nil {
		return err
	}
	dir := filepath.Join(t.dir, arrivedDir)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("save capture: %w", err)
	}
	return t.write(filepath.Join(dir, f.Capture), "every frame as captured at its receiver", f.Drops, arrived, t.farArrived)
}

func (t *farTrial) write(path, what string, drops map[string]int64, a, z []recording.Record) error {
	out, err := recording.Create(path, []recording.Interface{{
		Link: linkTypeEthernet, SnapLen: snapLen, Name: t.Interface, FCS: -1,
		Description: fmt.Sprintf("%s here and %s of %v, %s, by the clock here", t.Interface, t.session.there.Interface.Name, t.far, what),
	}}, t.describe())
	if err != nil {
		return err
	}
	for _, r := range merge(a, z) {
		if err := out.Write(r); err != nil {
			out.Abort()
			return err
		}
	}
	n := int64(len(a) + len(z))
	out.AddStatistics(0, recording.Statistics{
		Start: t.start, End: time.Now(), Received: n + drops["capture_ring"], Delivered: n,
		IfDropped: drops["capture_if"], OSDropped: drops["capture_ring"],
	})
	return out.Close()
}

func (t *farTrial) describe() string {
	l := t.Experiment.link(t.cell)
	return fmt.Sprintf("wiretax %s: %v, over %s (TCP congestion control %s), trial %d of %d; from %v to %v, MTU %d; clocks compared to within %v",
		t.Version, t.workload(t.cell), t.Transports[t.transport], l.CongestionControl, t.round+1, t.Trials, t.own, t.far, l.MTU, t.clock.Uncertainty)
}

// narrow improves a comparison of clocks by a trial's frames, which the kernels gave their times: none arrives before it is sent,
// in whichever direction. The i-th frame to arrive is no earlier than the i-th to be sent even where some overtook others; where
// some are lost nobody knows which, and the direction says nothing.
func narrow(o peer.Offset, sent, farArrived, farSent, arrived []recording.Record, took time.Duration) peer.Offset {
	least, most := o.Real-o.Uncertainty, o.Real+o.Uncertainty
	for i := range farArrived {
		if len(sent) == len(farArrived) {
			most = min(most, time.Duration(farArrived[i].Nanos-sent[i].Nanos))
		}
	}
	for i := range farSent {
		if len(arrived) == len(farSent) {
			least = max(least, time.Duration(farSent[i].Nanos-arrived[i].Nanos))
		}
	}
	drift := took / clockDrift
	if half := (most - least) / 2; half >= 0 && half+drift < o.Uncertainty {
		shift := least + half - o.Real
		return peer.Offset{Monotonic: o.Monotonic + shift, Real: o.Real + shift, Uncertainty: half + drift}
	}
	return o
}

// putTogether reports whether frames arrived that were several when they left: some are longer than an interface with that MTU
// can take, or fewer brought all octets. Offloads of the interface are off then: it is what is in front of it.
func putTogether(sent, arrived []recording.Record, mtu int) bool {
	const header = 14 + 4 // with a VLAN tag
	if slices.ContainsFunc(arrived, func(r recording.Record) bool { return r.WireLen > mtu+header }) {
		return true
	}
	frames, octets := payloads(sent)
	fewer, same := payloads(arrived)
	return fewer < frames && same == octets
}

// payloads counts the frames with payload above TCP or UDP, and its octets.
func payloads(records []recording.Record) (frames, octets int) {
	for _, p := range passages(records) {
		if p.octets > 0 {
			frames++
			octets += p.octets
		}
	}
	return frames, octets
}

// clockDrift is how fast two hosts' clocks drift apart at most: one part in so many, 100 ppm, two ordinary crystals.
const clockDrift = 10_000

// reach opens the session of an experiment between two hosts and begins its recording.
func (r *recorder) reach(ctx context.Context) (err error) {
	if len(r.Links) != 1 {
		return errors.New("between two hosts there is one link")
	}
	if err := r.Far.Open(); err != nil {
		return err
	}
	if r.session, err = r.Far.reach(ctx, r.Version); err != nil {
		return err
	}
	l := r.session.link
	l.CongestionControl = r.Links[0].CongestionControl
	r.Links = []Link{l}
	if err := r.within(func() error { return traffic.CheckCongestionControl(l.CongestionControl) }); err != nil {
		return err
	}
	refused := map[int]map[string]error{l.IP: {}}
	for _, name := range r.Transports {
		if refused[l.IP][name], err = r.attempt(ctx, name); err != nil {
			return err
		}
	}
	r.manifest = r.session.manifest(r.Experiment)
	return r.schedule(refused)
}

func (r *recorder) within(fn func() error) error { return r.Far.Place.within(fn) }

// attempt finds out why a transport does not work between the hosts. It ends the session, so that another is opened.
func (r *recorder) attempt(ctx context.Context, name string) (refused, err error) {
	switch {
	case traffic.SetsHost(name):
		return errors.New("real hosts stay as they are, and this takes other sysctls or routes"), nil
	case !traffic.DependsOnKernel(name):
		return nil, nil
	}
	if refused = r.session.try(ctx, name); refused != nil && ctx.Err() == nil {
		r.session.close()
		r.session, err = r.Far.reach(ctx, r.Version)
	}
	return refused, errors.Join(err, ctx.Err())
}

// manifest begins a recording between two hosts.
func (s *session) manifest(e Experiment) *manifest {
	m := &manifest{
		Schema: "wiretax/1", Kind: "run", Version: e.Version, Preset: e.Preset, Host: thisHost(), FarHost: &s.there.Host,
		Plan: planFacts{Runs: e.Trials, Warmup: e.Warmup, Confidence: e.Confidence}, Flags: e.Flags,
		Workloads: e.facts(), Warnings: []recordingWarning{},
	}
	offloads := make(map[string]bool)
	for _, end := range []map[string]bool{s.offloads, s.there.Offloads} {
		for name, on := range end {
			offloads[name] = offloads[name] || on
		}
	}
	here := interfaceFacts{Name: s.Interface}
	_ = s.within(func() error { here.Driver = nic.Driver(s.Interface); return nil })
	for _, w := range m.Workloads {
		w.Link = &linkFacts{
			Kind: "interface", Devices: "interface", RTTSeconds: math.Round(s.link.RTT.Seconds()*1e6) / 1e6, Seed: e.Seed,
			MTU: s.link.MTU, IP: s.link.IP, CongestionControl: e.Links[0].CongestionControl, Offloads: offloads,
			Interfaces: []interfaceFacts{here, s.there.Interface},
		}
	}
	m.Link = *m.Workloads[0].Link
	if s.superFrames {
		m.warn("super_frames", "offloads are on at an end: super-frames are expanded, and frames lost between the hosts cannot be counted")
	}
	return m
}
