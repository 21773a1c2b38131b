package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
)

// TestReadme runs the commands that the README shows with their output, and compares. UPDATE=1 writes the output instead.
func TestReadme(t *testing.T) {
	t.Chdir("../..")
	t.Setenv("LC_ALL", "C.UTF-8")
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	commands := 0
	for i, block := range strings.Split(string(readme), "```\n") {
		if i > 0 {
			got.WriteString("```\n")
		}
		line, _, _ := strings.Cut(block, "\n")
		command, ok := strings.CutPrefix(line, "$ wiretax ")
		if i%2 == 0 || !ok {
			got.WriteString(block)
			continue
		}
		commands++
		var stdout, stderr bytes.Buffer
		if code := wiretax(context.Background(), strings.NewReader(""), &stdout, &stderr, strings.Fields(command)); code != 0 {
			t.Errorf("%s: exit code %d: %s", line, code, &stderr)
		}
		got.WriteString(line + "\n" + stdout.String())
	}
	if commands == 0 {
		t.Error("the README shows no command with its output")
	}
	if got.String() == string(readme) {
		return
	}
	if os.Getenv("UPDATE") == "" {
		t.Fatal("the README's output is not what the program prints (UPDATE=1 go test ./cmd/wiretax -run Readme)")
	}
	if err := os.WriteFile("README.md", []byte(got.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
