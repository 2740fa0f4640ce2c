package simd

import "math"

// The functions of this file compute len(dst) values of one function; dst may be
// the same slice as x.

// Exp computes e^x.
func Exp(dst, x []float32) { mapGeneric(dst, x, math.Exp) }

// Log computes the natural logarithm.
func Log(dst, x []float32) { mapGeneric(dst, x, math.Log) }

// Erf computes the error function.
func Erf(dst, x []float32) { mapGeneric(dst, x, math.Erf) }

// Tanh computes the hyperbolic tangent.
func Tanh(dst, x []float32) { mapGeneric(dst, x, math.Tanh) }

// Sigmoid computes 1/(1+e^-x).
func Sigmoid(dst, x []float32) {
	mapGeneric(dst, x, func(v float64) float64 { return 1 / (1 + math.Exp(-v)) })
}

// Sqrt computes the correctly rounded square root.
func Sqrt(dst, x []float32) { mapGeneric(dst, x, math.Sqrt) }

// Rsqrt computes 1/sqrt(x).
func Rsqrt(dst, x []float32) {
	mapGeneric(dst, x, func(v float64) float64 { return 1 / math.Sqrt(v) })
}

// GELU computes the exact Gaussian error linear unit, x*Φ(x).
func GELU(dst, x []float32) {
	mapGeneric(dst, x, func(v float64) float64 { return 0.5 * v * math.Erfc(-v/math.Sqrt2) })
}

// GELUGradient computes dst = dy*(Φ(x) + x*φ(x)); dst may also be dy.
func GELUGradient(dst, x, dy []float32) {
	x, dy = x[:len(dst)], dy[:len(dst)]
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
	x = x[:len(dst)]
	for i, v := range x {
		dst[i] = float32(f(float64(v)))
	}
}
