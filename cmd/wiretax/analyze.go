package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"wiretax/analyze"
	"wiretax/capture/live"
	"wiretax/capture/recording"
	"wiretax/report"
)

// analyzeFlags are the flags of wiretax analyze.
type analyzeFlags struct {
	frames   bool
	by       string
	sort     string
	top      int
	read     []string
	filter   string
	from, to string
	count    int64
	write    string
	annotate bool
	as       string
	mtu      int
	maxFlows int
	output   outputFlags
}

func newAnalyzeCommand() *cobra.Command {
	f := &analyzeFlags{}
	c := &cobra.Command{
		Use:   "analyze [flags] FILE... [FILTER] | DIR",
		Short: "count the frames and bytes of saved captures",
		Long: `Count the frames and bytes of saved captures, every byte under its owner.

FILE is a capture (pcap, pcapng and others, plain or compressed), or - for
standard input; several files are analysed as one, in time order. Each has flows
of its own, but those of a ring buffer: names that differ in digits only, times
that do not overlap. FILTER is a pcap-filter(7) expression, applied to each
interface's link type; unless it says vlan, it sees tagged frames without their
tags. DIR is what wiretax run --out wrote: the run's table is printed again,
counted anew from its captures.`,
		Example: `  wiretax analyze trace.pcapng
  wiretax analyze trace.pcap tcp port 443
  wiretax analyze --by host --top 10 trace.pcap.zst
  wiretax analyze --frames --format csv -c 100 trace.pcap
  wiretax analyze -f 'udp and host 192.0.2.1' -w part.pcapng a.pcap b.pcap
  wiretax analyze --annotate -w noted.pcapng trace.pcap; wireshark noted.pcapng
  tcpdump -w - | wiretax analyze -
  wiretax run --out d; wiretax analyze d`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error { return analyzeCaptures(c, f, append(f.read, args...)) },
	}
	fl := c.Flags()
	fl.BoolVar(&f.frames, "frames", false, "one row a record")
	fl.StringVar(&f.by, "by", "", "group `BY` flow, host, port, protocol, interface, size, or time:DURATION")
	fl.StringVar(&f.sort, "sort", "", "sort groups by this `COLUMN`, largest first, by its name in JSON (default wire_bytes)")
	fl.IntVar(&f.top, "top", 0, "show `N` flows or groups, the rest is one row; 0: 20 flows, all groups; -1: all")
	fl.StringArrayVarP(&f.read, "read", "r", nil, "read `FILE`, as tcpdump has it: the same as FILE without -r")
	fl.BoolP("numeric", "n", false, "no names for addresses: there never are any")
	fl.StringVarP(&f.filter, "filter", "f", "", "only records that match this pcap-filter `EXPRESSION`")
	fl.StringVar(&f.from, "from", "", "only records from this `TIME` on: RFC 3339, or since the first record (10s)")
	fl.StringVar(&f.to, "to", "", "only records up to this `TIME`")
	fl.Int64VarP(&f.count, "count", "c", 0, "end after `N` records")
	fl.StringVarP(&f.write, "write", "w", "", "write the chosen records to this pcapng `FILE`, - for standard output")
	fl.BoolVar(&f.annotate, "annotate", false, "with -w: give each frame a comment with its role and owners, for Wireshark")
	fl.StringVar(&f.as, "as", "", "`ethernet`: price frames of other links as untagged Ethernet frames")
	fl.IntVar(&f.mtu, "mtu", 0, "MTU of the link in `BYTES`: longer packets are super-frames (default: what the capture shows)")
	fl.IntVar(&f.maxFlows, "max-flows", 0, "`N` flows are kept apart, those not used for longest are one sum (default: what a quarter of the free memory holds)")
	f.output.register(fl)
	return c
}

