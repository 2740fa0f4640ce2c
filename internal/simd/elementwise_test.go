package simd_test

import (
	"math"
	"slices"
	"testing"

	"github.com/loopitr/loopitr/internal/simd"
)

// special is a row in which every pair of ordinary and extreme numbers meets.
func special() (a, b []float32) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	values := []float32{0, 1, -1, 2.5, -3.75, math.SmallestNonzeroFloat32, math.MaxFloat32, inf, -inf, nan}
	for _, x := range values {
		for _, y := range values {
			a, b = append(a, x), append(b, y)
		}
	}
	return append(a, normal(1, 200)...), append(b, normal(2, 200)...)
}

var binaries = []struct {
	name string
	f    func(dst, a, b []float32)
	want func(a, b float32) float32
}{
	{"Add", simd.Add, func(a, b float32) float32 { return a + b }},
	{"Sub", simd.Sub, func(a, b float32) float32 { return a - b }},
	{"Mul", simd.Mul, func(a, b float32) float32 { return a * b }},
	{"Div", simd.Div, func(a, b float32) float32 { return a / b }},
	{"Max", simd.Max, func(a, b float32) float32 { return max(a, b) }},
	{"Min", simd.Min, func(a, b float32) float32 { return min(a, b) }},
	{"Neg", func(dst, a, _ []float32) { simd.Neg(dst, a) }, func(a, _ float32) float32 { return -a }},
	{"Abs", func(dst, a, _ []float32) { simd.Abs(dst, a) }, func(a, _ float32) float32 { return float32(math.Abs(float64(a))) }},
}

var scalars = []struct {
	name string
	f    func(dst, a []float32, s float32)
	want func(a, s float32) float32
}{
	{"AddScalar", simd.AddScalar, func(a, s float32) float32 { return a + s }},
	{"MulScalar", simd.MulScalar, func(a, s float32) float32 { return a * s }},
	{"DivScalar", simd.DivScalar, func(a, s float32) float32 { return a / s }},
	{"MaxScalar", simd.MaxScalar, func(a, s float32) float32 { return max(a, s) }},
	{"MinScalar", simd.MinScalar, func(a, s float32) float32 { return min(a, s) }},
	{"ScalarSub", func(dst, a []float32, s float32) { simd.ScalarSub(dst, s, a) }, func(a, s float32) float32 { return s - a }},
	{"ScalarDiv", func(dst, a []float32, s float32) { simd.ScalarDiv(dst, s, a) }, func(a, s float32) float32 { return s / a }},
}

func TestElementwiseIsExact(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		allA, allB := special()
		for _, n := range append(odd, len(allA)) {
			from := 37 * n % (len(allA) - n + 1) // so that special numbers come last, too
			a, b := allA[from:], allB[from:]
			for _, f := range binaries {
				got, check := guarded(t, n)
				f.f(got, a, b)
				check()
				for i := range got {
					if want := f.want(a[i], b[i]); !near(got[i], float64(want), 0) {
						t.Fatalf("%s(%v, %v) = %v, want %v", f.name, a[i], b[i], got[i], want)
					}
				}
				same := append([]float32(nil), a...)
				f.f(same[:n], same, b)
				for i := range got {
					if !near(same[i], float64(got[i]), 0) {
						t.Fatalf("%s in place: %v, want %v", f.name, same[i], got[i])
					}
				}
			}
			for _, f := range scalars {
				for _, s := range allB[:10] {
					got, check := guarded(t, n)
					f.f(got, a, s)
					check()
					for i := range got {
						if want := f.want(a[i], s); !near(got[i], float64(want), 0) {
							t.Fatalf("%s(%v, %v) = %v, want %v", f.name, a[i], s, got[i], want)
						}
					}
				}
			}
		}
	})
}

