package eval

import (
	"fmt"
	"math"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/recall"
)

// Weights are the weights that ChooseWeight tries: 0 and four in each doubling
// from 1/64 to 64. The ends are as good as the match alone and the cosine alone.
func Weights() []float32 {
	weights := []float32{0}
	for i := -24; i <= 24; i++ {
		weights = append(weights, float32(math.Exp2(float64(i)/4)))
	}
	return weights
}

// ChooseWeight returns the weight of the dual logit that gives the highest sum of
// recalls, the lowest such weight when several do. Scores must come from
// validation, never from the split that is reported. The error wraps
// loopitr.ErrInvalid when nothing was re-ranked or the temperature is not above zero.
func (s *Scores) ChooseWeight() (float32, error) {
	if s.Rerank == 0 {
		return 0, fmt.Errorf("choose weight: nothing was re-ranked: %w", loopitr.ErrInvalid)
	}
	best, highest := float32(0), -1.0
	for _, w := range Weights() {
		r, err := s.Report(Order{Rerank: s.Rerank, Weight: w}, recall.Bootstrap{Resamples: -1})
		if err != nil {
			return 0, fmt.Errorf("choose weight: %w", err)
		}
		// Sums of percentages differ in the last bits for equal counts of hits.
		if r.RSum > highest+1e-9 {
			best, highest = w, r.RSum
		}
	}
	return best, nil
}
