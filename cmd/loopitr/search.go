package main

import (
	"context"

	"github.com/loopitr/loopitr"
	"github.com/spf13/cobra"
)

func newSearch(g *global, std streams) *cobra.Command {
	var f searchFlags
	c := &cobra.Command{
		Use:   "search QUERY...",
		Short: "Search an index by words, by pictures or by a mix of both",
		Long: `search finds the pictures of an index that fit the query (dual encoder) and has the
best judged one by one (cross encoder). The table shows each hit's rank, its rank
before re-ranking, its score, the probability that it matches, the dual encoder's
cosine and its path.

A query is a caption, ./picture.jpg, item:STORED/PATH, or a weighted mix of these:
+0.5 "at night" -0.3 people. Exit code 1 means no hit, or none above --min-match.
` + filterHelp,
		Example: `  loopitr search --index photos.sqlite "a red apple" --min-match 0.5
  loopitr search ./beach.jpg +0.5 "at night" -0.3 people --where 'taken:2024 -ext:gif' -k 5 --json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			parts, err := parseQuery(args)
			if err != nil {
				return err
			}
			return f.search(c.Context(), g, std, parts)
		},
	}
	f.register(c.Flags())
	return c
}

func (f *searchFlags) search(ctx context.Context, g *global, std streams, parts []loopitr.Part) (err error) {
	q, err := f.query(parts)
	if err != nil {
		return err
	}
	s, err := g.openSearcher(ctx, f)
	if err != nil {
		return err
	}
	defer s.Close() // only read
	limited, cancel := f.limited(ctx)
	defer cancel()
	r, err := s.Search(limited, q)
	if err != nil {
		return err
	}
	return f.output.printHits(std, g.line(std), s.folder, r)
}
