package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/loopitr/loopitr/dataset"
	"github.com/spf13/pflag"
)

// source is a data set as flags name it.
type source struct {
	dataset.Options
	// fallback is the split that is taken, when none is named, from data that
	// states splits.
	fallback string
	// splitFlag is the flag that names the split.
	splitFlag string
	report    reportFile
}

// reportedSkips is how many skipped inputs of a data set --report lists at most.
const reportedSkips = 1 << 20

// tokenShape is what a token file holds of each picture; zero without one.
type tokenShape struct{ count, width int }

// readTokenShape reads the head of a token file, if one is named.
func readTokenShape(path string) (tokenShape, error) {
	if path == "" {
		return tokenShape{}, nil
	}
	tokens, err := dataset.OpenTokens(path)
	if err != nil {
		return tokenShape{}, err
	}
	defer tokens.Close() // only read
	return tokenShape{tokens.Count, tokens.Width}, nil
}

// everySplit as --split keeps all records.
const everySplit = "all"

// register adds the flags of a command that uses the split called fallback.
func (s *source) register(flags *pflag.FlagSet, fallback string) {
	s.fallback = fallback
	flags.StringVar(&s.Path, "data", "", "pictures with captions: a folder, shards, or an annotation file")
	s.registerRest(flags)
}

func (s *source) registerRest(flags *pflag.FlagSet) {
	s.splitFlag = "split"
	usage := `split to take, several joined by "+", or "all"`
	if s.fallback != "" {
		usage += fmt.Sprintf(" (default %q where splits are stated)", s.fallback)
	}
	flags.StringVar(&s.Split, s.splitFlag, "", usage)
	flags.StringVar(&s.Images, "images", "", "folder or zip of the pictures (default: beside the annotations)")
	flags.StringVar(&s.Tokens, "tokens", "", "token file that stands in for the pictures")
	flags.StringVar(&s.Language, "language", "", "take the captions of shards from captions.LANGUAGE.tsv")
	flags.BoolVar(&s.Strict, "strict", false, "stop at the first input that would be skipped")
	s.report.register(flags)
}

func (s source) open(ctx context.Context) (*dataset.Set, error) {
	o := s.Options
	named := o.Split != ""
	if o.Split == everySplit {
		o.Split = ""
	}
	if s.report != "" {
		o.Limits.Details = reportedSkips
	}
	set, err := dataset.Open(ctx, o)
	if errors.Is(err, dataset.ErrNoSplits) {
		return nil, fmt.Errorf("%w: take all of it with --%s %s, or divide it with %q", err, s.splitFlag, everySplit, "loopitr data split")
	}
	if err != nil || named || s.fallback == "" || !statesSplits(set) {
		return set, err
	}
	if err := set.Close(); err != nil {
		return nil, err
	}
	o.Split = s.fallback
	return dataset.Open(ctx, o)
}

func statesSplits(set *dataset.Set) bool {
	return slices.ContainsFunc(set.Records, func(r dataset.Record) bool { return r.Split != "" })
}
