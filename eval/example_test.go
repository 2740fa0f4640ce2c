package eval_test

import (
	"context"
	"fmt"

	"github.com/loopitr/loopitr/eval"
	"github.com/loopitr/loopitr/recall"
)

func ExampleMeasure() {
	// A dual encoder that prefers the neighbour's picture, a cross encoder that knows.
	f := aligned(20)
	scores, err := eval.Measure(context.Background(), f.model(), split(ones(20), distinct), eval.Config{Rerank: 16})
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := scores.Result(recall.Bootstrap{Seed: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("text to image R@1: dual %.0f, re-ranked %.0f\n", r.Dual.TextToImage.R1, r.Reranked.TextToImage.R1)
	// Output: text to image R@1: dual 0, re-ranked 100
}
