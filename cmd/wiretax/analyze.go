package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
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
standard input; several files are analysed as one, in time order. FILTER is a
pcap-filter(7) expression, applied to each interface's link type; unless it says
vlan, it sees tagged frames without their tags. DIR is what wiretax run --out
wrote: the run's table is printed again, counted anew from its captures.`,
		Example: `  wiretax analyze trace.pcapng
  wiretax analyze trace.pcap tcp port 443
  wiretax analyze --by host --top 10 trace.pcap.zst
  wiretax analyze --frames --format csv -c 100 trace.pcap
  wiretax analyze -f 'udp and host 192.0.2.1' -w part.pcapng a.pcap b.pcap
  wiretax analyze --annotate -w noted.pcapng trace.pcap; wireshark noted.pcapng
  tcpdump -w - | wiretax analyze -
  wiretax run --out d; wiretax analyze d`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error { return analyzeCaptures(c, f, args) },
	}
	fl := c.Flags()
	fl.BoolVar(&f.frames, "frames", false, "one row a record")
	fl.StringVar(&f.by, "by", "", "group `BY` flow, host, port, protocol, interface, size, or time:DURATION")
	fl.StringVar(&f.sort, "sort", "", "sort groups by this `COLUMN`, largest first, by its name in JSON (default wire_bytes)")
	fl.IntVar(&f.top, "top", 0, "show `N` flows or groups, the rest is one row; 0: 20 flows, all groups; -1: all")
	fl.StringVarP(&f.filter, "filter", "f", "", "only records that match this pcap-filter `EXPRESSION`")
	fl.StringVar(&f.from, "from", "", "only records from this `TIME` on: RFC 3339, or since the first record (10s)")
	fl.StringVar(&f.to, "to", "", "only records up to this `TIME`")
	fl.Int64VarP(&f.count, "count", "c", 0, "end after `N` records")
	fl.StringVarP(&f.write, "write", "w", "", "write the chosen records to this pcapng `FILE`, - for standard output")
	fl.BoolVar(&f.annotate, "annotate", false, "with -w: give each frame a comment with its role and owners, for Wireshark")
	fl.StringVar(&f.as, "as", "", "`ethernet`: price frames of other links as untagged Ethernet frames")
	fl.IntVar(&f.mtu, "mtu", 0, "MTU of the link in `BYTES`: longer packets are super-frames (default: what the capture shows)")
	fl.IntVar(&f.maxFlows, "max-flows", usualFlows, "`N` flows are kept apart, further ones are one sum; 0: all, at about 5 kB of memory each")
	f.output.register(fl)
	return c
}

// usualFlows is how many flows are kept apart without a word: what half a gigabyte of memory holds, the result included.
const usualFlows = 100_000

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
		return s, o, usagef(c, "--max-flows %d: want 0 or more", f.maxFlows)
	case f.count < 0:
		return s, o, usagef(c, "--count %d: want 1 or more", f.count)
	case f.write == "-" && f.output.file == "":
		return s, o, usagef(c, "-w -: standard output takes the capture, so the result needs --output FILE")
	}
	if f.annotate && f.write == "" {
		return s, o, usagef(c, "--annotate: needs -w FILE to write comments to")
	}
	o = analyze.Options{AsEthernet: f.as != "", MTU: f.mtu, MaxFlows: f.maxFlows, Charts: f.output.html(), FrameOwners: f.output.owners()}
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
	r := reading{files: files, stdin: c.InOrStdin(), options: options, rows: f.rows(), chosen: &chosen,
		write: f.write, annotate: f.annotate, stdout: c.OutOrStdout()}
	result, err := r.analyze(c.Context())
	if err != nil {
		return err
	}
	result.Source.Filter = f.filter
	err = f.output.write(c, func(w io.Writer, format report.Format, s report.Style) error {
		s.Top = f.top
		return report.Analysis(w, result, format, s)
	})
	if err != nil {
		return err
	}
	return trust(result.Warnings)
}

// rows is how many records have a row of their own in the result.
func (f *analyzeFlags) rows() int {
	switch {
	case !f.frames:
		return 0
	case f.output.html():
		return mostDrawn
	}
	return maxRows
}

// maxRows bounds the rows of --frames, which are held in memory until they are written.
const maxRows = 100_000

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

// batch is how many records are read at a time.
const batch = 512

// reading is one pass over captures.
type reading struct {
	files    []string
	stdin    io.Reader
	options  analyze.Options
	rows     int        // keep a row for each of the first records
	chosen   *selection // nil: all records
	write    string     // capture to write the chosen records to; empty: none
	annotate bool       // comment each record that is written
	stdout   io.Writer
}

