package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"wiretax/analyze"
	"wiretax/capture/live"
	"wiretax/capture/privilege"
	"wiretax/capture/recording"
	"wiretax/report"
	"wiretax/report/metrics"
)

// watchFlags are the flags of wiretax watch.
type watchFlags struct {
	iface    string
	filter   string
	snapLen  int
	buffer   int // KiB
	quiet    bool
	list     bool
	count    int64
	duration time.Duration
	every    time.Duration
	plain    bool
	write    string
	names    bool
	metrics  string
	user     string
	top      int
	as       string
	mtu      int
	maxFlows int
	output   outputFlags
}

func newWatchCommand() *cobra.Command {
	f := &watchFlags{}
	c := &cobra.Command{
		Use:   "watch -i IF [flags] [FILTER]",
		Short: "count what passes an interface, live",
		Long: `Count the frames and bytes that pass an interface, with the accounting of
wiretax analyze: on a terminal a screen of flows, first those that waste most of
the wire; elsewhere a line every second, and findings as they occur. At the end
(q, Ctrl-C, -c, --duration) stands the report of wiretax analyze. SIGUSR1 prints
statistics and goes on.

FILTER is a pcap-filter(7) expression, which the kernel applies, as for tcpdump.
CAP_NET_RAW is all that is needed: sudo setcap cap_net_raw=ep $(which wiretax).
Frames that the capture dropped are counted and make the exit code 4.`,
		Example: `  wiretax watch -i eth0
  wiretax watch -i eth0 tcp port 443
  wiretax watch -i eth0 --duration 10s --json
  wiretax watch -i eth0 --plain --every 5s udp | tee log
  wiretax watch -i eth0 -c 100000 -w part.pcapng
  wiretax watch -D`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error { return watch(c, f, args) },
	}
	fl := c.Flags()
	fl.StringVarP(&f.iface, "interface", "i", "", "capture on this `INTERFACE`; any: on all")
	fl.StringVarP(&f.filter, "filter", "f", "", "only frames that match this pcap-filter `EXPRESSION`")
	fl.DurationVar(&f.duration, "duration", 0, "end after this `TIME`, such as 10s (default: Ctrl-C)")
	fl.Int64VarP(&f.count, "count", "c", 0, "end after `N` frames")
	fl.DurationVar(&f.every, "every", time.Second, "a line, or new figures on the screen, every `TIME`")
	fl.BoolVar(&f.plain, "plain", false, "lines, also on a terminal")
	fl.StringVarP(&f.write, "write", "w", "", "write what is counted to this pcapng `FILE`, - for standard output")
	fl.IntVarP(&f.snapLen, "snapshot-length", "s", 256, "capture so many `BYTES` of each frame; 256 hold the headers, all that counting needs; 0: whole frames")
	fl.IntVarP(&f.buffer, "buffer-size", "B", 16<<10, "ring of the kernel for frames that wait, in `KiB`")
	fl.BoolVarP(&f.quiet, "no-promiscuous-mode", "p", false, "only frames that the interface takes anyway")
	fl.StringVar(&f.metrics, "metrics", "", "answer Prometheus at this `ADDRESS`, path /metrics; :9469 is on all\naddresses, 127.0.0.1:9469 for this machine only")
	fl.StringVarP(&f.user, "relinquish-privileges", "Z", "", "once the capture is open, become this `USER` (default under sudo: who\ncalled it); capabilities are given up in any case")
	fl.BoolVarP(&f.names, "numeric", "n", false, "no names for addresses: there never are any")
	fl.BoolVarP(&f.list, "list-interfaces", "D", false, "list the interfaces, and stop")
	fl.IntVar(&f.top, "top", 0, "the report shows `N` flows (default 20); -1: all")
	fl.StringVar(&f.as, "as", "", "`ethernet`: price frames of other links as untagged Ethernet frames")
	fl.IntVar(&f.mtu, "mtu", 0, "MTU of the link in `BYTES`: longer packets are super-frames (default: what the capture shows)")
	fl.IntVar(&f.maxFlows, "max-flows", 100_000, "`N` flows are kept apart, those not used for longest are one sum")
	f.output.register(fl)
	return c
}

// isInterface reports whether there is an interface of that name.
func isInterface(name string) bool {
	_, err := net.InterfaceByName(name)
	return err == nil
}

