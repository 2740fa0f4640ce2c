package simd

// RowGrain and ColumnGrain are the sizes of the tile of C that the kernels
// compute at a time: divisions of a product at their multiples waste nothing.
const (
	RowGrain    = 6
	ColumnGrain = 16
)

// depth is how many rows of B stay in L1 together: a 256 x 16 panel of B takes
// 16 KB and the 6 x 256 panel of A 6 KB of 32 KB.
const depth = 256

// wideDepth is depth for kernels of 512 bits, which read B half as often, from L2 then; sums of
// C are read and written a third as often (4 to 9 % of products on one thread of Zen 4).
const wideDepth = 768

// tilesDepth is depth for tile registers, which multiply faster than sums of C can be
// read and written again: a 1024 x 32 panel of B and 32 rows of A take 64 KB each of L2.
const tilesDepth = 1024

// Packed is the right operand of products in the order the kernels read it:
// worth making once for weights that many products share, or once per product
// to share between workers. It belongs to the kernels that were active when it was
// made, and with it a product of few rows may differ in the last bits.
type Packed struct {
	k, n      int
	precision Precision
	pairs     bool      // as paired says when it was made
	tiles     bool      // as tiled says when it was made
	values    []float32 // per block of rows, per panel of 16 columns, row after row; padded with zeros
}

// NewPacked returns room for a packed k x n operand, its values not yet packed.
func NewPacked(k, n int, precision Precision) *Packed {
	panels := (n + ColumnGrain - 1) / ColumnGrain
	return &Packed{k: k, n: n, precision: precision, pairs: paired(precision), tiles: tiled(precision, k), values: make([]float32, k*panels*ColumnGrain)}
}

// Count returns the number of panels: the units that workers may pack apart.
func (p *Packed) Count() int { return (p.n + ColumnGrain - 1) / ColumnGrain }

// Reuse makes p hold a k x n operand, keeping its memory if it suffices.
func (p *Packed) Reuse(k, n int, precision Precision) {
	p.k, p.n, p.precision, p.pairs, p.tiles = k, n, precision, paired(precision), tiled(precision, k)
	size := k * p.Count() * ColumnGrain
	if cap(p.values) < size {
		p.values = make([]float32, size)
	}
	p.values = p.values[:size]
}

// pack makes p hold m.
func (p *Packed) pack(m Matrix) {
	p.Reuse(m.Rows, m.Columns, Float32)
	p.Panels(m, 0, p.Count())
}

// Panels packs panels [from, to) of b, which has the shape given to NewPacked.
func (p *Packed) Panels(b Matrix, from, to int) {
	if b.Rows != p.k || b.Columns != p.n || from < 0 || to > p.Count() {
		panic("simd: panels of another shape")
	}
	b.check("B")
	block := blockDepth(p.k, p.tiles)
	for start := 0; start < p.k; start += block {
		rows := min(block, p.k-start)
		columns := min(to*ColumnGrain, p.n) - from*ColumnGrain
		packRight(p.values[p.offset(start, from):], b.Block(start, from*ColumnGrain, rows, columns), p.precision, p.tiles)
	}
}

// offset returns where row k of a panel begins.
func (p *Packed) offset(k, panel int) int {
	block := blockDepth(p.k, p.tiles)
	start := k / block * block
	rows := min(block, p.k-start)
	return (start*p.Count() + panel*rows + k - start) * ColumnGrain
}

func (p *Packed) at(k, j int) float32 {
	return p.values[p.offset(k, j/ColumnGrain)+j%ColumnGrain]
}

// blockDepth divides k rows evenly into blocks of at most depth, wideDepth or tilesDepth.
func blockDepth(k int, tiles bool) int {
	most := depth
	switch {
	case tiles:
		most = tilesDepth
	case active.level >= AVX512:
		most = wideDepth
	}
	blocks := max(1, (k+most-1)/most)
	return max(1, (k+blocks-1)/blocks)
}

// packLeft writes a in groups of six rows, column after column; rows that fill
// up the last group are left as they are.
func packLeft(dst []float32, a Matrix, precision Precision) {
	for i := 0; i < a.Rows; i += RowGrain {
		group := a.Block(i, 0, min(RowGrain, a.Rows-i), a.Columns)
		packGroup(dst[i*a.Columns:], group)
	}
	if n := (a.Rows + RowGrain - 1) / RowGrain * RowGrain * a.Columns; precision == BFloat16 {
		RoundBFloat16(dst[:n], dst)
	}
}

func packGroup(dst []float32, a Matrix) {
	done := 0
	if active.level >= AVX2 && a.Rows == RowGrain && a.Columns > 0 {
		switch {
		case a.ColumnStride == 1 && a.Columns >= 4:
			done = a.Columns &^ 3
			packSixAVX2(&dst[0], &a.Values[0], 4*a.RowStride, done)
		case a.RowStride == 1:
			done = a.Columns
			packCopySixAVX2(&dst[0], &a.Values[0], 4*a.ColumnStride, done)
		}
	}
	for k := done; k < a.Columns; k++ {
		for i := range a.Rows {
			dst[k*RowGrain+i] = a.Values[i*a.RowStride+k*a.ColumnStride]
		}
	}
}

// packRight writes b in panels of 16 columns, row after row, padded with zeros.
func packRight(dst []float32, b Matrix, precision Precision, tiles bool) {
	if paired(precision) {
		packRightPairs(dst, b, tiles)
		return
	}
	for j := 0; j < b.Columns; j += ColumnGrain {
		packPanel(dst[j*b.Rows:], b.Block(0, j, b.Rows, min(ColumnGrain, b.Columns-j)))
	}
	if n := (b.Columns + ColumnGrain - 1) / ColumnGrain * ColumnGrain * b.Rows; precision == BFloat16 {
		RoundBFloat16(dst[:n], dst)
	}
}

func packPanel(dst []float32, b Matrix) {
	done := 0
	if active.level >= AVX2 && b.Rows > 0 && b.Columns == ColumnGrain {
		switch {
		case b.ColumnStride == 1:
			done = b.Rows
			packCopySixteenVectors(&dst[0], &b.Values[0], 4*b.RowStride, done)
		case b.RowStride == 1 && b.Rows >= 4:
			done = b.Rows &^ 3
			for j := 0; j < ColumnGrain; j += 8 {
				transposeEightAVX2(&dst[j], &b.Values[j*b.ColumnStride], 4*ColumnGrain, 4*b.ColumnStride, done)
			}
		}
	}
	packRest(dst[done*ColumnGrain:], b.Block(done, 0, b.Rows-done, b.Columns))
}

func packRest(dst []float32, b Matrix) {
	for k := range b.Rows {
		row := dst[k*ColumnGrain:][:ColumnGrain]
		clear(row[b.Columns:])
		for j := range b.Columns {
			row[j] = b.Values[k*b.RowStride+j*b.ColumnStride]
		}
	}
}
