package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/index/sqlite"
	"github.com/loopitr/loopitr/internal/terminal"
	"github.com/loopitr/loopitr/network"
	"github.com/loopitr/loopitr/search"
	"github.com/spf13/cobra"
)

// indexFlags are what index is asked to do.
type indexFlags struct {
	model, index string
	report       reportFile
	tokens       tokenStore
	rebuild      bool
	json         bool
	build        search.BuildConfig
}

func newIndex(g *global, std streams) *cobra.Command {
	f := indexFlags{tokens: tokenStore(sqlite.Int8Tokens)}
	c := &cobra.Command{
		Use:   "index DIR --model DIR",
		Short: "Index the pictures of a folder, or bring their index up to date",
		Long: `index encodes the pictures in DIR and below and remembers them in one file. Run
again it encodes only what is new or changed, follows moves and drops what is gone.
Stopped at any moment it goes on where it was.

With --shard i/n, n jobs at the same time each do their part of the work; when all
have ended, the index is as one run would have left it.

Files that are no pictures, damaged or too large are skipped, shown, listed by
--report, and end the command with exit code 3.`,
		Example: `  loopitr index ~/Pictures --model model
  loopitr index /data/photos --model model --shard 1/4 & loopitr index /data/photos --model model --shard 2/4 & ...
  loopitr index /data/photos --model model --index photos.sqlite --report skipped.jsonl --exclude '*.gif'`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return f.run(c.Context(), g, std, args[0]) },
	}
	flags := c.Flags()
	flags.StringVar(&f.model, "model", "", "folder of the model")
	flags.StringVar(&f.index, "index", "", "index file (default DIR/"+defaultIndex+")")
	f.report.register(flags)
	flags.Var(&f.tokens, "tokens", "keep image tokens for fast re-ranking: int8 (smallest, rounded to 255 steps), float16 (nearly exact), or off to encode candidates again")
	flags.BoolVar(&f.rebuild, "rebuild", false, "accept an index of another model: it stays in use until the new one is complete")
	flags.BoolVar(&f.json, "json", false, "print the counts as JSON")
	flags.StringArrayVar(&f.build.Exclude, "exclude", nil, "leave out names or paths that match this pattern")
	flags.BoolVar(&f.build.Hidden, "hidden", false, "take in names that begin with a dot")
	flags.BoolVar(&f.build.Follow, "follow", false, "take in folders that links lead to")
	flags.Var((*shardFlag)(&f.build.Shard), "shard", "look only at this part of the pictures, such as 2/4, for jobs that fill one index together")
	flags.IntVar(&f.build.Batch, "batch", 0, "pictures that are encoded at once (default 32)")
	return c
}

// defaultIndex is where an index lies within the folder that it indexes.
const defaultIndex = ".loopitr/index.db"

func (f *indexFlags) run(ctx context.Context, g *global, std streams, dir string) error {
	line := g.line(std)
	if f.index == "" {
		f.index = filepath.Join(dir, filepath.FromSlash(defaultIndex))
	}
	if f.rebuild && f.build.Shard != (search.Shard{}) {
		return fmt.Errorf("%w: --shard fills an index that is in use: --rebuild it without, or give --index another file", errUsage)
	}
	if stat, err := os.Stat(dir); err != nil {
		return fmt.Errorf("index %q: %w: %w", dir, err, loopitr.ErrNotFound)
	} else if !stat.IsDir() {
		return fmt.Errorf("index %q: it is not a folder: %w", dir, loopitr.ErrInvalid)
	}
	m, err := g.openModel(f.model)
	if err != nil {
		return err
	}
	defer m.Close()
	return f.report.listing(line, func(skips *skipLog) error {
		report, err := f.fill(ctx, skips, m, dir)
		line.Clear()
		switch {
		case errors.Is(err, context.Canceled):
			return stoppedBuild(err)
		case err != nil:
			return err
		}
		return printReport(std.out, f.index, report, f.json)
	})
}

// stoppedBuild is what a build that was cancelled ends with. It is no cancellation any
// more: of that nothing but "stopped" would be shown.
func stoppedBuild(err error) error {
	for _, kind := range []error{loopitr.ErrUnavailable, loopitr.ErrCorrupt, loopitr.ErrNotFound, loopitr.ErrInvalid} {
		if errors.Is(err, kind) {
			return fmt.Errorf("stopped, and what was encoded last is lost: %v", err)
		}
	}
	return errors.New("stopped: what is encoded is kept; run it again to go on")
}

// fill opens the index file and brings it up to date with the folder.
func (f *indexFlags) fill(ctx context.Context, skips *skipLog, m *model, dir string) (_ search.Report, err error) {
	if m.Config().Network.Vision.Input != network.Pixels {
		return search.Report{}, fmt.Errorf("the model takes tokens made elsewhere and cannot read pictures: %w", loopitr.ErrInvalid)
	}
	index, err := sqlite.Open(ctx, f.index, sqlite.Config{
		Fingerprint: m.Fingerprint(), Model: newRemark(f.model, dir, f.index), Tokens: sqlite.Tokens(f.tokens), Rebuild: f.rebuild,
	})
	if errors.Is(err, sqlite.ErrOtherModel) {
		err = fmt.Errorf("%w (--rebuild does; the old one stays in use until the new one is complete)", err)
	}
	if err != nil {
		return search.Report{}, err
	}
	defer func() { err = errors.Join(err, index.Close()) }()
	b := f.build
	b.Folder, b.Index, b.Encoder, b.Preparer = os.DirFS(dir), index, m, m
	b.Skipped = func(s search.Skip) { skips.add(s.Path, s.Err) }
	b.Progress = func(p search.Progress) { skips.line.Count(buildCount(p)) }
	return search.Build(ctx, b)
}

func buildCount(p search.Progress) terminal.Count {
	return terminal.Count{Done: p.Found, Total: p.Total, Noun: "pictures", Parts: []terminal.Part{
		{Name: "encoded", N: p.Encoded}, {Name: "unchanged", N: p.Unchanged}, {Name: "skipped", N: p.SkippedFiles},
	}}
}

func printReport(w io.Writer, index string, r search.Report, asJSON bool) error {
	if asJSON {
		return printJSON(w, struct {
			Index string `json:"index"`
			search.Report
		}{index, r})
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "index\t%s\n", index)
	for _, row := range []struct {
		name  string
		count int
	}{
		{"pictures", r.Found}, {"encoded", r.Encoded}, {"unchanged", r.Unchanged + r.Touched}, {"moved", r.Moved},
		{"duplicates", r.Duplicates}, {"removed", r.Removed}, {"skipped", r.SkippedFiles + r.SkippedFolders},
	} {
		fmt.Fprintf(t, "%s\t%d\n", row.name, row.count)
	}
	return t.Flush()
}
