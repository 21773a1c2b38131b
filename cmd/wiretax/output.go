package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"wiretax/capture/recording"
	"wiretax/report"
)

// outputFlags say where a result goes and how it is written.
type outputFlags struct {
	format  string
	json    bool
	ndjson  bool
	file    string
	wide    bool
	explain bool
	open    bool
}

func (o *outputFlags) register(fl *pflag.FlagSet) {
	fl.StringVar(&o.format, "format", "table", "`FORMAT` of the result: table, markdown, csv, json, ndjson, html or svg (run, analyze: the frames drawn)")
	fl.BoolVar(&o.json, "json", false, "same as --format json")
	fl.BoolVar(&o.ndjson, "ndjson", false, "same as --format ndjson: one line an object (wiretax schema ndjson)")
	fl.StringVarP(&o.file, "output", "o", "", "write the result to this `FILE`")
	fl.BoolVar(&o.open, "open", false, "show the file of --output in the browser")
	fl.BoolVar(&o.wide, "wide", false, "all columns, whatever the terminal's width")
	fl.BoolVar(&o.explain, "explain", false, "say how every figure is defined, and stop (wiretax explain TERM: one of them)")
}

// check finds mistakes before any work is done.
func (o *outputFlags) check(c *cobra.Command) error {
	given := c.Flags().Changed("format")
	for _, short := range []struct {
		set    bool
		format report.Format
	}{{o.json, report.JSON}, {o.ndjson, report.NDJSON}} {
		if !short.set {
			continue
		}
		if given && o.format != string(short.format) {
			return usagef(c, "--%s and --format %s: want one of them", short.format, o.format)
		}
		o.format, given = string(short.format), true
	}
	if _, err := report.ParseFormat(o.format); err != nil {
		return usagef(c, "%w", err)
	}
	if o.drawn() && c.Name() != "run" && c.Name() != "analyze" {
		return usagef(c, "--format svg: %s draws no frames; run and analyze do", c.Name())
	}
	if o.html() && c.Name() == "doctor" {
		return usagef(c, "--format html: doctor has no pictures; markdown can be pasted anywhere")
	}
	if o.file != "" {
		if err := recording.Replaceable(o.file); err != nil {
			return fmt.Errorf("write %s: %w", o.file, err)
		}
	}
	if o.open && o.file == "" {
		return usagef(c, "--open: want --output FILE, which it shows")
	}
	return nil
}

// style is what the terminal can show, if the result goes to one.
func (o *outputFlags) style(w io.Writer) report.Style {
	s := report.Style{Wide: o.wide, ASCII: !unicodeLocale()}
	f, ok := w.(*os.File)
	if !ok || o.file != "" {
		return s
	}
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return s
	}
	s.Width = int(size.Col)
	s.Color = os.Getenv("NO_COLOR") == "" && !dumbTerminal()
	return s
}

// dumbTerminal reports whether the terminal has no control sequences, or nobody says that it has (XBD section 8.3 of POSIX).
func dumbTerminal() bool { return os.Getenv("TERM") == "" || os.Getenv("TERM") == "dumb" }

// unicodeLocale reports whether the characters of the locale are those of Unicode: LC_ALL, LC_CTYPE or LANG (POSIX.1-2017,
// section 8.2) names UTF-8.
func unicodeLocale() bool {
	locale := strings.ToLower(cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_CTYPE"), os.Getenv("LANG")))
	return strings.Contains(locale, "utf-8") || strings.Contains(locale, "utf8")
}

// write calls render with the place where the result goes. A file has the whole result or does not exist; what is no regular
// file, /dev/null or a pipe, is written as it is.
func (o *outputFlags) write(c *cobra.Command, render func(io.Writer, report.Format, report.Style) error) error {
	format := report.Format(o.format)
	if o.file == "" {
		return render(c.OutOrStdout(), format, o.style(c.OutOrStdout()))
	}
	f, err := recording.Replace(o.file)
	if err != nil {
		return fmt.Errorf("write %s: %w", o.file, err)
	}
	if err := render(f.File, format, o.style(f.File)); err != nil {
		f.Abort()
		return fmt.Errorf("write %s: %w", o.file, err)
	}
	if err := f.Commit(); err != nil {
		return fmt.Errorf("write %s: %w", o.file, err)
	}
	o.show(c)
	return nil
}

func (o *outputFlags) printExplanation(c *cobra.Command) error {
	return o.write(c, func(w io.Writer, _ report.Format, _ report.Style) error { return report.Explain(w) })
}
