package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/loopitr/loopitr/dataset"
	"github.com/spf13/pflag"
)

func TestSharesNotGivenHaveWhatIsLeft(t *testing.T) {
	for name, c := range map[string]struct {
		flags []string
		want  dataset.Fractions
	}{
		"none":      {nil, dataset.Fractions{Train: 0.8, Val: 0.1, Test: 0.1, Seed: 1}},
		"train":     {[]string{"--train=0.9"}, dataset.Fractions{Train: 0.9, Val: 0.05, Test: 0.05, Seed: 1}},
		"test":      {[]string{"--test=0.1"}, dataset.Fractions{Train: 0.8, Val: 0.1, Test: 0.1, Seed: 1}},
		"no val":    {[]string{"--val=0"}, dataset.Fractions{Train: 8. / 9, Test: 1. / 9, Seed: 1}},
		"two":       {[]string{"--train=0.5", "--test=0.2"}, dataset.Fractions{Train: 0.5, Val: 0.3, Test: 0.2, Seed: 1}},
		"all train": {[]string{"--train=1", "--seed=7"}, dataset.Fractions{Train: 1, Seed: 7}},
	} {
		t.Run(name, func(t *testing.T) {
			var f splitFlags
			flags := pflag.NewFlagSet("split", pflag.ContinueOnError)
			f.register(flags)
			if err := flags.Parse(c.flags); err != nil {
				t.Fatal(err)
			}
			if err := f.share(flags); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, f.fractions, cmpopts.EquateApprox(0, 1e-12)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
