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
	next         int // bytes from A's rows 0 to 5 to rows 6 to 11, for kernels of 6 and 12 rows
	lanes        int // columns as a bit mask, for kernels of 512 bits
	last         int // columns in the last vector of 8, as the mask has
	groups       int // how many groups of six rows, at least 1, for AVX2's kernels of 6 rows; 0 after the call
	panel        int // bytes from one panel of B to the next, for kernels of 32 columns
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

// tileKernels are kernels by width (16, 9 to 15, 1 to 8 columns) and rows.
type tileKernels [3][]func(*tile)

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

// twoPanels is the kernel of 12 rows and 32 columns beside ks, nil where there is none:
// it loads a value of A for two vectors of B, which halves the loads of each multiply-add.
func (ks *tileKernels) twoPanels() func(*tile) {
	switch ks {
	case &wideColumns:
		return tileColumns12x32AVX512
	case &wideRows:
		return tileRows12x32AVX512
	case &widePairColumns:
		return tilePairColumns12x32BF16
	case &widePairRows:
		return tilePairRows12x32BF16
	}
	return nil
}

// The kernels of 512 bits, by rows; they take every width.
var (
	wideColumns = anyWidth(tileColumns1AVX512, tileColumns2AVX512, tileColumns3AVX512, tileColumns4AVX512, tileColumns5AVX512, tileColumns6AVX512,
		tileColumns7AVX512, tileColumns8AVX512, tileColumns9AVX512, tileColumns10AVX512, tileColumns11AVX512, tileColumns12AVX512)
	wideRows = anyWidth(tileRows1AVX512, tileRows2AVX512, tileRows3AVX512, tileRows4AVX512, tileRows5AVX512, tileRows6AVX512,
		tileRows7AVX512, tileRows8AVX512, tileRows9AVX512, tileRows10AVX512, tileRows11AVX512, tileRows12AVX512)
	widePairColumns = anyWidth(tilePairColumns1BF16, tilePairColumns2BF16, tilePairColumns3BF16, tilePairColumns4BF16, tilePairColumns5BF16, tilePairColumns6BF16,
		tilePairColumns7BF16, tilePairColumns8BF16, tilePairColumns9BF16, tilePairColumns10BF16, tilePairColumns11BF16, tilePairColumns12BF16)
	widePairRows = anyWidth(tilePairRows1BF16, tilePairRows2BF16, tilePairRows3BF16, tilePairRows4BF16, tilePairRows5BF16, tilePairRows6BF16,
		tilePairRows7BF16, tilePairRows8BF16, tilePairRows9BF16, tilePairRows10BF16, tilePairRows11BF16, tilePairRows12BF16)
)

func anyWidth(byRows ...func(*tile)) tileKernels { return tileKernels{byRows, byRows, byRows} }

// setWidth returns the kernels for a width of 1 to 16 columns and sets the masks.
func (ks *tileKernels) setWidth(t *tile, width int) []func(*tile) {
	t.lanes = 1<<width - 1
	switch {
	case width == ColumnGrain:
		return ks[0]
	case width > 8:
		t.mask, t.last = &tileMasks[width-8], width-8
		return ks[1]
	}
	t.mask, t.last = &tileMasks[width], width
	return ks[2]
}
