package simd

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Columns have the same bits 16 and 8 at a time: which it is depends on how queries are divided.
func TestColumnsHaveTheSameBitsAtAnyWidth(t *testing.T) {
	defer Use(AVX512)()
	if active.level < AVX512 {
		t.Skip("this machine has no AVX-512")
	}
	const keys, step = 37, 48
	r := rand.New(rand.NewPCG(1, 2))
	scores, gradients, shift := make([]float32, keys*step), make([]float32, keys*step), make([]float32, 16)
	for i := range scores {
		scores[i], gradients[i] = float32(r.NormFloat64()*30), float32(r.NormFloat64())
	}
	for i := range shift {
		shift[i] = float32(i)
	}
	scores[3], scores[step+9], scores[2*step+10] = float32(math.Inf(-1)), float32(math.NaN()), -1e30
	run := func(width int) (results [4][]float32) {
		x, dy := append([]float32(nil), scores...), append([]float32(nil), gradients...)
		greatest, sums := make([]float32, 16), make([]float32, 16)
		for j := 0; j < 16; j += width {
			view := func(values []float32) Matrix {
				return Matrix{Values: values[j:], Rows: keys, Columns: width, RowStride: step, ColumnStride: 1}
			}
			columnMaximum(greatest[j:], view(x))
			columnExpSum(sums[j:], view(x), shift[j:])
			columnSlope(view(dy), view(x), sums[j:])
		}
		return [4][]float32{greatest, sums, x, dy}
	}
	sameBits := cmp.Comparer(func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b })
	if diff := cmp.Diff(run(8), run(16), sameBits); diff != "" {
		t.Errorf("8 and 16 columns at a time (-8 +16):\n%s", diff)
	}
}
