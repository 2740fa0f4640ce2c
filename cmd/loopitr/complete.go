package main

import (
	"strings"

	"github.com/loopitr/loopitr/convert"
	"github.com/loopitr/loopitr/dataset"
	"github.com/loopitr/loopitr/internal/engine"
	"github.com/spf13/cobra"
)

// choices are what the flags of a command can be, for the shell's completion. Each
// list is the one that the flag itself is read by, as far as there is one.
func choices(c *cobra.Command) map[string][]cobra.Completion {
	all := map[string][]cobra.Completion{
		"preset":  presetNames(),
		"rerank":  {"16", "off", "all"},
		"preview": previewModes(),
		"to":      words(dataset.Formats()),
		"format":  words(convert.Formats()),
		"first":   {"cls", "enc"},
		"store":   stores(),
		"split":   {"train", "val", "test", everySplit},
	}
	switch c.Name() {
	case "loopitr":
		return map[string][]cobra.Completion{"engine": engine.Names()}
	case "search", "similar":
		all["rerank"] = all["rerank"][:2]
	case "index":
		all["tokens"] = strings.Split((*tokenStore)(nil).Type(), "|")
	}
	return all
}

func words[T ~string](values []T) []string {
	var all []string
	for _, v := range values {
		all = append(all, string(v))
	}
	return all
}

// offerChoices tells the shell what the flags of a command can be.
func offerChoices(c *cobra.Command) error {
	for name, values := range choices(c) {
		if c.Flag(name) == nil {
			continue
		}
		if err := c.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
			return err
		}
	}
	return nil
}
