package simd_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loopitr/loopitr/internal/simd"
	"pgregory.net/rapid"
)

func TestProductByHand(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		c := make([]float32, 4)
		p := simd.Product{
			A:    simd.Dense([]float32{1, 2, 3, 4, 5, 6}, 2, 3),
			B:    simd.Dense([]float32{1, 2, 0, 1, 1, 0}, 3, 2),
			C:    simd.Dense(c, 2, 2),
			Bias: []float32{10, 20},
		}
		var w simd.Workspace
		p.Run(&w)
		if diff := cmp.Diff([]float32{14, 24, 20, 33}, c); diff != "" {
			t.Error(diff)
		}
	})
}

// productCase is a random product; views are laid out as the flags say.
type productCase struct {
	m, n, k                  int
	aLayout, bLayout         int // 0 rows contiguous, 1 columns contiguous, 2 neither
	pad                      int // extra row stride of C
	accumulate, bias, gelu   bool
	residual, packed         bool
	scale                    float32
	precision                simd.Precision
	rowFrom, rowTo, from, to int
}

func layout(values []float32, rows, columns, how int) simd.Matrix {
	switch how {
	case 0:
		return simd.Dense(values, rows, columns)
	case 1:
		return simd.Dense(values, columns, rows).T()
	}
	return simd.Matrix{Values: values, Rows: rows, Columns: columns, RowStride: 2 * columns, ColumnStride: 2}
}

func drawCase(t *rapid.T) productCase {
	size := rapid.OneOf(rapid.SampledFrom([]int{1, 3, 7, 8, 9, 15, 16, 17, 31}), rapid.IntRange(1, 40), rapid.Just(65))
	flag := rapid.Bool()
	c := productCase{
		m: size.Draw(t, "m"), n: size.Draw(t, "n"),
		k:       rapid.OneOf(size, size, size, rapid.Just(257)).Draw(t, "k"),
		aLayout: rapid.IntRange(0, 2).Draw(t, "a"), bLayout: rapid.IntRange(0, 2).Draw(t, "b"),
		pad: rapid.IntRange(0, 3).Draw(t, "pad"), accumulate: flag.Draw(t, "accumulate"), bias: flag.Draw(t, "bias"),
		gelu: flag.Draw(t, "gelu"), residual: flag.Draw(t, "residual"), packed: flag.Draw(t, "packed"),
		scale: rapid.SampledFrom([]float32{0, 1, -0.5}).Draw(t, "scale"),
	}
	if rapid.IntRange(0, 3).Draw(t, "precision") == 0 {
		c.precision = simd.BFloat16
	}
	c.rowFrom, c.from = rapid.IntRange(0, c.m-1).Draw(t, "row"), rapid.IntRange(0, c.n-1).Draw(t, "column")
	c.rowTo, c.to = rapid.IntRange(c.rowFrom, c.m).Draw(t, "row end"), rapid.IntRange(c.from, c.n).Draw(t, "column end")
	return c
}

// make returns the product and the values of C.
func (c productCase) make() (p simd.Product, out []float32) {
	out = normal(3, c.m*(c.n+c.pad))
	p = simd.Product{
		A: layout(normal(1, 2*c.m*c.k), c.m, c.k, c.aLayout), B: layout(normal(2, 2*c.k*c.n), c.k, c.n, c.bLayout),
		C:     simd.Matrix{Values: out, Rows: c.m, Columns: c.n, RowStride: c.n + c.pad, ColumnStride: 1},
		Scale: c.scale, Accumulate: c.accumulate, Precision: c.precision,
	}
	if c.bias {
		p.Bias = normal(4, c.n)
	}
	if c.gelu {
		p.Activation = simd.GELUActivation
	}
	if c.residual {
		p.Residual = simd.Dense(normal(5, c.m*c.n), c.m, c.n)
	}
	if c.packed {
		p.Packed = simd.NewPacked(p.B.Rows, p.B.Columns, c.precision)
		p.Packed.Panels(p.B, 0, p.Packed.Count())
	}
	return p, out
}

// checkProduct compares c at the active level with plain Go.
func checkProduct(t interface{ Fatalf(string, ...any) }, c productCase) {
	got, gotOut := c.make()
	var w simd.Workspace
	got.Run(&w)
	defer simd.Use(simd.Generic)()
	want, wantOut := c.make()
	want.Run(&w)
	// A sum of k products of unit normals; rounding grows with its parts' sizes.
	tolerance := 4e-6 * (4 + math.Sqrt(float64(c.k)))
	for i := range wantOut {
		if !near(gotOut[i], float64(wantOut[i]), tolerance) {
			t.Fatalf("%+v: C[%d] = %v, want %v", c, i, gotOut[i], wantOut[i])
		}
	}
}

