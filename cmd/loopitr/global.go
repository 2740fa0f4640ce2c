package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/loopitr/loopitr/internal/terminal"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// global are the flags of every command.
type global struct {
	engine string
	quiet  bool
}

func (g *global) register(flags *pflag.FlagSet) {
	flags.StringVar(&g.engine, "engine", "", `what computes: "cpu", "go", "onnx", "xla", with options after a colon, such as "cpu:threads=2,products=bf16" or "go:ops_sequential"; products=bf16 is slower than float32 where doctor calls it emulated (default: the best this binary has)`)
	flags.BoolVarP(&g.quiet, "quiet", "q", false, "no progress and no warnings on standard error")
}

// line is where progress and warnings go.
func (g *global) line(std streams) *terminal.Line {
	if g.quiet {
		return &terminal.Line{}
	}
	return terminal.NewLine(std.err)
}

// commands makes every command, in the order of the help.
var commands = []newCommand{
	newDemo, newTrain, newEval, newEncode, newIndex, newSearch, newSimilar, newRerank,
	newImport, newExport, newData, newModels, newBench, newDoctor, newVersion, newEnvironment,
}

// newCommand makes one command for the given streams.
type newCommand func(*global, streams) *cobra.Command

// printJSON writes one value as indented JSON.
func printJSON(w io.Writer, value any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(value); err != nil {
		return fmt.Errorf("print json: %w", err)
	}
	return nil
}
