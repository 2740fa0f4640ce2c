package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/loopitr/loopitr/dataset"
	"github.com/spf13/cobra"
)

// What the shell offers is accepted, and all that is accepted by name is offered.
func TestChoicesAreAccepted(t *testing.T) {
	accepted := map[string]func(string) error{
		"preset": func(v string) error { _, err := preset(v, tokenShape{}); return err },
		"to": func(v string) error {
			return dataset.ConvertConfig{Format: dataset.Format(v), Path: "x"}.Validate()
		},
	}
	offered := map[string]bool{}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		for name, values := range choices(c) {
			f := c.Flag(name)
			if f == nil {
				continue
			}
			offered[name] = true
			for _, v := range values {
				err := f.Value.Set(v)
				if check := accepted[name]; err == nil && check != nil {
					err = check(v)
				}
				if err != nil {
					t.Errorf("%s --%s %s: %v", c.CommandPath(), name, v, err)
				}
			}
		}
		for _, child := range c.Commands() {
			walk(child)
		}
	}
	walk(newRoot(streams{strings.NewReader(""), os.Stdout, os.Stderr}))
	for _, name := range []string{"engine", "preset", "rerank", "preview", "to", "store", "split", "tokens"} {
		if !offered[name] {
			t.Errorf("--%s is offered nowhere", name)
		}
	}
	if !slices.Contains(presetNames(), "drawings") {
		t.Errorf("presets are %v", presetNames())
	}
}
