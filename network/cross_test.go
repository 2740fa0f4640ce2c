package network_test

import (
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/google/go-cmp/cmp"

	"github.com/loopitr/loopitr/network"
)

func TestCrossFirstEqualsFirstOfCross(t *testing.T) {
	for name, c := range variants() {
		got := newSample(c).run(t, func(n network.LoopITR, in inputs) []*Node {
			pairs := network.Pairs{States: n.Text(in.captions()), Mask: in.mask, Tokens: n.Vision(in.images)}
			return []*Node{Slice(n.Cross(pairs), AxisRange(), AxisRange(0, 1), AxisRange()), n.CrossFirst(pairs)}
		})
		if diff := cmp.Diff(got[0].Floats(), got[1].Floats(), near); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if diff := cmp.Diff([]int{3, 1, c.Text.Width}, got[1].Shape); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestSharedPicturesEqualRepeatedOnes(t *testing.T) {
	for name, c := range variants() {
		got := newSample(c).run(t, func(n network.LoopITR, in inputs) []*Node {
			tokens, states := n.Vision(in.images), n.Text(in.captions())
			which := Const(tokens.Graph(), []int64{2, 0, 2})
			shared := n.Match(network.Pairs{States: states, Mask: in.mask, Tokens: tokens, Picture: which})
			repeated := n.Match(network.Pairs{States: states, Mask: in.mask, Tokens: Gather(tokens, InsertAxes(which, -1))})
			weight := n.Weights["cross/block_00/cross_attention/key/weight"]
			return []*Node{
				repeated, shared,
				Gradient(ReduceAllSum(Square(repeated)), weight)[0], Gradient(ReduceAllSum(Square(shared)), weight)[0],
			}
		})
		for i := 0; i < 4; i += 2 {
			if diff := cmp.Diff(got[i].Floats(), got[i+1].Floats(), near); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
	}
}

func TestEveryPictureTokenIsSeen(t *testing.T) {
	c := tiny().WithTokens(7, 12)
	s := newSample(c)
	want := s.run(t, everything)[4].Floats()[0]
	for token := range 7 {
		s.images.Floats()[token*12] += 1
		if got := s.run(t, everything)[4].Floats()[0]; got == want {
			t.Errorf("token %d does not matter", token)
		}
		s.images.Floats()[token*12] -= 1
	}
}

func TestRematerializedGradientsAreTheSame(t *testing.T) {
	for name, c := range variants() {
		gradients := func(again bool) func(n network.LoopITR, in inputs) []*Node {
			return func(n network.LoopITR, in inputs) []*Node {
				n.Rematerialize = again
				pairs := network.Pairs{States: n.Text(in.captions()), Mask: in.mask, Tokens: n.Vision(in.images)}
				var weights []*Node
				for _, p := range c.Params() {
					weights = append(weights, n.Weights[p.Name])
				}
				dual := ReduceAllSum(Mul(n.ProjectText(pairs.States), n.ProjectImage(pairs.Tokens)))
				return Gradient(Add(dual, ReduceAllSum(Square(n.Match(pairs)))), weights...)
			}
		}
		s := newSample(c)
		want, got := s.run(t, gradients(false)), s.run(t, gradients(true))
		for i, p := range c.Params() {
			if diff := cmp.Diff(want[i].Floats(), got[i].Floats(), near); diff != "" {
				t.Errorf("%s: %s: %s", name, p.Name, diff)
			}
		}
	}
}
