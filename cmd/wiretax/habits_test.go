package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestHabitsOfOtherTools(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"run --trials 3", "wiretax: unknown flag: --trials: want --runs (see wiretax run --help)\n"},
		{"run -b 10M", "wiretax: unknown shorthand flag: 'b' in -b: want --rate (see wiretax run --help)\n"},
		{"-i eth0", "wiretax: unknown shorthand flag: 'i' in -i: an interface is for run and watch: wiretax watch -i IF (see wiretax --help)\n"},
		{"run --sise 9", "wiretax: unknown flag: --sise, did you mean --size or --wide? (see wiretax run --help)\n"},
	} {
		var out, errs bytes.Buffer
		if code := wiretax(t.Context(), strings.NewReader(""), &out, &errs, strings.Fields(c.line)); code != exitUsage || errs.String() != c.want {
			t.Errorf("%s: exit code %d, %q, want %q", c.line, code, errs.String(), c.want)
		}
	}
}

// TestHabitsAreNoFlags: what a command has needs no hint, and where one says "want --flag", the command has it.
func TestHabitsAreNoFlags(t *testing.T) {
	root := newRoot()
	for name, flags := range habits {
		c := root
		if name != root.Name() {
			c, _, _ = root.Find([]string{name})
		}
		has := func(flag string) bool {
			return c.Flags().Lookup(flag) != nil || len(flag) == 1 && c.Flags().ShorthandLookup(flag) != nil
		}
		for flag, hint := range flags {
			if has(flag) {
				t.Errorf("%s has --%s", name, flag)
			}
			words := strings.Fields(strings.ReplaceAll(hint, ",", ""))
			if long, ok := strings.CutPrefix(words[min(1, len(words)-1)], "--"); ok && words[0] == "want" && long != "version" && !has(long) {
				t.Errorf("%s has no --%s, which %s is told to take", name, long, flag)
			}
		}
	}
}
