package main

import (
	"strings"
	"testing"
	"time"

	"github.com/loopitr/loopitr/train"
)

// A terminal of 80 columns cuts a line's end off.
func TestWhatMattersMostIsInTheFirstColumns(t *testing.T) {
	text := stepText(train.Progress{
		Steps: 123456, Left: 100*time.Hour + 12*time.Minute,
		Measure: train.Measure{Step: 12345, Train: &train.StepMeasure{
			Loss: 12.345, Parts: map[string]float64{"contrast": 4.1, "match": 1.2, "distill": 0.3, "masked_tokens": 7.1},
			Temperature: 0.07, GradientNorm: 12.3, PairsPerSecond: 1234,
		}},
	})
	first := text[:80]
	for _, want := range []string{"step 12345/123456", "100h12m0s left", "1234 pairs/s", "temperature 0.0700", "loss 12.345"} {
		if !strings.Contains(first, want) {
			t.Errorf("%q is not within %q", want, first)
		}
	}
}
