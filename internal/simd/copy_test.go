package simd_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
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

func TestGatherAndScatter(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		table := simd.Dense([]float32{1, 2, 3, 4, 5, 6}, 3, 2)
		got := make([]float32, 8)
		simd.GatherRows(simd.Dense(got, 4, 2), table, []int64{2, 0, 2, 1})
		if diff := cmp.Diff([]float32{5, 6, 1, 2, 5, 6, 3, 4}, got); diff != "" {
			t.Error(diff)
		}
		sums := make([]float32, 6)
		simd.ScatterAddRows(simd.Dense(sums, 3, 2), simd.Dense(got, 4, 2), []int32{1, 1, 0, 1})
		if diff := cmp.Diff([]float32{5, 6, 9, 12, 0, 0}, sums); diff != "" {
			t.Error(diff)
		}
		defer func() {
			if recover() == nil {
				t.Error("an index outside the table was accepted")
			}
		}()
		simd.GatherRows(simd.Dense(got, 4, 2), table, []int64{3})
	})
}

func TestPixels(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		n := simd.Normalisation{Scale: [3]float32{1, 0.5, 0.25}, Offset: [3]float32{0, -1, -2}}
		for _, size := range []int{3, 24, 27, 75} {
			src := make([]uint8, size)
			for i := range src {
				src[i] = uint8(i * 37)
			}
			got, check := guarded(t, size)
			n.Pixels(got, src)
			check()
			for i, v := range src {
				if want := float64(v)*float64(n.Scale[i%3]) + float64(n.Offset[i%3]); !near(got[i], want, 0) {
					t.Fatalf("%d of %d: %v became %v, want %v", i, size, v, got[i], want)
				}
			}
		}
	})
}

func BenchmarkTranspose(b *testing.B) {
	src, dst := simd.Dense(normal(1, 768*3072), 768, 3072), simd.Dense(make([]float32, 768*3072), 3072, 768)
	nanoseconds := fastest(b, func() { simd.Copy(dst, src.T()) })
	b.ReportMetric(768*3072*8/nanoseconds, "GB/s")
}
