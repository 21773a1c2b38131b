package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"wiretax/report"
)

func newExplainCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "explain [TERM...]",
		GroupID: learning,
		Short:   "what a column, a word, a finding or a warning means",
		Long: `Say what TERM means, how it is computed and which standard it comes from. TERM
is a column of a table, a role or an owner, the code of a finding or a warning,
a field of the JSON, or a transport. Several are explained one after the other.
Without TERM: everything, in chapters.`,
		Example: `  wiretax explain efficiency
  wiretax explain frames saved
  wiretax explain p50 eff. star
  wiretax explain nagle_delayed_ack
  wiretax explain | less`,
		Args: cobra.ArbitraryArgs,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return report.Terms(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, words []string) error {
			if len(words) == 0 {
				return report.Explain(c.OutOrStdout())
			}
			o := outputFlags{}
			for i, term := range termsIn(words) {
				if i > 0 {
					fmt.Fprintln(c.OutOrStdout())
				}
				if err := explain(c, c.OutOrStdout(), term, o.style(c.OutOrStdout())); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// termsIn are the terms that the words make: "p50 frames saved" is p50 and frames saved. Where a word is of
// none, it alone is returned, for the error.
func termsIn(words []string) (terms []string) {
	for rest := words; len(rest) > 0; {
		n := len(rest)
		for n > 0 && !report.Knows(strings.Join(rest[:n], " ")) {
			n--
		}
		if n == 0 {
			return []string{unknownIn(words, rest[0])}
		}
		terms, rest = append(terms, strings.Join(rest[:n], " ")), rest[n:]
	}
	return terms
}

// unknownIn is what to say is not known: all words, where they together resemble a term, else the one that is of none.
func unknownIn(words []string, word string) string {
	if whole := strings.Join(words, " "); near(whole) != "" {
		return whole
	}
	return word
}

// near names the terms that one which is not known may be a misspelling of.
func near(term string) string {
	return didYouMean(strings.ReplaceAll(strings.ToLower(term), " ", "_"), report.Terms(), "")
}

func explain(c *cobra.Command, w io.Writer, term string, s report.Style) error {
	known, err := report.ExplainTerm(w, term, s)
	if err == nil && !known {
		return usagef(c, "no explanation of %q%s", term, near(term))
	}
	return err
}

// didYouMean names the candidates that a word may be a misspelling of, as ", did you mean ...?", or nothing. The prefix stands
// before each.
func didYouMean(word string, candidates []string, prefix string) string {
	near := similar(word, candidates, 2)
	if len(near) == 0 {
		return ""
	}
	return fmt.Sprintf(", did you mean %s?", prefix+strings.Join(near[:min(len(near), 3)], " or "+prefix))
}

// similar are the candidates that a word may be a misspelling of: as many letters are wrong at most, or it is their beginning.
func similar(word string, candidates []string, letters int) []string {
	c := cobra.Command{SuggestionsMinimumDistance: letters}
	for _, name := range candidates {
		c.AddCommand(&cobra.Command{Use: name, Run: func(*cobra.Command, []string) {}})
	}
	return c.SuggestionsFor(word)
}
