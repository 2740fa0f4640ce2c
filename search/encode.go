package search

import (
	"context"
	"fmt"
	"math"

	"github.com/loopitr/loopitr"
)

// encodedQuery is the mixed vector and what the cross encoder needs of the texts.
type encodedQuery struct {
	vector loopitr.Vector
	texts  []weightedStates
}

type weightedStates struct {
	weight float32
	states loopitr.States
}

// encode runs all texts in one call and all pictures in another.
func (s *Searcher) encode(ctx context.Context, parts []loopitr.Part) (encodedQuery, error) {
	var q encodedQuery
	texts, err := s.encodeTexts(ctx, parts)
	if err != nil {
		return q, err
	}
	pictures, err := s.encodePictures(ctx, parts)
	if err != nil {
		return q, err
	}
	var mix []float64
	for _, p := range parts {
		var v loopitr.Vector
		switch {
		case p.Text != "":
			v = texts[0].Vector
			q.texts = append(q.texts, weightedStates{p.Weight, texts[0].States})
			texts = texts[1:]
		case p.Picture != nil:
			v, pictures = pictures[0].Vector, pictures[1:]
		default:
			if _, v, err = s.config.Index.Item(ctx, p.Item); err != nil {
				return q, err
			}
		}
		if mix == nil {
			mix = make([]float64, len(v))
		}
		if len(v) != len(mix) {
			return q, fmt.Errorf("parts of %d and %d dimensions cannot be mixed: %w", len(mix), len(v), loopitr.ErrInvalid)
		}
		for i, value := range v {
			mix[i] += float64(p.Weight) * float64(value)
		}
	}
	q.vector, err = normalise(mix)
	return q, err
}

// cancelled is the length below which parts have cancelled each other out: what
// is left is rounding, not a direction.
const cancelled = 1e-4

func normalise(mix []float64) (loopitr.Vector, error) {
	var squares float64
	for _, v := range mix {
		squares += v * v
	}
	length := math.Sqrt(squares)
	switch {
	case math.IsNaN(length) || math.IsInf(length, 0):
		return nil, fmt.Errorf("the query's vector is not finite: are the model's weights damaged?: %w", loopitr.ErrCorrupt)
	case length < cancelled:
		return nil, fmt.Errorf("the parts of the query cancel each other out: %w", loopitr.ErrInvalid)
	}
	v := make(loopitr.Vector, len(mix))
	for i := range v {
		v[i] = float32(mix[i] / length)
	}
	return v, nil
}

func (s *Searcher) encodeTexts(ctx context.Context, parts []loopitr.Part) ([]loopitr.Encoding, error) {
	var captions []string
	for _, p := range parts {
		if p.Text != "" {
			captions = append(captions, p.Text)
		}
	}
	if captions == nil {
		return nil, nil
	}
	encodings, err := s.config.Encoder.EncodeTexts(ctx, captions)
	if err == nil && len(encodings) != len(captions) {
		panic(fmt.Sprintf("search: %d encodings of %d captions", len(encodings), len(captions)))
	}
	return encodings, err
}

func (s *Searcher) encodePictures(ctx context.Context, parts []loopitr.Part) ([]loopitr.Encoding, error) {
	var pictures []loopitr.Picture
	for i, p := range parts {
		if p.Picture == nil {
			continue
		}
		if s.config.Preparer == nil {
			return nil, fmt.Errorf("part %d of the query: pictures cannot be read here: %w", i+1, loopitr.ErrUnavailable)
		}
		prepared, _, err := s.config.Preparer.Prepare(p.Picture)
		if err != nil {
			return nil, fmt.Errorf("part %d of the query: %w", i+1, err)
		}
		pictures = append(pictures, prepared)
	}
	if pictures == nil {
		return nil, nil
	}
	encodings, err := s.config.Encoder.EncodeImages(ctx, pictures)
	if err == nil && len(encodings) != len(pictures) {
		panic(fmt.Sprintf("search: %d encodings of %d pictures", len(encodings), len(pictures)))
	}
	return encodings, err
}
