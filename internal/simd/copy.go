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
	for i, v := range src {
		dst[i] = float32(v)*n.Scale[i%3] + n.Offset[i%3]
	}
}
