package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// pairOf is rows k and k+1 of a column in bfloat16, the first in the lower half; rows past
// the end are zero.
func pairOf(m Matrix, k, j int) uint32 {
	at := func(k int) uint32 {
		if k >= m.Rows {
			return 0
		}
		return uint32(bfloat16(m.Values[k*m.RowStride+j*m.ColumnStride]))
	}
	return at(k) | at(k+1)<<16
}

// stridedMatrices are rows x columns numbers with contiguous rows, with contiguous columns and
// with neither; none is subnormal.
func stridedMatrices(rows, columns int) map[string]Matrix {
	r := rand.New(rand.NewPCG(uint64(rows), uint64(columns)))
	values := make([]float32, 2*(rows+3)*(columns+5))
	for i := range values {
		values[i] = float32(r.NormFloat64())
	}
	for i, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat32} {
		values[i*7%len(values)] = float32(v)
	}
	return map[string]Matrix{
		"rows":    {Values: values, Rows: rows, Columns: columns, RowStride: columns + 5, ColumnStride: 1},
		"columns": {Values: values, Rows: rows, Columns: columns, RowStride: 1, ColumnStride: rows + 3},
		"neither": {Values: values, Rows: rows, Columns: columns, RowStride: 2, ColumnStride: 2 * (rows + 3)},
	}
}

var pairShapes = [][2]int{{1, 1}, {2, 3}, {7, 16}, {16, 15}, {31, 17}, {32, 32}, {33, 33}, {63, 48}, {64, 5}, {255, 96}, {256, 100}}

// TestPairsArePackedAsProductsReadThem: every panel of B, and A's block in rows or in
// columns, at odd sizes and with any strides. Nothing behind a panel's place is written.
func TestPairsArePackedAsProductsReadThem(t *testing.T) {
	if !machine.pairs {
		t.Skip("this processor has no AVX512-BF16")
	}
	defer use(choice{AVX512, true})()
	for _, shape := range pairShapes {
		for name, b := range stridedMatrices(shape[0], shape[1]) {
			t.Run(fmt.Sprintf("%dx%d/%s", shape[0], shape[1], name), func(t *testing.T) {
				checkPanels(t, b)
				checkLeftPairs(t, b.T())
			})
		}
	}
}

func checkPanels(t *testing.T, b Matrix) {
	panels := (b.Columns + ColumnGrain - 1) / ColumnGrain
	size := panels * b.Rows * ColumnGrain
	for _, tiles := range []bool{false, true} {
		if tiles && b.Rows < amxRows {
			continue
		}
		dst := make([]float32, size+1)
		dst[size] = 77
		packRight(dst, b, BFloat16, tiles)
		if dst[size] != 77 {
			t.Fatalf("tiles %v: the value behind the panels was overwritten", tiles)
		}
		rows := b.Rows
		if tiles {
			rows = (b.Rows + amxDepth - 1) / amxDepth * amxDepth
		}
		for j := range panels * ColumnGrain {
			for k := 0; k < rows; k += 2 {
				want := uint32(0)
				if j < b.Columns {
					want = pairOf(b, k, j)
				}
				got := math.Float32bits(dst[j/ColumnGrain*b.Rows*ColumnGrain+k/2*ColumnGrain+j%ColumnGrain])
				if got != want {
					t.Fatalf("tiles %v: rows %d and %d of column %d are %#x, want %#x", tiles, k, k+1, j, got, want)
				}
			}
		}
	}
}

func checkLeftPairs(t *testing.T, a Matrix) {
	var w Workspace
	g := blocked{Product: &Product{A: a, Precision: BFloat16}, w: &w}
	s := g.leftPairs(a)
	chunks := (a.Columns + amxDepth - 1) / amxDepth
	rows := append([]float32(nil), s.values...)
	tiles := g.leftTiles(Tile{Rows: a.Rows, Columns: a.Columns})
	for i := range a.Rows {
		for k := 0; k < a.Columns; k += 2 {
			at := i/RowGrain*s.group + i%RowGrain + k/2*s.step
			if s.alongK {
				at = i*s.step + k/2
			}
			want := pairOf(a.T(), k, i)
			if got := math.Float32bits(rows[at]); got != want {
				t.Fatalf("columns %d and %d of row %d are %#x, want %#x", k, k+1, i, got, want)
			}
			at = (i/amxRows*chunks+k/amxDepth)*amxFloats + i%amxRows*amxDepth/2 + k%amxDepth/2
			if got := math.Float32bits(tiles[at]); got != want {
				t.Fatalf("in tiles, columns %d and %d of row %d are %#x, want %#x", k, k+1, i, got, want)
			}
		}
	}
}
