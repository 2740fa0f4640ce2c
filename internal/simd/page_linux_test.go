package simd_test

import (
	"testing"
	"unsafe"

	"github.com/loopitr/loopitr/internal/simd"
	"golang.org/x/sys/unix"
)

// edges hands out slices that end where memory does.
type edges struct {
	t    *testing.T
	page int
}

// last returns n elements at the end of a page, behind which nothing may be read.
func last[E any](e edges, n int) []E {
	e.t.Helper()
	size := int(unsafe.Sizeof(*new(E)))
	room := (n*size + e.page - 1) / e.page * e.page
	memory, err := unix.Mmap(-1, 0, room+e.page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { unix.Munmap(memory) })
	if err := unix.Mprotect(memory[room:], unix.PROT_NONE); err != nil {
		e.t.Fatal(err)
	}
	return unsafe.Slice((*E)(unsafe.Pointer(&memory[room-n*size])), n)
}

// What is left of a vector at the end of a slice may be the end of memory.
func TestNothingIsReadBeyondTheSlices(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		e := edges{t, unix.Getpagesize()}
		for _, n := range odd {
			a, b, dst := last[float32](e, n), last[float32](e, n), last[float32](e, n)
			copy(a, normal(1, n))
			copy(b, normal(2, n))
			mask, short, codes, sums := last[bool](e, n), last[uint16](e, n), last[int32](e, n), last[float64](e, n)
			for _, f := range functions {
				f.f(dst, a)
			}
			for _, f := range binaries {
				f.f(dst, a, b)
			}
			for _, f := range scalars {
				f.f(dst, a, 2)
			}
			simd.Compare(mask, simd.Less, a, b)
			simd.CompareScalar(mask, simd.Less, a, 0)
			simd.Select(dst, mask, a, b)
			simd.SelectScalar(dst, mask, a, 1)
			simd.BFloat16FromFloat32(short, a)
			simd.Float32FromBFloat16(dst, short)
			simd.Float16FromFloat32(short, a)
			simd.Float32FromFloat16(dst, short)
			simd.RoundBFloat16(dst, a)
			simd.Fill(dst, 1)
			simd.AddToFloat64(sums, a)
			simd.DotBounds{Scales: a, Errors: b, Scale: 1, Length: 1}.Of(dst, codes)
			simd.Sum(a)
			simd.Dot(a, b)
			simd.Maximum(a)
			simd.Minimum(a)
			productsAtTheEdge(e, n)
			attentionAtTheEdge(e, n)
		}
	})
}

// productsAtTheEdge multiplies operands that end where memory does, in every arrangement.
func productsAtTheEdge(e edges, n int) {
	const k = 19
	var w simd.Workspace
	for _, m := range []int{1, 3, 5, 13, 26} {
		for aLayout := range 2 {
			for bLayout := range 2 {
				for _, precision := range []simd.Precision{simd.Float32, simd.BFloat16} {
					p := simd.Product{A: layout(last[float32](e, m*k), m, k, aLayout), B: layout(last[float32](e, k*n), k, n, bLayout),
						C: simd.Dense(last[float32](e, m*n), m, n), Bias: last[float32](e, n), Precision: precision}
					p.Run(&w)
				}
			}
		}
	}
}

func attentionAtTheEdge(e edges, n int) {
	const queries, width = 17, 5
	matrix := func(rows int) simd.Matrix { return simd.Dense(last[float32](e, rows*width), rows, width) }
	a := simd.Attention{Q: matrix(queries), K: matrix(n), V: matrix(n), O: matrix(queries),
		Mask: last[bool](e, n), LogSumExp: last[float32](e, queries)}
	a.Mask[n-1] = true
	var w simd.Workspace
	a.Run(&w, 0, queries)
	g := simd.AttentionGradient{Attention: a, DO: matrix(queries), DQ: matrix(queries), DK: matrix(n), DV: matrix(n)}
	g.Run(&w)
}
