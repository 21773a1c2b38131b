package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"wiretax/analyze"
	"wiretax/capture/recording"
	"wiretax/report"
)

// analyzeFlags are the flags of wiretax analyze.
type analyzeFlags struct {
	frames bool
	as     string
	mtu    int
	output outputFlags
}

func newAnalyzeCommand() *cobra.Command {
	f := &analyzeFlags{}
	c := &cobra.Command{
		Use:   "analyze [flags] FILE... | DIR",
		Short: "the same accounting for saved captures",
		Long: `Count the frames and bytes of saved captures, every byte under its owner.

FILE is a capture (pcap or pcapng, plain or compressed), or - for standard input;
several files are analysed as one, in time order. DIR is what wiretax run --out
wrote: the run's table is printed again, counted anew from its captures.`,
		Example: `  wiretax analyze trace.pcapng
  wiretax analyze --frames --json trace.pcap.gz
  tcpdump -w - | wiretax analyze -
  wiretax run --out d; wiretax analyze d`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error { return analyzeCaptures(c, f, args) },
	}
	fl := c.Flags()
	fl.BoolVar(&f.frames, "frames", false, "one row a record")
	fl.StringVar(&f.as, "as", "", "ethernet: price link types that are no Ethernet as untagged Ethernet frames")
	fl.IntVar(&f.mtu, "mtu", 0, "MTU of the link, bytes: longer packets are super-frames (default: what the capture shows)")
	f.output.register(fl)
	return c
}

func analyzeCaptures(c *cobra.Command, f *analyzeFlags, args []string) error {
	if f.output.explain {
		return f.output.printExplanation(c)
	}
	if err := f.output.check(c); err != nil {
		return err
	}
	switch {
	case f.as != "" && f.as != "ethernet":
		return usagef(c, "--as %s: want ethernet", f.as)
	case f.mtu != 0 && (f.mtu < 68 || f.mtu > 65535): // RFC 791 section 3.2
		return usagef(c, "--mtu %d: want 68 to 65535", f.mtu)
	case len(args) == 0:
		return usagef(c, "analyze what? name a capture file, a run's directory, or - for standard input")
	}
	if len(args) == 1 && isDir(args[0]) {
		return printRun(c.Context(), c, args[0], f.output)
	}
	files, err := expand(args)
	if err != nil {
		return err
	}
	result, err := analyzeFiles(c.Context(), files, c.InOrStdin(), analyze.Options{AsEthernet: f.as != "", MTU: f.mtu}, f.frames)
	if err != nil {
		return err
	}
	err = f.output.write(c, func(w io.Writer, format report.Format, s report.Style) error {
		return report.Analysis(w, result, format, s)
	})
	if err != nil {
		return err
	}
	return trust(result.Warnings)
}

func isDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// expand replaces patterns that the shell has left alone.
func expand(args []string) (files []string, err error) {
	for _, arg := range args {
		if _, err := os.Lstat(arg); err == nil || arg == "-" {
			files = append(files, arg)
			continue
		}
		matches, err := filepath.Glob(arg)
		if err != nil || len(matches) == 0 {
			matches = []string{arg} // opening it says what is wrong
		}
		files = append(files, matches...)
	}
	return files, nil
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

// analyzeFiles counts what is in the files. A file that is cut off counts as far as it goes, with a warning.
func analyzeFiles(ctx context.Context, files []string, stdin io.Reader, o analyze.Options, frames bool) (*analyze.Result, error) {
	in, err := recording.OpenAll(files, stdin)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	var rows []analyze.FrameRow
	if frames {
		o.EachFrame = func(r analyze.FrameRow) error { rows = append(rows, r); return nil }
	}
	a := analyze.New(o)
	cut, err := feed(ctx, a, in)
	if err != nil {
		return nil, err
	}
	result := a.Result()
	result.Frames = rows
	describeSource(result, in)
	if cut != nil {
		result.Source.TruncatedFile = true
		result.Warnings = append(result.Warnings, analyze.Warning{
			Code: "file_cut_off", Message: cut.Error(), Count: 1, Distrust: true,
		})
	}
	return result, nil
}

// feed passes all records on; cut says where files ended before their end.
func feed(ctx context.Context, a *analyze.Analysis, in *recording.Merge) (cut, err error) {
	records := make([]recording.Record, batch)
	for {
		n, err := in.Next(records)
		for i := range records[:n] {
			r := analyze.Record(records[i])
			if err := a.Add(&r); err != nil {
				return nil, err
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
			return nil, ctx.Err()
		}
	}
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
	file := filepath.Join(dir, filepath.Base(t.Capture)) // run.json may come from a stranger: it names files beside it only
	result, err := analyzeFiles(ctx, []string{file}, nil, analyze.Options{}, false)
	if err != nil {
		return err
	}
	t.Count(result, transport)
	return nil
}
