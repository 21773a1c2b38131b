package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/pkg/twwidth"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// writeTerminal writes the document for a terminal of the style's width.
func writeTerminal(w io.Writer, d document, s Style) error {
	var out bytes.Buffer
	for i, part := range d {
		if i > 0 {
			out.WriteByte('\n')
		}
		if err := terminalSection(&out, part, s); err != nil {
			return fmt.Errorf("write table: %w", err)
		}
	}
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

func terminalSection(out *bytes.Buffer, part section, s Style) error {
	if part.title != "" {
		for _, l := range wrap("", part.title, 0, s.width()) {
			fmt.Fprintln(out, s.paint(bold, l))
		}
	}
	indent := 0
	for _, l := range part.lines {
		indent = max(indent, displayWidth(l.label))
	}
	switch {
	case indent > s.width()/2:
		indent = 4
	case indent > 0:
		indent += 2
	}
	for _, l := range part.lines {
		indent := indent
		switch l.label {
		case "":
			indent = 0
		case bullet:
			indent = len(bullet) + 1
		}
		for _, text := range wrap(l.label, l.text, indent, s.width()) {
			fmt.Fprintln(out, s.paint(toneColor[l.tone], text))
		}
	}
	if part.table == nil {
		return nil
	}
	return terminalTable(out, *part.table, s)
}

func terminalTable(out *bytes.Buffer, t table, s Style) error {
	t, gap, bars := layout(t, s)
	room := s.width()
	if bars > 0 { // they have what the table left them
		room = total(naturalWidths(t), gap)
	}
	t = pointed(t, gap, room)
	if err := drawTable(out, t, gap, bars, s); err != nil {
		return err
	}
	if bars > 0 {
		t.notes = append([]string{t.sketch.note(s)}, t.notes...)
	}
	for _, n := range t.notes {
		for _, l := range wrap("", n, 0, s.width()) {
			fmt.Fprintln(out, s.paint(dim, l))
		}
	}
	return nil
}

// drawTable writes the table with plain columns: no rule, no border, no wrapping, heads as they are. Bars as wide as given
// stand behind the rows.
func drawTable(out *bytes.Buffer, t table, gap, bars int, s Style) error {
	align := make(tw.Alignment, len(t.columns))
	head := heads(t.columns)
	for i, c := range t.columns {
		align[i] = tw.AlignRight
		if c.left {
			align[i] = tw.AlignLeft
		}
	}
	var b bytes.Buffer
	drawn := tablewriter.NewTable(&b,
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders:  tw.BorderNone,
			Symbols:  tw.NewSymbols(tw.StyleNone),
			Settings: tw.Settings{Lines: tw.LinesNone, Separators: tw.SeparatorsNone},
		})),
		tablewriter.WithHeaderAutoFormat(tw.Off), tablewriter.WithHeaderAutoWrap(tw.WrapNone),
		tablewriter.WithRowAutoFormat(tw.Off), tablewriter.WithRowAutoWrap(tw.WrapNone),
		tablewriter.WithTrimSpace(tw.Off), tablewriter.WithTrimLine(tw.Off),
		tablewriter.WithPadding(tw.Padding{Right: strings.Repeat(" ", gap), Overwrite: true}),
		tablewriter.WithAlignment(align),
		tablewriter.WithHeaderAlignmentConfig(tw.CellAlignment{PerColumn: align}),
	)
	headLines := 0
	if strings.Join(head, "") != "" {
		headLines = strings.Count(head[0], "\n") + 1
		drawn.Header(head)
	}
	for _, row := range t.rows {
		if err := drawn.Append(row); err != nil {
			return err
		}
	}
	if err := drawn.Render(); err != nil {
		return err
	}
	width := total(naturalWidths(t), gap)
	for i, l := range strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n") {
		l = strings.TrimRight(unglued(l), " ")
		switch row := i - headLines; {
		case row < 0:
			l = s.paint(bold, l)
		case bars > 0:
			l += strings.Repeat(" ", width+gap-displayWidth(l)) + t.sketch.line(row, bars, s)
			l = strings.TrimRight(l, " ")
		}
		fmt.Fprintln(out, l)
	}
	return nil
}

// displayWidth is the number of columns of the terminal that s takes (Unicode Standard Annex 11).
func displayWidth(s string) int { return twwidth.Width(s) }

// heads returns the heads of the columns with equally many lines, names standing on the rows below them.
func heads(columns []column) []string {
	out := make([]string, len(columns))
	lines := 0
	for i, c := range columns {
		out[i] = c.name
		if c.unit != "" {
			out[i] += "\n" + c.unit
		}
		lines = max(lines, strings.Count(out[i], "\n"))
	}
	for i := range out {
		out[i] = strings.Repeat("\n", lines-strings.Count(out[i], "\n")) + out[i]
	}
	return out
}

