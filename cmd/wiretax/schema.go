package main

import (
	"strings"

	"github.com/spf13/cobra"

	"wiretax/report"
)

func newSchemaCommand() *cobra.Command {
	kinds := strings.Join(report.SchemaKinds[:], "|")
	return &cobra.Command{
		Use:     "schema [" + kinds + "]",
		GroupID: learning,
		Short:   "the JSON Schema of what --json prints",
		Long: `Print the JSON Schema (draft 2020-12) of the objects that --json writes: of one
kind, or, without one, a schema that all of them satisfy. Fields may be added to
later versions; none is renamed or given another meaning.`,
		Example: `  wiretax schema analysis > analysis.schema.json
  wiretax schema | jq '."$defs".run."$defs".trial.properties | keys'`,
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		ValidArgs: report.SchemaKinds[:],
		RunE: func(c *cobra.Command, args []string) error {
			b, err := report.Schema(strings.Join(args, ""))
			if err != nil {
				return err
			}
			_, err = c.OutOrStdout().Write(b)
			return err
		},
	}
}
