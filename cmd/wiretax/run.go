package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"wiretax/capture"
	"wiretax/capture/lab"
	"wiretax/capture/recording"
	"wiretax/capture/traffic"
)

// runFlags are the flags of wiretax run.
type runFlags struct {
	workloads  workloadFlags
	transports []string
	runs       int
	rate       rate
	rtt        span
	loss       probability
	seed       uint64
	mtu        int
	ip         string
	congestion string
	link       string
	offloads   string
	nicQueue   bool
	out        string
	output     outputFlags
}

// Bounds of the flags. The MTU's are IPv6's minimum (RFC 8200 section 5), so that one flag serves both, and that of jumbo
// frames as switches have them.
const (
	maxRuns = 10_000
	minMTU  = 1280
	maxMTU  = 9216
)

// longRun is the time from which on a run says beforehand how long it takes.
const longRun = time.Minute

func newRunCommand() *cobra.Command {
	f := &runFlags{
		workloads: defaultWorkload(),
		rate:      10e6, rtt: span(time.Millisecond),
	}
	c := &cobra.Command{
		Use:   "run [flags]",
		Short: "send the same messages over UDP and TCP, count the frames saved",
		Long: `Send the same messages over UDP and over TCP on a link of its own, capture every
frame, and print what each transport cost and how many frames coalescing saved.

The link is a wire between two network namespaces of this machine: nothing
leaves it, and nothing is left behind. No root is needed where user namespaces
are allowed; elsewhere run it with sudo. wiretax doctor says what is missing.

A flag that takes a list measures the product of all lists. wiretax explain
tells what a column means.

Transports:
` + transportHelp() + `
"At hand" are the messages that are due: all of them without an --interval,
those of a burst with --arrivals bursty:N. In patterns with answers whatever
gathers messages is flushed before the sender waits for an answer. The bytes
that TLS and QUIC add to the application's own count as header bytes.`,
		Example: `  wiretax run                           the 2008 question: 16 messages of 90 B
  wiretax run --interval 10ms           messages further apart than the RTT
  wiretax run --size 1,90,1440 --ip 6   three sizes, over IPv6
  wiretax run -t udp,tcp --runs 20      two transports, more trials
  wiretax run -t tcp,tcp-nodelay --pattern wwr
                                        two writes, one answer: Nagle's 40 ms
  wiretax run -t all --size uniform:64-1400 --interval 1ms --arrivals poisson
                                        every transport, drawn sizes and times
  wiretax run --loss 1% --seed 7        a link that loses the same frames again
  wiretax run --out d                   keep captures (pcapng) and run.json in d
  wiretax run --json | jq '.workloads[0].transports[].summary.frames'`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return run(c, f) },
	}
	fl := c.Flags()
	f.workloads.register(fl)
	fl.StringSliceVarP(&f.transports, "transports", "t", traffic.Default(), "how to send them, see above; or sets of them: "+strings.Join(traffic.Sets(), ", ")+" (secure: TLS and QUIC). What a set has and this machine or message has not is left out")
	fl.IntVar(&f.runs, "runs", 5, "trials of each transport, `N`")
	fl.Var(&f.rate, "rate", "rate of the link in bit/s, with k, M or G; 0: no limit")
	fl.Var(&f.rtt, "rtt", "round-trip time of the link")
	fl.Var(&f.loss, "loss", "probability that the link loses a frame: 0.01 or 1%")
	fl.Uint64Var(&f.seed, "seed", 1, "`N` decides which frames are lost, the order of the trials, and what --size and --arrivals draw: the same seed, the same messages")
	fl.IntVar(&f.mtu, "mtu", 1500, "largest IP packet on the link, in `BYTES`")
	fl.StringVar(&f.ip, "ip", "4", "IP version, `4|6`")
	fl.StringVar(&f.congestion, "congestion", "cubic", "TCP congestion control: `NAME` of an algorithm (wiretax doctor lists those here)")
	fl.StringVar(&f.link, "link", "wire", "`KIND` of link. wire: a relay with rate and delay, between TAP devices or, without /dev/net/tun, packet sockets (tap or packet chooses). veth: a veth pair, nothing between")
	fl.StringVar(&f.offloads, "offloads", "off", "`off|keep` segmentation offload; kept, it makes super-frames, which are expanded (--link veth only)")
	fl.BoolVar(&f.nicQueue, "nic-queue", false, "put the kernel's token bucket with the link's rate in front of the sender, as a NIC's queue: TCP small queues and autocorking work by what waits there (up to about 100M)")
	fl.StringVar(&f.out, "out", "", "keep the captures and run.json in this new `DIR`")
	f.output.register(fl)
	return c
}

