package report

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"wiretax/analyze"
)

// Preset is a named set of flags in words.
type Preset struct{ Name, About, Flags, Source, Assumed string }

// Presets writes what presets there are.
func Presets(w io.Writer, list []Preset) error {
	var d document
	for _, p := range list {
		d = append(d, section{lines: []line{
			{label: p.Name, text: p.About}, {label: "  flags", text: p.Flags}, {label: "  source", text: p.Source}, {label: "  assumed", text: p.Assumed},
		}})
	}
	d = append(d, section{lines: []line{{text: "A flag given beside --preset overrides that of the preset."}}})
	if err := writeTerminal(w, d, Style{}); err != nil {
		return fmt.Errorf("write presets: %w", err)
	}
	return nil
}

// presetLines say what the numbers of a run rest on.
func presetLines(p *analyze.Preset) []line {
	if p == nil {
		return nil
	}
	name := "preset " + clean(p.Name)
	if len(p.Given) > 0 {
		name += ", with " + clean(strings.Join(p.Given, ", "))
	}
	return []line{{text: name}, {label: "source", text: clean(p.Source)}, {label: "assumed", text: clean(p.Assumed)}}
}

// presetLead is presetLines for the head of a page.
func presetLead(p *analyze.Preset) (lead []string) {
	for _, l := range presetLines(p) {
		lead = append(lead, strings.TrimPrefix(l.label+": "+l.text, ": "))
	}
	return lead
}

// verdictWords are what a table says.
var verdictWords = map[analyze.Verdict]string{
	analyze.Holds: "holds", analyze.HoldsIf: "holds only if ...", analyze.Fails: "does not hold", analyze.NotMeasured: "not measured",
	analyze.Undecided: "not decided",
}

// storyWorkloads are those of the story: its messages and two floods. Who asked for more gets a comparison.
const storyWorkloads = 3

// storyDocument is one page: the messages of the story, and what became of its claims. What else was measured is in the wide
// report.
func storyDocument(r *analyze.Run, inline bool) document {
	w := referenceFirst(&r.Workloads[0])
	lines := append(append(presetLines(r.Preset), line{text: linkLine(*r.LinkOf(w))}), clockLines(w)...)
	answered := section{}
	if len(w.Transports) > 0 {
		if text := headline(w); text != "" {
			answered.lines = []line{{text: text}}
		}
	}
	if inline { // who reads from the top has the answer there
		lines, answered.lines = append(answered.lines, lines...), nil
	}
	d := document{{title: workloadLine(w), lines: lines}}
	if len(w.Transports) > 0 {
		d = append(d, section{table: transportTable(w, false, inline)})
	}
	d = append(d, claimSections(r)...)
	d = append(d, causeSections(w, inline)...)
	if len(r.Workloads) > storyWorkloads {
		d = append(d, bestSections(r, inline)...)
	}
	if len(answered.lines) > 0 {
		d = append(d, answered)
	}
	return append(d, closing(r)...)
}

// claimSections are the claims in numbers, and each with its definition and verdict in words.
func claimSections(r *analyze.Run) document {
	words := section{lines: claimLines(r)}
	return document{{title: "claims", table: claimTable(r)}, words}
}

// claimPage is the claims for a browser; nil where the run has none.
func claimPage(r *analyze.Run) *pageSection {
	if len(r.Claims) == 0 {
		return nil
	}
	return &pageSection{ID: "claims", Title: "Claims, put to the test", Pictures: []picture{
		{ID: "claims-figures", Title: "In figures", Open: true, Data: claimTable(r)},
		{ID: "claims-words", Title: "In words", Lines: claimLines(r)},
	}}
}

// claimTable is a row a claim.
func claimTable(r *analyze.Run) *table {
	t := &table{columns: []column{{name: "no"}, {name: "claim", left: true}, {name: "claimed"}, {name: "measured"}, {name: "range"}, {name: "verdict", left: true}}}
	for i, c := range r.Claims {
		t.rows = append(t.rows, []string{fmt.Sprint(i + 1), claimNames[c.Code], claimValue(c.Claimed, c), claimValue(c.Measured, c), claimRange(c), verdictWords[c.Verdict]})
	}
	return t
}

// claimNames are the claims in a few words.
var claimNames = map[string]string{
	"waste": "wasted share of wire", "one_data_frame": "data frames over tcp", "one_frame": "all frames over tcp",
	"one_receive_call": "receive calls over tcp", "shortest_frames": "shortest frames/s", "frame_limit": "datagrams/s", "more_over_tcp": "messages/s over tcp",
}

// claimRange is empty where all trials were the same.
func claimRange(c analyze.Claim) string {
	if c.Range == nil {
		return ""
	}
	value := func(v analyze.Ratio) string { return claimValue(v, analyze.Claim{Unit: c.Unit}) }
	lo, hi := value(c.Range[0]), value(c.Range[1])
	if lo == hi {
		return ""
	}
	return lo + ".." + hi
}

func claimValue(v analyze.Ratio, c analyze.Claim) string {
	above := ""
	if c.Code == "waste" || c.Code == "more_over_tcp" {
		above = ">" + glue
	}
	if v != c.Claimed {
		above = ""
	}
	switch {
	case !v.Valid():
		return nothing
	case c.Unit == "share":
		return above + percent(float64(v)) + glue + "%"
	case c.Unit == "per second":
		return above + count(float64(int64(v)))
	}
	return above + count(float64(v))
}

// claimLines are the claims in words.
func claimLines(r *analyze.Run) (lines []line) {
	for i, c := range r.Claims {
		text := strings.Join([]string{"Claim: " + withThousands(clean(c.Claim)) + ".", withThousands(clean(c.Words)), "Measured: " + clean(c.Definition) + "."}, lineBreak)
		lines = append(lines, line{label: fmt.Sprint(i + 1), text: text})
	}
	return lines
}

// withThousands separates the thousands of the whole numbers in a text.
func withThousands(text string) string {
	return longNumber.ReplaceAllStringFunc(text, separated)
}

var longNumber = regexp.MustCompile(`\b[0-9]{4,}\b`)

// claimRecords are the claims for programs.
func claimRecords(r *analyze.Run) table {
	t := table{columns: named("code", "claim", "definition", "claimed", "measured", "unit", "transport", "verdict", "words", "measured_min", "measured_max")}
	for _, c := range r.Claims {
		lo, hi := analyze.Over(0, 0), analyze.Over(0, 0)
		if c.Range != nil {
			lo, hi = c.Range[0], c.Range[1]
		}
		t.rows = append(t.rows, []string{c.Code, c.Claim, c.Definition, number(c.Claimed), number(c.Measured), c.Unit, c.Transport, string(c.Verdict), c.Words, number(lo), number(hi)})
	}
	return t
}
