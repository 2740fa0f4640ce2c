package simd

import "math"

// The reductions of this file sum in an order that depends on the length and the
// level only.

// Sum returns the sum of x; 0 for none.
func Sum(x []float32) float32 {
	if vectors(len(x)) {
		return sumVectors(&x[0], len(x))
	}
	var sum float32
	for _, v := range x {
		sum += v
	}
	return sum
}

// Dot returns the sum of a[i]*b[i] over len(a).
func Dot(a, b []float32) float32 {
	b = b[:len(a)]
	if vectors(len(a)) {
		return dotVectors(&a[0], &b[0], len(a))
	}
	var sum float32
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

// Maximum returns the greatest of x: -Inf for none, NaN if any is.
func Maximum(x []float32) float32 {
	if vectors(len(x)) {
		return maximumVectors(&x[0], len(x))
	}
	greatest := float32(math.Inf(-1))
	for _, v := range x {
		greatest = max(greatest, v)
	}
	return greatest
}

// Minimum returns the least of x: +Inf for none, NaN if any is.
func Minimum(x []float32) float32 {
	if vectors(len(x)) {
		return minimumVectors(&x[0], len(x))
	}
	least := float32(math.Inf(1))
	for _, v := range x {
		least = min(least, v)
	}
	return least
}

// AddToFloat64 computes sums[i] += x[i] over len(x).
func AddToFloat64(sums []float64, x []float32) {
	sums = sums[:len(x)]
	whole := len(x) &^ 7
	if !vectors(whole) {
		whole = 0
	} else {
		addToFloat64Vectors(&sums[0], &x[0], whole)
	}
	for i, v := range x[whole:] {
		sums[whole+i] += float64(v)
	}
}

// SumRows computes dst[j] = the sum over i of m(i, j), rows in order; m has
// ColumnStride 1. To divide the work, divide the columns.
func SumRows(dst []float32, m Matrix) {
	m.check("summand")
	dst = dst[:m.Columns]
	clear(dst)
	for i := range m.Rows {
		Add(dst, dst, m.Row(i))
	}
}