func TestProductAgreesWithPlainGo(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		if simd.Active() == simd.Generic {
			t.Skip("it is plain Go")
		}
		rapid.Check(t, func(t *rapid.T) { checkProduct(t, drawCase(t)) })
	})
}

// Every kernel takes its own number of rows, layout of A, precision and width of C;
// random cases miss some.
func TestProductsOfEveryHeightAgreeWithPlainGo(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		if simd.Active() == simd.Generic {
			t.Skip("it is plain Go")
		}
		for _, m := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16, 17, 32, 35} {
			for _, k := range []int{3, 4, 7, 17, 40} {
				for _, c := range []productCase{
					{n: 28}, {n: 21, aLayout: 1, residual: true}, {n: 28, aLayout: 1}, {n: 21, accumulate: true, scale: -0.5},
					{n: 28, precision: simd.BFloat16}, {n: 21, precision: simd.BFloat16, residual: true},
					{n: 71, aLayout: 1, bias: true}, {n: 71, accumulate: true}, {n: 71, precision: simd.BFloat16, scale: -0.5},
					{n: 29, bLayout: 1, scale: 3}, {n: 30, bLayout: 1, scale: -0.5, bias: true}, {n: 7, bLayout: 1, accumulate: true},
					{n: 33, aLayout: 1, bLayout: 1, precision: simd.BFloat16, bias: true}, {n: 32, precision: simd.BFloat16, packed: true},
				} {
					c.m, c.k = m, k
					checkProduct(t, c)
				}
			}
		}
	})
}

// Sizes beyond every block of rows, columns and depth.
func TestLargeProductsAgreeWithPlainGo(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		if simd.Active() == simd.Generic {
			t.Skip("it is plain Go")
		}
		for _, c := range []productCase{
			{m: 250, n: 130, k: 9}, {m: 7, n: 2070, k: 5, bLayout: 1, bias: true, gelu: true, residual: true},
			{m: 50, n: 2070, k: 5, packed: true, residual: true}, {m: 49, n: 33, k: 600, aLayout: 1, bias: true, accumulate: true, residual: true},
			{m: 300, n: 50, k: 1100, packed: true, bias: true, precision: simd.BFloat16}, {m: 40, n: 2070, k: 1300, bLayout: 1, accumulate: true, precision: simd.BFloat16},
			{m: 250, n: 150, k: 10, aLayout: 2, bLayout: 2, precision: simd.BFloat16}, {m: 16, n: 197, k: 64, bLayout: 1},
			{m: 780, n: 200, k: 9, aLayout: 1}, {m: 31, n: 200, k: 1030, bias: true}, // A's rows or columns too far apart to be read in place
		} {
			checkProduct(t, c)
			// A tile of so few columns may read in place what the whole packs.
			c.rowFrom, c.rowTo, c.from, c.to = c.m/3, c.m, c.n/3, min(c.n, c.n/3+70)
			checkTile(t, c)
		}
	})
}

func TestTilesOfAProductHaveTheSameBits(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) { checkTile(t, drawCase(t)) })
	})
}

// checkTile compares a tile with that part of the whole product, and what is around
// it with what was there.
func checkTile(t interface{ Fatalf(string, ...any) }, c productCase) {
	whole, wholeOut := c.make()
	var w simd.Workspace
	before := append([]float32(nil), wholeOut...)
	whole.Run(&w)
	part, partOut := c.make()
	part.RunTile(&w, simd.Tile{Row: c.rowFrom, Rows: c.rowTo - c.rowFrom, Column: c.from, Columns: c.to - c.from})
	for i := range c.m {
		for j := range c.n + c.pad {
			at := i*(c.n+c.pad) + j
			want := before[at]
			if i >= c.rowFrom && i < c.rowTo && j >= c.from && j < c.to {
				want = wholeOut[at]
			}
			if math.Float32bits(partOut[at]) != math.Float32bits(want) {
				t.Fatalf("%+v: (%d,%d) = %v, want %v", c, i, j, partOut[at], want)
			}
		}
	}
}

// One or two rows of C with long rows of B, of which 2,048 columns are summed at a time.
func TestStreamedProductsAgreeWithPlainGo(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		if simd.Active() == simd.Generic {
			t.Skip("it is plain Go")
		}
		for _, c := range []productCase{
			{m: 1, n: 300, k: 9}, {m: 2, n: 1030, k: 7, bias: true, scale: -0.5}, {m: 1, n: 2070, k: 4, accumulate: true, bias: true, scale: 3},
			{m: 2, n: 1300, k: 17, residual: true, pad: 3}, {m: 2, n: 301, k: 6, aLayout: 1, bias: true, gelu: true, residual: true}, {m: 1, n: 257, k: 3},
		} {
			checkProduct(t, c)
			c.rowFrom, c.rowTo, c.from, c.to = c.m-1, c.m, 30, c.n-7
			checkTile(t, c)
		}
	})
}

