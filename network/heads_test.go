package network_test

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/google/go-cmp/cmp"

	"github.com/loopitr/loopitr/network"
)

func TestTemperatureIsBoundedButLearns(t *testing.T) {
	for value, want := range map[float32]float32{0.07: 0.07, -3: 0.001, 0: 0.001, 0.5: 0.5, 7: 0.5} {
		s := newSample(tiny())
		s.weights[network.TemperatureName][0] = value
		got := s.run(t, func(n network.LoopITR, in inputs) []*Node {
			temperature := n.Temperature()
			w := n.Weights[network.TemperatureName]
			return []*Node{temperature, Gradient(MulScalar(temperature, 3), w)[0], network.ClampTemperature(w)}
		})
		if diff := cmp.Diff([]float32{want, 3, want}, []float32{got[0].Floats()[0], got[1].Floats()[0], got[2].Floats()[0]}, near); diff != "" {
			t.Errorf("%v: %s", value, diff)
		}
	}
}

func TestMeanPoolOfAllPaddingIsFinite(t *testing.T) {
	c := tiny()
	c.Cross.Pool = network.PoolMean
	s := newSample(c)
	clear(s.mask.Floats()[:5])
	for i, z := range s.run(t, everything)[4].Floats() {
		if math.IsNaN(float64(z)) {
			t.Errorf("pair %d is NaN", i)
		}
	}
}

func TestTokenLogits(t *testing.T) {
	c := tiny()
	c.Text.MaskedModeling = true
	got := newSample(c).run(t, func(n network.LoopITR, in inputs) []*Node {
		logits := n.TokenLogits(n.Text(in.captions()))
		return []*Node{logits, Gradient(ReduceAllSum(Square(logits)), n.Weights["text/embedding/word"])[0]}
	})
	if diff := cmp.Diff([]int{3, 5, c.Text.Vocabulary}, got[0].Shape); diff != "" {
		t.Error(diff)
	}
	// The words are tied: one that no caption holds learns from the head.
	if row := got[1].Floats()[400*16 : 401*16]; cmp.Equal(row, make([]float32, 16)) {
		t.Error("the head does not use the word embeddings")
	}
}

func TestDropout(t *testing.T) {
	c := tiny()
	c.Dropout = 0.25
	s := newSample(c)
	key := func(n network.LoopITR, k ...int64) *network.Noise {
		return network.NewNoise(Const(n.Weights["vision/cls"].Graph(), k))
	}
	with := func(k ...int64) []float32 {
		return s.run(t, func(n network.LoopITR, in inputs) []*Node {
			n.Noise = key(n, k...)
			return everything(n, in)
		})[4].Floats()
	}
	none := s.run(t, everything)[4].Floats()
	once, again, other := with(1, 2, 3), with(1, 2, 3), with(1, 2, 4)
	if !cmp.Equal(once, again) {
		t.Error("one key, two noises")
	}
	if cmp.Equal(once, other) || cmp.Equal(once, none) {
		t.Error("the key does nothing")
	}
	c.Dropout = 0
	plain := sample{c, s.weights, s.ids, s.mask, s.images}
	off := plain.run(t, func(n network.LoopITR, in inputs) []*Node {
		n.Noise = key(n, 1, 2, 3)
		return everything(n, in)
	})
	if !cmp.Equal(off[4].Floats(), none) {
		t.Error("dropout 0 is not none")
	}
}
