package main

import (
	"strings"

	"github.com/spf13/cobra"

	"wiretax/report"
)

func newSchemaCommand() *cobra.Command {
	names := append(report.SchemaKinds[:], string(report.NDJSON))
	return &cobra.Command{
		Use:     "schema [" + strings.Join(names, "|") + "]",
		GroupID: learning,
		Short:   "the JSON Schema of what --json and --ndjson print",
		Long: `Print the JSON Schema (draft 2020-12) of the objects that --json writes: of one
kind, or, without one, a schema that all of them satisfy. That of ndjson is for
each line of --ndjson. Fields may be added to later versions; none is renamed or
given another meaning.`,
		Example: `  wiretax schema analysis > analysis.schema.json
  wiretax schema ndjson > line.schema.json
  wiretax schema | jq '."$defs".run."$defs".trial.properties | keys'`,
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		ValidArgs: names,
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
