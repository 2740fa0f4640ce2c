package simd

// amxCall is one call of productAMX: rows x up to 32 columns of C = scale*A·B + D.
// The generator knows the offsets of the fields.
type amxCall struct {
	a, b, c, d   *float32 // a and b as pairs of bfloat16; d nil: zero
	chunks       int      // of 32 rows of B, at least 1
	panel        int      // bytes from B's first panel to its second
	cStep, dStep int      // bytes from one row to the next
	rows         int      // at least 1
	lanes        int      // columns as a bit mask; the others are left alone
	scale        float32
	config       *[64]byte
	sums         *[32 * 32]float32
}

// Sizes of a tile register with bfloat16: A's has 16 rows of 32, B's 16 pairs of
// rows of 16 columns.
const (
	amxRows   = 16
	amxDepth  = 32
	amxFloats = amxRows * amxDepth / 2 // room of a tile, in float32
)

// amxConfig is what LDTILECFG loads: palette 1, eight registers of 16 rows of 64 bytes.
var amxConfig = func() (c [64]byte) {
	c[0] = 1
	for i := range 8 {
		c[16+2*i] = 64
		c[48+i] = amxRows
	}
	return c
}()

// tiled reports whether packed operands of a product over k are for tile registers:
// then a block of B is filled up with zeros to whole tiles, which fewer than 16 rows
// of it have no room for. It looks at the whole product, so every tile takes the same way.
func tiled(precision Precision, k int) bool {
	return precision == BFloat16 && active.level >= AMX && k >= amxRows
}

// leftTiles packs a block of A: per 16 rows, per 32 columns, a tile. Rows that fill up
// the last tile are left as they are.
func (g *blocked) leftTiles(t Tile) []float32 {
	chunks := (t.Columns + amxDepth - 1) / amxDepth
	size := (t.Rows + amxRows - 1) / amxRows * chunks * amxFloats
	a := g.w.rowsOf(g.A.Block(t.Row, t.Column, t.Rows, t.Columns))
	g.w.a = grow(g.w.a, size)
	for i := 0; i < t.Rows; i += amxRows {
		packRowsBF16(&g.w.a[i/amxRows*chunks*amxFloats], &a.Values[i*a.RowStride], 4*amxDepth/2, 4*amxFloats, 4*a.RowStride, min(amxRows, t.Rows-i), t.Columns)
	}
	return g.w.a
}

// blockTiles is block in tile registers, 32 columns of B at a time.
func (g *blocked) blockTiles(a []float32, b span, part Tile, start int) {
	t := &g.w.amx
	*t = amxCall{
		a: &a[0], chunks: (g.depth + amxDepth - 1) / amxDepth, panel: 4 * b.group,
		cStep: g.t.cStep, rows: part.Rows, scale: g.t.scale, config: &amxConfig, sums: &g.w.sums,
	}
	last := start+g.depth == g.A.Columns
	skip := 0
	if g.Packed != nil {
		skip = part.Column % ColumnGrain
	}
	end := part.Column + part.Columns
	finished := part.Column
	panels := (skip + part.Columns + ColumnGrain - 1) / ColumnGrain
	for j, panel := part.Column, 0; j < end; panel += 2 {
		// Columns of the panels that lie left of C's part are not written.
		width := min(2*ColumnGrain-skip, end-j)
		t.b, t.lanes = &b.values[panel*b.group], (1<<width-1)<<skip
		if panel+1 == panels {
			t.panel = 0
		}
		g.t.c = &g.C.Values[part.Row*g.C.RowStride+j-skip]
		g.addend(part.Row, j-skip, start)
		t.c, t.d, t.dStep = g.t.c, g.t.d, g.t.dStep
		productAMX(t)
		j += width
		skip = 0
		if last && g.finishing && (j-finished >= 64 || j == end) {
			g.finishColumns(part, finished, j)
			finished = j
		}
	}
}
