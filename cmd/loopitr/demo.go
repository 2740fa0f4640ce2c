package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/dataset"
	"github.com/loopitr/loopitr/eval"
	"github.com/loopitr/loopitr/internal/durable"
	"github.com/loopitr/loopitr/internal/terminal"
	"github.com/loopitr/loopitr/search"
	"github.com/loopitr/loopitr/train"
	"github.com/spf13/cobra"
)

// demoFlags are what demo is asked to do.
type demoFlags struct {
	train     time.Duration
	once      bool
	json, dir string
	preview   previewFlags
}

func newDemo(g *global, std streams) *cobra.Command {
	var f demoFlags
	c := &cobra.Command{
		Use:   "demo",
		Short: "See the whole of it: measure, index and search drawings, with nothing to set up",
		Long: `demo takes drawings and a network from this binary. It measures the network on drawings
by an artist it never saw, with the dual encoder alone and re-ranked, writes these
drawings into a folder, indexes them, shows some searches, and then answers yours.

With --train it first trains a network of its own, from nothing, for that long.`,
		Example: `  loopitr demo
  loopitr demo --train 10m --once --json demo.json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runDemo(c, g, std, f) },
	}
	flags := c.Flags()
	flags.DurationVar(&f.train, "train", 0, "train from scratch for this long instead of using the weights in this binary")
	flags.BoolVar(&f.once, "once", false, "end after the example searches")
	flags.StringVar(&f.json, "json", "", `also write measurement and searches as JSON to this file, or instead of the text to "-"`)
	flags.StringVar(&f.dir, "dir", "", "folder for drawings, index and model (default: one in the user's cache folder)")
	f.preview.register(flags)
	return c
}

// demonstration is a demo in progress.
type demonstration struct {
	demoFlags
	global *global
	std    streams
	text   io.Writer // where people read
	line   *terminal.Line
	model  *model
	recipe train.Config // of --train
	set    *dataset.Set // the unseen artist's test half
	asked  []asked
}

// asked is one search of the demo as JSON.
type asked struct {
	Query string `json:"query"`
	loopitr.Result
}

// demonstrated is demo's result as JSON: eval's keys and the searches.
type demonstrated struct {
	eval.Result
	Folder   string  `json:"folder"`
	Searches []asked `json:"searches"`
}

func runDemo(c *cobra.Command, g *global, std streams, f demoFlags) error {
	ctx := c.Context()
	d := &demonstration{demoFlags: f, global: g, std: std, text: std.out, line: g.line(std), recipe: demoRecipe(f.train)}
	if d.json == "-" {
		d.text = io.Discard
	}
	if err := d.place(); err != nil {
		return err
	}
	dir, err := d.weights(ctx)
	if err != nil {
		return err
	}
	return d.show(ctx, dir)
}

// show measures the model in dir, indexes the drawings and searches them.
func (d *demonstration) show(ctx context.Context, dir string) (err error) {
	if d.model, err = d.global.openModel(dir); err != nil {
		return err
	}
	defer d.model.Close()
	if d.set, err = dataset.Open(ctx, dataset.Options{Path: d.inside("data", "test.tar")}); err != nil {
		return err
	}
	defer d.set.Close() // only read
	result, err := d.measure(ctx, dir)
	if err != nil {
		return err
	}
	s, err := d.index(ctx, dir)
	if err != nil {
		return err
	}
	defer s.Close() // only read
	if err := d.examples(ctx, s); err != nil {
		return err
	}
	if err := d.writeJSON(demonstrated{result, d.dir, d.asked}); err != nil || d.once {
		return err
	}
	return d.prompt(ctx, s)
}

// place chooses and fills the demo's folder.
func (d *demonstration) place() error {
	if d.dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return fmt.Errorf("demo: %w: give --dir", err)
		}
		d.dir = filepath.Join(cache, "loopitr", "demo")
	}
	fmt.Fprintf(d.text, "folder: %s\n", d.dir)
	return unpack("emoji", d.inside("data"))
}

func (d *demonstration) inside(names ...string) string {
	return filepath.Join(append([]string{d.dir}, names...)...)
}

// weights returns the folder of the model: the binary's, or one trained now.
func (d *demonstration) weights(ctx context.Context) (string, error) {
	if d.train > 0 {
		return d.learn(ctx)
	}
	dir := d.inside("model")
	if err := unpack("model", dir); err != nil {
		return "", err
	}
	if !isModel(dir) {
		return "", fmt.Errorf("this binary was built without weights: train some with %q: %w", "loopitr demo --train 10m", loopitr.ErrUnavailable)
	}
	return dir, nil
}

// measure prints dual and re-ranked recall on the unseen artist's drawings.
func (d *demonstration) measure(ctx context.Context, dir string) (eval.Result, error) {
	m, err := describeModel(dir)
	if err != nil {
		return eval.Result{}, err
	}
	fmt.Fprintf(d.text, "network: %d parameters, trained on the drawings of two artists\n", m.Parameters)
	fmt.Fprintf(d.text, "test: %d drawings by a third artist, whose work it never saw\n\n", len(d.set.Records))
	e := evalFlags{rerank: defaultCandidates()}
	result, err := e.measure(ctx, d.line, d.model, d.set)
	d.line.Clear()
	if err != nil {
		return eval.Result{}, err
	}
	_, err = fmt.Fprintln(d.text, result.Table())
	return result.Result, err
}

// index writes the drawings as files and brings their index up to date.
func (d *demonstration) index(ctx context.Context, dir string) (*searcher, error) {
	folder := d.inside("pictures")
	if err := writePictures(ctx, d.set, folder); err != nil {
		return nil, err
	}
	path := filepath.Join(folder, filepath.FromSlash(defaultIndex))
	f := indexFlags{model: dir, index: path, tokens: tokenStores["int8"], rebuild: true}
	report, err := f.fill(ctx, &skipLog{line: d.line}, d.model, folder)
	d.line.Clear()
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(d.text, "indexed %d drawings in %s\n", report.Found-report.SkippedFiles, folder)
	fmt.Fprintf(d.text, "search them yourself: loopitr search --index %s \"palm tree\"\n", shellQuote(path))
	return d.global.openSearcher(ctx, &searchFlags{index: path, model: dir, folder: folder})
}

func (d *demonstration) writeJSON(r demonstrated) error {
	switch d.json {
	case "":
		return nil
	case "-":
		return printJSON(d.std.out, r)
	}
	return durable.WriteFile(d.json, func(w io.Writer) error { return printJSON(w, r) })
}

// demoHits is how many hits each search of the demo shows.
const demoHits = 5

// ask runs one query and shows its hits.
func (d *demonstration) ask(ctx context.Context, s *searcher, text string, words []string) error {
	parts, err := parseQuery(words)
	if err != nil {
		return err
	}
	r, err := s.Search(ctx, loopitr.Query{Parts: parts, Count: demoHits, Rerank: search.DefaultRerank})
	if err != nil {
		return err
	}
	d.asked = append(d.asked, asked{text, r})
	output := outputFlags{preview: d.preview, names: true}
	return output.printTable(d.text, d.line, s.folder, r)
}
