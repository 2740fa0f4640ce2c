package simd_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loopitr/loopitr/internal/simd"
)

func TestBFloat16IsTheNearestEven(t *testing.T) {
	x := exponents()
	x = append(x, math.Float32frombits(0x3f808000), math.Float32frombits(0x3f818000)) // halfway, to even below and above
	eachLevel(t, func(t *testing.T) {
		short, back, rounded := make([]uint16, len(x)), make([]float32, len(x)), make([]float32, len(x))
		simd.BFloat16FromFloat32(short, x)
		simd.Float32FromBFloat16(back, short)
		simd.RoundBFloat16(rounded, x)
		for i, v := range x {
			if v != v {
				if back[i] == back[i] || rounded[i] == rounded[i] {
					t.Fatalf("NaN %x became %v, %v", math.Float32bits(v), back[i], rounded[i])
				}
				continue
			}
			bits := math.Float32bits(v)
			low, rest := bits&0xffff0000, bits&0xffff
			want := low
			if rest > 0x8000 || rest == 0x8000 && low&0x10000 != 0 {
				want += 0x10000
			}
			if math.Float32bits(back[i]) != want || math.Float32bits(rounded[i]) != want {
				t.Fatalf("%x became %x, %x, want %x", bits, math.Float32bits(back[i]), math.Float32bits(rounded[i]), want)
			}
		}
	})
}

func TestFloat16(t *testing.T) {
	inf := float32(math.Inf(1))
	cases := []struct {
		x    float32
		want uint16
	}{
		{0, 0}, {float32(math.Copysign(0, -1)), 0x8000}, {1, 0x3c00}, {-2, 0xc000}, {65504, 0x7bff}, {65519, 0x7bff}, {65520, 0x7c00},
		{-inf, 0xfc00}, {0x1p-14, 0x0400}, {0x1p-24, 1}, {0x1p-25, 0}, {0x1.8p-25, 1}, {0x1.8p-24, 2}, {1 + 0x1p-11, 0x3c00}, {1 + 0x1.8p-10, 0x3c02},
	}
	eachLevel(t, func(t *testing.T) {
		for _, c := range cases {
			x, got := make([]float32, 9), make([]uint16, 9)
			for i := range x {
				x[i] = c.x
			}
			simd.Float16FromFloat32(got, x)
			if got[0] != c.want || got[8] != c.want {
				t.Errorf("%v became %x, %x, want %x", c.x, got[0], got[8], c.want)
			}
		}
	})
}

func TestEveryFloat16GoesThereAndBack(t *testing.T) {
	all := make([]uint16, 1<<16)
	for i := range all {
		all[i] = uint16(i)
	}
	eachLevel(t, func(t *testing.T) {
		wide, back := make([]float32, len(all)), make([]uint16, len(all))
		simd.Float32FromFloat16(wide, all)
		simd.Float16FromFloat32(back, wide)
		for i, h := range all {
			if h&0x7c00 == 0x7c00 && h&0x3ff != 0 {
				if wide[i] == wide[i] || back[i]&0x7c00 != 0x7c00 || back[i]&0x3ff == 0 {
					t.Fatalf("NaN %x became %v and %x", h, wide[i], back[i])
				}
			} else if back[i] != h {
				t.Fatalf("%x became %v and %x", h, wide[i], back[i])
			}
		}
	})
	// The levels must agree on every rounding too.
	x := exponents()
	got, want := make([]uint16, len(x)), make([]uint16, len(x))
	simd.Float16FromFloat32(got, x)
	defer simd.Use(simd.Generic)()
	simd.Float16FromFloat32(want, x)
	for i, v := range x {
		if got[i] != want[i] && v == v {
			t.Fatalf("%v (%x) became %x, want %x", v, math.Float32bits(v), got[i], want[i])
		}
	}
}

