package simd

import "slices"

// DotInt8 computes dst[i] = the exact dot product of query with vector i of
// block, which holds len(dst) vectors of len(query) values one after another.
// At AVX2, dimensions that are multiples of 32 and queries without -128 are the
// fast case.
// Queries longer than 131,071 values could overflow and panic.
func DotInt8(dst []int32, query, block []int8) {
	if len(query) > 1<<17-1 {
		panic("simd: int8 vectors too long")
	}
	n := len(query)
	block = block[:len(dst)*n]
	whole, taken := 0, 0
	switch {
	case len(dst) < 4:
	case active.level >= AVX512 && bytesAtHand && n > 0:
		whole, taken = len(dst)&^3, n
		dotInt8VNNI(&dst[0], &query[0], &block[0], whole, n, n)
	case active.level >= AVX2 && n >= 32 && !slices.Contains(query, -128):
		whole, taken = len(dst)&^3, n&^31
		dotInt8AVX2(&dst[0], &query[0], &block[0], whole, taken, n)
	}
	if taken < n {
		for i := range dst[:whole] {
			dst[i] += dotInt8Generic(query[taken:], block[i*n+taken:])
		}
	}
	for i := whole; i < len(dst); i++ {
		dst[i] = dotInt8Generic(query, block[i*n:])
	}
}

func dotInt8Generic(a, b []int8) int32 {
	b = b[:len(a)]
	var sum int32
	for i, v := range a {
		sum += int32(v) * int32(b[i])
	}
	return sum
}

// DotBounds bounds dot products of vectors from above by those of their codes: Scale and
// Scales are the query's and each vector's, Length times Errors and Constant what the codes
// miss.
type DotBounds struct {
	Scales, Errors          []float32
	Scale, Length, Constant float32
}

// Of computes dst[i] = Scale*Scales[i]*products[i] + Length*Errors[i] + Constant over
// len(dst), each with a relative error of the parts of at most 2^-22.
func (b DotBounds) Of(dst []float32, products []int32) {
	products, scales, errors := products[:len(dst)], b.Scales[:len(dst)], b.Errors[:len(dst)]
	if vectors(len(dst)) {
		dotBoundsVectors(&dst[0], &products[0], &scales[0], &errors[0], len(dst), b.Scale, b.Length, b.Constant)
		return
	}
	for i, p := range products {
		dst[i] = b.Scale*(scales[i]*float32(p)) + (b.Length*errors[i] + b.Constant)
	}
}
