package simd

import "fmt"

// Matrix is a view of Rows x Columns values in a larger slice: element (i, j) is
// Values[i*RowStride+j*ColumnStride]. Strides are in elements and not negative;
// zero repeats.
type Matrix struct {
	Values                  []float32
	Rows, Columns           int
	RowStride, ColumnStride int
}

// Dense returns the view of rows*columns values stored row after row.
func Dense(values []float32, rows, columns int) Matrix {
	return Matrix{Values: values, Rows: rows, Columns: columns, RowStride: columns, ColumnStride: 1}
}

// T returns the transposed view of the same values.
func (m Matrix) T() Matrix {
	return Matrix{Values: m.Values, Rows: m.Columns, Columns: m.Rows, RowStride: m.ColumnStride, ColumnStride: m.RowStride}
}

// Row returns the values of row i; the matrix must have ColumnStride 1.
func (m Matrix) Row(i int) []float32 {
	start := i * m.RowStride
	return m.Values[start : start+m.Columns : start+m.Columns]
}

// Block returns the view of rows [row, row+rows) and columns [column, column+columns).
func (m Matrix) Block(row, column, rows, columns int) Matrix {
	if rows == 0 || columns == 0 {
		return Matrix{Rows: rows, Columns: columns, RowStride: m.RowStride, ColumnStride: m.ColumnStride}
	}
	m.Values = m.Values[row*m.RowStride+column*m.ColumnStride:]
	m.Rows, m.Columns = rows, columns
	return m
}

// check panics unless every element lies within Values.
func (m Matrix) check(name string) {
	if m.Rows < 0 || m.Columns < 0 || m.RowStride < 0 || m.ColumnStride < 0 {
		panic(fmt.Sprintf("simd: %s is %d x %d with strides %d, %d", name, m.Rows, m.Columns, m.RowStride, m.ColumnStride))
	}
	if m.Rows == 0 || m.Columns == 0 {
		return
	}
	if last := (m.Rows-1)*m.RowStride + (m.Columns-1)*m.ColumnStride; last >= len(m.Values) {
		panic(fmt.Sprintf("simd: %s is %d x %d with strides %d, %d in %d values", name, m.Rows, m.Columns, m.RowStride, m.ColumnStride, len(m.Values)))
	}
}
