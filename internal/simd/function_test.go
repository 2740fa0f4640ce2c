package simd_test

import (
	"math"
	"slices"
	"testing"

	"github.com/loopitr/loopitr/internal/simd"
)

// exponents returns a dense sample of float32: every exponent from subnormal to
// infinity, both signs, spread and extreme fractions, zeros, infinities and NaN.
func exponents() []float32 {
	var values []float32
	for bits := uint64(0); bits < 1<<32; bits += 1<<23/13 + 1 {
		values = append(values, math.Float32frombits(uint32(bits)))
	}
	for exponent := range uint32(256) {
		for _, fraction := range []uint32{0, 1, 0x3fffff, 0x400000, 0x7fffff} {
			v := math.Float32frombits(exponent<<23 | fraction)
			values = append(values, v, -v)
		}
	}
	return values
}

// between returns n values evenly from low to high.
func between(low, high float64, n int) []float32 {
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(low + (high-low)*float64(i)/float64(n-1))
	}
	return values
}

// ulp is the distance between float32 numbers around want.
func ulp(want float64) float64 {
	_, exponent := math.Frexp(want)
	return math.Ldexp(1, max(exponent-24, -149))
}

// relative returns a tolerance of n ulp.
func relative(n float64) func(x, want float64) float64 {
	return func(_, want float64) float64 { return n * ulp(want) }
}

func phi(x float64) float64 { return 0.5 * math.Erfc(-x/math.Sqrt2) }

var functions = []struct {
	name      string
	f         func(dst, x []float32)
	want      func(float64) float64
	tolerance func(x, want float64) float64
	low, high float64
}{
	{"Exp", simd.Exp, math.Exp, relative(1.5), -104, 89},
	{"Log", simd.Log, math.Log, relative(1), 0, 4},
	{"Erf", simd.Erf, math.Erf, relative(6), -5, 5},
	{"Tanh", simd.Tanh, math.Tanh, relative(6), -10, 10},
	{"Sigmoid", simd.Sigmoid, func(x float64) float64 { return 1 / (1 + math.Exp(-x)) },
		func(_, want float64) float64 { return max(3*ulp(want), 0x1p-126) }, -104, 89},
	{"Sqrt", simd.Sqrt, math.Sqrt, relative(0.5), 0, 9},
	{"Rsqrt", simd.Rsqrt, func(x float64) float64 { return 1 / math.Sqrt(x) }, relative(1.5), 0, 9},
	{"GELU", simd.GELU, func(x float64) float64 { return x * phi(x) },
		func(x, want float64) float64 { return max(2*ulp(want), 2e-7*min(8, math.Abs(x))) }, -15, 15},
	{"GELUGradient", func(dst, x []float32) {
		dy := make([]float32, len(x))
		simd.AddScalar(dy, dy, -2)
		simd.GELUGradient(dst, x, dy)
		simd.MulScalar(dst, dst, -0.5)
	}, func(x float64) float64 {
		if math.IsInf(x, 0) {
			return max(0, math.Copysign(1, x))
		}
		return phi(x) + x*math.Exp(-x*x/2)/math.Sqrt(2*math.Pi)
	}, func(_, _ float64) float64 { return 4e-7 }, -15, 15},
}

func TestFunctionsAreWithinTheirBounds(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for _, f := range functions {
			t.Run(f.name, func(t *testing.T) {
				x := append(exponents(), between(f.low, f.high, 200_001)...)
				got := make([]float32, len(x))
				f.f(got, x)
				worst, worstAt := 0.0, 0.0
				for i, v := range x {
					want := f.want(float64(v))
					if f.name == "GELU" && math.IsInf(float64(v), -1) {
						want = math.NaN()
					}
					if math.Abs(want) > math.MaxFloat32 {
						want = math.Inf(int(math.Copysign(1, want)))
					}
					tolerance := f.tolerance(float64(v), want)
					if math.IsInf(float64(got[i]), 0) && math.Abs(want) > math.MaxFloat32*(1-1e-6) {
						continue
					}
					if !near(got[i], want, tolerance) {
						t.Fatalf("f(%v) = %v, want %v within %g", v, got[i], want, tolerance)
					}
					if e := math.Abs(float64(got[i])-want) / tolerance; e > worst {
						worst, worstAt = e, float64(v)
					}
				}
				if testing.Verbose() {
					t.Logf("worst %.2f of the tolerance at %v", worst, worstAt)
				}
			})
		}
	})
}

// A value's result is the same among whole vectors and in what is left of them, and nothing
// beyond is written.
func TestFunctionsOfAnyLength(t *testing.T) {
	x := exponents()
	eachLevel(t, func(t *testing.T) {
		for _, f := range functions {
			whole := make([]float32, len(x))
			f.f(whole, x)
			for start, n := 0, 1; start+n <= len(x); start, n = start+n, n%31+1 {
				got, check := guarded(t, n)
				f.f(got, x[start:start+n])
				check()
				if at := differing(got, whole[start:]); at >= 0 {
					t.Fatalf("%s(%v) is %v as number %d of %d, otherwise %v", f.name, x[start+at], got[at], at, n, whole[start+at])
				}
			}
		}
	})
}

// differing returns where got has other bits than want, NaN being all the same, or -1.
func differing(got, want []float32) int {
	for i, v := range got {
		if !sameBits(v, want[i]) {
			return i
		}
	}
	return -1
}

func sameBits(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
}

// What works on each element alone does the same at either width, so that a result may be
// divided anywhere between vectors of 256 and of 512 bits.
func TestElementsHaveTheSameBitsAtAnyWidth(t *testing.T) {
	if !slices.Contains(simd.Available(), simd.AVX512) {
		t.Skip("this machine has no AVX-512")
	}
	x := append(exponents(), between(-20, 20, 20_001)...)
	y := append(normal(3, len(x)-20_001), between(20, -20, 20_001)...)
	products := make([]int32, len(x))
	for i := range products {
		products[i] = int32(i*7919%100_003 - 50_000)
	}
	type operation struct {
		name string
		f    func(dst []float32)
	}
	var operations []operation
	for _, f := range functions {
		operations = append(operations, operation{f.name, func(dst []float32) { f.f(dst, x) }})
	}
	for _, f := range binaries {
		operations = append(operations, operation{f.name, func(dst []float32) { f.f(dst, x, y) }})
	}
	for _, f := range scalars {
		operations = append(operations, operation{f.name, func(dst []float32) { f.f(dst, x, 0.3) }})
	}
	operations = append(operations, operation{"DotBounds", func(dst []float32) {
		simd.DotBounds{Scales: x, Errors: y, Scale: 0.1, Length: 3, Constant: 0.7}.Of(dst, products)
	}})
	for _, f := range operations {
		narrow, wide := make([]float32, len(x)), make([]float32, len(x))
		for level, dst := range map[simd.Level][]float32{simd.AVX2: narrow, simd.AVX512: wide} {
			restore := simd.Use(level)
			f.f(dst)
			restore()
		}
		if at := differing(narrow, wide); at >= 0 {
			t.Fatalf("%s(%v): %v with 256 bits, %v with 512", f.name, x[at], narrow[at], wide[at])
		}
	}
}

func BenchmarkFunction(b *testing.B) {
	x := normal(1, 4096)
	dst := make([]float32, len(x))
	for _, f := range functions {
		b.Run(f.name, func(b *testing.B) {
			b.ReportMetric(fastest(b, func() { f.f(dst, x) })/float64(len(x)), "ns/value")
		})
	}
}
