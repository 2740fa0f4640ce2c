package simd

// Blocks of C that one pass over packed operands covers. A block of A, 240 x 256
// floats, takes 240 KB of an L2 of 512 KB or more, and 720 KB of 1 MB or more where k is
// divided by wideDepth; a block of B, 256 x 2048, takes 2 MB of L3.
const (
	rowBlock    = 240
	columnBlock = 2048
)

// RowBlocks returns how often a tile of so many rows reads its columns of B.
func RowBlocks(rows int) int { return (rows + rowBlock - 1) / rowBlock }

// Operands are read in place, not packed, if this few rows or columns of C use
// them (measured on Zen 1; rowsInPlace, for rows near each other, on Zen 4).
const (
	rowsToPack    = 48
	rowsInPlace   = 320
	columnsToPack = 128
)

// Rows that are nearer are read in place by many rows and columns, too: the kernels of 12x32
// numbers read them half as often as those of 6x16 (3 to 10 % of products on Zen 4; on other
// processors unmeasured). Rows 4 KB apart or more share too few sets of the caches, columns of A,
// of which kernels use 48 bytes a line, 3 KB apart (4 % of 768x1576x3072 on two threads).
const (
	nearRows    = 1024 // floats
	nearColumns = 768
)

// inPlace reports whether rows so many floats apart are read in place.
func inPlace(step, near int) bool { return active.level >= AVX512 && step < near }

// ReadsInPlace reports whether a product would rather read B in place than packed once for
// all of so many rows of C.
func ReadsInPlace(b Matrix, rows int, precision Precision) bool {
	return precision == Float32 && b.ColumnStride == 1 && rows <= rowsInPlace && inPlace(b.RowStride, nearRows)
}

// blocked is a product on its way through the kernels.
type blocked struct {
	*Product
	w     *Workspace
	t     *tile
	area  Tile
	depth int // of the block of k at work
	// What kernels add in the first block of k.
	start startWith
	// Whether something remains to be done to finished sums.
	finishing bool
}

type startWith int

const (
	startZero startWith = iota
	startC
	startBias
	startResidual
)

// span is a part of A or B in kernel order or in place.
type span struct {
	values []float32
	step   int  // elements, as tile's aStep or bStep
	group  int  // elements from one group of rows (A) or columns (B) to the next
	alongK bool // A in place, row after row
	pairs  bool // bfloat16 in pairs
}

// kernels returns the kernels for A in this form and how many rows they take.
func (a span) kernels() (*tileKernels, int) {
	wide := active.level >= AVX512
	switch {
	case a.pairs && a.alongK:
		return &widePairRows, 2 * RowGrain
	case a.pairs:
		return &widePairColumns, 2 * RowGrain
	case a.alongK && wide:
		return &wideRows, 2 * RowGrain
	case a.alongK:
		return &tilesOfRows, RowGrain
	case wide:
		return &wideColumns, 2 * RowGrain
	}
	return &tilesOfColumns, RowGrain
}

func (p *Product) runBlocked(w *Workspace, area Tile) {
	g := blocked{Product: p, w: w, t: &w.tile}
	g.plan()
	g.t.scale = p.scale()
	g.t.cStep = 4 * p.C.RowStride
	g.area = area
	// Sums of a block of rows stay in L2 from one block of k to the next, unless B would
	// have to be packed again for each.
	height := area.Rows
	if p.Packed != nil {
		height = rowBlock
	}
	for column := area.Column; column < area.Column+area.Columns; column += columnBlock {
		columns := min(columnBlock, area.Column+area.Columns-column)
		for row := area.Row; row < area.Row+area.Rows; row += height {
			g.band(Tile{row, min(height, area.Row+area.Rows-row), column, columns})
		}
	}
}

// band computes columns of some rows of C, one block of k after the other.
func (g *blocked) band(area Tile) {
	k := g.A.Columns
	for start, step := 0, blockDepth(k, tiled(g.Precision, k)); start < k; start += step {
		rows := min(step, k-start)
		b := g.right(Tile{start, rows, area.Column, area.Columns}, g.area.Rows)
		g.depth, g.t.k = rows, rows
		if b.pairs {
			g.t.k = (rows + 1) / 2
		}
		for row := area.Row; row < area.Row+area.Rows; row += rowBlock {
			part := Tile{row, min(rowBlock, area.Row+area.Rows-row), area.Column, area.Columns}
			left := Tile{part.Row, part.Rows, start, rows}
			if tiled(g.Precision, k) {
				g.blockTiles(g.leftTiles(left), b, part, start)
				continue
			}
			g.block(g.left(left, g.area.Columns), b, part, start)
		}
	}
}

// plan decides what the kernels add and what finish is left with.
func (g *blocked) plan() {
	plain := g.Activation == Identity
	switch {
	case g.Accumulate:
		g.start = startC
	case g.Bias != nil:
		g.start = startBias
	case g.Residual.Rows != 0 && plain:
		g.start = startResidual
	}
	g.finishing = !plain || g.Bias != nil && g.start != startBias || g.Residual.Rows != 0 && g.start != startResidual
}

