// Package search answers queries from an index and fills an index from a folder
// of pictures. One query runs in this order: Searcher.Search encodes it, the index
// finds what is nearest, the cross encoder judges the first of those again.
//
// It opens no models and knows no kind of index: it works on the contracts of
// package loopitr only. Start with New and Build; ParseFilter and ParseParts read
// what people type.
package search

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/loopitr/loopitr"
)

const (
	// DefaultCount is how many hits Text asks for.
	DefaultCount = 10
	// DefaultRerank is the paper's operating point: 16 candidates are judged.
	DefaultRerank = 16
)

// Text is the plain query: one caption, the default number of hits, re-ranked.
func Text(caption string) loopitr.Query {
	return loopitr.Query{Parts: []loopitr.Part{{Weight: 1, Text: caption}}, Count: DefaultCount, Rerank: DefaultRerank}
}

// Config is what a Searcher works with.
type Config struct {
	Index   loopitr.Index
	Encoder loopitr.Encoder
	// Matcher judges candidates; without one, hits stay in the dual encoder's order.
	Matcher loopitr.Matcher
	// Preparer reads picture queries; without one they are refused.
	Preparer loopitr.Preparer
	// Tokens makes the image tokens that the index does not hold, in order;
	// States with Count 0 say that an item cannot be judged. It may be nil.
	// See TokensFrom.
	Tokens func(ctx context.Context, items []loopitr.Item) ([]loopitr.States, error)
}

// Searcher answers queries. It may be used concurrently and owns nothing.
type Searcher struct{ config Config }

// New wraps ErrInvalid when the index is of another model than the encoder.
func New(c Config) (*Searcher, error) {
	if c.Index == nil || c.Encoder == nil {
		return nil, fmt.Errorf("search: index or encoder is missing: %w", loopitr.ErrInvalid)
	}
	if err := sameModel(c.Index, c.Encoder); err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	return &Searcher{c}, nil
}

func sameModel(x loopitr.Index, e loopitr.Encoder) error {
	if x.Fingerprint() != e.Fingerprint() {
		return fmt.Errorf("the index was made by model %q, this is model %q: %w",
			x.Fingerprint(), e.Fingerprint(), loopitr.ErrInvalid)
	}
	return nil
}

// Search answers a query. It wraps ErrInvalid for a query that can never work,
// ErrNotFound for a stored item that is not there, and ErrUnavailable when ctx's
// deadline passes before the nearest are known. When it passes later, the hits
// are returned in the dual encoder's order and Result.Reason says so.
func (s *Searcher) Search(ctx context.Context, q loopitr.Query) (loopitr.Result, error) {
	r, err := s.search(ctx, q, "")
	if err != nil {
		return loopitr.Result{}, fmt.Errorf("search: %w", late(err))
	}
	return r, nil
}

// Similar finds pictures like the stored one at path, without that one and its
// duplicates. Parts that q has are mixed in. Its errors are those of Search.
func (s *Searcher) Similar(ctx context.Context, path string, q loopitr.Query) (loopitr.Result, error) {
	q.Parts = append([]loopitr.Part{{Weight: 1, Item: path}}, q.Parts...)
	r, err := s.search(ctx, q, path)
	if err != nil {
		return loopitr.Result{}, fmt.Errorf("similar to %q: %w", path, late(err))
	}
	return r, nil
}

// late gives a passed deadline its kind.
func late(err error) error {
	if errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, loopitr.ErrUnavailable) {
		return fmt.Errorf("%w: %w", err, loopitr.ErrUnavailable)
	}
	return err
}

// search leaves out the content of the item at without.
func (s *Searcher) search(ctx context.Context, q loopitr.Query, without string) (loopitr.Result, error) {
	var r loopitr.Result
	if err := validate(q); err != nil {
		return r, err
	}
	started := time.Now()
	query, err := s.encode(ctx, q.Parts)
	if err != nil {
		return r, err
	}
	started = lap(&r.Seconds.Encode, started)
	found, err := s.nearest(ctx, q, query.vector, without)
	if err != nil {
		return r, err
	}
	started = lap(&r.Seconds.Nearest, started)

	candidates := make([]candidate, len(found))
	for i, n := range found {
		candidates[i] = candidate{Neighbour: n, dualRank: i + 1, score: n.Cosine}
	}
	judged, reason, err := s.rerank(ctx, q, query, candidates)
	if err != nil {
		return r, err
	}
	lap(&r.Seconds.Match, started)
	r.Judged, r.Reason, r.Reranked = judged, reason, judged > 0
	r.Hits, r.BelowMatch = cut(q, candidates, r.Reranked)
	return r, nil
}

func lap(stage *float64, started time.Time) time.Time {
	now := time.Now()
	*stage = now.Sub(started).Seconds()
	return now
}

func validate(q loopitr.Query) error {
	switch {
	case len(q.Parts) == 0:
		return fmt.Errorf("the query is empty: %w", loopitr.ErrInvalid)
	case q.Count < 1:
		return fmt.Errorf("count %d: %w", q.Count, loopitr.ErrInvalid)
	case q.Rerank < 0:
		return fmt.Errorf("rerank %d: %w", q.Rerank, loopitr.ErrInvalid)
	case !(q.MinMatch >= 0 && q.MinMatch <= 1):
		return fmt.Errorf("min match %v is not a probability: %w", q.MinMatch, loopitr.ErrInvalid)
	}
	for i, p := range q.Parts {
		set := 0
		for _, given := range []bool{p.Text != "", p.Picture != nil, p.Item != ""} {
			if given {
				set++
			}
		}
		if set != 1 {
			return fmt.Errorf("part %d of the query: want exactly one of text, picture and item: %w", i+1, loopitr.ErrInvalid)
		}
		if w := float64(p.Weight); w == 0 || math.IsNaN(w) || math.IsInf(w, 0) {
			return fmt.Errorf("part %d of the query: weight %v: %w", i+1, p.Weight, loopitr.ErrInvalid)
		}
	}
	return nil
}

// nearest finds enough for both the answer and the judge.
func (s *Searcher) nearest(ctx context.Context, q loopitr.Query, v loopitr.Vector, without string) ([]loopitr.Neighbour, error) {
	l := loopitr.Lookup{Vector: v, Filter: q.Filter, Count: max(q.Count, q.Rerank)}
	if without == "" {
		return s.config.Index.Nearest(ctx, l)
	}
	left, _, err := s.config.Index.Item(ctx, without)
	if err != nil {
		return nil, err
	}
	l.Count++
	found, err := s.config.Index.Nearest(ctx, l)
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(n loopitr.Neighbour) bool { return n.Item.Hash == left.Hash })
	return found[:min(len(found), l.Count-1)], nil
}

// cut orders what was judged by score before what was not, applies MinMatch if
// there was a judgement, and numbers the first Count.
func cut(q loopitr.Query, candidates []candidate, reranked bool) (hits []loopitr.Hit, below int) {
	slices.SortStableFunc(candidates, func(a, b candidate) int {
		switch {
		case a.judged && b.judged:
			return cmp.Compare(b.score, a.score)
		case a.judged:
			return -1
		case b.judged:
			return 1
		}
		return 0
	})
	hits = []loopitr.Hit{}
	for _, c := range candidates {
		if reranked && q.MinMatch > 0 && (!c.judged || c.match < q.MinMatch) {
			if c.judged {
				below++
			}
			continue
		}
		if len(hits) < q.Count {
			hits = append(hits, c.hit(len(hits)+1))
		}
	}
	return hits, below
}