// experiment checks the flags and makes of them what to measure.
func (f *runFlags) experiment(c *cobra.Command) (capture.Experiment, error) {
	e := capture.Experiment{
		Transports: f.transports, Trials: f.runs, IP: 4, CongestionControl: f.congestion, Seed: f.seed, Version: version,
		Link: capture.Link{Rate: int64(f.rate), RTT: time.Duration(f.rtt), Loss: float64(f.loss), MTU: f.mtu},
	}
	if f.ip == "6" {
		e.IP = 6
	}
	var err error
	if e.Transports, e.Optional, err = f.chosen(c); err != nil {
		return e, err
	}
	switch f.link {
	case "wire":
	case "tap", "packet":
		e.Devices = lab.Kind(f.link)
	case "veth":
		e.Devices = lab.Veth
		for _, flag := range []string{"rate", "rtt", "loss"} {
			if c.Flags().Changed(flag) {
				return e, usagef(c, "--link veth has neither rate nor delay nor loss: leave --%s out, or use --link wire", flag)
			}
		}
		e.Link.Rate, e.Link.RTT = 0, 0
	default:
		return e, usagef(c, "--link %s: want wire, tap, packet or veth", f.link)
	}
	switch {
	case f.offloads == "keep" && f.link != "veth":
		return e, usagef(c, "--offloads keep: a wire has no super-frames (use --link veth)")
	case f.offloads != "keep" && f.offloads != "off":
		return e, usagef(c, "--offloads %s: want off or keep", f.offloads)
	}
	e.KeepOffloads, e.NICQueue = f.offloads == "keep", f.nicQueue
	if e.NICQueue && e.Link.Rate == 0 {
		return e, usagef(c, "--nic-queue: a queue needs a --rate at which it empties")
	}
	switch {
	case f.ip != "4" && f.ip != "6":
		return e, usagef(c, "--ip %s: want 4 or 6", f.ip)
	case f.runs < 1 || f.runs > maxRuns:
		return e, usagef(c, "--runs %d: want 1 to %d", f.runs, maxRuns)
	case f.mtu < minMTU || f.mtu > maxMTU:
		return e, usagef(c, "--mtu %d: want %d to %d", f.mtu, minMTU, maxMTU)
	case len(e.Transports) == 0:
		return e, usagef(c, "--transports: none given")
	}
	for w := range f.workloads.all(f.seed) {
		if err := carried(w, e); err != nil {
			return e, usagef(c, "%w", err)
		}
		e.Workloads = append(e.Workloads, w)
	}
	return e, nil
}

// carried reports why a transport that must carry the workload cannot, or why none can.
func carried(w traffic.Workload, e capture.Experiment) error {
	var misfit error
	some := false
	for _, t := range e.Transports {
		err := w.Check(t, e.IP)
		if err != nil && !slices.Contains(e.Optional, t) {
			return err
		}
		misfit = cmp.Or(misfit, err)
		some = some || err == nil
	}
	if some {
		return nil
	}
	return misfit
}

// transportHelp is a line for each transport.
func transportHelp() string {
	var b strings.Builder
	for _, name := range traffic.Names() {
		fmt.Fprintf(&b, "  %-14s  %s\n", name, traffic.About(name))
	}
	return b.String()
}

// chosen returns the transports in the order of the flag, and those that are there only as members of a set.
func (f *runFlags) chosen(c *cobra.Command) (names, optional []string, err error) {
	for _, name := range f.transports {
		set := traffic.Set(name)
		for _, member := range set {
			if !slices.Contains(names, member) && !slices.Contains(f.transports, member) {
				names, optional = append(names, member), append(optional, member)
			}
		}
		switch {
		case len(set) > 0:
		case slices.Contains(names, name):
			return nil, nil, usagef(c, "--transports: %s is given twice", name)
		default:
			names = append(names, name)
		}
	}
	return names, optional, nil
}

func run(c *cobra.Command, f *runFlags) error {
	if f.output.explain {
		return f.output.printExplanation(c)
	}
	if err := f.output.check(c); err != nil {
		return err
	}
	e, err := f.experiment(c)
	if err != nil {
		return err
	}
	if !lab.Privileged() {
		err := runInside(c.Context())
		if err == nil || errors.Is(err, exitCode(exitDistrust)) {
			f.output.show(c)
		}
		return err
	}
	if d := e.Expected(); d > longRun {
		fmt.Fprintf(c.ErrOrStderr(), "wiretax: this run takes up to %v (fewer --messages or --runs, or a higher --rate, take less; Ctrl-C prints what is complete)\n", d.Round(time.Second))
	}
	dir := f.out
	if dir == "" {
		scratch, remove, err := recording.Scratch()
		if err != nil {
			return err
		}
		defer remove()
		dir = scratch
	} else {
		release, err := recording.CreateDir(dir)
		if err != nil {
			return err
		}
		defer release()
	}
	line := newStatusLine(c.ErrOrStderr())
	recordErr := capture.Record(c.Context(), e, dir, func(p capture.Progress) { line.show(p) })
	line.clear()
	// What is complete is good: it is shown, whatever ended the rest, if it lets transports be compared.
	var incomplete *capture.IncompleteError
	if recordErr != nil && !(errors.As(recordErr, &incomplete) && incomplete.Done >= len(e.Transports)) {
		return recordErr
	}
	err = printRun(context.WithoutCancel(c.Context()), c, dir, f.output)
	return cmp.Or(recordErr, err)
}

// runInside repeats the command where it is privileged: in a user namespace of its own.
func runInside(ctx context.Context) error {
	if lab.Inside() {
		return &lab.NamespaceError{What: "network namespace in a user namespace", Cause: errors.New("refused")}
	}
	code, err := lab.Reexec(ctx)
	if err != nil {
		return err
	}
	if code != 0 {
		return exitCode(code)
	}
	return nil
}

// describe gives an error its advice, if there is any.
func describe(err error) string {
	var namespace *lab.NamespaceError
	var tun *lab.NoTUNError
	switch {
	case errors.As(err, &namespace):
		return fmt.Sprintf("build the test link: %v (%s)", err, namespace.Remedy())
	case errors.As(err, &tun):
		return fmt.Sprintf("build the test link: %v (modprobe tun; in a container add --device /dev/net/tun; or --link packet)", err)
	case errors.Is(err, context.Canceled):
		return strings.Replace(err.Error(), context.Canceled.Error(), "interrupted", 1)
	}
	return err.Error()
}
