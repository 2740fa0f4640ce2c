package simd

import "math"

// pairsChunk is how many values of a row packRowsBF16 rounds at a time, to half as many
// pairs.
const pairsChunk = 32

// paired reports whether packed operands hold pairs of bfloat16, consecutive in k, rather
// than float32: then each panel of B fills the first half of its place.
func paired(precision Precision) bool { return precision == BFloat16 && active.pairs }

// leftPairs packs a block of A as pairs, its rows or columns contiguous as they are.
func (g *blocked) leftPairs(a Matrix) span {
	if a.RowStride == 1 && a.ColumnStride != 1 {
		// An odd number of cache lines from one pair of columns to the next, so that all sets are used.
		step := (a.Rows+ColumnGrain-1)/ColumnGrain*ColumnGrain | ColumnGrain
		g.w.a = grow(g.w.a, step*(a.Columns+1)/2)
		packPairsBF16(&g.w.a[0], &a.Values[0], 4*step, 4*ColumnGrain, 4*a.ColumnStride, a.Columns, a.Rows)
		return span{values: g.w.a, step: step, group: RowGrain, pairs: true}
	}
	a = g.w.rowsOf(a)
	step := (a.Columns + pairsChunk - 1) / pairsChunk * pairsChunk / 2
	g.w.a = grow(g.w.a, step*a.Rows)
	packRowsBF16(&g.w.a[0], &a.Values[0], 4*step, 4*pairsChunk/2, 4*a.RowStride, a.Rows, a.Columns)
	return span{values: g.w.a, step: step, group: RowGrain * step, alongK: true, pairs: true}
}

// rowsOf returns a, or a copy of it, with contiguous rows.
func (w *Workspace) rowsOf(a Matrix) Matrix {
	if a.ColumnStride == 1 {
		return a
	}
	w.turned = grow(w.turned, a.Rows*a.Columns)
	turned := Dense(w.turned, a.Rows, a.Columns)
	Copy(turned, a)
	return turned
}

// packRightPairs is packRight for pairs. For tile registers panels are filled up with
// zeros to whole tiles.
func packRightPairs(dst []float32, b Matrix, tiles bool) {
	if b.ColumnStride == 1 {
		packPairsBF16(&dst[0], &b.Values[0], 4*ColumnGrain, 4*ColumnGrain*b.Rows, 4*b.RowStride, b.Rows, b.Columns)
	} else {
		packTurnedPairs(dst, b)
	}
	for j := 0; tiles && j < b.Columns; j += ColumnGrain {
		clear(dst[j*b.Rows:][(b.Rows+1)/2*ColumnGrain : (b.Rows+amxDepth-1)/amxDepth*amxFloats])
	}
}

// packTurnedPairs is packRightPairs for columns that are contiguous, or neither.
func packTurnedPairs(dst []float32, b Matrix) {
	var rows [ColumnGrain * tilesDepth / 2]float32 // 16 columns of b
	step := (b.Rows + pairsChunk - 1) / pairsChunk * pairsChunk / 2
	for j := 0; j < b.Columns; j += ColumnGrain {
		panel, part := dst[j*b.Rows:], b.Block(0, j, b.Rows, min(ColumnGrain, b.Columns-j))
		if b.RowStride != 1 {
			pairRest(panel, part)
			continue
		}
		packRowsBF16(&rows[0], &part.Values[0], 4*step, 4*pairsChunk/2, 4*b.ColumnStride, part.Columns, b.Rows)
		packPanel(panel, Matrix{Values: rows[:], Rows: (b.Rows + 1) / 2, Columns: part.Columns, RowStride: 1, ColumnStride: step})
	}
}

// pairRest packs a panel with any strides.
func pairRest(panel []float32, b Matrix) {
	for k := 0; k < b.Rows; k += 2 {
		row := panel[k/2*ColumnGrain:][:ColumnGrain]
		clear(row)
		for j := range b.Columns {
			pair := uint32(bfloat16(b.Values[k*b.RowStride+j*b.ColumnStride]))
			if k+1 < b.Rows {
				pair |= uint32(bfloat16(b.Values[(k+1)*b.RowStride+j*b.ColumnStride])) << 16
			}
			row[j] = math.Float32frombits(pair)
		}
	}
}
