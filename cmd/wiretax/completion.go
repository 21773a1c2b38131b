package main

import (
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"wiretax/analyze"
	"wiretax/capture/traffic"
	"wiretax/report"
)

// flagValues are the words that flags take, by the name of the flag, which means the same with every command.
var flagValues = map[string]func() []string{
	"transports": func() []string { return append(traffic.Names(), traffic.Sets()...) },
	"preset":     presetNames,
	"by":         func() []string { return analyze.ViewNames[:] },
	"sort":       analyze.SortColumns,
	"as":         func() []string { return []string{"ethernet"} },
	"link":       func() []string { return []string{"wire", "tap", "packet", "veth"} },
	"offloads":   func() []string { return []string{"off", "keep"} },
	"ip":         func() []string { return []string{"4", "6"} },
	"congestion": func() []string {
		known, _ := os.ReadFile("/proc/sys/net/ipv4/tcp_available_congestion_control") // without it nothing is offered
		return strings.Fields(string(known))
	},
	"format": func() []string {
		var names []string
		for _, f := range report.Formats {
			names = append(names, string(f))
		}
		return names
	},
}

// completeFlags lets the shell complete the values of the command's flags.
func completeFlags(c *cobra.Command) {
	c.Flags().VisitAll(func(f *pflag.Flag) {
		switch values := flagValues[f.Name]; {
		case f.Name == "out":
			c.MarkFlagDirname(f.Name)
		case values == nil:
		case f.Value.Type() == "stringSlice":
			c.RegisterFlagCompletionFunc(f.Name, completeList(values))
		default:
			c.RegisterFlagCompletionFunc(f.Name, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
				return values(), cobra.ShellCompDirectiveNoFileComp
			})
		}
	})
}

// completeList completes the last word of a list, with those that are not in it yet.
func completeList(values func() []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		before := typed[:strings.LastIndexByte(typed, ',')+1]
		given := strings.Split(before, ",")
		var lists []string
		for _, v := range values() {
			if !slices.Contains(given, v) {
				lists = append(lists, before+v)
			}
		}
		return lists, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
}