// fit makes the table as narrow as it must be: a smaller gap first, then shorter cells, then fewer columns. A note names
// the columns that left, and the terminal's width. Where all that does not help, cells are cut to the bone.
func fit(t table, width, terminal int) (table, int) {
	var left []string
	for {
		widths := naturalWidths(t)
		for _, gap := range []int{2, 1} {
			if total(widths, gap) <= width {
				return withNote(t, left, terminal), gap
			}
		}
		out := firstToLeave(t.columns)
		if shorten(t, widths, total(widths, 1)-width, out < 0) || out < 0 {
			return withNote(t, left, terminal), 1
		}
		left = append(left, t.columns[out].heading())
		t = t.keep(func(i int) bool { return i != out })
	}
}

func withNote(t table, left []string, width int) table {
	if len(left) > 0 && !t.derived {
		t.notes = append(t.notes[:len(t.notes):len(t.notes)],
			fmt.Sprintf("not shown in %d columns: %s (--wide)", width, strings.Join(left, ", ")))
	}
	return t
}

func naturalWidths(t table) []int {
	widths := make([]int, len(t.columns))
	for i, head := range heads(t.columns) {
		for l := range strings.SplitSeq(head, "\n") {
			widths[i] = max(widths[i], displayWidth(l))
		}
	}
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], displayWidth(cell))
		}
	}
	return widths
}

func total(widths []int, gap int) int {
	sum := gap * (len(widths) - 1)
	for _, w := range widths {
		sum += w
	}
	return sum
}

// bone is what remains of a cell that must be shortened at any price.
const bone = 8

// shorten takes excess columns of the terminal from the widest cells that can spare them; false where they cannot.
func shorten(t table, widths []int, excess int, atAnyPrice bool) bool {
	for ; excess > 0; excess-- {
		widest := -1
		for i, c := range t.columns {
			least := c.least
			if atAnyPrice {
				least = min(least, bone)
			}
			if c.least > 0 && widths[i] > least && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
	}
	if excess > 0 && !atAnyPrice {
		return false
	}
	for _, row := range t.rows {
		for i, c := range t.columns {
			if c.least > 0 {
				row[i] = elide(row[i], widths[i])
			}
		}
	}
	return true
}

// elide takes out the middle of s: the ends of an address tell hosts apart.
func elide(s string, width int) string {
	r := []rune(s)
	if displayWidth(s) <= width {
		return s
	}
	for keep := len(r) - 1; keep > 0; keep-- {
		front := keep / 2
		short := string(r[:front]) + ".." + string(r[len(r)-(keep-front):])
		if displayWidth(short) <= width {
			return short
		}
	}
	return ".."
}

// firstToLeave returns the column that is missed least, -1 where none may leave.
func firstToLeave(columns []column) int {
	out := -1
	for i, c := range columns {
		if c.priority > 0 && (out < 0 || c.priority >= columns[out].priority) {
			out = i
		}
	}
	return out
}

// wrap breaks text into lines of at most width, each behind the indent, the first behind the label. A label that is longer
// than the indent has a line of its own.
func wrap(label, text string, indent, width int) []string {
	var lines []string
	l := strings.Repeat(" ", indent)
	switch space := indent - displayWidth(label); {
	case label != "" && space > 0:
		l = clean(label) + strings.Repeat(" ", space)
	case label != "":
		lines = append(lines, clean(label))
	}
	for i, sentence := range strings.Split(text, lineBreak) {
		if i > 0 {
			l = strings.Repeat(" ", indent)
		}
		start := true
		for word := range strings.SplitSeq(sentence, " ") {
			word = unglued(clean(word))
			if !start && displayWidth(l)+1+displayWidth(word) > width {
				lines = append(lines, l)
				l, start = strings.Repeat(" ", indent), true
			}
			if !start {
				l += " "
			}
			l += word
			start = false
		}
		lines = append(lines, strings.TrimRight(l, " "))
	}
	return lines
}

// SGR parameters.
const (
	bold    = "1"
	dim     = "2"
	red     = "31"
	green   = "32"
	yellow  = "33"
	blue    = "34"
	magenta = "35"
)

var toneColor = [...]string{plain: "", good: green, bad: red, faint: dim}

func (s Style) paint(sgr, text string) string {
	if !s.Color || sgr == "" || text == "" {
		return text
	}
	return "\x1b[" + sgr + "m" + text + "\x1b[0m"
}
