package simd

import "math"

// The functions of this file work on len(dst) elements; dst may be the same
// slice as an operand. NaN and infinities follow IEEE 754; Max and Min give NaN
// if either operand is one.

// Add computes dst = a + b.
func Add(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	if vectors(len(dst)) {
		addVectors(&dst[0], &a[0], &b[0], len(dst))
		return
	}
	for i := range dst {
		dst[i] = a[i] + b[i]
	}
}

// Sub computes dst = a - b.
func Sub(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	if vectors(len(dst)) {
		subVectors(&dst[0], &a[0], &b[0], len(dst))
		return
	}
	for i := range dst {
		dst[i] = a[i] - b[i]
	}
}

// Mul computes dst = a * b.
func Mul(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	if vectors(len(dst)) {
		mulVectors(&dst[0], &a[0], &b[0], len(dst))
		return
	}
	for i := range dst {
		dst[i] = a[i] * b[i]
	}
}

// Div computes dst = a / b.
func Div(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	if vectors(len(dst)) {
		divVectors(&dst[0], &a[0], &b[0], len(dst))
		return
	}
	for i := range dst {
		dst[i] = a[i] / b[i]
	}
}

// Max computes dst = max(a, b).
func Max(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	if vectors(len(dst)) {
		maxVectors(&dst[0], &a[0], &b[0], len(dst))
		return
	}
	for i := range dst {
		dst[i] = max(a[i], b[i])
	}
}

// Min computes dst = min(a, b).
func Min(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	if vectors(len(dst)) {
		minVectors(&dst[0], &a[0], &b[0], len(dst))
		return
	}
	for i := range dst {
		dst[i] = min(a[i], b[i])
	}
}

// AddScalar computes dst = a + s.
func AddScalar(dst, a []float32, s float32) {
	a = a[:len(dst)]
	if vectors(len(dst)) {
		addScalarVectors(&dst[0], &a[0], len(dst), s)
		return
	}
	for i := range dst {
		dst[i] = a[i] + s
	}
}

// ScalarSub computes dst = s - a.
func ScalarSub(dst []float32, s float32, a []float32) {
	a = a[:len(dst)]
	if vectors(len(dst)) {
		scalarSubVectors(&dst[0], &a[0], len(dst), s)
		return
	}
	for i := range dst {
		dst[i] = s - a[i]
	}
}

// MulScalar computes dst = a * s.
func MulScalar(dst, a []float32, s float32) {
	a = a[:len(dst)]
	if vectors(len(dst)) {
		mulScalarVectors(&dst[0], &a[0], len(dst), s)
		return
	}
	for i := range dst {
		dst[i] = a[i] * s
	}
}

// DivScalar computes dst = a / s.
func DivScalar(dst, a []float32, s float32) {
	a = a[:len(dst)]
	if vectors(len(dst)) {
		divScalarVectors(&dst[0], &a[0], len(dst), s)
		return
	}
	for i := range dst {
		dst[i] = a[i] / s
	}
}

// ScalarDiv computes dst = s / a.
func ScalarDiv(dst []float32, s float32, a []float32) {
	a = a[:len(dst)]
	if vectors(len(dst)) {
		scalarDivVectors(&dst[0], &a[0], len(dst), s)
		return
	}
	for i := range dst {
		dst[i] = s / a[i]
	}
}

// MaxScalar computes dst = max(a, s).
func MaxScalar(dst, a []float32, s float32) {
	a = a[:len(dst)]
	if vectors(len(dst)) {
		maxScalarVectors(&dst[0], &a[0], len(dst), s)
		return
	}
	for i := range dst {
		dst[i] = max(a[i], s)
	}
}

// MinScalar computes dst = min(a, s).
func MinScalar(dst, a []float32, s float32) {
	a = a[:len(dst)]
	if vectors(len(dst)) {
		minScalarVectors(&dst[0], &a[0], len(dst), s)
		return
	}
	for i := range dst {
		dst[i] = min(a[i], s)
	}
}

// Neg computes dst = -a.
func Neg(dst, a []float32) {
	a = a[:len(dst)]
	if vectors(len(dst)) {
		xorVectors(&dst[0], &a[0], len(dst), float32(math.Copysign(0, -1)))
		return
	}
	for i := range dst {
		dst[i] = -a[i]
	}
}

// Abs computes dst = |a|.
func Abs(dst, a []float32) {
	a = a[:len(dst)]
	if vectors(len(dst)) {
		andVectors(&dst[0], &a[0], len(dst), math.Float32frombits(1<<31-1))
		return
	}
	for i := range dst {
		dst[i] = math.Float32frombits(math.Float32bits(a[i]) &^ (1 << 31))
	}
}

// Select computes dst = a where mask is true and b elsewhere.
func Select(dst []float32, mask []bool, a, b []float32) {
	mask, a, b = mask[:len(dst)], a[:len(dst)], b[:len(dst)]
	done := grouped(len(dst))
	if done > 0 {
		selectVectors(&dst[0], &mask[0], &a[0], &b[0], done)
	}
	for i := done; i < len(dst); i++ {
		if mask[i] {
			dst[i] = a[i]
		} else {
			dst[i] = b[i]
		}
	}
}

// SelectScalar computes dst = a where mask is true and s elsewhere.
func SelectScalar(dst []float32, mask []bool, a []float32, s float32) {
	mask, a = mask[:len(dst)], a[:len(dst)]
	done := grouped(len(dst))
	if done > 0 {
		selectScalarVectors(&dst[0], &mask[0], &a[0], done, s)
	}
	for i := done; i < len(dst); i++ {
		if mask[i] {
			dst[i] = a[i]
		} else {
			dst[i] = s
		}
	}
}
