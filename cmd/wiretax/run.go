package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"wiretax/capture"
	"wiretax/capture/lab"
	"wiretax/capture/peer"
	"wiretax/capture/privilege"
	"wiretax/capture/recording"
	"wiretax/capture/traffic"
)

// runFlags are the flags of wiretax run.
type runFlags struct {
	workloads  workloadFlags
	transports []string
	runs       int
	warmup     int
	confidence share
	conditions conditionFlags
	seed       uint64
	link       string
	offloads   string
	nicQueue   bool
	// explainCauses runs variants of the TCP transports too, see causes.
	explainCauses bool
	preset        string
	out           string
	resume        string
	real          interfaceFlags
	far           farFlags
	output        outputFlags
}

// longRun is the time from which on a run says beforehand how long it takes.
const longRun = time.Minute

func newRunCommand() *cobra.Command {
	f := &runFlags{workloads: defaultWorkload(), conditions: defaultConditions()}
	c := &cobra.Command{
		Use:   "run [flags]",
		Short: "send the same messages over UDP and TCP, count the frames saved",
		Long: `Send the same messages over UDP and over TCP on a link of its own, capture every
frame, and print what each transport cost and how many frames coalescing saved.

The link is a wire between two network namespaces of this machine: nothing
leaves it, and nothing is left behind. No root is needed where user namespaces
are allowed; elsewhere run it with sudo. wiretax doctor says what is missing.

With -i and --peer-if it measures on two ports of this machine, with the cable
or the switches between them. Each gets a network namespace for the run, and
comes back as it was: name, addresses, routes, MTU, offloads, settings. A
guardian process sees to that, whatever ends the run; if that is killed too,
or the power fails, sudo wiretax doctor --restore does. Root is used for no
more: messages are sent, captured and counted as the user who called sudo.

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
  wiretax run --preset thread           the claims of 2008, put to the test
  wiretax run --from t.pcap --flow 3    a flow of a capture, sent again
  wiretax run --explain-causes          what Nagle, cwnd, ... contribute
  wiretax run --loss 1% --seed 7        a link that loses the same frames again
  wiretax run --rtt 200us,1ms,20ms --interval 0,1ms,10ms --confidence 5%
                                        a matrix, as many trials as it takes
  sudo wiretax run -i eth1 --peer-if eth2
                                        on two ports of this machine
  sudo wiretax run --to 192.0.2.2 -i eth1 --key-file wiretax.key
                                        between two hosts: wiretax serve --help
  wiretax run --out d                   keep captures (pcapng) and run.json in d
  wiretax run --resume d                go on where that was interrupted
  wiretax run --json | jq '.workloads[0].transports[].summary.frames'`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return run(c, f) },
	}
	fl := c.Flags()
	f.workloads.register(fl)
	fl.StringSliceVarP(&f.transports, "transports", "t", traffic.Default(), "how to send them: a `LIST` of those above, or of sets of them: "+strings.Join(traffic.Sets(), ", ")+" (secure: TLS and QUIC). What a set has and this machine or message has not is left out")
	fl.IntVar(&f.runs, "runs", 5, "`N` trials of each transport")
	fl.IntVar(&f.warmup, "warmup", 0, "`N` more trials of each transport before those, thrown away")
	fl.Var(&f.confidence, "confidence", "repeat each transport until the 95% interval of the median of frames and of wire bytes is at most this share of it wide (5%), --runs times at most, 100 without --runs")
	f.conditions.register(fl)
	fl.Uint64Var(&f.seed, "seed", 1, "`N` decides which frames are lost, the order of the trials, and what --size and --arrivals draw: the same seed, the same messages")
	fl.StringVar(&f.link, "link", "wire", "`KIND` of link. wire: a relay with rate and delay, between TAP devices or, without /dev/net/tun, packet sockets (tap or packet chooses). veth: a veth pair, nothing between")
	fl.StringVar(&f.offloads, "offloads", "off", "`off|keep` segmentation offload; kept, it makes super-frames, which are expanded (--link veth and -i; off, -i switches off what makes them, and back on at the end)")
	fl.BoolVar(&f.nicQueue, "nic-queue", false, "put the kernel's token bucket with the link's rate in front of the sender, as a NIC's queue: TCP small queues and autocorking work by what waits there (up to about 100M)")
	fl.StringVar(&f.preset, "preset", "", "a known workload by `NAME`, its numbers with their sources: "+strings.Join(presetNames(), ", ")+". A flag given beside it overrides the preset's")
	fl.BoolVar(&f.explainCauses, "explain-causes", false, "tell what Nagle, autocorking, cwnd, delayed ACK and timestamps each contribute: trials with and without, in turn, of every TCP transport (--to: Nagle alone, real hosts stay as they are)")
	fl.StringVar(&f.out, "out", "", "keep the captures and run.json in this new `DIR`")
	fl.StringVar(&f.resume, "resume", "", "go on with the interrupted recording in `DIR`; flags may be left out, they are those it began with")
	f.real.register(fl)
	f.far.register(fl)
	f.output.register(fl)
	return c
}

