package main

import (
	"encoding/json"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"wiretax/analyze"
	"wiretax/capture"
	"wiretax/capture/lab"
	"wiretax/report"
)

func newDoctorCommand() *cobra.Command {
	o := outputFlags{}
	putBack := false
	c := &cobra.Command{
		Use:     "doctor [flags]",
		GroupID: learning,
		Short:   "what this machine can do, and the fix for what it can't",
		Long: `Find out by trying what wiretax can do on this machine and for this user: make
namespaces and devices, capture, send over each transport. Everything is ok, or
missing, with what to do about it; a note works but is not as on most machines.
Nothing is changed. Exit code 0: wiretax run works here; 1: it does not.

With --restore: put interfaces back that a run which was killed, with its
guardian, or a loss of power left changed. The journal it goes by is below
$XDG_STATE_HOME/wiretax or in /var/lib/wiretax. Runs that go on are left alone.`,
		Example: `  wiretax doctor
  sudo wiretax doctor
  sudo wiretax doctor --restore
  wiretax doctor --json | jq '.checks[] | select(.state == "missing")'`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if putBack {
				return restore(c)
			}
			return doctor(c, o)
		},
	}
	c.Flags().BoolVar(&putBack, "restore", false, "put back interfaces that a killed run left changed, and stop")
	o.register(c.Flags())
	return c
}

func doctor(c *cobra.Command, o outputFlags) error {
	if o.explain {
		return o.printExplanation(c)
	}
	if err := o.check(c); err != nil {
		return err
	}
	if lab.Inside() { // the process outside reads this
		return json.NewEncoder(c.OutOrStdout()).Encode(capture.ExamineLab(c.Context()))
	}
	checkup := report.Checkup{Schema: analyze.Schema, Kind: "doctor", Version: version}
	for _, check := range capture.Examine(c.Context(), c.Name()) {
		checkup.Checks = append(checkup.Checks, report.Check(check))
	}
	checkup.RunWorks = !slices.ContainsFunc(checkup.Checks, func(k report.Check) bool { return k.Needed && k.State != "ok" })
	err := o.write(c, func(w io.Writer, format report.Format, s report.Style) error {
		return report.Doctor(w, &checkup, format, s)
	})
	if err == nil && !checkup.RunWorks {
		return exitCode(exitFailure)
	}
	return err
}
