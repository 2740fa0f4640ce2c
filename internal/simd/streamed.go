package simd

// streamedRows is up to how many rows of C the rows of B are read whole, one after
// the other. Kernels read 16 columns of every row of B, which lie pages apart where
// rows are long: 21 GB/s for 1x768x3072 on one thread, 47 this way (Zen 3). From
// three rows on nothing is gained.
const (
	streamedRows   = 2
	streamedStride = 256 // elements from row to row
)

// streamedColumns of C, for all rows together, are summed at a time: they and four
// rows of B stay in an L1 of 32 KB.
const streamedColumns = 2048

// streamed reports whether the product has few rows and long contiguous rows of B.
// It looks at the whole product, so every tile takes the same way.
func (p *Product) streamed() bool {
	return p.A.Rows <= streamedRows && p.Packed == nil && p.Precision == Float32 &&
		p.B.ColumnStride == 1 && p.B.RowStride >= streamedStride
}

func (p *Product) runStreamed(w *Workspace, area Tile) {
	g := blocked{Product: p, w: w, t: &w.tile}
	g.plan()
	width := streamedColumns / area.Rows
	w.a = grow(w.a, area.Rows*width)
	for column, end := area.Column, area.Column+area.Columns; column < end; column += width {
		n := min(width, end-column)
		sums := w.a[:area.Rows*n]
		clear(sums)
		for k := 0; k < p.A.Columns; {
			combine, step := combine4Vectors, 4
			if p.A.Columns-k < step {
				combine, step = combine1Vectors, 1
			}
			for i := range area.Rows {
				a := &p.A.Values[(area.Row+i)*p.A.RowStride+k*p.A.ColumnStride]
				combine(&sums[i*n], &p.B.Values[k*p.B.RowStride+column], 4*p.B.RowStride, a, 4*p.A.ColumnStride, n)
			}
			k += step
		}
		for i := range area.Rows {
			g.endStreamed(sums[i*n:][:n], area.Row+i, column)
		}
	}
}

// endStreamed puts sums into row i of C, from column on, with all that is added.
func (g *blocked) endStreamed(sums []float32, i, column int) {
	row := g.C.Values[i*g.C.RowStride+column:][:len(sums)]
	if g.Scale != 0 && g.Scale != 1 {
		MulScalar(sums, sums, g.Scale)
	}
	switch g.start {
	case startC:
		Add(row, row, sums)
	case startBias:
		Add(row, sums, g.Bias[column:])
	case startResidual:
		Add(row, sums, g.Residual.Values[i*g.Residual.RowStride+column:])
	default:
		copy(row, sums)
	}
	if g.finishing {
		g.finishRow(i, column, row)
	}
}
