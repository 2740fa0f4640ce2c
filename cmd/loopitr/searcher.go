package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/index/sqlite"
	"github.com/loopitr/loopitr/search"
	"github.com/spf13/pflag"
)

// searchFlags are what search and similar share.
type searchFlags struct {
	index, model, folder string
	where                string
	rerank               candidates
	count                int
	minMatch             float32
	timeout              time.Duration
	output               outputFlags
}

func (f *searchFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.index, "index", "", "index file (default "+defaultIndex+" in this folder or one above)")
	flags.StringVar(&f.model, "model", "", "folder of the model (default: the one the index was made with)")
	flags.StringVar(&f.folder, "folder", "", "the indexed folder, should it have moved")
	f.rerank = defaultCandidates()
	flags.Var(&f.rerank, "rerank", "candidates that the cross encoder judges: `N|off`")
	flags.IntVarP(&f.count, "count", "k", search.DefaultCount, "how many hits")
	flags.Float32Var(&f.minMatch, "min-match", 0, "drop hits whose match probability is below this, 0 to 1")
	flags.StringVar(&f.where, "where", "", `conditions, such as 'taken:2024-01..2024-06 camera:canon path:trips/* -ext:png'; keys: `+search.FilterKeys)
	flags.DurationVar(&f.timeout, "timeout", 0, "stop after this long: what is found but not yet judged comes in the dual encoder's order; nothing found is an error (loading the model not counted)")
	f.output.register(flags)
}

// filterHelp is what the help of search and similar says of --where.
const filterHelp = `
--where narrows what is searched:
  taken:2024-01..2024-06  camera:"canon eos"  path:trips/*  ext:png  format:jpeg
  width:>1000  height:..900  size:..5MB  near:48.1,11.6,20km
Terms of one key are alternatives, different keys must all be met, a leading - excludes.`

// searcher is an open index with the model that fills it.
type searcher struct {
	*search.Searcher
	index  *sqlite.Index
	model  *model
	folder string // of the pictures; may be empty
}

func (g *global) openSearcher(ctx context.Context, f *searchFlags) (_ *searcher, err error) {
	path, err := findIndex(f.index)
	if err != nil {
		return nil, err
	}
	s := &searcher{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if s.index, err = sqlite.Open(ctx, path, sqlite.Config{ReadOnly: true}); err != nil {
		return nil, err
	}
	made := readRemark(s.index.Model(), path)
	dir := f.model
	if dir == "" {
		dir = made.Model
	}
	if s.model, err = g.openModel(dir); err != nil {
		if f.model == "" && errors.Is(err, loopitr.ErrNotFound) {
			err = fmt.Errorf("%w; the index was made with that model: give --model DIR if it has moved", err)
		}
		return nil, err
	}
	s.folder = made.Folder
	if f.folder != "" {
		s.folder = absolute(f.folder)
	}
	config := search.Config{Index: s.index, Encoder: s.model, Matcher: s.model, Preparer: s.model}
	if s.folder != "" {
		config.Tokens = search.TokensFrom(os.DirFS(s.folder), s.model, s.model)
	}
	s.Searcher, err = search.New(config)
	return s, err
}

// Close frees index and model.
func (s *searcher) Close() error {
	var errs []error
	if s.model != nil {
		errs = append(errs, s.model.Close())
	}
	if s.index != nil {
		errs = append(errs, s.index.Close())
	}
	return errors.Join(errs...)
}

// findIndex looks for the default index here and above when none is named.
func findIndex(named string) (string, error) {
	if named != "" {
		return named, nil
	}
	dir := absolute(".")
	for {
		path := filepath.Join(dir, filepath.FromSlash(defaultIndex))
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("%w: no %s in this folder or above: give --index FILE, or make one with %q", errUsage, defaultIndex, "loopitr index DIR --model DIR")
		}
		dir = up
	}
}

// query makes a query of parts and flags.
func (f *searchFlags) query(parts []loopitr.Part) (loopitr.Query, error) {
	filter, err := search.ParseFilter(f.where)
	if err != nil {
		return loopitr.Query{}, err
	}
	f.output.cut = f.minMatch > 0
	q := loopitr.Query{Parts: parts, Filter: filter, Count: f.count, Rerank: int(f.rerank), MinMatch: f.minMatch}
	if f.rerank < 0 {
		return q, fmt.Errorf("%w: --rerank all is for eval: give a number or off", errUsage)
	}
	if f.timeout < 0 {
		return q, fmt.Errorf("%w: --timeout %v is below zero", errUsage, f.timeout)
	}
	return q, nil
}

// limited is ctx with the time limit of the flags.
func (f *searchFlags) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if f.timeout <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, f.timeout)
}
