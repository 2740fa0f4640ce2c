package simd

// skinnyRows is up to how many rows of C the columns of B are read in place, each
// value of C being one dot product: packing B would cost more than it saves.
const skinnyRows = 16

// skinny reports whether the product has few rows and both operands contiguous
// along k. It looks at the whole product, so every tile takes the same way.
func (p *Product) skinny() bool {
	return p.A.Rows <= skinnyRows && p.Packed == nil && p.Precision == Float32 &&
		p.A.ColumnStride == 1 && p.B.RowStride == 1 && (p.B.ColumnStride != 1 || p.A.Columns == 1)
}

// Kernels by columns (1 or 4) and rows.
var (
	dotsOfOne  = [3]func(*tile){dots1x1Vectors, dots2x1Vectors, dots3x1Vectors}
	dotsOfFour = [3]func(*tile){dots1x4Vectors, dots2x4Vectors, dots3x4Vectors}
)

func (p *Product) runSkinny(w *Workspace, area Tile) {
	g := blocked{Product: p, w: w, t: &w.tile}
	g.plan()
	t := g.t
	t.k, t.scale = p.A.Columns, p.scale()
	t.aStep, t.bStep, t.cStep = 4*p.A.RowStride, 4*p.B.ColumnStride, 4*p.C.RowStride
	for j, end := area.Column, area.Column+area.Columns; j < end; {
		kernels, columns := &dotsOfOne, 1
		if end-j >= 4 {
			kernels, columns = &dotsOfFour, 4
		}
		t.b = &p.B.Values[j*p.B.ColumnStride]
		for i := area.Row; i < area.Row+area.Rows; i += 3 {
			t.a = &p.A.Values[i*p.A.RowStride]
			t.c = &p.C.Values[i*p.C.RowStride+j]
			g.addend(i, j, 0)
			kernels[min(3, area.Row+area.Rows-i)-1](t)
		}
		j += columns
	}
	if !g.finishing {
		return
	}
	for i := area.Row; i < area.Row+area.Rows; i++ {
		g.finishRow(i, area.Column, p.C.Values[i*p.C.RowStride+area.Column:][:area.Columns])
	}
}
