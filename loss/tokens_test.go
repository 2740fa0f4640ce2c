package loss_test

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/google/go-cmp/cmp"

	"github.com/loopitr/loopitr/internal/engine"
	"github.com/loopitr/loopitr/loss"
)

func maskedTokens(in []*Node) []*Node { return []*Node{loss.MaskedTokens(in[0], in[1], in[2])} }

func TestMaskedTokensByHand(t *testing.T) {
	ln := func(x float64) float32 { return float32(math.Log(x)) }
	logits := engine.Floats([]float32{0, 0, 0, ln(2), 0, 0, 50, 0, 0, 0, ln(6), 0}, 2, 2, 3)
	targets := engine.Ints([]int64{0, 0, 1, 1}, 2, 2)
	for name, test := range map[string]struct {
		weights []float32
		want    float64
	}{
		"all":  {[]float32{1, 1, 1, 1}, (math.Log(3) + math.Log(2) + 50 + math.Log(8.0/6)) / 4},
		"some": {[]float32{0, 1, 0, 1}, (math.Log(2) + math.Log(8.0/6)) / 2},
		"none": {[]float32{0, 0, 0, 0}, 0},
	} {
		got := run(t, maskedTokens, logits, targets, engine.Floats(test.weights, 2, 2))
		if diff := cmp.Diff(test.want, scalar(got[0]), near); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestMaskedTokensGradient(t *testing.T) {
	logits := engine.Floats([]float32{0, 1, -1, 2, 0, 0.5, 1, 1, 1}, 3, 3)
	checkGradient(t, maskedTokens, logits, ids(0, 2, 1), engine.Floats([]float32{1, 0, 1}, 3))
}