func TestSelectAndCompare(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		allA, allB := special()
		relations := map[simd.Comparison]func(x, y float32) bool{
			simd.Equal: func(x, y float32) bool { return x == y }, simd.NotEqual: func(x, y float32) bool { return x != y },
			simd.Less: func(x, y float32) bool { return x < y }, simd.LessOrEqual: func(x, y float32) bool { return x <= y },
			simd.Greater: func(x, y float32) bool { return x > y }, simd.GreaterOrEqual: func(x, y float32) bool { return x >= y },
		}
		for _, n := range append(odd, len(allA)) {
			from := 37 * n % (len(allA) - n + 1)
			a, b := allA[from:], allB[from:]
			for op, holds := range relations {
				all := make([]bool, n+16)
				mask := all[:n]
				simd.Compare(mask, op, a, b)
				for i, got := range all {
					if want := i < n && holds(a[i], b[i]); got != want {
						t.Fatalf("compare %d of %v, %v at %d of %d: %v", op, a[i], b[i], i, n, got)
					}
				}
				got, check := guarded(t, n)
				simd.Select(got, mask, a, b)
				check()
				chosen := make([]float32, n)
				simd.SelectScalar(chosen, mask, a, 7)
				for i := range got {
					want, wantChosen := b[i], float32(7)
					if mask[i] {
						want, wantChosen = a[i], a[i]
					}
					if !near(got[i], float64(want), 0) || !near(chosen[i], float64(wantChosen), 0) {
						t.Fatalf("select at %d of %d: %v, %v", i, n, got[i], chosen[i])
					}
				}
				simd.CompareScalar(mask, op, a, 1)
				for i := range mask {
					if mask[i] != holds(a[i], 1) {
						t.Fatalf("compare %d of %v with 1: %v", op, a[i], mask[i])
					}
				}
			}
		}
	})
}

func TestReductions(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for _, n := range append([]int{0}, odd...) {
			a, b := normal(1, n), normal(2, n)
			var sum, dot float64
			greatest, least := math.Inf(-1), math.Inf(1)
			for i := range a {
				x, y := float64(a[i]), float64(b[i])
				sum, dot = sum+x, dot+x*y
				greatest, least = max(greatest, x), min(least, x)
			}
			tolerance := 1e-6 * float64(n+1)
			for name, pair := range map[string][2]float64{
				"Sum": {float64(simd.Sum(a)), sum}, "Dot": {float64(simd.Dot(a, b)), dot},
			} {
				if math.Abs(pair[0]-pair[1]) > tolerance {
					t.Errorf("%s of %d = %v, want %v", name, n, pair[0], pair[1])
				}
			}
			if !near(simd.Maximum(a), greatest, 0) || !near(simd.Minimum(a), least, 0) {
				t.Errorf("extremes of %d: %v, %v, want %v, %v", n, simd.Maximum(a), simd.Minimum(a), greatest, least)
			}
			for at := range a {
				spoiled := append([]float32(nil), a...)
				spoiled[at] = float32(math.NaN())
				if m, l := simd.Maximum(spoiled), simd.Minimum(spoiled); m == m || l == l {
					t.Fatalf("NaN at %d of %d is lost", at, n)
				}
			}
		}
	})
}

func TestSumRows(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		got, check := guarded(t, 17)
		m := simd.Matrix{Values: normal(1, 5*20), Rows: 5, Columns: 17, RowStride: 20, ColumnStride: 1}
		simd.SumRows(got, m)
		check()
		for j := range got {
			var want float64
			for i := range 5 {
				want += float64(m.Values[i*20+j])
			}
			if !near(got[j], want, 1e-5) {
				t.Errorf("column %d: %v, want %v", j, got[j], want)
			}
		}
	})
}

// TestAddToFloat64: every sum is exact, and none beyond x is touched.
func TestAddToFloat64(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for _, n := range append([]int{0}, odd...) {
			x := normal(3, n)
			sums := make([]float64, n+1)
			want := make([]float64, n+1)
			for i := range sums {
				sums[i] = 1e9 * float64(i)
				want[i] = sums[i]
				if i < n {
					want[i] += float64(x[i])
				}
			}
			simd.AddToFloat64(sums, x)
			if !slices.Equal(sums, want) {
				t.Errorf("%d sums are %v, want %v", n, sums, want)
			}
		}
	})
}
