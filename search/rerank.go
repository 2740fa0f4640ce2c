package search

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"

	"github.com/loopitr/loopitr"
)

// candidate is what the dual encoder found, and the judgement on it.
type candidate struct {
	loopitr.Neighbour
	dualRank int
	judged   bool
	score    float32 // the cosine until judged
	match    float32
}

func (c candidate) hit(rank int) loopitr.Hit {
	h := loopitr.Hit{
		Path: c.Item.Path, Score: c.score, Dual: c.Cosine,
		Rank: rank, DualRank: c.dualRank, Duplicates: c.Duplicates,
	}
	if c.judged {
		h.Match = &c.match
	}
	return h
}

// Why hits stay in the dual encoder's order.
const (
	reasonNotAsked   = "re-ranking was not asked for"
	reasonNothing    = "nothing was found"
	reasonNoMatcher  = "the model has no cross encoder"
	reasonNoText     = "the query has no text: the cross encoder judges text with pictures"
	reasonNoTokens   = "no candidate has image tokens"
	reasonOutOfTime  = "the deadline passed before re-ranking was done"
	reasonPictureOff = "image tokens cannot be made here and the index holds none"
)

// rerank judges the first q.Rerank candidates and writes the judgement into them.
// With several texts, z is their mean log-odds weighted like the query, so that a
// negative text counts for pictures that do not match it.
//
// Without a judgement, reason says why. A passed deadline is a reason, not an
// error: the dual encoder's answer stands.
func (s *Searcher) rerank(ctx context.Context, q loopitr.Query, query encodedQuery, all []candidate) (judged int, reason string, err error) {
	switch {
	case q.Rerank == 0:
		return 0, reasonNotAsked, nil
	case len(all) == 0:
		return 0, reasonNothing, nil
	case s.config.Matcher == nil:
		return 0, reasonNoMatcher, nil
	case len(query.texts) == 0:
		return 0, reasonNoText, nil
	}
	judged, reason, err = s.judge(ctx, query.texts, all[:min(q.Rerank, len(all))])
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return 0, reasonOutOfTime, nil
	}
	return judged, reason, err
}

// judge changes nothing unless it succeeds.
func (s *Searcher) judge(ctx context.Context, texts []weightedStates, candidates []candidate) (int, string, error) {
	tokens, reason, err := s.tokens(ctx, candidates)
	if err != nil || reason != "" {
		return 0, reason, err
	}
	var pairs []loopitr.Pair
	for _, text := range texts { // runs of one caption are the matcher's cheap case
		for _, t := range tokens {
			if t.Count > 0 {
				pairs = append(pairs, loopitr.Pair{Text: text.states, Image: t})
			}
		}
	}
	if len(pairs) == 0 {
		return 0, reasonNoTokens, nil
	}
	odds, err := s.config.Matcher.Match(ctx, pairs)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return 0, "", err
	}
	if len(odds) != len(pairs) {
		panic(fmt.Sprintf("search: %d judgements of %d pairs", len(odds), len(pairs)))
	}
	rule := s.config.Matcher.Rule()
	scored := len(pairs) / len(texts)
	at := 0
	for i := range candidates {
		if tokens[i].Count == 0 {
			continue
		}
		var z, weights float64
		for t, text := range texts {
			z += float64(text.weight) * float64(odds[t*scored+at])
			weights += math.Abs(float64(text.weight))
		}
		at++
		z /= weights
		if math.IsNaN(z) {
			return 0, "", fmt.Errorf("judge %q: the cross encoder says NaN: are the model's weights damaged?: %w",
				candidates[i].Item.Path, loopitr.ErrCorrupt)
		}
		candidates[i].score = rule.Score(float32(z), candidates[i].Cosine)
		candidates[i].match = sigmoid(z)
	}
	for i := range candidates {
		candidates[i].judged = tokens[i].Count > 0
	}
	return len(pairs), "", nil
}

func sigmoid(z float64) float32 { return float32(1 / (1 + math.Exp(-z))) }

// tokens takes image tokens from the index and has the missing ones made.
func (s *Searcher) tokens(ctx context.Context, candidates []candidate) ([]loopitr.States, string, error) {
	paths := make([]string, len(candidates))
	for i, c := range candidates {
		paths[i] = c.Item.Path
	}
	tokens, err := s.config.Index.States(ctx, paths)
	if err != nil {
		return nil, "", err
	}
	var missing []loopitr.Item
	var at []int
	for i, t := range tokens {
		if t.Count == 0 {
			missing, at = append(missing, candidates[i].Item), append(at, i)
		}
	}
	if len(missing) == 0 {
		return tokens, "", nil
	}
	if s.config.Tokens == nil {
		if len(missing) == len(tokens) {
			return nil, reasonPictureOff, nil
		}
		return tokens, "", nil
	}
	made, err := s.config.Tokens(ctx, missing)
	if err != nil {
		return nil, "", err
	}
	if len(made) != len(missing) {
		panic(fmt.Sprintf("search: image tokens of %d of %d items", len(made), len(missing)))
	}
	for i, t := range made {
		tokens[at[i]] = t
	}
	return tokens, "", nil
}

// TokensFrom makes image tokens from the indexed folder's files, for
// Config.Tokens. A file that is gone, changed since, not readable or larger than
// 256 MiB gives none.
func TokensFrom(folder fs.FS, p loopitr.Preparer, e loopitr.Encoder) func(context.Context, []loopitr.Item) ([]loopitr.States, error) {
	return func(ctx context.Context, items []loopitr.Item) ([]loopitr.States, error) {
		tokens := make([]loopitr.States, len(items))
		var pictures []loopitr.Picture
		var at []int
		for i, item := range items {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			encoded, err := readItem(folder, item)
			if err != nil || hashOf(encoded) != item.Hash {
				continue
			}
			if picture, _, err := p.Prepare(encoded); err == nil {
				pictures, at = append(pictures, picture), append(at, i)
			}
		}
		if len(pictures) == 0 {
			return tokens, nil
		}
		encodings, err := e.EncodeImages(ctx, pictures)
		if err != nil {
			return nil, err
		}
		for i, encoding := range encodings {
			tokens[at[i]] = encoding.States
		}
		return tokens, nil
	}
}
