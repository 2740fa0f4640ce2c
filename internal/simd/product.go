package simd

import "fmt"

// Precision is how the operands of a product are rounded before they are
// multiplied; sums are always float32.
type Precision int

const (
	// Float32 multiplies the operands as they are.
	Float32 Precision = iota
	// BFloat16 rounds both operands to bfloat16 (nearest even) first.
	BFloat16
)

// Product describes C = GELU(C0 + Scale*A·B + Bias) + Residual, where every part
// but A·B is optional. A is M x K, B is K x N, C is M x N with ColumnStride 1;
// transposed operands are views (Matrix.T). C must not overlap A, B or Residual.
type Product struct {
	A, B, C Matrix
	// Packed, if not nil, is B as Packed.Panels arranges it; then only B's shape is read.
	Packed *Packed
	// Scale multiplies A·B; 0 means 1.
	Scale float32
	// Accumulate starts from what C holds (C0) instead of zero.
	Accumulate bool
	// Bias, if not nil, has N values, added to every row.
	Bias []float32
	// Activation is applied to the sum.
	Activation Activation
	// Residual, if it has rows, is an M x N view with ColumnStride 1, added last.
	Residual Matrix
	// Precision rounds the operands.
	Precision Precision
}

// Activation is the function in a product's epilogue.
type Activation int

const (
	// Identity leaves the sum as it is.
	Identity Activation = iota
	// GELUActivation is the exact Gaussian error linear unit, as GELU computes it.
	GELUActivation
)

// Workspace holds the buffers of one worker between calls, so that a steady
// state allocates nothing. The zero value is ready. One goroutine at a time.
type Workspace struct {
	a, b      []float32
	turned    []float32 // rows of A that lie in columns, before they are packed into tile registers
	tile      tile
	amx       amxCall
	sums      [32 * 32]float32
	attention attending
}

// Forget lets go of the operands of the last call; the buffers stay.
func (w *Workspace) Forget() { w.tile, w.amx = tile{}, amxCall{} }

// Tile is the block of C, rows [Row, Row+Rows) and columns [Column,
// Column+Columns), that one call computes.
type Tile struct{ Row, Rows, Column, Columns int }

// Validate reports the first part of p whose shape does not fit.
func (p *Product) Validate() error {
	if p.A.Columns != p.B.Rows || p.A.Rows != p.C.Rows || p.B.Columns != p.C.Columns {
		return fmt.Errorf("multiply %dx%d by %dx%d: result is %dx%d", p.A.Rows, p.A.Columns, p.B.Rows, p.B.Columns, p.C.Rows, p.C.Columns)
	}
	if p.Bias != nil && len(p.Bias) < p.C.Columns {
		return fmt.Errorf("multiply to %dx%d: bias has %d values", p.C.Rows, p.C.Columns, len(p.Bias))
	}
	if p.Packed != nil && (p.Packed.k != p.B.Rows || p.Packed.n != p.B.Columns || p.Packed.precision != p.Precision || p.Packed.pairs != paired(p.Precision) || p.Packed.tiles != tiled(p.Precision, p.B.Rows)) {
		return fmt.Errorf("multiply by %dx%d: packed for %dx%d", p.B.Rows, p.B.Columns, p.Packed.k, p.Packed.n)
	}
	if r := p.Residual; r.Rows != 0 && (r.Rows != p.C.Rows || r.Columns != p.C.Columns || r.ColumnStride != 1) {
		return fmt.Errorf("multiply to %dx%d: residual is %dx%d, column stride %d", p.C.Rows, p.C.Columns, r.Rows, r.Columns, r.ColumnStride)
	}
	if p.C.ColumnStride != 1 && p.C.Columns > 1 {
		return fmt.Errorf("multiply to %dx%d: column stride %d", p.C.Rows, p.C.Columns, p.C.ColumnStride)
	}
	return nil
}

// Run computes all of C.
func (p *Product) Run(w *Workspace) {
	p.RunTile(w, Tile{Rows: p.C.Rows, Columns: p.C.Columns})
}

// RunTile computes one tile of C and touches nothing else. Any division of C
// into tiles gives the same bits. Tiles whose Row and Column are multiples of
// RowGrain and ColumnGrain cost least. It panics if p is not valid.
func (p *Product) RunTile(w *Workspace, t Tile) {
	if err := p.Validate(); err != nil {
		panic("simd: " + err.Error())
	}
	p.A.check("A")
	p.C.check("C")
	if p.Packed == nil {
		p.B.check("B")
	}
	p.Residual.check("residual")
	if t.Row < 0 || t.Column < 0 || t.Rows < 0 || t.Columns < 0 || t.Row+t.Rows > p.C.Rows || t.Column+t.Columns > p.C.Columns {
		panic(fmt.Sprintf("simd: tile %+v of %dx%d", t, p.C.Rows, p.C.Columns))
	}
	if t.Rows == 0 || t.Columns == 0 {
		return
	}
	if active.level == Generic || p.A.Columns == 0 {
		p.runGeneric(t)
		return
	}
	if p.skinny() {
		p.runSkinny(w, t)
		return
	}
	if p.streamed() {
		p.runStreamed(w, t)
		return
	}
	p.runBlocked(w, t)
}

func (p *Product) scale() float32 {
	if p.Scale == 0 {
		return 1
	}
	return p.Scale
}
