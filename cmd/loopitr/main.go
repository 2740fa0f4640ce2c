// Command loopitr trains, evaluates, indexes and searches: image-text retrieval
// with one network that finds (dual encoder) and judges (cross encoder).
//
// One file per command; wire.go chooses the concrete parts. Results go to
// standard output, progress and warnings to standard error.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/internal/terminal"
	"github.com/spf13/cobra"
)

// Exit codes, as the help of every command names them.
const (
	exitOK      = 0
	exitNothing = 1 // nothing found, or nothing above the cut
	exitUsage   = 2 // flags, arguments or input that cannot work, or a named file that is not there
	exitSkipped = 3 // done, but some inputs were skipped
	exitFailed  = 4 // anything else went wrong
)

// errNothing and errSkipped end a command that did its work without a failure to
// report, but with another exit code than zero.
var (
	errNothing = errors.New("nothing found")
	errSkipped = errors.New("some inputs were skipped")
)

// streams are where a command reads and writes. What strangers wrote is harmless to
// the terminal behind them: terminal.Guard.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends at once
	code := run(ctx, os.Args[1:], streams{os.Stdin, terminal.Guard(os.Stdout), terminal.Guard(os.Stderr)})
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, std streams) int {
	root := newRoot(std)
	root.SetArgs(guardWeights(root, args))
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errNothing):
		return exitNothing
	case errors.Is(err, errSkipped):
		return exitSkipped
	}
	if errors.Is(err, context.Canceled) {
		err = errors.New("stopped")
	}
	terminal.NewLine(std.err).Keep("loopitr: " + err.Error())
	if errors.Is(err, loopitr.ErrInvalid) || errors.Is(err, loopitr.ErrNotFound) || errors.Is(err, errUsage) {
		return exitUsage
	}
	return exitFailed
}

func names(c *cobra.Command) []string {
	var all []string
	for _, child := range c.Commands() {
		all = append(all, child.Name())
	}
	return all
}

// runnable leaves out pages of the help.
func runnable(c *cobra.Command) []string {
	return slices.DeleteFunc(names(c), func(name string) bool {
		child, _, err := c.Find([]string{name})
		return err == nil && !child.Runnable() && !child.HasSubCommands()
	})
}

var errUsage = errors.New("usage")

func newRoot(std streams) *cobra.Command {
	var g global
	root := &cobra.Command{
		Use:           "loopitr",
		Short:         "Search pictures by words with one network that finds and judges",
		SilenceUsage:  true,
		SilenceErrors: true,
		Long: `loopitr trains, evaluates, indexes and searches pictures and captions.

One network holds a dual encoder, which finds, and a cross encoder, which judges.
Start with "loopitr demo": it needs nothing but this binary.
"loopitr help environment" lists the environment variables.`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return fmt.Errorf("unknown command %q: there are %s", args[0], strings.Join(runnable(c), ", "))
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetIn(std.in)
	root.SetOut(std.out)
	root.SetErr(std.err)
	g.register(root.PersistentFlags())
	for _, add := range commands {
		root.AddCommand(add(&g, std))
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w: %w (see %q)", errUsage, readable(err), c.CommandPath()+" --help")
	})
	refuseUnknownTopics(root)
	finish(root)
	return root
}

// refuseUnknownTopics makes help of what is not there an error, as the command would be.
func refuseUnknownTopics(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	help, _, _ := root.Find([]string{"help"}) // made by the line above
	help.Run = nil
	help.RunE = func(c *cobra.Command, args []string) error {
		topic, rest, err := root.Find(args)
		if err != nil || len(rest) > 0 {
			return fmt.Errorf("%w: no help on %q: there are %s", errUsage, strings.Join(args, " "), strings.Join(names(root), ", "))
		}
		return topic.Help()
	}
}