// check finds mistakes before any work is done.
func (f *watchFlags) check(c *cobra.Command) error {
	if err := f.output.check(c); err != nil {
		return err
	}
	switch name := c.Flags().Arg(0); {
	case f.iface == "" && isInterface(name):
		return usagef(c, "watch what? want -i %s", name)
	case f.iface == "":
		return usagef(c, "watch what? want -i INTERFACE (-D lists them)")
	case f.as != "" && f.as != "ethernet":
		return usagef(c, "--as %s: want ethernet", f.as)
	case f.mtu != 0 && (f.mtu < 68 || f.mtu > 65535): // RFC 791 section 3.2
		return usagef(c, "--mtu %d: want 68 to 65535", f.mtu)
	case f.maxFlows < 1:
		return usagef(c, "--max-flows %d: want 1 or more", f.maxFlows)
	case f.count < 0:
		return usagef(c, "--count %d: want 1 or more", f.count)
	case f.duration < 0:
		return usagef(c, "--duration %v: want a time such as 10s", f.duration)
	case f.every < shortest:
		return usagef(c, "--every %v: want %v or more", f.every, shortest)
	case f.snapLen < 0 || f.snapLen > wholeFrame:
		return usagef(c, "--snapshot-length %d: want 1 to %d, or 0 for whole frames", f.snapLen, wholeFrame)
	case f.buffer < 64 || f.buffer > 2<<20-1:
		return usagef(c, "--buffer-size %d: want 64 to %d KiB", f.buffer, 2<<20-1)
	case f.top < -1:
		return usagef(c, "--top %d: want a number of rows, or -1 for all", f.top)
	case f.write == "-" && f.output.file == "":
		return usagef(c, "-w -: standard output takes the capture, so the result needs --output FILE")
	}
	if _, _, err := net.SplitHostPort(f.metrics); err != nil && f.metrics != "" {
		return usagef(c, "--metrics %s: want an address such as 127.0.0.1:9469", f.metrics)
	}
	if f.filter == "" {
		return nil
	}
	if _, err := live.NewFilter(f.filter); err != nil {
		return usagef(c, "%w", err)
	}
	return nil
}

const (
	shortest   = 100 * time.Millisecond // interval
	wholeFrame = 262144                 // octets: what libpcap takes for whole (MAXIMUM_SNAPLEN)
)

func (f *watchFlags) config() live.Config {
	return live.Config{Interface: f.iface, SnapLen: cmp.Or(f.snapLen, wholeFrame), Buffer: f.buffer << 10,
		Filter: f.filter, NotPromiscuous: f.quiet}
}

func watch(c *cobra.Command, f *watchFlags, args []string) error {
	switch {
	case f.output.explain:
		return f.output.printExplanation(c)
	case f.list:
		return listInterfaces(c.OutOrStdout())
	case len(args) > 0 && f.filter != "":
		return usagef(c, "filter %q and -f %q: want one of them", strings.Join(args, " "), f.filter)
	}
	f.filter = cmp.Or(f.filter, strings.Join(args, " "))
	if err := f.check(c); err != nil {
		return err
	}
	if f.write != "" { // the capture is to be ended well, also where nobody reads the lines any more
		signal.Ignore(syscall.SIGPIPE)
		defer signal.Reset(syscall.SIGPIPE)
	}
	m, err := f.begin(c)
	if err != nil {
		return f.interfaceAdvice(c, err)
	}
	ctx := c.Context()
	if f.duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.duration)
		defer cancel()
	}
	failed := f.show(ctx, c, m)
	return f.finish(c, m, failed)
}

// begin opens everything that the watch needs; what takes privileges comes first.
func (f *watchFlags) begin(c *cobra.Command) (m *meter, err error) {
	options := analyze.Options{AsEthernet: f.as != "", MTU: f.mtu, MaxFlows: f.maxFlows, Charts: f.output.html()}
	var answer net.Listener
	if f.metrics != "" {
		options.View.By = metrics.View
		if answer, err = net.Listen("tcp", f.metrics); err != nil {
			return nil, fmt.Errorf("listen for metrics: %w", err)
		}
	}
	config := f.config()
	capture, err := openAndDrop(config, f.user)
	if err != nil {
		return nil, err
	}
	m = newMeter(capture, config, options)
	m.most, m.answer = f.count, answer
	if err = f.output.check(c); err == nil { // what root may write, the user may not
		m.copy, err = f.create(c, capture)
	}
	if err != nil {
		capture.Close()
		return nil, err
	}
	return m, nil
}

// openAndDrop opens the capture, and then gives up what that took: no octet of a stranger is read with any privilege.
func openAndDrop(config live.Config, name string) (*live.Bulk, error) {
	user, err := privilege.Invoker(name)
	if err != nil {
		return nil, err
	}
	capture, err := live.OpenBulk(config)
	if err != nil {
		return nil, captureAdvice(err)
	}
	if err := privilege.Drop(user); err != nil {
		capture.Close()
		return nil, err
	}
	return capture, nil
}

// create starts the capture file that -w asks for.
func (f *watchFlags) create(c *cobra.Command, capture *live.Bulk) (*recording.Writer, error) {
	interfaces := []recording.Interface{{Link: capture.LinkType(), SnapLen: uint32(capture.SnapLen()), Name: f.iface, Filter: f.filter, FCS: -1}}
	const comment = "frames counted by wiretax watch"
	switch f.write {
	case "":
		return nil, nil
	case "-":
		return recording.NewWriter(c.OutOrStdout(), interfaces, comment), nil
	}
	return recording.Create(f.write, interfaces, comment)
}

