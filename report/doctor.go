package report

import (
	"fmt"
	"io"
	"strconv"
)

// Checkup is what a machine can do: the JSON object of kind "doctor".
type Checkup struct {
	Schema   string  `json:"schema"`
	Kind     string  `json:"kind"` // "doctor"
	Version  string  `json:"version"`
	RunWorks bool    `json:"run_works"` // nothing is missing that wiretax run needs
	Checks   []Check `json:"checks"`
}

// Check is one thing that the machine has or lacks.
type Check struct {
	Area   string `json:"area"`
	Name   string `json:"name"`
	State  string `json:"state"`  // ok, missing, or note: works, but not as on most machines
	Needed bool   `json:"needed"` // wiretax run cannot work without it
	Found  string `json:"found"`
	Fix    string `json:"fix"` // empty where there is nothing to do
}

// Doctor writes a checkup.
func Doctor(w io.Writer, c *Checkup, f Format, s Style) error {
	checked := *c
	checked.Checks = orEmpty(c.Checks)
	switch f {
	case JSON:
		return writeJSON(w, checked)
	case NDJSON:
		return NewStream(w, f, s).only(checked)
	case CSV:
		return writeCSV(w, checkRecords(c))
	case Markdown:
		return writeMarkdown(w, checkupDocument(c, false))
	}
	return writeTerminal(w, checkupDocument(c, true), s)
}

func checkRecords(c *Checkup) table {
	t := table{columns: named("area", "name", "state", "needed", "found", "fix")}
	for _, k := range c.Checks {
		t.rows = append(t.rows, []string{k.Area, k.Name, k.State, strconv.FormatBool(k.Needed), k.Found, k.Fix})
	}
	return t
}

// checkupDocument has the answer first, then what is missing for it, then a section for each area, its checks below each
// other in columns if so wanted.
func checkupDocument(c *Checkup, columns bool) document {
	answer := section{lines: []line{{text: "wiretax run works on this machine.", tone: good}}}
	if !c.RunWorks {
		answer.lines = []line{{text: "wiretax run cannot work on this machine:", tone: bad}}
		for _, k := range c.Checks {
			if k.Needed && k.State != "ok" {
				answer.lines = append(answer.lines, line{label: k.Name, text: orElse(k.Fix, k.Found)})
			}
		}
	}
	d := document{answer}
	format, behind := "%s %s", "; "
	if columns {
		widest := 0
		for _, k := range c.Checks {
			widest = max(widest, displayWidth(k.Name))
		}
		format, behind = "%-7s  %-"+strconv.Itoa(widest)+"s", lineBreak
	}
	for _, k := range c.Checks {
		if len(d) == 1 || d[len(d)-1].title != k.Area {
			d = append(d, section{title: k.Area})
		}
		area := &d[len(d)-1]
		l := line{label: fmt.Sprintf(format, k.State, k.Name), text: k.Found}
		if k.State != "ok" && k.Fix != "" {
			l.text += behind + "fix: " + k.Fix
		}
		if k.State == "missing" && k.Needed {
			l.tone = bad
		}
		area.lines = append(area.lines, l)
	}
	return d
}

func orElse(text, instead string) string {
	if text == "" {
		return instead
	}
	return text
}
