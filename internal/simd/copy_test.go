package simd_test

import (
	"testing"

	"github.com/loopitr/loopitr/internal/simd"
	"pgregory.net/rapid"
)

func TestCopyWithAnyStrides(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			size := rapid.OneOf(rapid.IntRange(0, 20), rapid.SampledFrom([]int{31, 65, 130}))
			rows, columns := size.Draw(t, "rows"), size.Draw(t, "columns")
			how := rapid.IntRange(0, 2)
			src := layout(normal(1, 2*rows*columns), rows, columns, how.Draw(t, "source"))
			values := make([]float32, 2*rows*columns)
			dst := layout(values, rows, columns, how.Draw(t, "destination"))
			simd.Copy(dst, src)
			written := 0
			for i := range rows {
				for j := range columns {
					got, want := dst.Values[i*dst.RowStride+j*dst.ColumnStride], src.Values[i*src.RowStride+j*src.ColumnStride]
					if got != want {
						t.Fatalf("(%d,%d) = %v, want %v", i, j, got, want)
					}
				}
			}
			for _, v := range values {
				if v != 0 {
					written++
				}
			}
			if written != rows*columns {
				t.Fatalf("%d values written, want %d", written, rows*columns)
			}
		})
	})
}

func BenchmarkTranspose(b *testing.B) {
	src, dst := simd.Dense(normal(1, 768*3072), 768, 3072), simd.Dense(make([]float32, 768*3072), 3072, 768)
	nanoseconds := fastest(b, func() { simd.Copy(dst, src.T()) })
	b.ReportMetric(768*3072*8/nanoseconds, "GB/s")
}

func TestFill(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for _, n := range append([]int{0}, odd...) {
			dst, check := guarded(t, n)
			simd.Fill(dst, 2.5)
			check()
			for i, v := range dst {
				if v != 2.5 {
					t.Fatalf("value %d of %d is %v", i, n, v)
				}
			}
		}
	})
}
