package simd

import "math"

// The functions of this file compute len(dst) values of one function; dst may be
// the same slice as x. Their comments bound the error over all float32, subnormal
// ones included, in units in the last place (ulp); infinities and NaN are the
// limits of the function.

// Exp computes e^x within 1.5 ulp.
func Exp(dst, x []float32) {
	if x = x[:len(dst)]; vectors(len(dst)) {
		expVectors(&dst[0], &x[0], len(dst))
		return
	}
	mapGeneric(dst, x, math.Exp)
}

// Log computes the natural logarithm within 1 ulp; NaN below zero.
func Log(dst, x []float32) {
	if x = x[:len(dst)]; vectors(len(dst)) {
		logVectors(&dst[0], &x[0], len(dst))
		return
	}
	mapGeneric(dst, x, math.Log)
}

// Erf computes the error function within 6 ulp.
func Erf(dst, x []float32) {
	if x = x[:len(dst)]; vectors(len(dst)) {
		erfVectors(&dst[0], &x[0], len(dst))
		return
	}
	mapGeneric(dst, x, math.Erf)
}

// Tanh computes the hyperbolic tangent within 6 ulp.
func Tanh(dst, x []float32) {
	if x = x[:len(dst)]; vectors(len(dst)) {
		tanhVectors(&dst[0], &x[0], len(dst))
		return
	}
	mapGeneric(dst, x, math.Tanh)
}

// Sigmoid computes 1/(1+e^-x) within 3 ulp, or 2^-126 if that is more.
func Sigmoid(dst, x []float32) {
	if x = x[:len(dst)]; vectors(len(dst)) {
		sigmoidVectors(&dst[0], &x[0], len(dst))
		return
	}
	mapGeneric(dst, x, func(v float64) float64 { return 1 / (1 + math.Exp(-v)) })
}

// Sqrt computes the correctly rounded square root.
func Sqrt(dst, x []float32) {
	if x = x[:len(dst)]; vectors(len(dst)) {
		sqrtVectors(&dst[0], &x[0], len(dst))
		return
	}
	mapGeneric(dst, x, math.Sqrt)
}

// Rsqrt computes 1/sqrt(x) within 1.5 ulp.
func Rsqrt(dst, x []float32) {
	if x = x[:len(dst)]; vectors(len(dst)) {
		rsqrtVectors(&dst[0], &x[0], len(dst))
		return
	}
	mapGeneric(dst, x, func(v float64) float64 { return 1 / math.Sqrt(v) })
}

// GELU computes the exact Gaussian error linear unit, x*Φ(x), within 2 ulp or
// 2e-7*min(8, |x|), whichever is more; -Inf gives NaN, as the formula does.
func GELU(dst, x []float32) {
	if x = x[:len(dst)]; vectors(len(dst)) {
		geluVectors(&dst[0], &x[0], len(dst))
		return
	}
	mapGeneric(dst, x, func(v float64) float64 { return 0.5 * v * math.Erfc(-v/math.Sqrt2) })
}

// GELUGradient computes dst = dy*(Φ(x) + x*φ(x)), the factor within 4e-7; dst may
// also be dy.
func GELUGradient(dst, x, dy []float32) {
	x, dy = x[:len(dst)], dy[:len(dst)]
	if vectors(len(dst)) {
		geluGradientVectors(&dst[0], &x[0], &dy[0], len(dst))
		return
	}
	for i, v := range x {
		w := float64(v)
		density := math.Exp(-w*w/2) / math.Sqrt(2*math.Pi)
		if density == 0 {
			w = 0 // x*φ(x) is 0 at infinity
		}
		dst[i] = dy[i] * float32(0.5*math.Erfc(-float64(v)/math.Sqrt2)+w*density)
	}
}

func mapGeneric(dst, x []float32, f func(float64) float64) {
	for i, v := range x {
		dst[i] = float32(f(float64(v)))
	}
}
