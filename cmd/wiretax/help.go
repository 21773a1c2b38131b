package main

import (
	"fmt"
	"strings"
	"text/template"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The groups in which help lists the commands.
const (
	measuring = "measure"
	learning  = "learn"
)

// usageTemplate is cobra's, with groups of commands and flags that fit a terminal of 80 columns.
const usageTemplate = `Usage:
  {{if .HasAvailableSubCommands}}{{.CommandPath}} COMMAND{{else}}{{.UseLine}}{{end}}{{if .HasExample}}

Examples:
{{.Example}}{{end}}{{if .HasAvailableSubCommands}}{{$all := .Commands}}{{range $group := .Groups}}

{{.Title}}{{range $all}}{{if and (eq .GroupID $group.ID) (or .IsAvailableCommand (eq .Name "help"))}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{else}}

Commands:{{range $all}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{end}}{{range chapters .}}

{{.Title}}
{{.Flags}}{{end}}{{if .HasAvailableSubCommands}}

{{.CommandPath}} COMMAND --help tells more about a command.{{end}}
`

// arrangeHelp puts the commands into groups.
func arrangeHelp(root *cobra.Command) {
	usage := template.Must(template.New("usage").Funcs(template.FuncMap{"chapters": flagChapters,
		"rpad": func(s string, width int) string { return fmt.Sprintf("%-*s", width, s) }}).Parse(usageTemplate))
	root.SetUsageFunc(func(c *cobra.Command) error { return usage.Execute(c.OutOrStderr(), c) })
	root.AddGroup(&cobra.Group{ID: measuring, Title: "Measure:"}, &cobra.Group{ID: learning, Title: "Learn:"})
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.GroupID, c.Short, c.Long = learning, "what a command does: help COMMAND", "Print what a command does, as COMMAND --help does."
			c.Args = knownTopic
		case "completion":
			c.GroupID, c.Short, c.Long, c.Example = learning, "a script that lets the shell complete commands, flags and values", completionLong, completionExample
		}
		if c.GroupID == "" {
			c.GroupID = measuring
		}
	}
}

const (
	completionLong = `Print a script that lets the shell complete commands, flags, and what flags
take: transports, formats, groups, kinds of link. wiretax completion SHELL
--help tells where the script belongs.`
	completionExample = `  source <(wiretax completion bash)
  wiretax completion zsh > "${fpath[1]}/_wiretax"
  wiretax completion fish > ~/.config/fish/completions/wiretax.fish`
)

// runChapters are the flags with which a chapter of the flags of run begins: it has more than a reader finds in one list.
var runChapters = map[string]string{
	"messages": "Messages:", "transports": "Transports and trials:", "rate": "Link:", "preset": "Known workloads, causes:", "out": "Recording:",
	"interface": "Real interfaces, two hosts:", "format": "Result:",
}

// flagChapter is the help of some flags.
type flagChapter struct{ Title, Flags string }

// flagChapters divides the flags of a command, in the order in which they were registered.
func flagChapters(c *cobra.Command) (chapters []flagChapter) {
	title, flags := "Flags:", pflag.NewFlagSet("", pflag.ContinueOnError)
	end := func() {
		flags.SortFlags = false
		if flags.HasAvailableFlags() {
			chapters = append(chapters, flagChapter{title, strings.TrimRight(flags.FlagUsagesWrapped(80), "\n")})
		}
		flags = pflag.NewFlagSet("", pflag.ContinueOnError)
	}
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if next, ok := runChapters[f.Name]; ok && c.Name() == "run" {
			end()
			title = next
		}
		flags.AddFlag(f)
	})
	end()
	return chapters
}

// knownTopic finds out what a word behind help is that is no command.
func knownTopic(c *cobra.Command, args []string) error {
	if found, _, _ := c.Root().Find(args); len(args) == 0 || found != c.Root() {
		return nil
	}
	return knownCommand(c.Root(), args)
}