// check finds mistakes before any work is done and returns what to do.
func (f *analyzeFlags) check(c *cobra.Command) (s selection, o analyze.Options, err error) {
	if err := f.output.check(c); err != nil {
		return s, o, err
	}
	switch {
	case f.as != "" && f.as != "ethernet":
		return s, o, usagef(c, "--as %s: want ethernet", f.as)
	case f.mtu != 0 && (f.mtu < 68 || f.mtu > 65535): // RFC 791 section 3.2
		return s, o, usagef(c, "--mtu %d: want 68 to 65535", f.mtu)
	case f.maxFlows < 0:
		return s, o, usagef(c, "--max-flows %d: want 1 or more", f.maxFlows)
	case f.count < 0:
		return s, o, usagef(c, "--count %d: want 1 or more", f.count)
	case f.write == "-" && f.output.file == "":
		return s, o, usagef(c, "-w -: standard output takes the capture, so the result needs --output FILE")
	}
	f.frames = f.frames || f.output.drawn()
	if f.annotate && f.write == "" {
		return s, o, usagef(c, "--annotate: needs -w FILE to write comments to")
	}
	o = analyze.Options{AsEthernet: f.as != "", MTU: f.mtu, Charts: f.output.html(), FrameOwners: f.output.owners()}
	if o.View, err = analyze.ParseView(f.by, f.sort, f.top); err != nil {
		return s, o, usagef(c, "%w", err)
	}
	s.count = f.count
	if s.from, err = parseMoment(f.from); err != nil {
		return s, o, usagef(c, "--from %s: %w", f.from, err)
	}
	if s.to, err = parseMoment(f.to); err != nil {
		return s, o, usagef(c, "--to %s: %w", f.to, err)
	}
	if s.from.text != "" && s.to.text != "" && s.from.relative == s.to.relative && s.from.nanos(0, 0) > s.to.nanos(0, 0) {
		return s, o, usagef(c, "--from %s is after --to %s", f.from, f.to)
	}
	if f.top < -1 {
		return s, o, usagef(c, "--top %d: want a number of rows, or -1 for all", f.top)
	}
	if o.View.By == "" && f.sort != "" {
		return s, o, usagef(c, "--sort needs --by")
	}
	if f.filter != "" {
		if s.filter, err = live.NewFilter(f.filter); err != nil {
			return s, o, usagef(c, "%w", err)
		}
	}
	return s, o, nil
}

func analyzeCaptures(c *cobra.Command, f *analyzeFlags, args []string) error {
	if f.output.explain {
		return f.output.printExplanation(c)
	}
	if len(args) == 0 {
		return usagef(c, "analyze what? name a capture file, a run's directory, or - for standard input")
	}
	files, expression := split(args)
	if expression != "" && f.filter != "" {
		return usagef(c, "filter %q and -f %q: want one of them", expression, f.filter)
	}
	f.filter = cmp.Or(f.filter, expression)
	chosen, options, err := f.check(c)
	if err != nil {
		return err
	}
	for _, file := range files {
		if !isDir(file) {
			continue
		}
		if err := f.alone(c, file, files); err != nil {
			return err
		}
		return printRun(c.Context(), c, files[0], f.output)
	}
	// Most of the memory is flows, which the collector does not look into: it can afford to come often.
	defer debug.SetGCPercent(debug.SetGCPercent(25))
	options.MaxFlows = cmp.Or(f.maxFlows, affordableFlows())
	r := reading{files: files, stdin: c.InOrStdin(), options: options, top: listed(report.Format(f.output.format), f.top), chosen: &chosen, write: f.write, annotate: f.annotate,
		stdout: c.OutOrStdout(), status: f.progress(c)}
	var (
		result *analyze.Result
		failed error // of the analysis, not of writing
	)
	err = f.output.write(c, func(w io.Writer, format report.Format, s report.Style) error {
		s.Top = f.top
		out := report.NewStream(w, format, s)
		if f.frames && (format != report.CSV || f.by == "") {
			r.options.EachFrame, r.rows = out.Frame, f.rows()
		}
		if result, failed = r.analyze(c.Context()); failed != nil {
			return failed
		}
		result.Source.Filter = f.filter
		return out.End(result)
	})
	if err := cmp.Or(failed, err); err != nil {
		return err
	}
	if c.Context().Err() != nil {
		return exitCode(exitInterrupted)
	}
	return trust(result.Warnings)
}

// progress is what shows how far the reading is: nothing where rows come on a terminal meanwhile, which it would overwrite.
func (f *analyzeFlags) progress(c *cobra.Command) *statusLine {
	if f.frames && f.rows() == math.MaxInt64 && f.output.file == "" && isTerminal(c.OutOrStdout()) {
		return nil
	}
	return newStatusLine(c.ErrOrStderr())
}

// rows is how many records can have a row of their own. Where rows are written as they come, all can; a table has to hold
// them first, and a picture shows no more.
func (f *analyzeFlags) rows() int64 {
	switch report.Format(f.output.format) {
	case report.JSON, report.NDJSON, report.CSV:
		return math.MaxInt64
	case report.HTML, report.SVG:
		return mostDrawn
	}
	return maxRows
}

// maxRows bounds the rows of a table.
const maxRows = 100_000

// htmlFlows is how many flows a report for a browser lists where nobody asks for more or fewer: its table can be searched.
const htmlFlows = 500

// listed is how many flows a result has to hold: as many as a table shows. Other formats take them one by one.
func listed(format report.Format, top int) int {
	switch format {
	case report.JSON, report.NDJSON, report.CSV:
		return 0
	case report.HTML:
		return cmp.Or(top, htmlFlows)
	}
	return report.Style{Top: top}.MostFlows()
}

