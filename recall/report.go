package recall

import (
	"cmp"
	"fmt"

	"github.com/loopitr/loopitr"
)

// Figures are one direction's results. Recall and mAP@R are percentages of the
// queries, ranks count from 1.
type Figures struct {
	R1         float64 `json:"r1"`
	R5         float64 `json:"r5"`
	R10        float64 `json:"r10"`
	MedianRank float64 `json:"median_rank"`
	MeanRank   float64 `json:"mean_rank"`
	// MAPR is mean average precision at R, where R is the number of a query's
	// positives (ECCV Caption).
	MAPR float64 `json:"map_r"`
}

// Interval is the lower and the upper end of a bootstrap interval.
type Interval [2]float64

// Intervals belong to the fields of Figures with the same names.
type Intervals struct {
	R1         Interval `json:"r1"`
	R5         Interval `json:"r5"`
	R10        Interval `json:"r10"`
	MedianRank Interval `json:"median_rank"`
	MeanRank   Interval `json:"mean_rank"`
	MAPR       Interval `json:"map_r"`
}

// Direction is what queries in one direction came to.
type Direction struct {
	Figures
	Queries   int       `json:"queries"`
	Intervals Intervals `json:"intervals,omitzero"` // zero: none were made
}

// Report is both directions of one way of retrieving.
type Report struct {
	ImageToText Direction `json:"i2t"`
	TextToImage Direction `json:"t2i"`
	// RSum is the sum of R1, R5 and R10 of both directions, at most 600.
	RSum         float64  `json:"rsum"`
	RSumInterval Interval `json:"rsum_interval,omitzero"`
}

// Answers are where one way of retrieving put what each query asks for, in both
// directions.
type Answers struct{ ImageToText, TextToImage []Query }

// Measured is a Report that others can be compared with.
type Measured struct {
	Report
	answers   Answers
	bootstrap Bootstrap
	draws     drawn // empty: no intervals
}

// Measure measures both directions and their intervals. Queries of the same
// Picture are resampled together, in both directions at once. A direction without
// queries is all zero. The error wraps loopitr.ErrInvalid when a rank is
// impossible or the bootstrap's settings are.
func Measure(a Answers, b Bootstrap) (Measured, error) {
	if err := cmp.Or(b.Validate(), a.validate()); err != nil {
		return Measured{}, err
	}
	m := Measured{Report: a.report(), answers: a, bootstrap: b}
	if b.Resamples >= 0 {
		m.draws = b.draw(a)
		m.draws.fill(&m.Report, b.level())
	}
	return m, nil
}

// Summarize is Measure for the Report alone.
func Summarize(a Answers, b Bootstrap) (Report, error) {
	m, err := Measure(a, b)
	return m.Report, err
}

// report has no intervals.
func (a Answers) report() Report {
	r := Report{
		ImageToText: Direction{Figures: figures(a.ImageToText), Queries: len(a.ImageToText)},
		TextToImage: Direction{Figures: figures(a.TextToImage), Queries: len(a.TextToImage)},
	}
	r.RSum = recallSum(r.ImageToText.Figures, r.TextToImage.Figures)
	return r
}

func (a Answers) validate() error {
	side := func(name string, queries []Query) error {
		for i, q := range queries {
			if err := q.validate(); err != nil {
				return fmt.Errorf("measure %s: query %d: %w", name, i, err)
			}
		}
		return nil
	}
	return cmp.Or(side("image-to-text", a.ImageToText), side("text-to-image", a.TextToImage))
}

func (q Query) validate() error {
	if q.Rank < 1 || len(q.Positives) == 0 || q.Positives[0] < 1 {
		return fmt.Errorf("impossible ranks %d, %v: %w", q.Rank, q.Positives, loopitr.ErrInvalid)
	}
	for i := 1; i < len(q.Positives); i++ {
		if q.Positives[i] <= q.Positives[i-1] {
			return fmt.Errorf("ranks %v do not rise: %w", q.Positives, loopitr.ErrInvalid)
		}
	}
	return nil
}

// At returns the percentage of queries whose best own partner is among the first
// k, 0 without queries.
func At(queries []Query, k int) float64 {
	hits := 0
	for _, q := range queries {
		if q.Rank <= k {
			hits++
		}
	}
	if len(queries) == 0 {
		return 0
	}
	return 100 * float64(hits) / float64(len(queries))
}

// averagePrecision is the mean over the first R places of the precision at the
// places that hold a positive, where R positives exist.
func (q Query) averagePrecision() float64 {
	r := len(q.Positives)
	sum := 0.0
	for i, rank := range q.Positives {
		if rank > r {
			break
		}
		sum += float64(i+1) / float64(rank)
	}
	return sum / float64(r)
}

func figures(queries []Query) Figures {
	s := newSample(queries, func(int) int { return 0 }, 1)
	return s.figures([]int{1})
}

func recallSum(a, b Figures) float64 {
	return a.R1 + a.R5 + a.R10 + b.R1 + b.R5 + b.R10
}
