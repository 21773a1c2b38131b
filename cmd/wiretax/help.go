package main

import "github.com/spf13/cobra"

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
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

Flags:
{{.LocalFlags.FlagUsagesWrapped 80 | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableSubCommands}}

{{.CommandPath}} COMMAND --help tells more about a command.{{end}}
`

// arrangeHelp puts the commands into groups.
func arrangeHelp(root *cobra.Command) {
	root.SetUsageTemplate(usageTemplate)
	root.AddGroup(&cobra.Group{ID: measuring, Title: "Measure:"}, &cobra.Group{ID: learning, Title: "Learn:"})
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.GroupID, c.Short, c.Long = learning, "what a command does: help COMMAND", "Print what a command does, as COMMAND --help does."
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
