package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"wiretax/capture/nic"
)

// restore puts back the interfaces that runs which were killed left changed, and says what it did.
func restore(c *cobra.Command) error {
	done, err := nic.Repair()
	var failures []error
	switch {
	case errors.Is(err, os.ErrPermission):
		failures = append(failures, fmt.Errorf("%w (run with sudo)", err))
	case err != nil:
		failures = append(failures, err)
	case len(done) == 0:
		fmt.Fprintln(c.OutOrStdout(), "nothing to restore: no run has left an interface changed")
	}
	for _, r := range done {
		if r.Err != nil {
			failures = append(failures, r.Err)
			continue
		}
		fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", r.Interfaces, r.What)
	}
	return errors.Join(failures...)
}
