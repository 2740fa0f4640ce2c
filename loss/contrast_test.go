package loss_test

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/google/go-cmp/cmp"

	"github.com/loopitr/loopitr/internal/engine"
	"github.com/loopitr/loopitr/loss"
)

// contrast takes similarity and the ids of pictures and captions.
func contrast(in []*Node) []*Node {
	c := loss.Contrast(in[0], loss.SameGroup(in[1], in[2]))
	return []*Node{c.Loss, c.Pictures, c.Captions}
}

func TestContrastByHand(t *testing.T) {
	log := math.Log
	for name, test := range map[string]struct {
		similarity        engine.Tensor
		pictures          engine.Tensor
		wantPic, wantCapt float64
	}{
		// Rows: softmax (3/4,1/4) and (1/2,1/2); columns: (3/4,1/4), (1/2,1/2).
		"2x2":           {matrix([]float32{float32(log(3)), 0}, []float32{0, 0}), ids(1, 2), (log(4.0/3) + log(2)) / 2, (log(4.0/3) + log(2)) / 2},
		"all alike":     {matrix([]float32{5, 5}, []float32{5, 5}), ids(1, 2), log(2), log(2)},
		"perfect":       {matrix([]float32{50, 0}, []float32{0, 50}), ids(1, 2), 0, 0},
		"upside down":   {matrix([]float32{0, 50}, []float32{50, 0}), ids(1, 2), 50, 50},
		"sides differ":  {matrix([]float32{0, float32(log(3))}, []float32{0, float32(log(3))}), ids(1, 2), (log(4) + log(4.0/3)) / 2, log(2)},
		"shared masses": {matrix([]float32{float32(log(3)), 0}, []float32{0, float32(log(3))}), ids(1, 1), (log(4.0/3) + log(4)) / 2, (log(4.0/3) + log(4)) / 2},
		"far below":     {matrix([]float32{-9000, -9001}, []float32{-9001, -9000}), ids(1, 2), log(1 + math.Exp(-1)), log(1 + math.Exp(-1))},
	} {
		got := run(t, contrast, test.similarity, test.pictures, ids(1, 2))
		want := []float64{(test.wantPic + test.wantCapt) / 2, test.wantPic, test.wantCapt}
		if diff := cmp.Diff(want, []float64{scalar(got[0]), scalar(got[1]), scalar(got[2])}, near); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func uneven() engine.Tensor {
	return matrix([]float32{1, -2, 0.5, 3}, []float32{0, 2, 1, -1}, []float32{0.25, 4, -3, 1}, []float32{2, 1, 0, 1.5})
}

func TestContrastSwapsItsPartsWithTheAxes(t *testing.T) {
	pictures, captions := ids(1, 2, 3, 1), ids(1, 2, 3, 4)
	plain := run(t, contrast, uneven(), pictures, captions)
	turned := run(t, func(in []*Node) []*Node {
		return contrast([]*Node{Transpose(in[0], 0, 1), in[1], in[2]})
	}, uneven(), pictures, captions)
	if diff := cmp.Diff([]float64{scalar(plain[0]), scalar(plain[1]), scalar(plain[2])},
		[]float64{scalar(turned[0]), scalar(turned[2]), scalar(turned[1])}, near); diff != "" {
		t.Error(diff)
	}
}

func TestContrastIgnoresOrderAndShift(t *testing.T) {
	pictures, captions := ids(1, 2, 3, 1), ids(1, 2, 2, 4)
	plain := scalar(run(t, contrast, uneven(), pictures, captions)[0])
	moved := run(t, func(in []*Node) []*Node {
		order := Const(in[0].Graph(), []int64{2, 0, 3, 1})
		turn := func(x *Node) *Node { return Gather(x, InsertAxes(order, -1)) }
		s := turn(Transpose(turn(in[0]), 0, 1))
		return contrast([]*Node{AddScalar(Transpose(s, 0, 1), 17), turn(in[1]), turn(in[2])})
	}, uneven(), pictures, captions)
	if math.Abs(plain-scalar(moved[0])) > 1e-5 {
		t.Errorf("got %v, want %v", scalar(moved[0]), plain)
	}
}

func TestContrastGradient(t *testing.T) {
	checkGradient(t, contrast, uneven(), ids(1, 2, 3, 1), ids(1, 2, 2, 4))
}

func TestSameGroup(t *testing.T) {
	got := run(t, func(in []*Node) []*Node { return []*Node{loss.SameGroup(in[0], in[1])} },
		ids(7, 8, 7, 9), ids(1, 2, 3, 2))[0]
	want := []bool{
		true, false, true, false,
		false, true, false, true,
		true, false, true, false,
		false, true, false, true,
	}
	if diff := cmp.Diff(want, got.Values); diff != "" {
		t.Error(diff)
	}
}
