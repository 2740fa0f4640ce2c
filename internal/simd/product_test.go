package simd_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loopitr/loopitr/internal/simd"
)

func TestProductByHand(t *testing.T) {
	c := make([]float32, 4)
	p := simd.Product{
		A:    simd.Dense([]float32{1, 2, 3, 4, 5, 6}, 2, 3),
		B:    simd.Dense([]float32{1, 2, 0, 1, 1, 0}, 3, 2),
		C:    simd.Dense(c, 2, 2),
		Bias: []float32{10, 20},
	}
	var w simd.Workspace
	p.Run(&w)
	if diff := cmp.Diff([]float32{14, 24, 20, 33}, c); diff != "" {
		t.Error(diff)
	}
}
