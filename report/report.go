// Package report turns results into text. A result becomes a document of lines and tables; each format has one renderer,
// in a file of its own, that writes the document.
package report

import (
	"fmt"
	"io"

	"wiretax/analyze"
)

// Format is a way to write a report, by the name it has after --format.
type Format string

// The formats.
const (
	Table    Format = "table"    // for a terminal
	Markdown Format = "markdown" // GitHub Flavored Markdown
	CSV      Format = "csv"      // RFC 4180, plain numbers, units in the header
	JSON     Format = "json"     // the result itself
	NDJSON   Format = "ndjson"   // the result in lines, one an object (https://github.com/ndjson/ndjson-spec)
	HTML     Format = "html"     // one file for a browser, with pictures
	SVG      Format = "svg"      // the frames of a run or of a capture, drawn to scale
)

// Formats lists all formats.
var Formats = [...]Format{Table, Markdown, CSV, JSON, NDJSON, HTML, SVG}

// ParseFormat reads the name of a format.
func ParseFormat(s string) (Format, error) {
	for _, f := range Formats {
		if s == string(f) {
			return f, nil
		}
	}
	return "", fmt.Errorf("format %q: unknown (use table, markdown, csv, json, ndjson, html or svg)", s)
}

// Style says what the reader's terminal can show and how much the reader wants to see.
type Style struct {
	Width int  // columns of the terminal; 80 where it is 0
	Color bool // SGR colours (ECMA-48 section 8.3.117); they never carry meaning alone
	ASCII bool // bars are drawn with the characters of ASCII: the locale has no others
	Wide  bool // all columns, whatever the width
	Top   int  // rows of a table of flows; 20 where it is 0, all where it is negative. Groups come with as many as were asked for
}

const (
	usualWidth = 80
	usualTop   = 20
)

func (s Style) width() int {
	if s.Width <= 0 {
		return usualWidth
	}
	return s.Width
}

// MostFlows is how many flows a table shows at most, below 0 for all.
func (s Style) MostFlows() int {
	if s.Top == 0 {
		return usualTop
	}
	return s.Top
}

func (s Style) top(n int) int {
	switch {
	case s.Top < 0:
		return n
	case s.Top == 0:
		return min(n, usualTop)
	}
	return min(n, s.Top)
}

// Run writes the report of an experiment. As csv it is one row for each workload and transport, as ndjson one line.
func Run(w io.Writer, r *analyze.Run, f Format, s Style) error {
	switch f {
	case JSON:
		return writeJSON(w, withoutNull(*r))
	case NDJSON:
		return NewStream(w, f, s).only(withoutNull(*r))
	case CSV:
		if len(r.Claims) > 0 {
			return writeCSV(w, claimRecords(r))
		}
		return writeCSV(w, runRecords(r))
	case Markdown:
		return writeMarkdown(w, runDocument(r, s.Wide, true))
	case HTML:
		return writeRunHTML(w, r)
	case SVG:
		return writeRunSVG(w, r)
	}
	return writeTerminal(w, runDocument(r, s.Wide, false), s)
}

// Analysis writes the accounting of a capture. A csv file has room for one table only: it is the groups or the frames
// where the result holds any, otherwise the flows.
func Analysis(w io.Writer, r *analyze.Result, f Format, s Style) error {
	switch f {
	case JSON, NDJSON, CSV:
		return NewStream(w, f, s).End(r)
	case Markdown:
		return writeMarkdown(w, analysisDocument(r, s))
	case HTML:
		return writeHTML(w, analysisPage(r, s))
	case SVG:
		return writeAnalysisSVG(w, r)
	}
	return writeTerminal(w, analysisDocument(r, s), s)
}
