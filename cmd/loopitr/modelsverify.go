package main

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint"
	"github.com/loopitr/loopitr/infer"
	"github.com/loopitr/loopitr/internal/terminal"
	"github.com/spf13/cobra"
)

// verifiedModel is one model of models verify.
type verifiedModel struct {
	Model       string `json:"model"`
	Good        bool   `json:"good"`
	Fingerprint string `json:"fingerprint,omitempty"`
	Error       string `json:"error,omitempty"`
}

func newModelsVerify(_ *global, std streams) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "verify DIR...",
		Short: "Read all of a model and compare it with what was saved",
		Long: `verify reads every weight, checks names, shapes and that all are finite, and compares
their digest with the one that was stored when the model was saved.`,
		Example: `  loopitr models verify model
  loopitr models verify runs/*`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return runModelsVerify(std, args, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print what was found as JSON")
	return c
}

func runModelsVerify(std streams, dirs []string, asJSON bool) error {
	var verified []verifiedModel
	var failed error
	for _, dir := range dirs {
		fingerprint, err := verifyModel(dir)
		found := verifiedModel{Model: dir, Good: err == nil, Fingerprint: fingerprint}
		if err != nil {
			failed = errors.Join(failed, err)
			found.Fingerprint, found.Error = "", err.Error()
		}
		verified = append(verified, found)
	}
	if asJSON {
		return cmp.Or(printJSON(std.out, verified), failed)
	}
	for _, v := range verified {
		if !v.Good {
			continue
		}
		if _, err := fmt.Fprintf(std.out, "%s\tgood\t%s\n", terminal.Shown(std.out, v.Model), v.Fingerprint); err != nil {
			return err
		}
	}
	return failed
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
