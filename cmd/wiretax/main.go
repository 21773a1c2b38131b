// Wiretax tells what a protocol costs on the wire: it sends the same messages over UDP and TCP, captures every frame, and
// counts.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"wiretax/capture/lab"
	"wiretax/capture/nic"
)

// version is what the program calls itself in recordings.
const version = "0.1.0"

func main() {
	if nic.Guarding() {
		os.Exit(nic.Guard())
	}
	ends := []os.Signal{syscall.SIGINT, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // nohup
		ends = append(ends, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), ends...)
	if !lab.Inside() {
		context.AfterFunc(ctx, stop) // the second signal ends the program at once, and with it the one inside
	}
	// quic-go writes to standard error where it gets smaller socket buffers than it asked for; the sizes are among the options
	// that a run reads back.
	_ = os.Setenv("QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING", "true")
	os.Exit(wiretax(ctx, os.Stdin, os.Stdout, os.Stderr, os.Args[1:]))
}

// The exit codes of CONTRACT.
const (
	exitFailure     = 1
	exitUsage       = 2
	exitDistrust    = 4
	exitInterrupted = 130
)

// wiretax runs one command line and returns its exit code.
func wiretax(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer, args []string) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	var code exitCode
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	}
	fmt.Fprintf(stderr, "wiretax: %s\n", oneLine(describe(err)))
	return codeOf(ctx, err)
}

// oneLine keeps an error on its line and out of the terminal's controls: it may quote a file name or a stranger's run.json.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) {
			return r
		}
		return unicode.ReplacementChar
	}, strings.ReplaceAll(text, "\n", "; "))
}

func codeOf(ctx context.Context, err error) int {
	var usage *usageError
	switch {
	case errors.As(err, &usage):
		return exitUsage
	case ctx.Err() != nil:
		return exitInterrupted
	}
	return exitFailure
}

// exitCode ends the command with a code and nothing more to say.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// usageError is a mistake on the command line.
type usageError struct {
	command string // whose help would help
	cause   error
}

func (e *usageError) Error() string { return fmt.Sprintf("%v (see %s --help)", e.cause, e.command) }
func (e *usageError) Unwrap() error { return e.cause }

func usagef(c *cobra.Command, format string, args ...any) error {
	return &usageError{c.CommandPath(), fmt.Errorf(format, args...)}
}

// knownCommand finds out what a word is that is no command.
func knownCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, known := range c.Commands() {
		names = append(names, known.Name())
	}
	if args[0] == "version" {
		return errors.New("unknown command \"version\": want --version")
	}
	return fmt.Errorf("unknown command %q%s", args[0], didYouMean(args[0], names, ""))
}

// flagError adds to an unknown flag the one that may be meant.
func flagError(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return usagef(c, "%w", err)
	}
	if hint := elsewhere(c, unknown.GetSpecifiedName()); hint != "" {
		return usagef(c, "%w: %s", err, hint)
	}
	if len(unknown.GetSpecifiedName()) < 2 {
		return usagef(c, "%w", err)
	}
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return usagef(c, "%w%s", err, didYouMean(unknown.GetSpecifiedName(), names, "--"))
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "wiretax",
		Short: "what a protocol costs on the wire",
		Long: `wiretax measures what a protocol costs on the wire. It sends the same messages
over UDP and over TCP, captures every frame with libpcap, counts frames and
header bytes - handshake, ACKs and teardown included - and prints how many
frames TCP coalescing saved, and at what latency.`,
		Example: `  wiretax run                              16 messages of 90 B, five transports
  wiretax run --size 1,90,1440 --rtt 20ms  other messages, a longer link
  wiretax run --out d; wiretax analyze d   keep the captures, count them again
  wiretax analyze trace.pcapng             the same accounting for any capture
  wiretax explain efficiency               what a column means`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          knownCommand,
		Version:       version,
		RunE: func(c *cobra.Command, _ []string) error {
			return c.Help()
		},
	}
	root.SetFlagErrorFunc(flagError)
	root.SetVersionTemplate("wiretax {{.Version}}\n")
	root.AddCommand(newRunCommand(), newServeCommand(), newAnalyzeCommand(), newWatchCommand(), newDoctorCommand(), newExplainCommand(), newSchemaCommand())
	arrangeHelp(root)
	everyCommand(root, func(c *cobra.Command) {
		completeFlags(c)
		c.Flags().SortFlags = false
		c.DisableFlagsInUseLine = true
		if checkArgs := c.Args; checkArgs != nil {
			c.Args = func(c *cobra.Command, args []string) error {
				if err := checkArgs(c, args); err != nil {
					return usagef(c, "%w", err)
				}
				return nil
			}
		}
	})
	return root
}

// everyCommand calls do with the command and all below it.
func everyCommand(c *cobra.Command, do func(*cobra.Command)) {
	do(c)
	for _, sub := range c.Commands() {
		everyCommand(sub, do)
	}
}
