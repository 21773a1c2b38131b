package main

import (
	"slices"

	"github.com/spf13/cobra"

	"wiretax/capture"
	"wiretax/capture/traffic"
)

// causes adds the variants of each TCP transport, whose trials take turns with the transport's own.
func (f *runFlags) causes(c *cobra.Command, e *capture.Experiment) error {
	if !f.explainCauses {
		return nil
	}
	var variants []string
	for _, name := range e.Transports {
		variants = append(variants, traffic.Variants(name)...)
	}
	if len(variants) == 0 {
		return usagef(c, "--explain-causes: no transport here has causes to turn (use one that is TCP or TLS)")
	}
	variants = slices.DeleteFunc(variants, func(v string) bool { return slices.Contains(e.Transports, v) })
	e.Transports = append(e.Transports, variants...)
	e.Optional = append(e.Optional, variants...)
	return nil
}
