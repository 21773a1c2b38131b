package main

import (
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"wiretax/analyze"
	"wiretax/capture/traffic"
	"wiretax/report"
)

// flagValues are the words that flags take, by the name of the flag, which means the same with every command.
func flagValues() map[string][]string {
	values := map[string][]string{
		"transports": append(traffic.Names(), "all"),
		"by":         analyze.ViewNames[:],
		"sort":       analyze.SortColumns(),
		"as":         {"ethernet"},
		"link":       {"wire", "tap", "packet", "veth"},
		"offloads":   {"off", "keep"},
		"ip":         {"4", "6"},
	}
	for _, f := range report.Formats {
		values["format"] = append(values["format"], string(f))
	}
	if known, err := os.ReadFile("/proc/sys/net/ipv4/tcp_available_congestion_control"); err == nil {
		values["congestion"] = strings.Fields(string(known))
	}
	return values
}

// completeFlags lets the shell complete the values of the command's flags.
func completeFlags(c *cobra.Command) {
	for name, values := range flagValues() {
		f := c.Flags().Lookup(name)
		switch {
		case f == nil:
		case f.Value.Type() == "stringSlice":
			c.RegisterFlagCompletionFunc(name, completeList(values))
		default:
			c.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
		}
	}
	if c.Flags().Lookup("out") != nil {
		c.MarkFlagDirname("out")
	}
}

// completeList completes the last word of a list, with those that are not in it yet.
func completeList(values []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		before := typed[:strings.LastIndexByte(typed, ',')+1]
		given := strings.Split(before, ",")
		var lists []string
		for _, v := range values {
			if !slices.Contains(given, v) {
				lists = append(lists, before+v)
			}
		}
		return lists, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
}
