package recall

import (
	"cmp"
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
	Intervals GapIntervals `json:"intervals,omitzero"` // zero: none were made
}

// GapIntervals belong to the fields of DirectionGap with the same names.
type GapIntervals struct {
	R1   Interval `json:"r1"`
	R5   Interval `json:"r5"`
	R10  Interval `json:"r10"`
	MAPR Interval `json:"map_r"`
}

// Compare measures how much higher a stands than b. Both are measured on the same
// draws of pictures (the paired bootstrap), so that an interval is narrower than
// those of the two reports let think, and one that holds 0 says that this many
// pictures do not tell the two apart. The error wraps loopitr.ErrInvalid when a
// and b do not answer the same queries in the same order, and as Summarize's does.
func Compare(a, b Answers, s Bootstrap) (Gap, error) {
	if err := cmp.Or(s.Validate(), a.validate(), b.validate()); err != nil {
		return Gap{}, err
	}
	if !sameQueries(a.ImageToText, b.ImageToText) || !sameQueries(a.TextToImage, b.TextToImage) {
		return Gap{}, fmt.Errorf("compare answers: they are not to the same queries: %w", loopitr.ErrInvalid)
	}
	more, less := a.report(), b.report()
	g := Gap{
		ImageToText: over(more.ImageToText.Figures, less.ImageToText.Figures),
		TextToImage: over(more.TextToImage.Figures, less.TextToImage.Figures),
		RSum:        more.RSum - less.RSum,
	}
	if s.none() {
		return g, nil
	}
	above, below := s.draw(a), s.draw(b)
	level := cmp.Or(s.Level, DefaultLevel)
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

func over(a, b Figures) DirectionGap {
	return DirectionGap{R1: a.R1 - b.R1, R5: a.R5 - b.R5, R10: a.R10 - b.R10, MAPR: a.MAPR - b.MAPR}
}

func gapIntervals(above, below []Figures, level float64) GapIntervals {
	gaps := make([]DirectionGap, len(above))
	for i := range gaps {
		gaps[i] = over(above[i], below[i])
	}
	return GapIntervals{
		R1:   spread(gaps, func(g DirectionGap) float64 { return g.R1 }, level),
		R5:   spread(gaps, func(g DirectionGap) float64 { return g.R5 }, level),
		R10:  spread(gaps, func(g DirectionGap) float64 { return g.R10 }, level),
		MAPR: spread(gaps, func(g DirectionGap) float64 { return g.MAPR }, level),
	}
}
