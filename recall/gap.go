package recall

import (
	"fmt"

	"github.com/loopitr/loopitr"
)

// Gap is how much higher one way of retrieving stands than another, in points.
type Gap struct {
	ImageToText DirectionGap `json:"i2t"`
	TextToImage DirectionGap `json:"t2i"`
	RSum        float64      `json:"rsum"`
	// RSumInterval is of the difference, as are all of a gap's intervals.
	RSumInterval Interval `json:"rsum_interval,omitzero"`
}

// DirectionGap is one direction of a Gap.
type DirectionGap struct {
	R1        float64      `json:"r1"`
	R5        float64      `json:"r5"`
	R10       float64      `json:"r10"`
	MAPR      float64      `json:"map_r"`
	Intervals GapIntervals `json:"intervals,omitzero"` // zero: none were made, or no draw has a gap
}

// GapIntervals belong to the fields of DirectionGap with the same names.
type GapIntervals struct {
	R1   Interval `json:"r1"`
	R5   Interval `json:"r5"`
	R10  Interval `json:"r10"`
	MAPR Interval `json:"map_r"`
}

// GapTo measures how much higher m stands than base. Both are measured on the same
// draws of pictures (the paired bootstrap): an interval that holds 0 says that these
// pictures do not tell the two apart, and the two reports' intervals, which overlap
// sooner, do not say that. The error wraps loopitr.ErrInvalid when the two do not
// answer the same queries in the same order, or were not drawn alike.
func (m Measured) GapTo(base Measured) (Gap, error) {
	if !sameQueries(m.answers.ImageToText, base.answers.ImageToText) || !sameQueries(m.answers.TextToImage, base.answers.TextToImage) {
		return Gap{}, fmt.Errorf("compare answers: they are not to the same queries: %w", loopitr.ErrInvalid)
	}
	if m.bootstrap != base.bootstrap {
		return Gap{}, fmt.Errorf("compare answers: drawn by %+v and by %+v: %w", m.bootstrap, base.bootstrap, loopitr.ErrInvalid)
	}
	g := Gap{
		ImageToText: minus(m.ImageToText.Figures, base.ImageToText.Figures),
		TextToImage: minus(m.TextToImage.Figures, base.TextToImage.Figures),
		RSum:        m.RSum - base.RSum,
	}
	if len(m.draws.rsum) == 0 {
		return g, nil
	}
	above, below, level := m.draws, base.draws, m.bootstrap.level()
	g.ImageToText.Intervals = gapIntervals(above.images, below.images, level)
	g.TextToImage.Intervals = gapIntervals(above.texts, below.texts, level)
	rsum := make([]float64, len(above.rsum))
	for i := range rsum {
		rsum[i] = above.rsum[i] - below.rsum[i]
	}
	g.RSumInterval = percentiles(rsum, level)
	return g, nil
}

func sameQueries(a, b []Query) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Picture != b[i].Picture {
			return false
		}
	}
	return true
}

func minus(a, b Figures) DirectionGap {
	return DirectionGap{R1: a.R1 - b.R1, R5: a.R5 - b.R5, R10: a.R10 - b.R10, MAPR: a.MAPR - b.MAPR}
}

func gapIntervals(above, below []Figures, level float64) GapIntervals {
	gaps := make([]DirectionGap, len(above))
	for i := range gaps {
		gaps[i] = minus(above[i], below[i])
	}
	return GapIntervals{
		R1:   intervalOf(gaps, func(g DirectionGap) float64 { return g.R1 }, level),
		R5:   intervalOf(gaps, func(g DirectionGap) float64 { return g.R5 }, level),
		R10:  intervalOf(gaps, func(g DirectionGap) float64 { return g.R10 }, level),
		MAPR: intervalOf(gaps, func(g DirectionGap) float64 { return g.MAPR }, level),
	}
}
