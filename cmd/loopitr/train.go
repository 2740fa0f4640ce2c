package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/dataset"
	"github.com/loopitr/loopitr/internal/engine"
	"github.com/loopitr/loopitr/train"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// trainFlags are what train is asked to do.
type trainFlags struct {
	data          source
	val, valSplit string
	out           string
	recipe        recipeFlags
	resume        bool
	dryRun        bool
	json          bool
}

func newTrain(g *global, std streams) *cobra.Command {
	var f trainFlags
	c := &cobra.Command{
		Use:   "train --data PATH --out DIR",
		Short: "Train a network on pictures with captions",
		Long: `train teaches a network to find (dual encoder) and to judge (cross encoder), and
keeps the best model by validation in DIR. Its state, metrics and plots are in
DIR/run. Ctrl-C saves and stops; --resume goes on from there, bit by bit as if
never stopped.

PATH may be a folder, .tar or "shards-{00..03}.tar", .json, .jsonl, .csv, .tsv or
.parquet. Without --val, the split "val" of --data is used where it states one.`,
		Example: `  loopitr train --data pairs.tsv --val val.tsv --preset small --out model --for 1h
  loopitr train --data dataset_flickr8k.json --images images.zip --out model --epochs 30 \
    --set loss.distill.objective=margin --set negatives.count=4`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runTrain(c, g, std, &f) },
	}
	f.register(c.Flags())
	return c
}

func (f *trainFlags) register(flags *pflag.FlagSet) {
	f.data.register(flags, "train")
	flags.StringVar(&f.val, "val", "", "data to validate on, to keep the best model by")
	flags.StringVar(&f.valSplit, "val-split", "", `split of --val or --data to validate on (default "val" where splits are stated)`)
	flags.StringVar(&f.out, "out", "", "folder for the model and the run")
	f.recipe.register(flags)
	flags.BoolVar(&f.resume, "resume", false, "go on with the run in --out, by its own recipe; only --for, --epochs and --steps may say something else")
	flags.BoolVar(&f.dryRun, "dry-run", false, "check the data and print the recipe, train nothing")
	flags.BoolVar(&f.json, "json", false, "print the result as JSON")
}

func runTrain(c *cobra.Command, g *global, std streams, f *trainFlags) error {
	ctx, line := c.Context(), g.line(std)
	if f.data.Path == "" || f.out == "" {
		return fmt.Errorf("%w: train needs --data PATH and --out DIR", errUsage)
	}
	options, err := f.options(c.Flags())
	if err != nil {
		return err
	}
	if !f.dryRun {
		if options.Engine, err = engine.Open(g.engine); err != nil {
			return err
		}
		defer options.Engine.Close()
	}
	return f.data.report.listing(line, func(skips *skipLog) error {
		sets, err := f.open(ctx, skips)
		if err != nil {
			return err
		}
		defer sets.close()
		options.Train, options.Validation = sets.train, sets.validation
		if f.dryRun {
			return dryRun(ctx, std, skips, options)
		}
		if f.recipe.fresh > 0 {
			line.Keep(fmt.Sprintf("%d parameters are drawn afresh, which %q does not have", f.recipe.fresh, f.recipe.init))
		}
		options.Observe = observer(skips)
		result, err := train.Run(ctx, options)
		line.Clear()
		if errors.Is(err, context.Canceled) {
			return f.stopped(c, result)
		}
		if err != nil {
			return err
		}
		return printTrained(std.out, f.out, result, f.json)
	})
}

// options settles everything but the data: what cannot work is said before those
// are read.
func (f *trainFlags) options(flags *pflag.FlagSet) (train.Options, error) {
	o := train.Options{Dir: f.out, Resume: f.resume}
	for _, split := range []string{f.data.Split, f.valSplit} {
		if slices.Contains(strings.Split(split, "+"), "test") {
			return o, fmt.Errorf("%w: the test split is for eval: train and choose on others", errUsage)
		}
	}
	if f.dryRun && f.resume {
		return o, fmt.Errorf("%w: --dry-run is for a new run", errUsage)
	}
	tokens, err := readTokenShape(f.data.Tokens)
	if err != nil {
		return o, err
	}
	settle := f.recipe.resolve
	if f.resume {
		settle = f.recipe.resume
	}
	if err := settle(flags, tokens, &o); err != nil {
		return o, err
	}
	if f.dryRun { // its folder is not written to
		return o, o.Config.Validate()
	}
	return o, o.Validate()
}

// trainSets are the two splits of a training.
type trainSets struct {
	train, validation *dataset.Set
}

func (s *trainSets) close() {
	for _, set := range []*dataset.Set{s.train, s.validation} {
		if set != nil {
			set.Close() // only read
		}
	}
}

func (f *trainFlags) open(ctx context.Context, skips *skipLog) (_ *trainSets, err error) {
	var s trainSets
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	f.data.fallback = "train"
	if s.train, err = f.data.open(ctx); err != nil {
		return nil, err
	}
	skips.addSet(s.train.Skipped)
	held := f.data
	held.Split, held.fallback, held.splitFlag = f.valSplit, "val", "val-split"
	switch {
	case f.val != "":
		held.Path = f.val
		s.validation, err = held.open(ctx)
	case f.valSplit != "":
		s.validation, err = held.open(ctx)
	case statesSplits(s.train):
		held.Split = "val"
		if s.validation, err = held.open(ctx); errors.Is(err, loopitr.ErrInvalid) {
			err = nil // no such split
		}
	}
	if err == nil && s.validation != nil && filepath.Clean(held.Path) == filepath.Clean(f.data.Path) {
		err = apart(s.train, s.validation)
	}
	if err != nil {
		return nil, fmt.Errorf("validation: %w", err)
	}
	if s.validation == nil {
		skips.line.Keep("no validation: the last weights are kept; give --val PATH to keep the best")
		return &s, nil
	}
	skips.addSet(s.validation.Skipped)
	return &s, nil
}

// apart refuses to validate on pictures that are trained on.
func apart(training, validation *dataset.Set) error {
	trained := map[string]bool{}
	for _, r := range training.Records {
		trained[r.ID] = true
	}
	for _, r := range validation.Records {
		if trained[r.ID] {
			return fmt.Errorf("%q is trained on too: give another --val, --split or --val-split: %w", r.ID, loopitr.ErrInvalid)
		}
	}
	return nil
}

// stopped says how to go on after Ctrl-C.
func (f *trainFlags) stopped(c *cobra.Command, r train.Result) error {
	if _, err := os.Stat(filepath.Join(f.out, "run", "run.json")); err != nil {
		return errors.New("stopped before the first step")
	}
	at := ""
	if r.Step > 0 { // a run may be stopped before it has read where it stands
		at = fmt.Sprintf(" at step %d", r.Step)
	}
	return fmt.Errorf("stopped%s; all of it is saved; resume with: %s", at, resumeCommand(c, f.resume))
}

// dryRun reads every picture once and shows what a run would do.
func dryRun(ctx context.Context, std streams, skips *skipLog, o train.Options) error {
	for _, set := range []*dataset.Set{o.Train, o.Validation} {
		if set == nil {
			continue
		}
		findings, err := dataset.Check(ctx, set, dataset.CheckConfig{
			Decode:      decoder(o.Config.Pixels.MaxPixels),
			Undecodable: func(id string, cause error) { skips.note(id, cause.Error()) },
		})
		if err != nil {
			return err
		}
		for _, text := range describeFindings(findings, shownSkips) {
			skips.line.Keep(text)
		}
	}
	return printJSON(std.out, o.Config)
}

// timeOf writes seconds as people do.
func timeOf(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d < 10*time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	case d < time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