// transportHelp is a line for each transport.
func transportHelp() string {
	var b strings.Builder
	for _, name := range traffic.Names() {
		fmt.Fprintf(&b, "  %-14s  %s\n", name, traffic.About(name))
	}
	return b.String()
}

func run(c *cobra.Command, f *runFlags) (failure error) {
	if f.output.explain {
		return f.output.printExplanation(c)
	}
	if f.preset == presetList {
		return printPresets(c)
	}
	if err := f.output.check(c); err != nil {
		return err
	}
	if err := f.recall(c); err != nil {
		return err
	}
	if err := f.applyPreset(c); err != nil {
		return err
	}
	if err := f.far.check(c, f.real.near); err != nil {
		return err
	}
	if f.far.to != "" {
		return f.far.run(c, f, f.real)
	}
	e, err := f.experiment(c)
	if err != nil {
		return err
	}
	done, err := f.real.runElsewhere(c.Context(), e.KeepOffloads)
	if done {
		if err == nil || errors.Is(err, exitCode(exitDistrust)) {
			f.output.show(c)
		}
		return err
	}
	if lab.Inside() {
		e.Opened = privilege.Confine
	}
	f.announce(c, e)
	user, err := f.real.userInPlace()
	if err != nil {
		return err
	}
	var dir string
	var release func()
	// It is who called sudo that says where, and may change what is there meanwhile: root makes no directory and gives none away.
	err = privilege.As(user, func() (err error) { dir, release, err = f.directory(); return err })
	if err != nil {
		return err
	}
	defer release()
	if f.real.inPlace {
		giveBack, err := f.real.borrowInPlace(c, &e, user)
		if err != nil {
			return err
		}
		defer func() { failure = cmp.Or(giveBack(), failure) }()
	}
	return f.recordAndPrint(c, e, dir)
}

// announce says beforehand how long a long run will take.
func (f *runFlags) announce(c *cobra.Command, e capture.Experiment) {
	what, d := "this run", e.Expected()
	if f.resume != "" {
		what, d = "the rest of this run", e.ExpectedRest(f.resume)
	}
	if d > longRun {
		fmt.Fprintf(c.ErrOrStderr(), "wiretax: %s takes up to %v (fewer --messages or --runs, or a higher --rate, take less; Ctrl-C prints what is complete)\n", what, d.Round(time.Second))
	}
}

// directory makes the place of the recording: the one of --out, or one that nobody keeps.
func (f *runFlags) directory() (dir string, release func(), err error) {
	switch {
	case f.resume != "":
		release, err = recording.ReopenDir(f.resume)
		return f.resume, release, err
	case f.out == "":
		return recording.Scratch()
	}
	release, err = recording.CreateDir(f.out)
	return f.out, release, err
}

// recordAndPrint measures and prints what was measured. What is complete is good: it is shown, whatever ended the rest, if it
// lets transports be compared.
func (f *runFlags) recordAndPrint(c *cobra.Command, e capture.Experiment, dir string) error {
	record := capture.Record
	if f.resume != "" {
		record = capture.Resume
	}
	if f.confidence > 0 {
		e.Enough = narrowed(c.Context(), dir, float64(f.confidence))
	}
	line := newStatusLine(c.ErrOrStderr())
	recordErr := record(c.Context(), e, dir, line.show)
	line.clear()
	var incomplete *capture.IncompleteError
	if kept := cmp.Or(f.out, f.resume); kept != "" && errors.As(recordErr, &incomplete) && incomplete.Done > 0 {
		recordErr = fmt.Errorf("%w (wiretax run --resume %s goes on)", recordErr, kept)
	}
	if recordErr != nil && !(errors.As(recordErr, &incomplete) && incomplete.Done >= len(e.Transports)) {
		return recordErr
	}
	err := printRun(context.WithoutCancel(c.Context()), c, dir, f.output)
	return cmp.Or(recordErr, err)
}

// runInside repeats the command where it is privileged: in a user namespace of its own.
func runInside(ctx context.Context, i lab.Inner) error {
	code, err := lab.Reexec(ctx, i)
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
	case errors.Is(err, peer.ErrOpenKey):
		return err.Error() + " (chmod go= on it)"
	case errors.Is(err, syscall.ECONNREFUSED):
		return err.Error() + " (does wiretax serve run there?)"
	case errors.Is(err, context.Canceled):
		return strings.Replace(err.Error(), context.Canceled.Error(), "interrupted", 1)
	}
	return err.Error()
}
