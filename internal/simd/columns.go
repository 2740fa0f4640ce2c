package simd

import "math"

// The functions of this file work on a row of 8 columns for each key, or of 16 at AVX512;
// columns differ in nothing but their place.

// eachColumns divides columns into those that the functions take at a time; the last may be
// fewer.
func eachColumns(columns int, body func(j, width int)) {
	for j := 0; j < columns; {
		width := 8
		if active.level >= AVX512 && columns-j > 8 {
			width = 16
		}
		body(j, width)
		j += width
	}
}

// columnMaximum finds the greatest of each column. It may pass over NaN, which the
// exponentials keep.
func columnMaximum(greatest []float32, x Matrix) {
	greatest = greatest[:x.Columns]
	if vectors(x.Rows) {
		if x.Columns == 16 {
			columnMaximumAVX512(&greatest[0], &x.Values[0], 4*x.RowStride, x.Rows)
		} else {
			columnMaximumAVX2(&greatest[0], &x.Values[0], 4*x.RowStride, x.Rows)
		}
		return
	}
	for i := range greatest {
		greatest[i] = float32(math.Inf(-1))
		for row := range x.Rows {
			if v := x.Values[row*x.RowStride+i]; v > greatest[i] {
				greatest[i] = v
			}
		}
	}
}

// columnExpSum replaces x by e^(x-shift) and sums up each column.
func columnExpSum(sums []float32, x Matrix, shift []float32) {
	sums, shift = sums[:x.Columns], shift[:x.Columns]
	if vectors(x.Rows) {
		if x.Columns == 16 {
			columnExpSumAVX512(&sums[0], &x.Values[0], &shift[0], 4*x.RowStride, x.Rows)
		} else {
			columnExpSumAVX2(&sums[0], &x.Values[0], &shift[0], 4*x.RowStride, x.Rows)
		}
		return
	}
	clear(sums)
	for i := range x.Rows {
		row := x.Row(i)
		Sub(row, row, shift)
		Exp(row, row)
		Add(sums, sums, row)
	}
}

// columnSlope computes dy = y*(dy - dot): the gradient of softmax.
func columnSlope(dy, y Matrix, dot []float32) {
	dot = dot[:y.Columns]
	if vectors(y.Rows) {
		if y.Columns == 16 {
			columnSlopeAVX512(&dy.Values[0], &y.Values[0], &dot[0], 4*y.RowStride, y.Rows)
		} else {
			columnSlopeAVX2(&dy.Values[0], &y.Values[0], &dot[0], 4*y.RowStride, y.Rows)
		}
		return
	}
	for row := range y.Rows {
		for i := range dot {
			d := &dy.Values[row*dy.RowStride+i]
			*d = y.Values[row*y.RowStride+i] * (*d - dot[i])
		}
	}
}
