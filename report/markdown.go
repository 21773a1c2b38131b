package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// writeMarkdown writes the document with the tables of GitHub Flavored Markdown (https://github.github.com/gfm/#tables-extension-).
func writeMarkdown(w io.Writer, d document) error {
	out := bufio.NewWriter(w)
	for i, s := range d {
		if i > 0 {
			fmt.Fprintln(out)
		}
		markdownSection(out, s)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write markdown: %w", err)
	}
	return nil
}

func markdownSection(out io.Writer, s section) {
	var paragraphs []string
	if s.title != "" {
		paragraphs = append(paragraphs, "### "+escaped(s.title)+"\n")
	}
	inList := false
	for _, l := range s.lines {
		item := l.label != ""
		switch {
		case item && inList:
			paragraphs[len(paragraphs)-1] += listItem(l)
		case item:
			paragraphs = append(paragraphs, listItem(l))
		default:
			paragraphs = append(paragraphs, escaped(l.text)+"\n")
		}
		inList = item
	}
	if s.table != nil {
		paragraphs = append(paragraphs, markdownTable(s.table))
	}
	io.WriteString(out, strings.Join(paragraphs, "\n"))
}

func listItem(l line) string {
	if l.label == bullet {
		return "- " + escaped(l.text) + "\n"
	}
	return "- **" + escaped(l.label) + "**: " + escaped(l.text) + "\n"
}

func markdownTable(t *table) string {
	var b strings.Builder
	head, rule := "|", "|"
	for _, c := range t.columns {
		name := c.heading()
		if c.unit != "" {
			name += " (" + c.unit + ")"
		}
		head += " " + escaped(name) + " |"
		if c.left {
			rule += " :--- |"
		} else {
			rule += " ---: |"
		}
	}
	b.WriteString(head + "\n" + rule + "\n")
	for _, row := range t.rows {
		b.WriteString("|")
		for _, cell := range row {
			b.WriteString(" " + escaped(cell) + " |")
		}
		b.WriteString("\n")
	}
	for _, n := range t.notes {
		b.WriteString("\n" + escaped(n) + "\n")
	}
	return b.String()
}

// markup are the characters that could start markup inside a line (https://github.github.com/gfm/#backslash-escapes). A
// bracket does only before a parenthesis: no report defines a link.
var markup = strings.NewReplacer(`\`, `\\`, "|", `\|`, "*", `\*`, "`", "\\`", "<", `\<`, "~", `\~`, "](", `]\(`, glue, " ", lineBreak, " ")

// escaped keeps text from being read as markup. An underscore between letters or digits is none.
func escaped(s string) string {
	parts := strings.Split(clean(markup.Replace(s)), "_")
	var b strings.Builder
	for i, part := range parts {
		if i > 0 {
			if !endsInWord(parts[i-1]) || !startsWithWord(part) {
				b.WriteByte('\\')
			}
			b.WriteByte('_')
		}
		b.WriteString(part)
	}
	return b.String()
}

func endsInWord(s string) bool {
	r, _ := utf8.DecodeLastRuneInString(s)
	return unicode.IsLetter(r) || unicode.IsDigit(r)
}

func startsWithWord(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return unicode.IsLetter(r) || unicode.IsDigit(r)
}
