package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newModels(g *global, std streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "models",
		Short: "List, show, verify and remove models",
		Long:  `models works on the folders that train and import make: config.json, weights, vocabulary and card.`,
		Example: `  loopitr models ls runs
  loopitr models verify model`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return fmt.Errorf("%w: say what: ls, show, verify or rm", errUsage)
		},
	}
	c.AddCommand(newModelsLs(g, std), newModelsShow(g, std), newModelsVerify(g, std), newModelsRm(g, std))
	return c
}
