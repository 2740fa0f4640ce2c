package simd

// tile is one call of a kernel: rows x columns of C = scale*A·B + D, where the
// kernel's name gives the rows (1 to 6), the columns (16, or as many as the mask
// has lanes set in the last vector) and whether A's rows or columns are
// contiguous. Steps are bytes from one row to the next; for A in columns, from
// one column to the next. The generator knows the offsets of the fields.
type tile struct {
	a, b, c, d   *float32 // d nil: zero
	k            int      // at least 1
	aStep, bStep int
	cStep, dStep int
	mask         *[8]int32
	scale        float32
}

// tileMasks[n] has n lanes set.
var tileMasks = func() (masks [9][8]int32) {
	for n := range masks {
		for i := range n {
			masks[n][i] = -1
		}
	}
	return masks
}()

type tileKernels [3][RowGrain]func(*tile)

// Kernels by width (16, 9 to 15, 1 to 8 columns) and rows.
var (
	tilesOfColumns = tileKernels{
		{tileColumns1x16AVX2, tileColumns2x16AVX2, tileColumns3x16AVX2, tileColumns4x16AVX2, tileColumns5x16AVX2, tileColumns6x16AVX2},
		{tileColumns1x9to15AVX2, tileColumns2x9to15AVX2, tileColumns3x9to15AVX2, tileColumns4x9to15AVX2, tileColumns5x9to15AVX2, tileColumns6x9to15AVX2},
		{tileColumns1x1to8AVX2, tileColumns2x1to8AVX2, tileColumns3x1to8AVX2, tileColumns4x1to8AVX2, tileColumns5x1to8AVX2, tileColumns6x1to8AVX2},
	}
	tilesOfRows = tileKernels{
		{tileRows1x16AVX2, tileRows2x16AVX2, tileRows3x16AVX2, tileRows4x16AVX2, tileRows5x16AVX2, tileRows6x16AVX2},
		{tileRows1x9to15AVX2, tileRows2x9to15AVX2, tileRows3x9to15AVX2, tileRows4x9to15AVX2, tileRows5x9to15AVX2, tileRows6x9to15AVX2},
		{tileRows1x1to8AVX2, tileRows2x1to8AVX2, tileRows3x1to8AVX2, tileRows4x1to8AVX2, tileRows5x1to8AVX2, tileRows6x1to8AVX2},
	}
)

// setWidth returns the kernels for a width of 1 to 16 columns and sets the mask.
func (ks *tileKernels) setWidth(t *tile, width int) *[RowGrain]func(*tile) {
	switch {
	case width == ColumnGrain:
		return &ks[0]
	case width > 8:
		t.mask = &tileMasks[width-8]
		return &ks[1]
	}
	t.mask = &tileMasks[width]
	return &ks[2]
}
