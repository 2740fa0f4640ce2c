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

// GatherRows copies row index[i] of src to row i of dst. Both have ColumnStride 1
// and dst has len(index) rows; an index outside src panics.
func GatherRows[I int32 | int64](dst, src Matrix, index []I) {
	dst.check("gather's destination")
	src.check("gather's source")
	for i, from := range index {
		if from < 0 || int(from) >= src.Rows {
			panic("simd: gather outside its source")
		}
		copy(dst.Row(i), src.Row(int(from)))
	}
}

// ScatterAddRows adds row i of src to row index[i] of dst, in the order of i.
// Both have ColumnStride 1 and src has len(index) rows; an index outside dst
// panics. To divide the work, divide the columns.
func ScatterAddRows[I int32 | int64](dst, src Matrix, index []I) {
	dst.check("scatter's destination")
	src.check("scatter's source")
	for i, to := range index {
		if to < 0 || int(to) >= dst.Rows {
			panic("simd: scatter outside its destination")
		}
		row := dst.Row(int(to))
		Add(row, row, src.Row(i))
	}
}

// Normalisation turns the bytes of RGB pixels into numbers, channel by channel.
type Normalisation struct{ Scale, Offset [3]float32 }

// Pixels computes dst[i] = src[i]*Scale[i%3] + Offset[i%3] for len(dst) values.
func (n *Normalisation) Pixels(dst []float32, src []uint8) {
	src = src[:len(dst)]
	done := 0
	if vectors(len(dst) / 24) {
		done = len(dst) / 24 * 24
		var scale, offset [24]float32
		for i := range scale {
			scale[i], offset[i] = n.Scale[i%3], n.Offset[i%3]
		}
		pixelsAVX2(&dst[0], &src[0], done, &scale[0], &offset[0])
	}
	for i := done; i < len(dst); i++ {
		dst[i] = float32(src[i])*n.Scale[i%3] + n.Offset[i%3]
	}
}
