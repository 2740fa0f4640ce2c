package main

import (
	"github.com/loopitr/loopitr/internal/engine"
	"github.com/spf13/cobra"
)

// choices are what flags of these names can be, for the shell's completion.
var choices = map[string][]cobra.Completion{
	"preset":  {"nano", "small", "medium", "base"},
	"rerank":  {"16", "off", "all"},
	"preview": {"auto", "kitty", "iterm", "sixel", "off"},
	"to":      {"jsonl", "tsv", "csv", "karpathy", "flickr", "webdataset"},
	"format":  {"albef", "blip-hf", "safetensors"},
	"first":   {"cls", "enc"},
	"store":   {"F16", "BF16", "F32"},
	"split":   {"train", "val", "test", "all"},
}

// offerChoices tells the shell what the flags of a command can be.
func offerChoices(c *cobra.Command) error {
	all := choices
	if c.Root() == c {
		all = map[string][]cobra.Completion{"engine": engine.Names()}
	}
	for name, values := range all {
		if c.Flag(name) == nil {
			continue
		}
		if err := c.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
			return err
		}
	}
	return nil
}
