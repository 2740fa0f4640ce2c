package main

import (
	"context"
	"fmt"

	"github.com/loopitr/loopitr/dataset"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// splitFlags are what data split is asked to do.
type splitFlags struct {
	convertFlags
	fractions dataset.Fractions
}

func newDataSplit(g *global, std streams) *cobra.Command {
	var f splitFlags
	c := &cobra.Command{
		Use:   "split PATH --out FILE",
		Short: "Divide pictures with captions into train, val and test",
		Long: `split gives every picture a split by its name and the seed alone, so a picture stays
where it is when others come or go. The shares are met on average. Those that are not
given have what the others leave, in the proportion of their defaults: --train 0.9 is
0.9, 0.05 and 0.05.
` + namesHelp,
		Example: `  loopitr data split pairs.tsv --train 0.9 --to tsv --out split.tsv
  loopitr data split pairs.tsv --train 0.7 --val 0.1 --test 0.2 --out split.jsonl
  loopitr data split photos/ --seed 7 --out split.jsonl`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			f.data.Path = args[0]
			if err := f.share(c.Flags()); err != nil {
				return err
			}
			return runDataSplit(c.Context(), g, std, f)
		},
	}
	f.register(c.Flags())
	return c
}

func (f *splitFlags) register(flags *pflag.FlagSet) {
	f.convertFlags.register(flags)
	flags.Float64Var(&f.fractions.Train, "train", 0.8, "share of the pictures to train on")
	flags.Float64Var(&f.fractions.Val, "val", 0.1, "share to validate on")
	flags.Float64Var(&f.fractions.Test, "test", 0.1, "share to test on")
	flags.Uint64Var(&f.fractions.Seed, "seed", 1, "another seed is another division")
}

// share gives the shares that no flag states what the others leave, in the
// proportion of their defaults.
func (f *splitFlags) share(flags *pflag.FlagSet) error {
	given, rest := 0.0, 0.0
	var open []*float64
	for _, s := range []struct {
		flag  string
		share *float64
	}{{"train", &f.fractions.Train}, {"val", &f.fractions.Val}, {"test", &f.fractions.Test}} {
		if flags.Changed(s.flag) {
			given += *s.share
			continue
		}
		rest += *s.share
		open = append(open, s.share)
	}
	left := 1 - given
	if !(left >= 0 && left <= 1) {
		left = 0 // so that Validate names the flag that is wrong
	}
	for _, share := range open {
		*share *= left / rest
	}
	return f.fractions.Validate()
}

func runDataSplit(ctx context.Context, g *global, std streams, f splitFlags) error {
	line := g.line(std)
	set, err := f.open(ctx)
	if err != nil {
		return err
	}
	defer set.Close() // only read
	divided := *set
	if divided.Records, err = dataset.Split(set.Records, f.fractions); err != nil {
		return err
	}
	for _, s := range dataset.StatsOf(divided.Records, 0).Splits {
		line.Keep(fmt.Sprintf("%s: %s", s.Split, s.Text()))
	}
	return f.write(ctx, std, line, &divided)
}
