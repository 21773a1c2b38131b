package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"wiretax/analyze"
	"wiretax/analyze/frame"
)

// explained reports what the lookup says about a term.
func explained(t *testing.T, term string) (text string, known bool) {
	t.Helper()
	var b bytes.Buffer
	known, err := ExplainTerm(&b, term, Style{})
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), known
}

// Whatever stands in a report can be looked up.
func TestEveryWordOfAReportIsExplained(t *testing.T) {
	want := func(where, term string) {
		if text, known := explained(t, term); !known {
			t.Errorf("%s: %q is not explained", where, term)
		} else if strings.TrimSpace(text) == "" {
			t.Errorf("%s: %q has an empty explanation", where, term)
		}
	}
	for name, d := range map[string]document{
		"run":    runDocument(sixteenMessages(), true, false),
		"totals": analysisDocument(onePlusOne(), Style{}),
		"flows":  analysisDocument(busyServer(), Style{Wide: true}),
		"flow":   analysisDocument(byFlow(), Style{Wide: true}),
		"host":   analysisDocument(byHost(), Style{Wide: true}),
		"time":   analysisDocument(byTime(), Style{Wide: true}),
		"frames": analysisDocument(withFrames(onePlusOne()), Style{}),
	} {
		for _, s := range d {
			if s.table == nil {
				continue
			}
			for _, c := range s.table.columns {
				if c.name != "" {
					want(name, c.heading())
				}
			}
		}
	}
	for o := range frame.NumOwners {
		want("owner", frame.Owner(o).String())
	}
	for _, r := range analyze.Roles {
		want("role", string(r))
	}
	for _, f := range analyze.FindingExplanations() {
		want("finding", f.Code)
	}
	for _, code := range analyze.WarningCodes() {
		want("warning", code)
	}
	for _, f := range schemaFields() {
		want("JSON", f.name)
	}
}

func TestExplainTerm(t *testing.T) {
	for term, want := range map[string]string{
		"efficiency":        "Unique payload / wire bytes",
		"eff.":              "Unique payload / wire bytes",
		"Frames Saved":      "Frames of the base less frames of the transport",
		"frames-saved":      "Frames of the base less frames of the transport",
		"nagle_delayed_ack": "RFC 896",
		"file_cut_off":      "exit code 4",
		"ack":               "without payload and without SYN",
		"tcp_info_segs":     "Segments by TCP_INFO",
	} {
		if text, known := explained(t, term); !known || !strings.Contains(strings.Join(strings.Fields(text), " "), want) {
			t.Errorf("%s: known is %t, want %q in %s", term, known, want, text)
		}
	}
	if text, known := explained(t, "florp"); known || text != "" {
		t.Errorf("florp: %s", text)
	}
}

// What is offered is known, and fits a terminal.
func TestTermsAreKnown(t *testing.T) {
	terms := Terms()
	if len(terms) < 150 {
		t.Errorf("%d terms", len(terms))
	}
	for _, term := range terms {
		text, known := explained(t, term)
		if !known {
			t.Errorf("%s is offered and not known", term)
		}
		for line := range strings.Lines(text) {
			if w := displayWidth(strings.TrimSuffix(line, "\n")); w > usualWidth && strings.Contains(strings.TrimSpace(line), " ") {
				t.Error(fmt.Sprintf("%s: %d columns: ", term, w), line)
			}
		}
	}
}
