package main

import (
	"testing"

	"github.com/spf13/cobra"
)

func TestProgressOverwritesNoRows(t *testing.T) {
	t.Setenv("TERM", "xterm")
	terminal := newPTY(t).slave
	c := new(cobra.Command)
	c.SetOut(terminal)
	c.SetErr(terminal)
	for _, tt := range []struct {
		name string
		f    analyzeFlags
		want bool
	}{
		{"sums", analyzeFlags{output: outputFlags{format: "ndjson"}}, true},
		{"rows as they come", analyzeFlags{frames: true, output: outputFlags{format: "ndjson"}}, false},
		{"rows to a file", analyzeFlags{frames: true, output: outputFlags{format: "ndjson", file: "rows"}}, true},
		{"rows at the end", analyzeFlags{frames: true, output: outputFlags{format: "table"}}, true},
	} {
		if l := tt.f.progress(c); (l != nil && l.w != nil) != tt.want {
			t.Errorf("%s: progress %t, want %t", tt.name, !tt.want, tt.want)
		}
	}
}