// analyze counts what is in the files. A file that is cut off counts as far as it goes, with a warning.
func (r reading) analyze(ctx context.Context) (*analyze.Result, error) {
	in, err := recording.OpenAll(r.files, r.stdin)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	var rows []analyze.FrameRow
	if r.rows > 0 {
		r.options.EachFrame = func(row analyze.FrameRow) error {
			if len(rows) < r.rows {
				rows = append(rows, row)
			}
			return nil
		}
	}
	take, err := r.sink(in)
	if err != nil {
		return nil, err
	}
	if r.annotate {
		keep := r.options.EachFrame
		r.options.FrameOwners = true
		r.options.EachFrame = func(row analyze.FrameRow) error {
			take.comment = report.FrameComment(&row)
			if keep == nil {
				return nil
			}
			return keep(row)
		}
	}
	a := analyze.New(r.options)
	cut, err := r.feed(ctx, a, in, take)
	if err != nil {
		take.abort()
		return nil, err
	}
	if err := take.close(); err != nil {
		return nil, err
	}
	result := a.Result()
	result.Frames = rows
	describeSource(result, in)
	if left := result.Totals.Records - int64(len(rows)); r.rows == maxRows && left > 0 {
		result.Warnings = append(result.Warnings, analyze.Warning{
			Code: "rows_left_out", Message: fmt.Sprintf("only the first %d records have a row (--from, -c or a filter choose others)", maxRows), Count: left,
		})
	}
	if cut != nil {
		result.Source.TruncatedFile = true
		result.Warnings = append(result.Warnings, analyze.Warning{
			Code: "file_cut_off", Message: cut.Error(), Count: 1, Distrust: true,
		})
	}
	return result, nil
}

// feed passes all records on; cut says where files ended before their end.
func (r reading) feed(ctx context.Context, a *analyze.Analysis, in *recording.Merge, take *copier) (cut, err error) {
	records := make([]recording.Record, batch)
	for {
		n, err := in.Next(records)
		for i := range records[:n] {
			if r.chosen != nil {
				if ok, err := r.chosen.takes(&records[i]); err != nil {
					return nil, err
				} else if !ok {
					a.Skip()
					continue
				}
			}
			record := analyze.Record(records[i])
			if err := a.Add(&record); err != nil {
				return nil, err
			}
			if err := take.write(records[i]); err != nil {
				return nil, err
			}
			if r.chosen != nil && r.chosen.full() {
				return nil, nil
			}
		}
		var end *recording.CutError
		switch {
		case errors.Is(err, io.EOF):
			return nil, nil
		case errors.As(err, &end):
			return err, nil // of every file that is cut
		case err != nil:
			return nil, err
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		}
	}
}

// sink makes the copier of the chosen records, if there is to be one.
func (r reading) sink(in *recording.Merge) (*copier, error) {
	const comment = "records selected by wiretax analyze"
	switch r.write {
	case "":
		return nil, nil
	case "-":
		return &copier{in: in, out: recording.NewWriter(r.stdout, nil, comment)}, nil
	}
	if target, err := os.Stat(r.write); err == nil && target.Mode().IsRegular() {
		for _, file := range r.files {
			if source, err := os.Stat(file); err == nil && os.SameFile(source, target) {
				return nil, fmt.Errorf("write %s: it is what is being read (choose another file)", r.write)
			}
		}
	}
	out, err := recording.Create(r.write, nil, comment)
	if err != nil {
		return nil, err
	}
	return &copier{in: in, out: out}, nil
}

func describeSource(r *analyze.Result, in *recording.Merge) {
	r.Source.Files = in.Files()
	r.Source.Format, r.Source.Compression = in.Format(), in.Compression()
	seen := map[string]bool{}
	unlimited := false
	for _, i := range in.Interfaces() {
		if name := recording.LinkName(i.Link); !seen[name] {
			seen[name] = true
			r.Source.LinkTypes = append(r.Source.LinkTypes, name)
		}
		unlimited = unlimited || i.SnapLen == 0
		r.Source.SnapLen = max(r.Source.SnapLen, int64(i.SnapLen))
	}
	if unlimited {
		r.Source.SnapLen = 0
	}
}

// printRun counts a recording's captures and prints the run.
func printRun(ctx context.Context, c *cobra.Command, dir string, o outputFlags) error {
	r, err := loadRun(ctx, dir)
	if err != nil {
		return err
	}
	if o.html() {
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
	for w := range r.Workloads {
		for t := range r.Workloads[w].Transports {
			transport := &r.Workloads[w].Transports[t]
			for i := range transport.Trials {
				if err := countTrial(ctx, dir, transport.Name, &transport.Trials[i]); err != nil {
					return nil, err
				}
			}
		}
	}
	r.Complete()
	return r, nil
}

func countTrial(ctx context.Context, dir, transport string, t *analyze.Trial) error {
	result, err := reading{files: []string{captureOf(dir, t)}}.analyze(ctx)
	if err != nil {
		return err
	}
	t.Count(result, transport)
	return nil
}