// Conversions of any length are what plain Go makes of each value, and write nothing beyond.
func TestConversionsOfAnyLength(t *testing.T) {
	type result struct {
		BFloat16, Float16                  []uint16
		FromBFloat16, FromFloat16, Rounded []float32
	}
	convert := func(t *testing.T, x []float32) result {
		const margin = 16
		n := len(x)
		b, h := make([]uint16, n+margin), make([]uint16, n+margin)
		simd.BFloat16FromFloat32(b[:n], x)
		simd.Float16FromFloat32(h[:n], x)
		for i := range margin {
			if b[n+i] != 0 || h[n+i] != 0 {
				t.Fatalf("%d values: %d beyond was written", n, i)
			}
		}
		fromB, checkB := guarded(t, n)
		fromH, checkH := guarded(t, n)
		rounded, checkRounded := guarded(t, n)
		simd.Float32FromBFloat16(fromB, b)
		simd.Float32FromFloat16(fromH, h)
		simd.RoundBFloat16(rounded, x)
		checkB()
		checkH()
		checkRounded()
		return result{b, h, fromB, fromH, rounded}
	}
	var x []float32
	for i, v := range exponents() {
		halfway := math.Float32frombits(math.Float32bits(v)&^0xffff | 0x8000) // between two bfloat16
		if x = append(x, v); i%3 == 0 {
			x = append(x, halfway)
		}
	}
	eachLevel(t, func(t *testing.T) {
		if simd.Active() == simd.Generic {
			t.Skip("it is plain Go")
		}
		for start, n := 0, 1; start+n <= len(x); start, n = start+n, n%70+1 {
			got := convert(t, x[start:start+n])
			restore := simd.Use(simd.Generic)
			want := convert(t, x[start:start+n])
			restore()
			if diff := cmp.Diff(want, got, cmp.Comparer(sameBits)); diff != "" {
				t.Fatalf("%d values from %v on (-want +got):\n%s", n, x[start], diff)
			}
		}
	})
}

func TestDotInt8IsExact(t *testing.T) {
	extremes := []int8{-128, -127, -1, 0, 1, 127}
	eachLevel(t, func(t *testing.T) {
		for _, n := range []int{0, 1, 31, 32, 33, 64, 96, 257} {
			for _, count := range []int{0, 1, 3, 4, 7, 9} {
				for shift := range extremes {
					query, block := make([]int8, n), make([]int8, n*count)
					for i := range query {
						query[i] = extremes[max(1-shift%2, (i+shift)%len(extremes))]
						if shift == 0 {
							query[i] = 127
						}
					}
					for i := range block {
						block[i] = extremes[(i*7/5+shift)%len(extremes)]
						if shift == 0 {
							block[i] = -128
						}
					}
					got := make([]int32, count+4)
					simd.DotInt8(got[:count], query, block)
					want := make([]int32, count+4)
					for i := range count {
						for j, q := range query {
							want[i] += int32(q) * int32(block[i*n+j])
						}
					}
					if diff := cmp.Diff(want, got); diff != "" {
						t.Fatalf("%d vectors of %d, shift %d: %s", count, n, shift, diff)
					}
				}
			}
		}
	})
}

func TestDotBounds(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for _, n := range append([]int{0}, odd...) {
			b := simd.DotBounds{Scales: normal(1, n), Errors: normal(2, n), Scale: 0.5, Length: 1.5, Constant: 0.25}
			products := make([]int32, n)
			for i := range products {
				products[i] = int32(i*37 - 500)
			}
			got, check := guarded(t, n)
			b.Of(got, products)
			check()
			for i, v := range got {
				middle, missing := 0.5*float64(b.Scales[i])*float64(products[i]), 1.5*float64(b.Errors[i])
				tolerance := 0x1p-22 * (math.Abs(middle) + math.Abs(missing) + 0.25)
				if want := middle + missing + 0.25; !near(v, want, tolerance) {
					t.Errorf("bound %d of %d is %v, want %v", i, n, v, want)
				}
			}
		}
	})
}

func BenchmarkDotInt8(b *testing.B) {
	const count, n = 20000, 256
	query, block, scores := make([]int8, n), make([]int8, count*n), make([]int32, count)
	for i := range query {
		query[i] = int8(i%255 - 127)
	}
	nanoseconds := fastest(b, func() { simd.DotInt8(scores, query, block) })
	b.ReportMetric(count*n/nanoseconds, "GB/s")
}
