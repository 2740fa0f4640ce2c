package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// exitHelp ends every command's help.
const exitHelp = `
Exit codes: 0 done, 1 nothing found or below the cut, 2 usage, unusable or missing input,
3 done but some inputs were skipped, 4 anything else failed.`

// finish gives every command what all of them share: arguments checked as usage,
// each flag's environment variable read and named in the help, exit codes.
func finish(c *cobra.Command) {
	for _, child := range c.Commands() {
		finish(child)
	}
	c.Flags().VisitAll(nameVariable)
	c.PersistentFlags().VisitAll(nameVariable)
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
			if err := readEnvironment(c.Flags()); err != nil {
				return err
			}
			return work(c, args)
		}
	}
}

func variable(flag string) string {
	return "LOOPITR_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

func nameVariable(f *pflag.Flag) {
	if f.Name == "help" || strings.Contains(f.Usage, "[$") {
		return
	}
	f.Usage += " [$" + variable(f.Name) + "]"
}

// readEnvironment sets every flag that the command line left alone and that the
// environment gives a value that is not empty.
func readEnvironment(flags *pflag.FlagSet) error {
	var first error
	flags.VisitAll(func(f *pflag.Flag) {
		value := os.Getenv(variable(f.Name))
		if value == "" || f.Changed || first != nil {
			return
		}
		if err := flags.Set(f.Name, value); err != nil {
			first = fmt.Errorf("%w: %s=%q: %w", errUsage, variable(f.Name), value, err)
		}
	})
	return first
}
