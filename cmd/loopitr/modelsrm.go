package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/internal/terminal"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// removedModel is what models rm prints as JSON.
type removedModel struct {
	Removed string `json:"removed"`
}

func newModelsRm(_ *global, std streams) *cobra.Command {
	var yes, asJSON bool
	c := &cobra.Command{
		Use:   "rm DIR",
		Short: "Remove a model and its run",
		Example: `  loopitr models rm runs/old
  loopitr models rm runs/old --yes`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := args[0]
			if !isModel(dir) {
				return fmt.Errorf("remove %q: it is no model: %w", dir, loopitr.ErrNotFound)
			}
			if !yes && !confirm(std, fmt.Sprintf("remove %s and everything in it?", dir)) {
				return fmt.Errorf("%w: nothing removed: answer yes, or give --yes", errUsage)
			}
			if err := os.RemoveAll(dir); err != nil {
				return err
			}
			if asJSON {
				return printJSON(std.out, removedModel{dir})
			}
			_, err := fmt.Fprintf(std.out, "removed %s\n", terminal.Shown(std.out, dir))
			return err
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	c.Flags().BoolVar(&asJSON, "json", false, "print what was removed as JSON")
	return c
}

// confirm asks on a terminal; elsewhere the answer is no.
func confirm(std streams, question string) bool {
	in, ok := std.in.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) || !terminal.Is(std.err) {
		return false
	}
	fmt.Fprintf(std.err, "%s [yes/no] ", terminal.Printable(question))
	answer, err := bufio.NewReader(in).ReadString('\n')
	return err == nil && strings.EqualFold(strings.TrimSpace(answer), "yes")
}
