package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/loopitr/loopitr/dataset"
	"github.com/loopitr/loopitr/internal/engine"
	"github.com/loopitr/loopitr/train"
)

// demoRecipe trains on two artists' drawings for the given time, and validates
// more often on fewer than a long run, because people are watching.
func demoRecipe(d time.Duration) train.Config {
	c := train.Drawings()
	c.For = train.Duration(d)
	c.Validation.Every, c.Validation.Pictures = 200, 300
	return c
}

// learn trains a network from scratch and returns its folder. An earlier one is
// kept beside it.
func (d *demonstration) learn(ctx context.Context) (string, error) {
	dir := d.inside("trained")
	for n := 2; exists(filepath.Join(dir, "run")); n++ {
		dir = d.inside(fmt.Sprintf("trained-%d", n))
	}
	o := train.Options{Config: d.recipe, Dir: dir, Observe: observer(&skipLog{line: d.line})}
	shards, held := d.inside("data", "train-{00..01}.tar"), d.inside("data", "val.tar")
	var err error
	if o.Train, err = dataset.Open(ctx, dataset.Options{Path: shards}); err != nil {
		return "", err
	}
	defer o.Train.Close() // only read
	if o.Validation, err = dataset.Open(ctx, dataset.Options{Path: held}); err != nil {
		return "", err
	}
	defer o.Validation.Close() // only read
	if o.Engine, err = engine.Open(d.global.engine); err != nil {
		return "", err
	}
	defer o.Engine.Close()
	fmt.Fprintf(d.text, "training for %s in %s\n", d.train, dir)
	result, err := train.Run(ctx, o)
	d.line.Clear()
	switch {
	case errors.Is(err, context.Canceled):
		command := fmt.Sprintf("loopitr train --resume --out %s --data %s --val %s", shellQuote(dir), shellQuote(shards), shellQuote(held))
		if d.global.engine != "" {
			command += " --engine " + shellQuote(d.global.engine)
		}
		return "", fmt.Errorf("stopped at step %d; go on with: %s", result.Step, command)
	case err != nil:
		return "", err
	}
	fmt.Fprintf(d.text, "trained %d steps on %d pairs in %s\n", result.Step, result.Pairs, timeOf(result.Seconds))
	return dir, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
