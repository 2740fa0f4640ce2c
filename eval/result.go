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
	Gap Gap `json:"gap"`
}

// Gap holds differences in points.
type Gap struct {
	ImageToText RecallGap `json:"i2t"`
	TextToImage RecallGap `json:"t2i"`
	RSum        float64   `json:"rsum"`
}

// RecallGap is one direction of a Gap.
type RecallGap struct {
	R1   float64 `json:"r1"`
	R5   float64 `json:"r5"`
	R10  float64 `json:"r10"`
	MAPR float64 `json:"map_r"`
}

// Result reports the dual encoder, the matcher's own rule, and the paper's where
// it is another.
func (s *Scores) Result(b recall.Bootstrap) (Result, error) {
	r := Result{Images: s.Images, Captions: s.Captions, Seconds: s.Seconds, Skipped: s.Skipped}
	if b.Resamples >= 0 {
		r.Level = cmp.Or(b.Level, recall.DefaultLevel)
	}
	var err error
	if r.Dual, err = s.Report(Order{}, b); err != nil || s.Rerank == 0 {
		return r, err
	}
	if r.Reranked, err = s.reranked(r.Dual, s.Rule.Weight, b); err != nil || s.Rule.Weight == 0 {
		return r, err
	}
	r.MatchOnly, err = s.reranked(r.Dual, 0, b)
	return r, err
}

func (s *Scores) reranked(dual recall.Report, weight float32, b recall.Bootstrap) (*Reranked, error) {
	report, err := s.Report(Order{Rerank: s.Rerank, Weight: weight}, b)
	if err != nil {
		return nil, err
	}
	k := s.Rerank
	if k == All {
		k = s.most()
	}
	return &Reranked{K: k, Weight: weight, Pairs: s.pairs, Report: report, Gap: gap(report, dual)}, nil
}

func gap(a, b recall.Report) Gap {
	side := func(a, b recall.Direction) RecallGap {
		return RecallGap{R1: a.R1 - b.R1, R5: a.R5 - b.R5, R10: a.R10 - b.R10, MAPR: a.MAPR - b.MAPR}
	}
	return Gap{
		ImageToText: side(a.ImageToText, b.ImageToText),
		TextToImage: side(a.TextToImage, b.TextToImage),
		RSum:        a.RSum - b.RSum,
	}
}