func TestProductCarriesNaNAndInfinity(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for _, special := range []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))} {
			a, b, c := normal(1, 20*20), make([]float32, 20*20), make([]float32, 20*20)
			a[3*20+4] = special
			for i := range b {
				b[i] = 1
			}
			b[4*20+7] = 0
			p := simd.Product{A: simd.Dense(a, 20, 20), B: simd.Dense(b, 20, 20), C: simd.Dense(c, 20, 20)}
			var w simd.Workspace
			p.Run(&w)
			for i, v := range c {
				want := v // rows without the special value stay finite
				switch {
				case i == 3*20+7:
					want = float32(math.NaN())
				case i/20 == 3:
					want = special
				case math.IsNaN(float64(v)) || math.IsInf(float64(v), 0):
					t.Fatalf("special value reached (%d,%d)", i/20, i%20)
				}
				if !near(v, float64(want), 0) {
					t.Fatalf("(%d,%d) = %v, want %v", i/20, i%20, v, want)
				}
			}
		}
	})
}

func TestProductWithoutInnerSizeIsItsEpilogue(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		c := make([]float32, 6)
		p := simd.Product{A: simd.Matrix{Rows: 2}, B: simd.Matrix{Columns: 3}, C: simd.Dense(c, 2, 3), Bias: []float32{1, 2, 3}}
		p.B.ColumnStride, p.A.ColumnStride = 1, 1
		var w simd.Workspace
		p.Run(&w)
		if diff := cmp.Diff([]float32{1, 2, 3, 1, 2, 3}, c); diff != "" {
			t.Error(diff)
		}
	})
}

func TestProductRefusesShapesThatDoNotFit(t *testing.T) {
	good := func() *simd.Product {
		return &simd.Product{A: simd.Dense(make([]float32, 6), 2, 3), B: simd.Dense(make([]float32, 12), 3, 4), C: simd.Dense(make([]float32, 8), 2, 4)}
	}
	if err := good().Validate(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*simd.Product){
		"inner":    func(p *simd.Product) { p.B.Rows = 4 },
		"bias":     func(p *simd.Product) { p.Bias = make([]float32, 3) },
		"residual": func(p *simd.Product) { p.Residual = simd.Dense(make([]float32, 4), 2, 2) },
		"packed":   func(p *simd.Product) { p.Packed = simd.NewPacked(3, 5, simd.Float32) },
		"column":   func(p *simd.Product) { p.C.ColumnStride = 2 },
	} {
		p := good()
		spoil(p)
		if p.Validate() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// productShapes are those of ViT-B and of the small preset, their gradients and
// attention's.
var productShapes = []struct{ m, k, n, aLayout, bLayout int }{
	{256, 256, 256, 0, 0}, {512, 512, 512, 0, 0}, {512, 512, 512, 0, 1}, {512, 512, 512, 1, 0},
	{1576, 768, 3072, 0, 0}, {1576, 3072, 768, 0, 1}, {768, 1576, 3072, 1, 0},
	{4160, 192, 768, 0, 0}, {4160, 768, 192, 0, 0}, {4160, 768, 192, 0, 1}, {192, 4160, 768, 1, 0},
	{197, 64, 197, 0, 1}, {197, 197, 64, 0, 0}, {65, 64, 65, 0, 1}, {65, 65, 64, 0, 0}, {17, 64, 65, 0, 1},
	{1, 768, 3072, 0, 0}, {1, 3072, 768, 0, 1}, {4, 768, 3072, 0, 0}, {4, 3072, 768, 0, 1}, {16, 768, 768, 0, 0}, {16, 768, 768, 0, 1},
}

func BenchmarkProduct(b *testing.B) {
	peak := simd.Peak(50e6)
	for precision, name := range []string{simd.Float32: "float32", simd.BFloat16: "bfloat16"} {
		for _, s := range productShapes {
			b.Run(fmt.Sprintf("%s/%dx%dx%d/%c%c", name, s.m, s.k, s.n, "NT"[s.aLayout], "NT"[s.bLayout]), func(b *testing.B) {
				p := simd.Product{A: layout(normal(1, s.m*s.k), s.m, s.k, s.aLayout), B: layout(normal(2, s.k*s.n), s.k, s.n, s.bLayout),
					C: simd.Dense(make([]float32, s.m*s.n), s.m, s.n), Precision: simd.Precision(precision)}
				var w simd.Workspace
				nanoseconds := fastest(b, func() { p.Run(&w) })
				rate := 2 * float64(s.m) * float64(s.k) * float64(s.n) / nanoseconds
				b.ReportMetric(rate, "GFLOPS")
				b.ReportMetric(rate/peak, "of-peak")
			})
		}
	}
}
