package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/loopitr/loopitr/internal/simd"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// exitHelp ends every command's help.
const exitHelp = `
Exit codes: 0 done, 1 nothing found or below the cut, 2 usage, unusable or missing input,
3 done but some inputs were skipped, 4 anything else failed.
`

// finish gives every command what all of them share: arguments checked as usage,
// each flag's environment variable read and named in the help, exit codes.
func finish(c *cobra.Command) {
	for _, child := range c.Commands() {
		finish(child)
	}
	c.Flags().VisitAll(nameVariable(c))
	c.PersistentFlags().VisitAll(nameVariable(c))
	c.SetUsageTemplate(c.UsageTemplate() + exitHelp)
	if err := offerChoices(c); err != nil {
		panic("loopitr: " + err.Error()) // a flag was offered twice
	}
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return fmt.Errorf("%w: %w (see %q)", errUsage, err, c.CommandPath()+" --help")
			}
			return nil
		}
	}
	if work := c.RunE; work != nil {
		c.RunE = func(c *cobra.Command, args []string) error {
			if err := readEnvironment(c); err != nil {
				return err
			}
			return work(c, args)
		}
	}
}

// own are flags that mean another thing in another command: their variables name
// the command as well.
var own = []string{"batch", "json", "out", "seed", "test", "tokens", "train", "val"}

// variable is the environment variable of a command's flag.
func variable(c *cobra.Command, flag string) string {
	name := flag
	if slices.Contains(own, flag) {
		_, path, _ := strings.Cut(c.CommandPath(), " ")
		name = path + " " + flag
	}
	return prefix + strings.ToUpper(strings.NewReplacer("-", "_", " ", "_").Replace(name))
}

const prefix = "LOOPITR_"

// noVariable are flags that only make sense on a command line.
var noVariable = []string{"help", "version"}

func nameVariable(c *cobra.Command) func(*pflag.Flag) {
	return func(f *pflag.Flag) {
		if !slices.Contains(noVariable, f.Name) && !strings.Contains(f.Usage, "[$") {
			f.Usage += " [$" + variable(c, f.Name) + "]"
		}
	}
}

// readEnvironment sets every flag that the command line left alone and that the
// environment gives a value that is not empty.
func readEnvironment(c *cobra.Command) error {
	var first error
	flags := c.Flags()
	flags.VisitAll(func(f *pflag.Flag) {
		name := variable(c, f.Name)
		value := os.Getenv(name)
		if value == "" || f.Changed || first != nil || slices.Contains(noVariable, f.Name) {
			return
		}
		if err := flags.Set(f.Name, value); err != nil {
			first = fmt.Errorf("%w: %s=%q: %w", errUsage, name, value, readable(err))
		}
	})
	return first
}

// readable says what a flag wanted where pflag says which function failed.
func readable(err error) error {
	var bad *pflag.InvalidValueError
	var number *strconv.NumError
	if !errors.As(err, &bad) || !errors.As(err, &number) {
		return err
	}
	wanted := "a number"
	switch {
	case errors.Is(number, strconv.ErrRange):
		wanted = "a number in range"
	case number.Func == "ParseBool":
		wanted = "true or false"
	case number.Func != "ParseFloat":
		wanted = "a whole number"
	}
	return fmt.Errorf("--%s %q is not %s", bad.GetFlag().Name, bad.GetValue(), wanted)
}

// environment reads a variable that is no flag's: one of otherVariables.
func environment(name string) string { return os.Getenv(name) }

// otherVariables are what is read beside the flags' variables, here and below.
var otherVariables = []struct{ names, meaning string }{
	{simd.Variable, "instructions that the cpu engine uses: generic, avx2, avx512 or amx (default: amx or avx512 where the processor has AVX512-BF16, else avx2)"},
	{"ONNXRUNTIME_SHARED_LIBRARY_PATH", "ONNX Runtime's library, in binaries built with the tag onnx"},
	{"TERM TERM_PROGRAM LC_TERMINAL KITTY_WINDOW_ID GHOSTTY_RESOURCES_DIR ITERM_SESSION_ID WEZTERM_PANE",
		"whether progress is one live line and how pictures can be drawn; TERM=dumb means neither"},
	{"TMUX", "hands drawn pictures on through tmux"},
	{"XDG_CACHE_HOME HOME LocalAppData", "where demo keeps its folder: the user's cache folder"},
	{"SQLITE_TMPDIR TMPDIR", "where the database of an index keeps what does not fit into memory"},
	{"GOMAXPROCS GOMEMLIMIT", "processors to use, and when memory is given back: read by Go itself"},
}

// newEnvironment is a page of the help, not a command.
func newEnvironment(*global, streams) *cobra.Command {
	return &cobra.Command{Use: "environment", Short: "Every environment variable that is read", Long: environmentHelp()}
}

func environmentHelp() string {
	var b strings.Builder
	fmt.Fprintf(&b, `Every flag is also an environment variable, named in the command's help: %sMODEL is
--model of every command that has it. Flags that mean another thing in another command
have the command in it, as %sINDEX_TOKENS: %s. A flag on the command line wins; an
empty variable is none. Nothing is coloured, so NO_COLOR has nothing to change.

Others that are read:
`, prefix, prefix, strings.Join(own, ", "))
	for _, v := range otherVariables {
		fmt.Fprintf(&b, "\n  %s\n      %s\n", v.names, v.meaning)
	}
	return b.String()
}
