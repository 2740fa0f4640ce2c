package main

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/infer"
	"github.com/loopitr/loopitr/internal/terminal"
	"github.com/spf13/cobra"
)

// listedModel is one line of models ls.
type listedModel struct {
	Model       string `json:"model"`
	Parameters  int    `json:"parameters"`
	Bytes       int64  `json:"bytes"`
	Fingerprint string `json:"fingerprint"`
	infer.Config
}

func newModelsLs(g *global, std streams) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "ls [FOLDER]",
		Short: "List the models in a folder and up to three levels below",
		Example: `  loopitr models ls
  loopitr models ls runs --json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			folder := "."
			if len(args) > 0 {
				folder = args[0]
			}
			return runModelsLs(std, g.line(std), folder, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the models as JSON")
	return c
}

func runModelsLs(std streams, line *terminal.Line, folder string, asJSON bool) error {
	dirs, err := findModels(folder)
	if err != nil {
		return err
	}
	models := []listedModel{}
	var skipped error
	for _, dir := range dirs {
		m, err := describeModel(dir)
		if err != nil {
			line.Keep(fmt.Sprintf("skipping %s: %v", dir, err))
			skipped = errSkipped
			continue
		}
		models = append(models, m)
	}
	if asJSON {
		return cmp.Or(printJSON(std.out, models), skipped)
	}
	t := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
	for i, m := range models {
		if i == 0 {
			fmt.Fprintln(t, "model\tparameters\tinput\tsize\tdual\tre-ranked\tfingerprint")
		}
		dual, reranked := "-", "-"
		if m.Training != nil {
			dual, reranked = fmt.Sprintf("%.1f", m.Training.DualSum), fmt.Sprintf("%.1f", m.Training.RerankedSum)
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%s\t%s\n", terminal.Printable(m.Model), m.Parameters, inputText(m.Config), sizeText(m.Bytes), dual, reranked, m.Fingerprint)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if len(dirs) == 0 {
		line.Keep(fmt.Sprintf("no model in %s", folder))
		return errNothing
	}
	return skipped
}

// modelDepth is how far below a folder models are looked for.
const modelDepth = 3

// findModels lists the model folders in a folder, itself included.
func findModels(folder string) ([]string, error) {
	var dirs []string
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil && path == folder:
			return fmt.Errorf("list models: %w: %w", err, loopitr.ErrNotFound)
		case err != nil:
			return nil // a folder that cannot be read holds no model for us
		case !entry.IsDir():
			return nil
		case isModel(path):
			dirs = append(dirs, path)
			return fs.SkipDir
		}
		if inside, err := filepath.Rel(folder, path); err == nil && strings.Count(filepath.ToSlash(inside), "/") >= modelDepth-1 && inside != "." {
			return fs.SkipDir
		}
		return nil
	})
	return dirs, err
}

func isModel(dir string) bool {
	for _, name := range []string{"config.json", "model.safetensors"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}

func describeModel(dir string) (listedModel, error) {
	config, fingerprint, err := infer.Identify(dir)
	if err != nil {
		return listedModel{}, err
	}
	m := listedModel{Model: dir, Fingerprint: fingerprint, Config: config}
	for _, p := range config.Network.Params() {
		m.Parameters += p.Size()
	}
	if stat, err := os.Stat(filepath.Join(dir, "model.safetensors")); err == nil {
		m.Bytes = stat.Size()
	}
	return m, nil
}
