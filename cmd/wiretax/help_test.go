package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// ownCommands are the root and the commands right below it.
func ownCommands() []*cobra.Command {
	root := newRoot()
	return append([]*cobra.Command{root}, root.Commands()...)
}

// The man pages in cmd/wiretax/man say what --help says. UPDATE=1 (make man) writes them.
func TestManPages(t *testing.T) {
	date := time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)
	pages := map[string]bool{}
	for _, c := range ownCommands() {
		c.DisableAutoGenTag = true
		c.InitDefaultHelpFlag()
		var page bytes.Buffer
		header := &doc.GenManHeader{Section: "1", Source: "wiretax " + version, Manual: "wiretax", Date: &date}
		if err := doc.GenMan(c, header, &page); err != nil {
			t.Fatal(err)
		}
		name := filepath.Join("man", strings.ReplaceAll(c.CommandPath(), " ", "-")+".1")
		pages[name] = true
		if os.Getenv("UPDATE") != "" {
			if err := os.WriteFile(name, page.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if have, err := os.ReadFile(name); err != nil || !bytes.Equal(have, page.Bytes()) {
			t.Errorf("%s is not what --help says (make man writes it): %v", name, err)
		}
	}
	stored, _ := filepath.Glob("man/*")
	for _, name := range stored {
		if !pages[name] {
			t.Errorf("%s: no such command", name)
		}
	}
}

func TestHelpFitsATerminalAndHasExamples(t *testing.T) {
	for _, c := range ownCommands() {
		var help bytes.Buffer
		c.SetOut(&help)
		if err := c.Help(); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(help.String()) {
			if line = strings.TrimSuffix(line, "\n"); len(line) > 80 || strings.TrimRight(line, " ") != line {
				t.Errorf("%s --help: %d columns: %q", c.CommandPath(), len(line), line)
			}
		}
		if c.Example == "" && c.Name() != "help" {
			t.Errorf("%s --help: no example", c.CommandPath())
		}
		if c.GroupID == "" && c.HasParent() {
			t.Errorf("%s is in no group of help", c.CommandPath())
		}
	}
}

// The shell offers what the program takes.
func TestCompletedValuesAreAccepted(t *testing.T) {
	for flag, values := range flagValues {
		for _, v := range values() {
			c := newRunCommand()
			if c.Flags().Lookup(flag) == nil {
				c = newAnalyzeCommand()
			}
			if err := c.Flags().Set(flag, v); err != nil {
				t.Errorf("--%s %s: %v", flag, v, err)
			}
		}
	}
	for line, want := range map[string]string{
		"run --transports udp,tcp-c": "udp,tcp-cork\n",
		"run --format m":             "markdown\n",
		"analyze --by time":          "time:1s\n",
		"schema a":                   "analysis\n",
		"explain nagle":              "nagle_delayed_ack\n",
	} {
		var stdout, stderr bytes.Buffer
		if code := wiretax(t.Context(), nil, &stdout, &stderr, append([]string{"__complete"}, strings.Fields(line)...)); code != 0 {
			t.Errorf("%s: exit code %d: %s", line, code, &stderr)
		}
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("%s: completes to %q, want %q", line, stdout.String(), want)
		}
	}
}
