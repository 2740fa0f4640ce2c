package eval

import (
	"cmp"

	"github.com/loopitr/loopitr/recall"
)

// Result is a measurement in numbers, as it is written to JSON. Recall and mAP@R
// are percentages.
type Result struct {
	Images   int `json:"images"`
	Captions int `json:"captions"`
	// Level of the intervals, 0.95 for 95 %; 0 where none were made.
	Level float64       `json:"interval_level,omitzero"`
	Dual  recall.Report `json:"dual"`
	// Reranked goes by the matcher's own rule, as search does; nil when nothing
	// was re-ranked.
	Reranked *Reranked `json:"reranked,omitempty"`
	// MatchOnly is the paper's rule, weight 0; nil when that is the matcher's own.
	MatchOnly *Reranked `json:"reranked_match_only,omitempty"`
	Seconds   Seconds   `json:"seconds"`
	Skipped   []Skip    `json:"skipped,omitempty"`
}

// Reranked is what two-stage retrieval came to.
type Reranked struct {
	// K is how many candidates of each query were judged, the larger gallery's
	// size when all were.
	K      int     `json:"k"`
	Weight float32 `json:"weight"`
	// Pairs is how many different pairs were judged for both directions.
	Pairs int `json:"pairs"`
	recall.Report
	// Gap is how much higher than the dual encoder's the recall is.
	Gap recall.Gap `json:"gap"`
}

// Result reports the dual encoder, the matcher's own rule, and the paper's where
// it is another.
func (s *Scores) Result(b recall.Bootstrap) (Result, error) {
	r := Result{Images: s.Images, Captions: s.Captions, Seconds: s.Seconds, Skipped: s.Skipped}
	if b.Resamples >= 0 {
		r.Level = cmp.Or(b.Level, recall.DefaultLevel)
	}
	dual, err := s.measure(Order{}, b)
	if err != nil {
		return r, err
	}
	if r.Dual = dual.Report; s.Rerank == 0 {
		return r, nil
	}
	if r.Reranked, err = s.reranked(dual, s.Rule.Weight, b); err != nil || s.Rule.Weight == 0 {
		return r, err
	}
	r.MatchOnly, err = s.reranked(dual, 0, b)
	return r, err
}

func (s *Scores) reranked(dual recall.Measured, weight float32, b recall.Bootstrap) (*Reranked, error) {
	m, err := s.measure(Order{Rerank: s.Rerank, Weight: weight}, b)
	if err != nil {
		return nil, err
	}
	gap, err := m.GapTo(dual)
	if err != nil {
		return nil, err
	}
	k := s.Rerank
	if k == All {
		k = s.most()
	}
	return &Reranked{K: k, Weight: weight, Pairs: s.pairs, Report: m.Report, Gap: gap}, nil
}
