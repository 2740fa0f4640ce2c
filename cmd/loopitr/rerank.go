package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/internal/terminal"
	"github.com/spf13/cobra"
)

// rerankFlags are what rerank is asked to do.
type rerankFlags struct {
	model, picture string
	minMatch       float32
	report         reportFile
	json, jsonl    bool
}

// judged is one pair and what both encoders say of it.
type judged struct {
	Path  string  `json:"path,omitempty"`
	Text  string  `json:"text,omitempty"`
	Score float32 `json:"score"`
	Dual  float32 `json:"dual"`
	Match float32 `json:"match"`
	Rank  int     `json:"rank"`
}

func newRerank(g *global, std streams) *cobra.Command {
	var f rerankFlags
	c := &cobra.Command{
		Use:   "rerank --model DIR QUERY PICTURE...",
		Short: "Judge given pictures against a text, or given texts against a picture",
		Long: `rerank has the cross encoder judge every pair, without an index, and prints them best
first. With --picture FILE the arguments are texts, judged against that picture.`,
		Example: `  loopitr rerank --model model "a red apple" photos/*.jpg
  loopitr rerank --model model --picture photo.jpg "a red apple" "a green apple" --json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return f.run(c.Context(), g, std, args) },
	}
	flags := c.Flags()
	flags.StringVar(&f.model, "model", "", "folder of the model")
	flags.StringVar(&f.picture, "picture", "", "judge texts against this picture")
	flags.Float32Var(&f.minMatch, "min-match", 0, "drop pairs whose match probability is below this, 0 to 1")
	f.report.register(flags)
	flags.BoolVar(&f.json, "json", false, "print the pairs as one JSON list")
	flags.BoolVar(&f.jsonl, "jsonl", false, "print one JSON object for each pair and line")
	return c
}

func (f *rerankFlags) run(ctx context.Context, g *global, std streams, args []string) error {
	texts, files := args, []string{f.picture}
	if f.picture == "" {
		texts, files = args[:1], args[1:]
		if len(files) == 0 {
			return fmt.Errorf("%w: rerank needs a query and pictures, or --picture FILE and texts", errUsage)
		}
	}
	if !(f.minMatch >= 0 && f.minMatch <= 1) {
		return fmt.Errorf("%w: --min-match %v is not a probability", errUsage, f.minMatch)
	}
	m, err := g.openModel(f.model)
	if err != nil {
		return err
	}
	defer m.Close()
	return f.report.listing(g.line(std), func(skips *skipLog) error {
		all, err := f.judge(ctx, &encoder{m: m, skips: skips, pictures: true, total: len(files)}, texts, files)
		if err != nil {
			return err
		}
		return f.print(std.out, skips.line, ranked(all, f.minMatch))
	})
}

// judge scores every text with every picture, batch of pictures by batch; one of
// the two is single.
func (f *rerankFlags) judge(ctx context.Context, e *encoder, texts, files []string) ([]judged, error) {
	line := e.skips.line
	defer line.Clear()
	queries, err := e.m.EncodeTexts(ctx, texts)
	if err != nil {
		return nil, err
	}
	line.Start(e.count())
	var all []judged
	for names := range slices.Chunk(files, encodeBatch) {
		names, pictures := e.prepare(names)
		if len(names) == 0 {
			continue
		}
		pairs, err := e.m.judgeBatch(ctx, queries, pictures)
		if err != nil {
			return nil, err
		}
		for i := range pairs {
			if f.picture == "" {
				pairs[i].Path = names[i]
			} else {
				pairs[i].Text = texts[i]
			}
		}
		all = append(all, pairs...)
		e.done += len(names)
		line.Count(e.count())
	}
	if e.done == 0 {
		return nil, errNoPicture
	}
	return all, nil
}

// judgeBatch is judge for pictures encoded at once: texts outside, pictures inside.
func (m *model) judgeBatch(ctx context.Context, queries []loopitr.Encoding, pictures []loopitr.Picture) ([]judged, error) {
	images, err := m.EncodeImages(ctx, pictures)
	if err != nil {
		return nil, err
	}
	var pairs []loopitr.Pair
	var all []judged
	for _, q := range queries {
		for _, p := range images {
			pairs = append(pairs, loopitr.Pair{Text: q.States, Image: p.States})
			all = append(all, judged{Dual: dot(q.Vector, p.Vector)})
		}
	}
	odds, err := m.Match(ctx, pairs)
	if err != nil {
		return nil, err
	}
	rule := m.Rule()
	for i, z := range odds {
		all[i].Score = rule.Score(z, all[i].Dual)
		all[i].Match = float32(1 / (1 + math.Exp(-float64(z))))
	}
	return all, nil
}

func dot(a, b loopitr.Vector) float32 {
	var sum float64
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return float32(sum)
}

// ranked orders pairs by score, without those below the cut.
func ranked(all []judged, minMatch float32) []judged {
	all = slices.DeleteFunc(all, func(j judged) bool { return j.Match < minMatch })
	slices.SortStableFunc(all, func(a, b judged) int { return cmp.Compare(b.Score, a.Score) })
	for i := range all {
		all[i].Rank = i + 1
	}
	return all
}

func (f *rerankFlags) print(w io.Writer, line *terminal.Line, all []judged) error {
	switch {
	case f.json:
		if err := printJSON(w, all); err != nil {
			return err
		}
	case f.jsonl:
		e := json.NewEncoder(w)
		for _, j := range all {
			if err := e.Encode(j); err != nil {
				return err
			}
		}
	case len(all) > 0:
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "#\tscore\tmatch\tdual\tpair")
		for _, j := range all {
			fmt.Fprintf(t, "%d\t%.3f\t%.1f%%\t%.3f\t%s\n", j.Rank, j.Score, 100*j.Match, j.Dual, terminal.Printable(j.Path+j.Text))
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	if len(all) == 0 {
		line.Keep("nothing is above --min-match")
		return errNothing
	}
	return nil
}
