package network_test

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/loopitr/loopitr/internal/engine"
)

func TestForwardEqualsPyTorch(t *testing.T) {
	eachGolden(t, func(t *testing.T, g *golden, e *engine.Engine) {
		names := g.prefixed("output/")
		got := g.evaluate(t, e, func(b *batch) []*Node {
			all := b.outputs()
			var nodes []*Node
			for _, name := range names {
				nodes = append(nodes, all[name])
			}
			return nodes
		})
		if len(names) != 7 {
			t.Fatalf("%d outputs stored", len(names))
		}
		for i, name := range names {
			want := g.tensors["output/"+name]
			values, stored := got[i].Floats(), want.Floats()
			if mask, padded := g.tensors["input/mask"]; padded && (name == "states" || name == "cross") {
				values, stored = unpadded(values, mask.Floats()), unpadded(stored, mask.Floats())
			}
			agree(t, name, values, stored, 2e-5)
		}
	})
}

// unpadded keeps the states of tokens, as those of padding mean nothing.
func unpadded(states, mask []float32) []float32 {
	var kept []float32
	width := len(states) / len(mask)
	for i, m := range mask {
		if m == 1 {
			kept = append(kept, states[i*width:(i+1)*width]...)
		}
	}
	return kept
}

func TestEveryLossEqualsPyTorch(t *testing.T) {
	eachGolden(t, func(t *testing.T, g *golden, e *engine.Engine) {
		if e.Name() == "onnx" {
			t.Skip("onnx takes minutes to compile a graph of all losses; the golden total holds it")
		}
		names := g.prefixed("loss/")
		if len(names) < 3*(3+4*3*2)+1 {
			t.Fatalf("%d losses stored", len(names))
		}
		got := g.evaluate(t, e, func(b *batch) []*Node {
			var values []*Node
			for _, name := range names {
				values = append(values, Reshape(b.loss(t, name), 1))
			}
			return []*Node{Concatenate(values, 0)}
		})[0].Floats()
		for i, name := range names {
			agree(t, name, got[i:i+1], g.tensors["loss/"+name].Floats(), 5e-5)
		}
	})
}

func TestGradientOfEveryLossEqualsPyTorch(t *testing.T) {
	eachGolden(t, func(t *testing.T, g *golden, e *engine.Engine) {
		if e.Name() == "onnx" {
			t.Skip("onnx takes seconds to compile each of these graphs; the golden total holds its gradients")
		}
		for _, name := range g.prefixed("digest/") {
			got := g.evaluate(t, e, func(b *batch) []*Node {
				var weights []*Node
				for _, p := range g.order {
					weights = append(weights, b.net.Weights[p])
				}
				return Gradient(b.loss(t, name), weights...)
			})
			want := g.tensors["digest/"+name].Floats()
			var longest float64
			for i := range g.order {
				longest = max(longest, float64(want[3*i]))
			}
			for i, p := range g.order {
				for k, v := range digest(got[i].Floats()) {
					// The sums add as many numbers as the gradient has. Some gradients are 0
					// but for rounding: a bias that shifts all candidates of a softmax alike.
					bound := 1e-4*float64(want[3*i])*math.Sqrt(float64(len(got[i].Floats()))) + 2e-5*longest + 1e-6
					if d := math.Abs(v - float64(want[3*i+k])); !(d <= bound) {
						t.Errorf("%s, gradient of %s: digest %d is %v, want %v", name, p, k, v, want[3*i+k])
					}
				}
			}
		}
	})
}

// digest is that of scripts/golden/network_golden.py.
func digest(g []float32) [3]float64 {
	var d [3]float64
	for i, v := range g {
		x, n := float64(v), float64(i)
		d[0] += x * x
		d[1] += x * math.Cos(n*0.7)
		d[2] += x * math.Sin(n*n*0.11+1)
	}
	d[0] = math.Sqrt(d[0])
	return d
}
