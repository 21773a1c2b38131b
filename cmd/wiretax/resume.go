package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"wiretax/analyze"
	"wiretax/capture/recording"
)

// asked are the flags that were given and say what to measure.
func asked(fl *pflag.FlagSet) map[string]string {
	given := make(map[string]string)
	fl.Visit(func(f *pflag.Flag) {
		if f.Changed && measures(f.Name) {
			given[f.Name] = written(f.Value)
		}
	})
	return given
}

// measures reports whether a flag says what to measure, and not where to and how to print it.
func measures(flag string) bool {
	aside := pflag.NewFlagSet("", pflag.ContinueOnError)
	new(outputFlags).register(aside)
	return aside.Lookup(flag) == nil && !slices.Contains([]string{"out", "resume", "help"}, flag)
}

// written is the value as it could be given on the command line.
func written(v pflag.Value) string {
	if list, ok := v.(pflag.SliceValue); ok {
		return strings.Join(list.GetSlice(), ",")
	}
	return v.String()
}

// recall gives the flags that were left out the values with which the recording of --resume began. Those that were not must
// say the same.
func (f *runFlags) recall(c *cobra.Command) error {
	if f.resume == "" {
		return nil
	}
	if f.out != "" {
		return usagef(c, "--resume %s and --out %s: want one of them", f.resume, f.out)
	}
	b, err := recording.ReadManifest(f.resume)
	if err != nil {
		return err
	}
	name := filepath.Join(f.resume, recording.ManifestName)
	r, err := analyze.ParseRun(b)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if r.Flags == nil {
		return fmt.Errorf("resume %s: its %s does not say with which flags it began (record anew with --out)", f.resume, recording.ManifestName)
	}
	began := beginning{newRunCommand().Flags()}
	for flag, value := range r.Flags {
		if !measures(flag) {
			return fmt.Errorf("%s: flag --%s does not say what to measure", name, flag)
		}
		if err := began.Set(flag, value); err != nil {
			return fmt.Errorf("%s: flag --%s: %w", name, flag, err)
		}
	}
	if err := began.fill(); err != nil {
		return err
	}
	for flag, value := range asked(c.Flags()) {
		if was := written(began.Lookup(flag).Value); was != value && flag != "key-file" { // the secret may be elsewhere now
			return usagef(c, "--%s %s: the recording in %s began with %s (leave it out, or record anew with --out)", flag, value, f.resume, was)
		}
		if _, recorded := r.Flags[flag]; !recorded {
			c.Flags().Lookup(flag).Changed = false // it says what the recording has anyway, and overrides nothing
		}
	}
	for flag, value := range r.Flags {
		if c.Flags().Changed(flag) {
			continue // to Set a list again is to add to it
		}
		if err := c.Flags().Set(flag, value); err != nil {
			return fmt.Errorf("%s: flag --%s: %w", name, flag, err)
		}
	}
	return nil
}

// beginning are the flags with which a recording began.
type beginning struct{ *pflag.FlagSet }

// fill sets the flags that follow from others.
func (b beginning) fill() error {
	if b.Changed("confidence") && !b.Changed("runs") {
		if err := put(b.Lookup("runs").Value, strconv.Itoa(patientRuns)); err != nil {
			return err
		}
	}
	if p, ok := presetNamed(b.Lookup("preset").Value.String()); ok {
		return p.fill(b.FlagSet)
	}
	return nil
}

// put sets a flag to a value; Set would add to a list that was set before.
func put(v pflag.Value, value string) error {
	if list, ok := v.(pflag.SliceValue); ok {
		return list.Replace(strings.Split(value, ","))
	}
	return v.Set(value)
}
