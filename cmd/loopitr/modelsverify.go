package main

import (
	"errors"
	"fmt"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint"
	"github.com/loopitr/loopitr/infer"
	"github.com/spf13/cobra"
)

func newModelsVerify(_ *global, std streams) *cobra.Command {
	return &cobra.Command{
		Use:   "verify DIR...",
		Short: "Read all of a model and compare it with what was saved",
		Long: `verify reads every weight, checks names, shapes and that all are finite, and compares
their digest with the one that was stored when the model was saved.`,
		Example: `  loopitr models verify model
  loopitr models verify runs/*`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			var failed error
			for _, dir := range args {
				fingerprint, err := verifyModel(dir)
				if err != nil {
					failed = errors.Join(failed, err)
					continue
				}
				if _, err := fmt.Fprintf(std.out, "%s\tgood\t%s\n", dir, fingerprint); err != nil {
					return err
				}
			}
			return failed
		},
	}
}

func verifyModel(dir string) (fingerprint string, err error) {
	config, fingerprint, err := infer.Identify(dir)
	if err != nil {
		return "", err
	}
	stored, err := checkpoint.Open(dir)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, stored.Close()) }()
	if err := stored.Verify(); err != nil && !errors.Is(err, loopitr.ErrNotFound) {
		return "", err
	}
	_, err = stored.Weights(infer.Shapes(config.Network))
	return fingerprint, err
}