// left returns a block of A, packed if enough columns of C use it.
func (g *blocked) left(t Tile, columns int) span {
	if g.Precision == Float32 {
		few := columns <= columnsToPack
		at := t.Row*g.A.RowStride + t.Column*g.A.ColumnStride
		if g.A.ColumnStride == 1 && (few || inPlace(g.A.RowStride, nearRows)) {
			return span{values: g.A.Values[at:], step: g.A.RowStride, group: RowGrain * g.A.RowStride, alongK: true}
		}
		if g.A.RowStride == 1 && (few || inPlace(g.A.ColumnStride, nearColumns)) {
			return span{values: g.A.Values[at:], step: g.A.ColumnStride, group: RowGrain}
		}
	}
	if paired(g.Precision) {
		return g.leftPairs(g.A.Block(t.Row, t.Column, t.Rows, t.Columns))
	}
	g.w.a = grow(g.w.a, (t.Rows+RowGrain-1)/RowGrain*RowGrain*t.Columns)
	packLeft(g.w.a, g.A.Block(t.Row, t.Column, t.Rows, t.Columns), g.Precision)
	return span{values: g.w.a, step: RowGrain, group: RowGrain * t.Columns}
}

// right returns a block of B, packed if enough rows of C use it.
func (g *blocked) right(t Tile, rows int) span {
	if g.Packed != nil {
		panel := t.Column / ColumnGrain
		return span{values: g.Packed.values[g.Packed.offset(t.Row, panel):], step: ColumnGrain, group: ColumnGrain * t.Rows, pairs: paired(g.Precision)}
	}
	if g.Precision == Float32 && g.B.ColumnStride == 1 && (rows <= rowsToPack || ReadsInPlace(g.B, rows, Float32)) {
		return span{values: g.B.Values[t.Row*g.B.RowStride+t.Column:], step: g.B.RowStride, group: ColumnGrain}
	}
	g.w.b = grow(g.w.b, t.Rows*(t.Columns+ColumnGrain-1)/ColumnGrain*ColumnGrain)
	packRight(g.w.b, g.B.Block(t.Row, t.Column, t.Rows, t.Columns), g.Precision, tiled(g.Precision, g.B.Rows))
	return span{values: g.w.b, step: ColumnGrain, group: ColumnGrain * t.Rows, pairs: paired(g.Precision)}
}

// block computes part of C from one block of A and B whose k begins at start.
func (g *blocked) block(a, b span, part Tile, start int) {
	t := g.t
	last := start+g.depth == g.A.Columns
	kernels, rows := a.kernels()
	twoPanels := kernels.twoPanels()
	t.aStep, t.bStep, t.next, t.panel = 4*a.step, 4*b.step, 4*a.group, 4*b.group
	end := part.Column + part.Columns
	finished := part.Column
	// The first panel of a shared packed B may begin left of this part.
	skip := 0
	if g.Packed != nil {
		skip = part.Column % ColumnGrain
	}
	ahead := part.Column // up to where two panels at a time are done, but for the last rows
	for j, panel := part.Column, 0; j < end; panel++ {
		width := min(ColumnGrain-skip, end-j)
		t.b = &b.values[panel*b.group+skip]
		whole := 0
		if twoPanels != nil && skip == 0 {
			whole = part.Rows / rows * rows
			if j >= ahead && end-j >= 2*ColumnGrain {
				for i := 0; i < whole; i += rows {
					t.a = &a.values[i/RowGrain*a.group]
					g.call(twoPanels, part.Row+i, j, start)
				}
				ahead = j + 2*ColumnGrain
			}
			if j >= ahead {
				whole = 0
			}
		}
		byRows := kernels.setWidth(t, width)
		for i := whole; i < part.Rows; {
			n := min(rows, part.Rows-i)
			t.groups = 1
			kernel := byRows[n-1]
			if rows == RowGrain && n == rows { // kernels of twelve rows have work enough for a call
				t.groups = (part.Rows - i) / n
				n *= t.groups
			}
			t.a = &a.values[i/RowGrain*a.group]
			g.call(kernel, part.Row+i, j, start)
			i += n
		}
		j += width
		skip = 0
		if last && g.finishing && j >= ahead && (j-finished >= 64 || j == end) {
			g.finishColumns(part, finished, j)
			finished = j
		}
	}
}

// call runs a kernel, whose A and B are set, on C from row i and column j on.
func (g *blocked) call(kernel func(*tile), i, j, start int) {
	g.t.c = &g.C.Values[i*g.C.RowStride+j]
	g.addend(i, j, start)
	kernel(g.t)
}

// addend sets what the kernel adds at row i, column j.
func (g *blocked) addend(i, j, start int) {
	t := g.t
	t.d, t.dStep = nil, 0
	switch {
	case start > 0 || g.start == startC:
		t.d, t.dStep = t.c, t.cStep
	case g.start == startBias:
		t.d = &g.Bias[j]
	case g.start == startResidual:
		t.d, t.dStep = &g.Residual.Values[i*g.Residual.RowStride+j], 4*g.Residual.RowStride
	}
}

// finishColumns finishes columns [from, to) of part's rows.
func (g *blocked) finishColumns(part Tile, from, to int) {
	for i := part.Row; i < part.Row+part.Rows; i++ {
		g.finishRow(i, from, g.C.Values[i*g.C.RowStride+from:][:to-from])
	}
}

// finishRow applies what the kernels have not.
func (g *blocked) finishRow(i, column int, row []float32) {
	if g.Bias != nil && g.start != startBias {
		Add(row, row, g.Bias[column:])
	}
	if g.start == startResidual {
		return
	}
	g.finish(i, column, row)
}

func grow(s []float32, n int) []float32 {
	if cap(s) < n {
		return make([]float32, n)
	}
	return s[:n]
}