// show counts until the end and shows how it goes.
func (f *watchFlags) show(ctx context.Context, c *cobra.Command, m *meter) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // nobody counts any more
	if m.answer != nil {
		defer m.answer.Close()
		go newExporter(ctx, m).serve(m.answer)
	}
	if view := f.open(c); view != nil {
		return f.screen(ctx, c, m, view)
	}
	return f.lines(ctx, c, m)
}

// onRequest says how it goes whenever SIGUSR1 comes, until stopped is called.
func (f *watchFlags) onRequest(ctx context.Context, m *meter, say func(string)) (stopped func()) {
	ctx, cancel := context.WithCancel(ctx)
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR1)
	go func() {
		for {
			select {
			case <-asked:
				m.ask(ctx, func() { say(report.Statistics(m.result(time.Now(), 0))) })
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		signal.Stop(asked)
		cancel()
	}
}

// lines writes a line an interval, unless standard output is for something else.
func (f *watchFlags) lines(ctx context.Context, c *cobra.Command, m *meter) error {
	fmt.Fprintf(c.ErrOrStderr(), "wiretax: listening on %s, %s, snapshot length %d\n", f.iface, recording.LinkName(m.link), m.capture.SnapLen())
	if m.answer != nil {
		fmt.Fprintf(c.ErrOrStderr(), "wiretax: metrics at http://%s/metrics\n", m.answer.Addr())
	}
	defer f.onRequest(ctx, m, func(text string) { fmt.Fprintln(c.ErrOrStderr(), text) })()
	format := report.Format(f.output.format)
	toStdout := f.output.file == ""
	out := c.OutOrStdout()
	if f.write == "-" || toStdout && format != report.Table && format != report.NDJSON {
		out = io.Discard
	}
	intervals := report.NewIntervals(out)
	if toStdout {
		intervals.Format = format
	}
	return m.run(ctx, f.every, func(now time.Time) {
		if err := intervals.Add(m.result(now, 0), now); err != nil {
			m.stop() // nobody reads any more
		}
	})
}

// finish writes the report. failed is what ended the capture before its time.
func (f *watchFlags) finish(c *cobra.Command, m *meter, failed error) error {
	end := time.Now()
	if err := m.close(end); failed == nil {
		failed = err
	}
	var result *analyze.Result
	err := f.output.write(c, func(w io.Writer, format report.Format, s report.Style) error {
		s.Top = f.top
		result = m.result(end, listed(format, f.top))
		return report.NewStream(w, format, s).End(result)
	})
	switch {
	case failed != nil:
		return failed
	case err != nil:
		return err
	}
	if err := trust(result.Warnings); err != nil {
		return err
	}
	if f.tooShort(m, result) {
		return exitCode(exitInterrupted)
	}
	return nil
}

// tooShort reports whether less was counted than -c or --duration asked for.
func (f *watchFlags) tooShort(m *meter, r *analyze.Result) bool {
	counted := f.count > 0 && m.frames >= f.count
	lasted := f.duration > 0 && r.Source.Capture.DurationSeconds >= f.duration.Seconds()
	return (f.count > 0 || f.duration > 0) && !counted && !lasted
}

// interfaceAdvice says what to do where the interface is none, or down.
func (f *watchFlags) interfaceAdvice(c *cobra.Command, err error) error {
	switch {
	case errors.Is(err, live.ErrNoInterface), errors.Is(err, fs.ErrPermission) && !capturable(f.iface):
		return cmp.Or(known(c, "-i", f.iface), err)
	case errors.Is(err, live.ErrDown):
		return fmt.Errorf("%w (sudo ip link set %s up)", err, f.iface)
	}
	return err
}

// capturable reports whether libpcap offers the name: any, or a source that is no interface of the network, such as nflog:5.
func capturable(name string) bool {
	list, err := live.Interfaces()
	source, _, _ := strings.Cut(name, ":")
	return err != nil || slices.ContainsFunc(list, func(i live.Interface) bool { return i.Name == name || i.Name == source })
}

// captureAdvice says what to do where frames may not be captured.
func captureAdvice(err error) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	program, lost := os.Executable()
	if lost != nil {
		program = "$(command -v wiretax)"
	}
	return fmt.Errorf("%w (sudo setcap cap_net_raw=ep %s, or sudo; in a container --cap-add NET_RAW)", err, program)
}

// listInterfaces writes what -i takes.
func listInterfaces(w io.Writer) error {
	list, err := live.Interfaces()
	if err != nil {
		return err
	}
	for _, i := range list {
		state := "down"
		switch {
		case i.Up && i.Running:
			state = "up"
		case i.Up:
			state = "up, no carrier"
		}
		text := strings.Join(i.Addresses, " ")
		if len(i.Addresses) == 0 {
			text = i.Description
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%-15s %-14s %s", i.Name, state, text), " ")); err != nil {
			return err
		}
	}
	return nil
}
