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
	if errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("%w (run with sudo)", err)
	}
	if err != nil {
		return err
	}
	if len(done) == 0 {
		fmt.Fprintln(c.OutOrStdout(), "nothing to restore: no run has left an interface changed")
	}
	var failures []error
	for _, r := range done {
		if r.Err != nil {
			failures = append(failures, r.Err)
			continue
		}
		fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", r.Interfaces, r.What)
	}
	return errors.Join(failures...)
}
