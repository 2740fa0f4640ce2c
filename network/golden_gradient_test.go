package network_test

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/loopitr/loopitr/internal/engine"
)

// The steps that follow these gradients are compared in package train.
func TestGradientsEqualPyTorch(t *testing.T) {
	eachGolden(t, func(t *testing.T, g *golden, e *engine.Engine) {
		got := g.evaluate(t, e, func(b *batch) []*Node {
			total := b.total()
			var weights []*Node
			for _, p := range g.params() {
				weights = append(weights, b.net.Weights[p])
			}
			return append([]*Node{total}, Gradient(total, weights...)...)
		})
		agree(t, "loss", got[0].Floats(), g.tensors["steps/loss"].Floats()[:1], 1e-4)
		g.compareGradients(t, got[1:])
	})
}

// compareGradients holds each gradient to its own size and to the longest one's.
func (g *golden) compareGradients(t *testing.T, got []engine.Tensor) {
	t.Helper()
	var longest float64
	for _, name := range g.params() {
		longest = max(longest, digest(g.tensors["gradient/"+name].Floats())[0])
	}
	for i, name := range g.params() {
		want := g.tensors["gradient/"+name].Floats()
		for k, v := range got[i].Floats() {
			if d := math.Abs(float64(v - want[k])); !(d <= 1e-4*math.Abs(float64(want[k]))+2e-6*longest) {
				t.Errorf("gradient of %s: place %d is %v, want %v", name, k, v, want[k])
				break
			}
		}
	}
}
