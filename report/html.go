package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the template, its style and its script
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"
)

// page is a report for a browser: one file that needs nothing beside it.
type page struct {
	Title    string // of the window
	Heading  string
	Lead     []string // the conditions
	Trust    verdict
	Sections []pageSection
	Notes    []line
	Words    []chapter
}

// verdict says whether to trust the result.
type verdict struct {
	Tone  string // good, bad or plain: the class of the box
	Word  string
	Lines []line
}

// pageSection is a heading with figures, pictures and text below it.
type pageSection struct {
	ID, Title string // without a title it is the page's only one
	Closed    bool   // folded away until somebody asks
	Headline  string
	Cards     []card
	Pictures  []picture
}

// card is one figure to see first.
type card struct {
	Name, Figure, Unit string
	Tone               string // good, bad or plain
	Lines              []string
}

// picture is a chart, a text or a table with its title. Every chart has the data that it shows as a table.
type picture struct {
	ID, Title, Note string
	Lines           []line
	Legend          []swatch
	Frames          *strips
	Bars            *bars
	Plots           []*plot
	Data            *table
	Open            bool // the table is the picture
	Filter          bool // its rows can be searched
}

// swatch is one entry of a legend.
type swatch struct{ Class, Name string }

var (
	//go:embed html/page.tmpl
	pageSource string
	//go:embed html/style.css
	styleSource string
	//go:embed html/script.js
	scriptSource string
)

// writeHTML writes the page as one file.
func writeHTML(w io.Writer, p *page) error {
	text, err := renderHTML(p)
	if err != nil {
		return err
	}
	return sendHTML(w, text)
}

// renderHTML makes the text of a page. Whatever comes from outside is escaped, and cleaned at the end, in one place; a
// content security policy keeps the file from loading anything and from running any script but its own.
func renderHTML(p *page) (string, error) {
	t, err := template.New("page").Funcs(pageFuncs()).Parse(pageSource)
	if err != nil {
		return "", fmt.Errorf("parse html template: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, p); err != nil {
		return "", fmt.Errorf("render html: %w", err)
	}
	return cleanLines(b.String()), nil
}

func sendHTML(w io.Writer, text string) error {
	if _, err := io.WriteString(w, text); err != nil {
		return fmt.Errorf("write html: %w", err)
	}
	return nil
}

// pageFuncs give the template what it cannot reach by itself.
func pageFuncs() template.FuncMap {
	return template.FuncMap{
		"style":  func() template.CSS { return template.CSS(styleSource) },
		"script": func() template.HTML { return template.HTML("<script>" + scriptSource + "</script>") },
		"scriptHash": func() string { // Content Security Policy Level 3, section 2.3.1
			sum := sha256.Sum256([]byte(scriptSource))
			return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
		},
		"label":     func(l line) string { return l.label },
		"sentences": func(l line) []string { return strings.Split(l.text, lineBreak) },
		"bad":       func(l line) bool { return l.tone == bad },
		"columns":   headings,
		"rows":      tableCells,
		"notes":     func(t *table) []string { return t.notes },
		"chapter":   func(c chapter) string { return c.title },
		"entries":   func(c chapter) []entry { return c.entries },
		"word":      func(e entry) string { return e.word },
		"meaning":   func(e entry) string { return e.meaning },
		"pct":       func(v float64) string { return decimal(math.Round(1000*v) / 1000) },
	}
}

// cleanLines is clean, line by line.
func cleanLines(s string) string {
	lines := strings.Split(s, lineBreak)
	for i := range lines {
		lines[i] = clean(lines[i])
	}
	return strings.Join(lines, lineBreak)
}

// cell is one cell of a table, head or body.
type cell struct {
	Text string
	Left bool
}

func headings(t *table) []cell {
	cells := make([]cell, len(t.columns))
	for i, c := range t.columns {
		cells[i] = cell{c.heading(), c.left}
		if c.unit != "" {
			cells[i].Text += " (" + c.unit + ")"
		}
	}
	return cells
}

func tableCells(t *table) [][]cell {
	rows := make([][]cell, len(t.rows))
	for i, row := range t.rows {
		rows[i] = make([]cell, len(row))
		for j, text := range row {
			rows[i][j] = cell{text, t.columns[j].left}
		}
	}
	return rows
}
