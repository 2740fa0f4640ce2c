package cpu_test

import (
	"math"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/dtypes/float16"
	"pgregory.net/rapid"
)

// dimension draws of the odd sizes that break kernels, and zero.
func dimension(t *rapid.T, label string) int {
	return rapid.SampledFrom([]int{1, 1, 2, 3, 5, 7, 8, 17, 17, 65, 197, 0}).Draw(t, label)
}

// dimensions draws a shape of at most 20,000 elements.
func dimensions(t *rapid.T, rank int) []int {
	dims := make([]int, rank)
	for i := range dims {
		dims[i] = dimension(t, "dim")
	}
	for bulk(dims) > 20000 {
		greatest := 0
		for i, d := range dims {
			if d > dims[greatest] {
				greatest = i
			}
		}
		dims[greatest] = 3
	}
	return dims
}

func size(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// bulk is the size without axes of zero: what strides and results of other axes come to.
func bulk(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= max(1, d)
	}
	return n
}

// narrowed has one element along axis, or none: upstream's engine repeats no element
// zero times.
func narrowed(dims []int, axis int) []int {
	narrow := slices.Clone(dims)
	narrow[axis] = min(narrow[axis], 1)
	return narrow
}

func upTo(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i
	}
	return s
}

// drawn makes n values of random words. Rapid chooses the first word only: a choice
// for each value would take most of the tests' time.
func drawn[T any](t *rapid.T, n int, value func(word uint64) T) []T {
	seed := rapid.Uint64().Draw(t, "values")
	values := make([]T, n)
	for i := range values {
		seed = seed*6364136223846793005 + 1442695040888963407
		values[i] = value(seed)
	}
	return values
}

// floats draws values of [-2, 2), of which a few are special.
func floats(t *rapid.T, n int, special bool) []float32 {
	return drawn(t, n, func(word uint64) float32 {
		if special && word>>60 == 0 {
			return []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 0}[word>>58&3]
		}
		return float32(int32(word>>33))/float32(1<<29) - 2
	})
}

func filled(t *rapid.T, dims []int) planInput {
	return planInput{dims, floats(t, size(dims), false), dtypes.Float32}
}

// perhapsSpecial has NaN and infinities one time in four: more would leave nothing else.
func perhapsSpecial(t *rapid.T, dims []int) planInput {
	return planInput{dims, floats(t, size(dims), rapid.IntRange(0, 3).Draw(t, "special") == 0), dtypes.Float32}
}

// elements draws what an operation is defined on.
func elements(t *rapid.T, dims []int, dtype dtypes.DType, op compute.OpType) planInput {
	n := size(dims)
	switch dtype {
	case dtypes.Bool:
		return planInput{dims, drawn(t, n, func(word uint64) bool { return word>>63 == 1 }), dtype}
	case dtypes.Int32:
		return planInput{dims, drawn(t, n, integersFor(op)), dtype}
	}
	// Upstream's sign of NaN is 0.
	return planInput{dims, floats(t, n, op != compute.OpTypeSign), dtype}
}

func integersFor(op compute.OpType) func(word uint64) int32 {
	switch op {
	case compute.OpTypeShiftLeft, compute.OpTypeShiftRightArithmetic, compute.OpTypeShiftRightLogical:
		return func(word uint64) int32 { return int32(word >> 59) }
	case compute.OpTypeDiv, compute.OpTypeRem:
		return func(word uint64) int32 { return 1 + int32(word>>33%1000) }
	}
	return func(word uint64) int32 {
		if word>>60 == 0 {
			return []int32{math.MinInt32, math.MaxInt32}[word>>59&1]
		}
		return int32(word>>32) >> (word >> 27 & 31) // of any number of bits
	}
}

// scalarsOf draws integers of a dtype as a flat slice.
func scalarsOf(t *rapid.T, dtype dtypes.DType, n int) any {
	values := drawn(t, n, func(word uint64) int { return int(word>>33%130) - 9 })
	switch dtype {
	case dtypes.Int8:
		return converted[int8](values)
	case dtypes.Int16:
		return converted[int16](values)
	case dtypes.Uint16:
		return converted[uint16](values)
	case dtypes.Float16:
		return halves(values, float16.FromFloat32)
	case dtypes.BFloat16:
		return halves(values, bfloat16.FromFloat32)
	case dtypes.Int32:
		return converted[int32](values)
	case dtypes.Int64:
		return converted[int64](values)
	case dtypes.Uint8:
		return converted[uint8](values)
	case dtypes.Uint32:
		return converted[uint32](values)
	case dtypes.Uint64:
		return converted[uint64](values)
	}
	return converted[float64](values)
}

func converted[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64 | float64](values []int) []T {
	out := make([]T, len(values))
	for i, v := range values {
		out[i] = T(v)
	}
	return out
}

func halves[T any](values []int, narrow func(float32) T) []T {
	out := make([]T, len(values))
	for i, v := range values {
		out[i] = narrow(float32(v))
	}
	return out
}