// split tells the files from the filter behind them: it begins with the first word, not the very first, that is neither a
// file nor looks like one.
func split(args []string) (files []string, expression string) {
	for i, arg := range args {
		matches, _ := filepath.Glob(arg) // patterns that the shell has left alone
		_, err := os.Lstat(arg)
		switch {
		case arg == "-" || err == nil:
			files = append(files, arg)
		case len(matches) > 0:
			files = append(files, matches...)
		case i == 0 || strings.ContainsRune(arg, filepath.Separator) || filepath.Ext(arg) != "" && len(strings.Fields(arg)) == 1 && !isAddress(arg):
			files = append(files, arg) // opening it says what is wrong
		default:
			return files, strings.Join(args[i:], " ")
		}
	}
	return files, ""
}

// isAddress reports whether the word is something that a filter has and that looks like a name with an extension.
func isAddress(word string) bool {
	_, err := netip.ParseAddr(word)
	return err == nil
}

// alone refuses what cannot be asked of a whole run.
func (f *analyzeFlags) alone(c *cobra.Command, dir string, files []string) error {
	if len(files) > 1 {
		return usagef(c, "%s is a directory: a run is analysed alone", dir)
	}
	if f.filter != "" {
		return usagef(c, "%s is a run: a filter needs one of its captures, such as %s", dir, filepath.Join(dir, "*.pcapng"))
	}
	for _, name := range []string{"frames", "by", "sort", "top", "from", "to", "count", "write", "as", "mtu", "max-flows"} {
		if c.Flags().Changed(name) {
			return usagef(c, "%s is a run: --%s needs one of its captures, such as %s", dir, name, filepath.Join(dir, "*.pcapng"))
		}
	}
	return nil
}

func isDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// trust turns warnings that forbid to trust a printed result into the exit code that says so.
func trust(warnings []analyze.Warning) error {
	for _, w := range warnings {
		if w.Distrust {
			return exitCode(exitDistrust)
		}
	}
	return nil
}

// printRun counts a recording's captures and prints the run.
func printRun(ctx context.Context, c *cobra.Command, dir string, o outputFlags) error {
	r, err := loadRun(ctx, dir)
	if err != nil {
		return err
	}
	if o.html() || o.drawn() {
		if err := drawTrials(ctx, dir, r); err != nil {
			return err
		}
	}
	err = o.write(c, func(w io.Writer, format report.Format, s report.Style) error {
		return report.Run(w, r, format, s)
	})
	if err != nil {
		return err
	}
	if !r.Verified() {
		return exitCode(exitDistrust)
	}
	return trust(r.Warnings)
}

// loadRun reads run.json and completes it with the figures that the captures beside it give.
func loadRun(ctx context.Context, dir string) (*analyze.Run, error) {
	b, err := recording.ReadManifest(dir)
	if err != nil {
		return nil, err
	}
	r, err := analyze.ParseRun(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, recording.ManifestName), err)
	}
	counted := 0
	var unreadable error
	for w := range r.Workloads {
		for t := range r.Workloads[w].Transports {
			transport := &r.Workloads[w].Transports[t]
			err := countTrials(ctx, dir, r, transport)
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			counted += len(transport.Trials)
			unreadable = cmp.Or(unreadable, err)
		}
	}
	if counted == 0 && unreadable != nil {
		return nil, unreadable
	}
	r.Complete()
	return r, nil
}

// countTrials completes the trials of a transport. One whose capture cannot be read is left out, with a warning; the first
// of these errors is returned.
func countTrials(ctx context.Context, dir string, r *analyze.Run, t *analyze.Transport) (unreadable error) {
	trials := t.Trials
	t.Trials = nil
	for _, trial := range trials {
		if err := countTrial(ctx, dir, t.Name, &trial); err != nil {
			r.Warnings = append(r.Warnings, analyze.Warning{
				Code: "capture_unreadable", Message: "the run counts without a trial: " + err.Error(), Count: 1, Distrust: true,
			})
			unreadable = cmp.Or(unreadable, err)
			continue
		}
		t.Trials = append(t.Trials, trial)
	}
	return unreadable
}

func countTrial(ctx context.Context, dir, transport string, t *analyze.Trial) error {
	result, err := wholeCapture(ctx, captureOf(dir, t), analyze.Options{})
	if err != nil {
		return err
	}
	t.Count(result, transport)
	return nil
}

// wholeCapture analyses the capture of a trial; one that is interrupted is of no use.
func wholeCapture(ctx context.Context, file string, o analyze.Options) (*analyze.Result, error) {
	result, err := reading{files: []string{file}, options: o, top: -1}.analyze(ctx)
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return result, err
}
