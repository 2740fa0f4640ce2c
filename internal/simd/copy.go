package simd

// Copy copies src to dst, of the same shape, whatever their strides: with a
// transposed view of either it transposes. They must not overlap.
func Copy(dst, src Matrix) {
	if dst.Rows != src.Rows || dst.Columns != src.Columns {
		panic("simd: copy between different shapes")
	}
	dst.check("copy's destination")
	src.check("copy's source")
	if dst.ColumnStride == 1 && src.ColumnStride == 1 {
		for i := range src.Rows {
			copy(dst.Row(i), src.Row(i))
		}
		return
	}
	if dst.RowStride == 1 && src.ColumnStride == 1 {
		transpose(dst, src)
		return
	}
	if dst.ColumnStride == 1 && src.RowStride == 1 {
		transpose(dst.T(), src.T())
		return
	}
	copyPlain(dst, src)
}

// Fill sets all of dst to v.
func Fill(dst []float32, v float32) {
	if vectors(len(dst)) {
		fillVectors(&dst[0], len(dst), v)
		return
	}
	for i := range dst {
		dst[i] = v
	}
}

// transpose copies rows of src to columns of dst, both contiguous, a strip of
// columns at a time so that the rows written stay in L1.
func transpose(dst, src Matrix) {
	const strip = 64
	rows, columns := src.Rows&^7, src.Columns&^3
	if !vectors(rows) || columns == 0 {
		copyPlain(dst, src)
		return
	}
	for j := 0; j < columns; j += strip {
		for i := 0; i < rows; i += 8 {
			transposeEightAVX2(&dst.Values[i+j*dst.ColumnStride], &src.Values[i*src.RowStride+j],
				4*dst.ColumnStride, 4*src.RowStride, min(strip, columns-j))
		}
	}
	copyPlain(dst.Block(0, columns, rows, src.Columns-columns), src.Block(0, columns, rows, src.Columns-columns))
	copyPlain(dst.Block(rows, 0, src.Rows-rows, src.Columns), src.Block(rows, 0, src.Rows-rows, src.Columns))
}

func copyPlain(dst, src Matrix) {
	for i := range src.Rows {
		for j := range src.Columns {
			dst.Values[i*dst.RowStride+j*dst.ColumnStride] = src.Values[i*src.RowStride+j*src.ColumnStride]
		}
	}
}
