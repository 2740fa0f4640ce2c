package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/loopitr/loopitr"
	"github.com/spf13/cobra"
)

func newSimilar(g *global, std streams) *cobra.Command {
	var f searchFlags
	c := &cobra.Command{
		Use:   "similar PATH|PICTURE [QUERY...]",
		Short: "Find pictures like one of the index, or like a picture file",
		Long: `similar takes a picture of the index by its path there, or any picture file, and
finds what is like it; the picture itself is left out. Words behind it are mixed in.
Only a query with words is re-ranked: the cross encoder judges text with pictures.
` + filterHelp,
		Example: `  loopitr similar --index photos.sqlite trips/2024/beach.jpg
  loopitr similar ~/Downloads/dog.png +0.5 "in the snow" -k 3 --json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return f.similar(c.Context(), g, std, args) },
	}
	f.register(c.Flags())
	return c
}

func (f *searchFlags) similar(ctx context.Context, g *global, std streams, args []string) error {
	var parts []loopitr.Part
	var err error
	if len(args) > 1 {
		if parts, err = parseQuery(args[1:]); err != nil {
			return err
		}
	}
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
	r, err := s.like(limited, args[0], q)
	if err != nil {
		return err
	}
	return f.output.printHits(std, g.line(std), s.folder, r)
}

// like searches with a stored item, by its path in the index or on disk, or else
// with the bytes of a picture file.
func (s *searcher) like(ctx context.Context, name string, q loopitr.Query) (loopitr.Result, error) {
	candidates := []string{filepath.ToSlash(filepath.Clean(name))}
	if inside, err := filepath.Rel(s.folder, absolute(name)); err == nil && filepath.IsLocal(inside) {
		candidates = append(candidates, filepath.ToSlash(inside))
	}
	for _, path := range candidates {
		// Asked for itself: what is not found may be an item that is mixed in.
		if _, _, err := s.index.Item(ctx, path); !errors.Is(err, loopitr.ErrNotFound) {
			return s.Similar(ctx, path, q)
		}
	}
	picture, err := readPicture(name)
	if err != nil {
		return loopitr.Result{}, fmt.Errorf("similar to %q: it is neither in the index nor a file: %w", name, err)
	}
	q.Parts = append([]loopitr.Part{{Weight: 1, Picture: picture}}, q.Parts...)
	return s.Search(ctx, q)
}
