package report

import (
	"encoding/json"
	"fmt"
	"io"

	"wiretax/analyze"
)

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("write json: %w", err)
	}
	return nil
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
	r.Warnings = orEmpty(r.Warnings)
	return r
}

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
