package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"wiretax/analyze"
)

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(escaper{w})
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("write json: %w", err)
	}
	return nil
}

// escaper writes JSON with escapes in the place of characters that could steer a terminal; encoding/json escapes only those
// below U+0020. The encoder passes whole documents.
type escaper struct{ w io.Writer }

func (e escaper) Write(document []byte) (int, error) {
	var b bytes.Buffer
	from := 0 // what is not in b yet
	for at := 0; at < len(document); {
		r, n := rune(document[at]), 1
		if r >= 0x7f {
			r, n = utf8.DecodeRune(document[at:])
		}
		if r >= 0x7f && !unicode.IsGraphic(r) {
			b.Write(document[from:at])
			for _, unit := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(&b, `\u%04x`, unit)
			}
			from = at + n
		}
		at += n
	}
	if from == 0 {
		return e.w.Write(document)
	}
	b.Write(document[from:])
	_, err := e.w.Write(b.Bytes())
	return len(document), err
}

// withoutNull gives lists that must be there the value [] where they are empty, so that programs can go over them.
func withoutNull(r analyze.Run) analyze.Run {
	r.Workloads = orEmpty(r.Workloads)
	r.Warnings = orEmpty(r.Warnings)
	return r
}

func withoutNullLists(r analyze.Result) analyze.Result {
	r.Source.Files = orEmpty(r.Source.Files)
	r.Source.LinkTypes = orEmpty(r.Source.LinkTypes)
	r.Flows = orEmpty(r.Flows)
	r.Findings = orEmpty(r.Findings)
	r.Warnings = orEmpty(r.Warnings)
	return r
}

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
