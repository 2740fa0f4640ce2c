package loss_test

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/google/go-cmp/cmp"

	"github.com/loopitr/loopitr/internal/engine"
	"github.com/loopitr/loopitr/loss"
)

func softplus(x float64) float64 { return math.Log1p(math.Exp(x)) }

// match takes z and valid of the two sides.
func match(objective loss.MatchObjective) build {
	return func(in []*Node) []*Node {
		return []*Node{loss.Match(loss.MatchConfig{Objective: objective}, loss.Side{Cross: in[0], Valid: in[1]}, loss.Side{Cross: in[2], Valid: in[3]})}
	}
}

func TestMatchByHand(t *testing.T) {
	one := matrix([]float32{1, 1}, []float32{1, 1})
	two := matrix([]float32{1, 1, 1}, []float32{1, 1, 1})
	ln := func(x float64) float32 { return float32(math.Log(x)) }
	for name, test := range map[string]struct {
		objective                  loss.MatchObjective
		pictures, pv, captions, cv engine.Tensor
		want                       float64
	}{
		"binary, zero": {loss.Binary, matrix([]float32{0, 0}, []float32{0, 0}), one, matrix([]float32{0, 0}, []float32{0, 0}), one, math.Log(2)},
		"binary, m=1 is the mean over 3B": {loss.Binary, matrix([]float32{2, -1}, []float32{1, 0.5}), one, matrix([]float32{2, 3}, []float32{1, -4}), one,
			(softplus(-2) + softplus(-1) + softplus(-1) + softplus(0.5) + softplus(3) + softplus(-4)) / 6},
		"binary, m=2 weighs negatives by half": {loss.Binary, matrix([]float32{2, -1, 3}, []float32{1, 0, 0}), two, matrix([]float32{2, 1, 1}, []float32{1, -4, 2}), two,
			(softplus(-2) + softplus(-1) + (softplus(-1)+softplus(3)+2*softplus(0)+2*softplus(1)+softplus(-4)+softplus(2))/2) / 6},
		"binary, one missing": {loss.Binary, matrix([]float32{2, -1, 99}, []float32{1, 0, 0}), matrix([]float32{1, 1, 0}, []float32{1, 1, 1}), matrix([]float32{2, 1, 1}, []float32{1, 1, 1}), two,
			(softplus(-2) + softplus(-1) + softplus(-1) + softplus(0) + 2*softplus(1)) / 6},
		"binary, a row without": {loss.Binary, matrix([]float32{2, 99}, []float32{1, 0}), matrix([]float32{1, 0}, []float32{1, 1}), matrix([]float32{2, 99}, []float32{1, 99}), matrix([]float32{1, 0}, []float32{1, 0}),
			(softplus(-2) + softplus(-1) + softplus(0)) / 3},
		"binary, far out": {loss.Binary, matrix([]float32{200, -200}, []float32{-200, -200}), one, matrix([]float32{200, -200}, []float32{-200, 200}), one, (200 + 200) / 6.0},
		"listwise, zero":  {loss.ListwiseMatch, matrix([]float32{0, 0, 0}, []float32{0, 0, 0}), two, matrix([]float32{0, 0, 0}, []float32{0, 0, 0}), two, math.Log(3)},
		"listwise": {loss.ListwiseMatch, matrix([]float32{ln(2), 0, 0}, []float32{0, 0, ln(6)}), two, matrix([]float32{ln(2), ln(5), 0}, []float32{0, ln(8), 0}), two,
			(math.Log(2) + math.Log(8) + math.Log(4) + math.Log(10)) / 4},
		"listwise, missing": {loss.ListwiseMatch, matrix([]float32{ln(2), 0, 99}, []float32{0, 99, 99}), matrix([]float32{1, 1, 0}, []float32{1, 0, 0}), matrix([]float32{ln(2), 99, 99}, []float32{0, 0, 0}), matrix([]float32{1, 0, 0}, []float32{1, 1, 1}),
			(math.Log(1.5) + math.Log(3)) / 2},
		"both":                           {loss.BinaryListwise, matrix([]float32{0, 0}, []float32{0, 0}), one, matrix([]float32{0, 0}, []float32{0, 0}), one, math.Log(2)},
		"listwise, nobody has negatives": {loss.ListwiseMatch, matrix([]float32{3, 99}, []float32{1, 99}), matrix([]float32{1, 0}, []float32{1, 0}), matrix([]float32{3, 99}, []float32{1, 99}), matrix([]float32{1, 0}, []float32{1, 0}), 0},
	} {
		got := run(t, match(test.objective), test.pictures, test.pv, test.captions, test.cv)
		if diff := cmp.Diff(test.want, scalar(got[0]), near); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestMatchGradients(t *testing.T) {
	z := matrix([]float32{0, 0, 1.5}, []float32{-1, 0.5, 99}, []float32{2, 99, 99})
	valid := matrix([]float32{1, 1, 1}, []float32{1, 1, 0}, []float32{1, 0, 0})
	other := matrix([]float32{0, 1, -1}, []float32{-1, 0.25, 3}, []float32{2, 1, 1})
	all := matrix([]float32{1, 1, 1}, []float32{1, 1, 1}, []float32{1, 1, 1})
	for _, objective := range []loss.MatchObjective{loss.Binary, loss.ListwiseMatch, loss.BinaryListwise} {
		t.Run(string(objective), func(t *testing.T) { checkGradient(t, match(objective), z, valid, other, all) })
	}
}
