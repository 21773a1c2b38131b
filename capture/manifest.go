package capture

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"wiretax/capture/lab"
	"wiretax/capture/live"
	"wiretax/capture/recording"
	"wiretax/capture/traffic"
)

// manifest is a recording's run.json: what the sockets, the kernel and the wire said about each trial. Together with the
// captures beside it the analysis makes the JSON object of kind "run" from it, whose field names it uses.
type manifest struct {
	Schema    string             `json:"schema"`
	Kind      string             `json:"kind"`
	Version   string             `json:"version"`
	Preset    *Preset            `json:"preset,omitempty"`
	Host      hostFacts          `json:"host"`
	FarHost   *hostFacts         `json:"far_host,omitempty"`
	Link      linkFacts          `json:"link"` // of the first workload
	Plan      planFacts          `json:"plan"`
	Flags     map[string]string  `json:"flags"`
	Workloads []*workloadFacts   `json:"workloads"`
	Warnings  []recordingWarning `json:"warnings"`
}

// planFacts are how often the experiment repeats what it measures.
type planFacts struct {
	Runs       int     `json:"runs"`
	Warmup     int     `json:"warmup"`
	Confidence float64 `json:"confidence"`
}

type hostFacts struct {
	Kernel  string `json:"kernel"`
	Libpcap string `json:"libpcap"`
	CPUs    int    `json:"cpus"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

type linkFacts struct {
	Kind              string          `json:"kind"`
	Devices           string          `json:"devices"`
	RateBitsPerSecond int64           `json:"rate_bits_per_second"`
	RTTSeconds        float64         `json:"rtt_seconds"`
	Loss              float64         `json:"loss"`
	Seed              uint64          `json:"seed"`
	MTU               int             `json:"mtu"`
	IP                int             `json:"ip"`
	CongestionControl string          `json:"congestion_control"`
	Offloads          map[string]bool `json:"offloads"`
	NICQueue          *nicQueueFacts  `json:"nic_queue,omitempty"`
	// Interfaces are the sender's and the receiver's, where they are real. Rate is what the driver says then, RTT is measured.
	Interfaces []interfaceFacts `json:"interfaces,omitempty"`
}

// nicQueueFacts are the token bucket in front of the sender's interface.
type nicQueueFacts struct {
	RateBitsPerSecond int64 `json:"rate_bits_per_second"`
	BurstBytes        int   `json:"burst_bytes"`
	OverheadBytes     int   `json:"overhead_bytes"` // charged beside each frame
	MinimumBytes      int   `json:"minimum_bytes"`  // charged at least, overhead included
}

type workloadFacts struct {
	Messages        int               `json:"messages"`
	Size            int               `json:"size"` // the mean, where sizes differ
	Sizes           string            `json:"sizes,omitempty"`
	IntervalSeconds float64           `json:"interval_seconds"`
	Arrivals        string            `json:"arrivals"`
	Pattern         string            `json:"pattern"`
	Depth           int               `json:"depth"`
	Connections     int               `json:"connections"`
	Seed            uint64            `json:"seed"`
	Replay          string            `json:"replay,omitempty"` // where sizes and times come from, in words
	LingerSeconds   float64           `json:"linger_seconds"`
	Link            *linkFacts        `json:"link"`
	Transports      []*transportFacts `json:"transports"`
}

type transportFacts struct {
	Name    string         `json:"name"`
	Options map[string]any `json:"options"`
	Trials  []trialFacts   `json:"trials"`
	Variant *variantFacts  `json:"variant,omitempty"` // of another transport, for its causes
	resumed bool           // has trials of the recording that is resumed, and none of this time yet
}

// transport returns the facts of a transport; nil if it was left out.
func (w *workloadFacts) transport(name string) *transportFacts {
	for _, t := range w.Transports {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// trial returns the trial of a round; nil if it was not measured yet.
func (t *transportFacts) trial(round int) *trialFacts {
	i, found := slices.BinarySearchFunc(t.Trials, round, byRound)
	if !found {
		return nil
	}
	return &t.Trials[i]
}

// add puts the trial into the order of rounds.
func (t *transportFacts) add(trial trialFacts) {
	i, _ := slices.BinarySearchFunc(t.Trials, trial.round, byRound)
	t.Trials = slices.Insert(t.Trials, i, trial)
}

func byRound(t trialFacts, round int) int { return cmp.Compare(t.round, round) }

func (w *workloadFacts) remove(name string) {
	w.Transports = slices.DeleteFunc(w.Transports, func(t *transportFacts) bool { return t.Name == name })
}

type trialFacts struct {
	round int // of its cell, from 0

	SendCalls         int64            `json:"send_calls"`
	RecvCalls         int64            `json:"recv_calls"`
	MessagesDelivered int64            `json:"messages_delivered"`
	AnswersDelivered  int64            `json:"answers_delivered"`
	ApplicationBytes  applicationFacts `json:"application_bytes"`
	Latency           latencyFacts     `json:"latency_seconds"`
	// LatencyUncertainty is that of the comparison of two hosts' clocks; missing where one clock measures.
	LatencyUncertainty *float64 `json:"latency_uncertainty_seconds,omitempty"`
	costFacts
	DurationSeconds   float64          `json:"duration_seconds"`
	AutoCorked        int64            `json:"auto_corked"`
	Port              uint16           `json:"port"`
	WireBitsPerSecond float64          `json:"wire_bits_per_second,omitempty"`
	Order             int              `json:"order"`
	Capture           string           `json:"capture"`
	Drops             map[string]int64 `json:"drops"`
	Witnesses         witnesses        `json:"witnesses"`
}

// applicationFacts are octets of messages and answers, each message counted once.
type applicationFacts struct {
	Offered   int64 `json:"offered"`
	Delivered int64 `json:"delivered"`
}

// latencyFacts are seconds; nil where no message arrived.
type latencyFacts struct {
	P50 *float64 `json:"p50"`
	P99 *float64 `json:"p99"`
	Max *float64 `json:"max"`
}

type recordingWarning struct {
	Code     string `json:"code"`
	Message  string `json:"message"`
	Count    int64  `json:"count"`
	Distrust bool   `json:"distrust,omitempty"`
}

func newManifest(e Experiment, l *lab.Lab) (*manifest, error) {
	offloads, err := l.A.Offloads()
	if err != nil {
		return nil, err
	}
	m := &manifest{
		Schema: "wiretax/1", Kind: "run", Version: e.Version, Preset: e.Preset, Host: thisHost(),
		Plan: planFacts{Runs: e.Trials, Warmup: e.Warmup, Confidence: e.Confidence}, Flags: e.Flags,
		Workloads: e.facts(), Warnings: []recordingWarning{},
	}
	for c, w := range m.Workloads {
		link := e.linkFacts(e.link(c), l.Kind, offloads)
		w.Link = &link
	}
	m.Link = *m.Workloads[0].Link
	return m, nil
}

func (e Experiment) linkFacts(l Link, devices lab.Kind, offloads map[string]bool) linkFacts {
	f := linkFacts{
		Kind: "wire", Devices: string(devices), RateBitsPerSecond: l.Rate, RTTSeconds: l.RTT.Seconds(), Loss: l.Loss, Seed: e.Seed,
		MTU: l.MTU, IP: l.IP, CongestionControl: l.CongestionControl, Offloads: offloads,
	}
	if devices == lab.Veth {
		f.Kind = "veth"
	}
	if e.NICQueue {
		q := l.nicQueue()
		f.NICQueue = &nicQueueFacts{q.Rate, q.Burst, q.Overhead, q.Minimum}
	}
	return f
}

// facts is what the recording will say about the workloads of each cell, before any trial.
func (e Experiment) facts() (all []*workloadFacts) {
	for c := range e.cells() {
		w := e.workload(c)
		facts := &workloadFacts{
			Messages: w.Messages, Size: int(math.Round(w.MeanSize())), Sizes: w.Sizes.String(), IntervalSeconds: w.Interval.Seconds(),
			Arrivals: w.Arrivals.String(), Pattern: cmp.Or(string(w.Pattern), string(traffic.OneWay)), Depth: max(1, w.Depth),
			Connections: max(1, w.Connections), Seed: w.Seed, LingerSeconds: w.Linger.Seconds(),
		}
		if w.Schedule != nil {
			facts.Sizes, facts.Replay = w.Bytes(), w.Schedule.Origin
		}
		for _, name := range e.Transports {
			facts.Transports = append(facts.Transports, &transportFacts{Name: name, Options: map[string]any{}, Trials: []trialFacts{}, Variant: variantOf(name)})
		}
		all = append(all, facts)
	}
	return all
}

// warn adds a warning, or counts it where it is there already.
func (m *manifest) warn(code, message string) {
	for i := range m.Warnings {
		if w := &m.Warnings[i]; w.Code == code && w.Message == message {
			w.Count++
			return
		}
	}
	m.Warnings = append(m.Warnings, recordingWarning{Code: code, Message: message, Count: 1})
}

// write saves run.json. ended says where the run ended and lacking how many trials it lacks; nothing for a whole run.
func (m *manifest) write(dir, ended string, lacking int) error {
	if ended != "" {
		all := m.Warnings
		defer func() { m.Warnings = all }()
		m.Warnings = append(slices.Clip(all), recordingWarning{Code: "incomplete", Message: "ended " + ended, Count: int64(lacking)})
	}
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", recording.ManifestName, err)
	}
	return recording.WriteManifest(dir, append(b, '\n'))
}

func thisHost() hostFacts {
	h := hostFacts{Libpcap: live.Version(), CPUs: runtime.NumCPU(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		h.Kernel = unix.ByteSliceToString(u.Release[:])
	}
	if b, err := os.ReadFile("/etc/os-release"); err == nil {
		for line := range strings.Lines(string(b)) {
			if name, ok := strings.CutPrefix(line, "PRETTY_NAME="); ok {
				h.OS = strings.Trim(strings.TrimSpace(name), `"`)
			}
		}
	}
	return h
}

func seconds(l traffic.Latency) latencyFacts {
	if !l.Known {
		return latencyFacts{}
	}
	value := func(d time.Duration) *float64 { s := d.Seconds(); return &s }
	return latencyFacts{P50: value(l.P50), P99: value(l.P99), Max: value(l.Max)}
}
