package eval_test

import (
	"context"
	"slices"
	"testing"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/eval"
)

// large is the size of Flickr30K's test split.
func large() (*fake, eval.Split) {
	const pictures, captions, width = 1000, 5000, 256
	f := &fake{rule: loopitr.ScoreRule{Temperature: 0.07}, z: func(c, p int) float32 { return float32((c*7 + p*13) % 19) }}
	vector := func(seed int) loopitr.Vector {
		v := make(loopitr.Vector, width)
		for d := range v {
			v[d] = float32((seed*31+d*17)%101) / 1000
		}
		return v
	}
	for i := range pictures {
		f.images = append(f.images, vector(i))
	}
	for i := range captions {
		f.texts = append(f.texts, vector(i))
	}
	return f, split(slices.Repeat([]int{captions / pictures}, pictures), distinct)
}

func BenchmarkDual(b *testing.B) {
	f, s := large()
	for b.Loop() {
		scores, err := eval.Measure(context.Background(), f.model(), s, eval.Config{})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(2*float64(scores.Images*scores.Captions)/scores.Seconds.Dual/1e6, "Mscores/s")
	}
}

func BenchmarkChooseWeight(b *testing.B) {
	f, s := large()
	scores, err := eval.Measure(context.Background(), f.model(), s, eval.Config{Rerank: 16})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := scores.ChooseWeight(); err != nil {
			b.Fatal(err)
		}
	}
}
