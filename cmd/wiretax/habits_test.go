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
		{"version", "wiretax: unknown command \"version\": want --version (see wiretax --help)\n"},
		{"run 192.0.2.1", "wiretax: unexpected argument \"192.0.2.1\": run has flags only, --to HOST for another host, --from FILE for the messages of a capture (see wiretax run --help)\n"},
		{"help rnu", "wiretax: unknown command \"rnu\", did you mean run? (see wiretax help --help)\n"},
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

func TestAnalyzeTakesTcpdumpsReading(t *testing.T) {
	results := map[string]string{}
	for _, line := range []string{"analyze ../../testdata/pcap/loss-ip6.pcapng tcp", "analyze -nr ../../testdata/pcap/loss-ip6.pcapng tcp"} {
		var out, errs bytes.Buffer
		if code := wiretax(t.Context(), strings.NewReader(""), &out, &errs, strings.Fields(line)); code != 0 {
			t.Errorf("%s: exit code %d, %s", line, code, errs.String())
		}
		results[out.String()] = line
	}
	if len(results) != 1 {
		t.Error("-r FILE says something else than FILE")
	}
}
