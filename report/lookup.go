package report

import (
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Terms lists what ExplainTerm knows, the names of JSON fields among them, with underscores in the place of spaces.
func Terms() []string {
	return slices.Sorted(maps.Keys(glossary()))
}

// ExplainTerm writes what a word means: a column, a role, an owner, a code, a field of the JSON. Case, and whether spaces,
// hyphens or underscores stand between words, does not matter. It reports whether the word is known.
func ExplainTerm(w io.Writer, term string, s Style) (known bool, err error) {
	chapters := glossary()[termOf(term)]
	if len(chapters) == 0 {
		return false, nil
	}
	return true, writeTerminal(w, explanation(chapters), s)
}

// Knows reports whether ExplainTerm knows a word.
func Knows(term string) bool { return len(glossary()[termOf(term)]) > 0 }

// explanation is the document that chapters make.
func explanation(chapters []chapter) (d document) {
	for _, c := range chapters {
		s := section{title: c.title}
		for _, e := range c.entries {
			s.lines = append(s.lines, line{text: e.word}, line{label: "  ", text: e.meaning})
		}
		d = append(d, s)
	}
	return d
}

// glossary is every term with what the chapters and the JSON schemas say about it.
var glossary = sync.OnceValue(func() map[string][]chapter {
	terms := map[string][]chapter{}
	add := func(term, title string, e entry) {
		list := terms[term]
		if last := len(list) - 1; last >= 0 && list[last].title == title {
			if !slices.Contains(list[last].entries, e) {
				list[last].entries = append(list[last].entries, e)
			}
			return
		}
		terms[term] = append(list, chapter{title, []entry{e}})
	}
	for _, c := range chapters() {
		for _, e := range c.entries {
			for _, term := range termsOf(e.word) {
				add(term, c.title, e)
			}
		}
	}
	for _, f := range schemaFields() {
		add(termOf(f.name), "in JSON", entry{f.name + " of " + strings.Join(f.objects, ", "), f.meaning})
	}
	return terms
})

// termsOf takes the heading of an entry apart: "efficiency, column eff." is about two words.
func termsOf(heading string) (terms []string) {
	heading = strings.ReplaceAll(heading, ", column ", ",")
	for part := range strings.SplitSeq(heading, ",") {
		term := termOf(part)
		if term != "" {
			terms = append(terms, term)
		}
	}
	return terms
}

// termOf is a word without what ways of writing it differ in: "Frames saved", "frames-saved" and "frames_saved:" are one.
func termOf(word string) string {
	word, _, _ = strings.Cut(strings.ToLower(word), "(")
	words := strings.FieldsFunc(word, func(r rune) bool { return strings.ContainsRune(" _-/\u00a0\n:.%", r) })
	return strings.Join(words, "_")
}

// field is a field of the JSON, of all objects where it means the same.
type field struct {
	name, meaning string
	objects       []string
}

// schemaFields are the fields that have an explanation in the schemas.
func schemaFields() (fields []field) {
	type object struct {
		Properties map[string]struct {
			Description string `json:"description"`
		} `json:"properties"`
	}
	for _, kind := range SchemaKinds {
		var schema struct {
			object
			Defs map[string]object `json:"$defs"`
		}
		b, err := Schema(kind)
		if err != nil || json.Unmarshal(b, &schema) != nil || schema.Defs == nil {
			continue // a test reads them all
		}
		schema.Defs[kind] = schema.object
		for _, def := range slices.Sorted(maps.Keys(schema.Defs)) {
			for name, p := range schema.Defs[def].Properties {
				same := func(f field) bool { return f.name == name && f.meaning == p.Description }
				if i := slices.IndexFunc(fields, same); i < 0 {
					fields = append(fields, field{name, p.Description, []string{def}})
				} else if !slices.Contains(fields[i].objects, def) {
					fields[i].objects = append(fields[i].objects, def)
				}
			}
		}
	}
	return slices.DeleteFunc(fields, func(f field) bool { return f.meaning == "" })
}
