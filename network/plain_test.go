package network_test

import (
	"fmt"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/loopitr/loopitr/network"
)

// No product of the towers or of re-ranking, folded or not, is left to the engine's
// plain loop: the engine refuses to compile one. Packages train and infer compile
// what they run.
func TestForwardHasNoPlainProduct(t *testing.T) {
	t.Setenv("LOOPITR_TEST_ENGINE", "cpu:plain=refuse")
	for name, c := range variants() {
		if _, err := newSample(c).try(t, everything); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, c := range []network.Config{network.Nano(), network.Base()} {
		folds := 0
		for _, words := range []int{4, 8, 32} {
			each := reranking(words)
			each.captions, each.caption = 16, nil
			for _, m := range []meeting{reranking(words), each} {
				t.Run(fmt.Sprintf("%d wide, %d captions of %d words", c.Text.Width, m.captions, words), func(t *testing.T) {
					m.graph(t, c, func(n network.LoopITR, p network.Pairs) []*Node {
						plain, cheap := n.Match(p), folded(n, p)
						if multiplications(t, cheap) < multiplications(t, plain) {
							folds++
						}
						return []*Node{plain, cheap}
					})
				})
			}
		}
		if folds == 0 {
			t.Errorf("%d wide: nothing was folded", c.Text.Width)
		}
	}
}
