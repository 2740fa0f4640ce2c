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

// Packed is the right operand of products in the order the kernels read it:
// worth making once for weights that many products share, or once per product
// to share between workers.
type Packed struct {
	k, n      int
	precision Precision
	values    []float32 // per block of rows, per panel of 16 columns, row after row; padded with zeros
}

// NewPacked returns room for a packed k x n operand, its values not yet packed.
func NewPacked(k, n int, precision Precision) *Packed {
	panels := (n + ColumnGrain - 1) / ColumnGrain
	return &Packed{k: k, n: n, precision: precision, values: make([]float32, k*panels*ColumnGrain)}
}

// Pack returns b in packed form.
func Pack(b Matrix, precision Precision) *Packed {
	p := NewPacked(b.Rows, b.Columns, precision)
	p.Panels(b, 0, p.Count())
	return p
}

// Count returns the number of panels: the units that workers may pack apart.
func (p *Packed) Count() int { return (p.n + ColumnGrain - 1) / ColumnGrain }

// Reuse makes p hold a k x n operand, keeping its memory if it suffices.
func (p *Packed) Reuse(k, n int, precision Precision) {
	p.k, p.n, p.precision = k, n, precision
	size := k * p.Count() * ColumnGrain
	if cap(p.values) < size {
		p.values = make([]float32, size)
	}
	p.values = p.values[:size]
}

// Panels packs panels [from, to) of b, which has the shape given to NewPacked.
func (p *Packed) Panels(b Matrix, from, to int) {
	if b.Rows != p.k || b.Columns != p.n || from < 0 || to > p.Count() {
		panic("simd: panels of another shape")
	}
	b.check("B")
	for panel := from; panel < to; panel++ {
		for k := range p.k {
			row := p.values[p.offset(k, panel):][:ColumnGrain]
			for j := range row {
				row[j] = 0
				if column := panel*ColumnGrain + j; column < p.n {
					row[j] = b.Values[k*b.RowStride+column*b.ColumnStride]
				}
				if p.precision == BFloat16 {
					row[j] = roundBFloat16(row[j])
				}
			}
		}
	}
}

// offset returns where row k of a panel begins.
func (p *Packed) offset(k, panel int) int {
	block := blockDepth(p.k)
	start := k / block * block
	rows := min(block, p.k-start)
	return (start*p.Count() + panel*rows + k - start) * ColumnGrain
}

func (p *Packed) at(k, j int) float32 {
	return p.values[p.offset(k, j/ColumnGrain)+j%ColumnGrain]
}

// blockDepth divides k rows evenly into blocks of at most depth.
func blockDepth(k int) int {
	blocks := max(1, (k+depth-1)/depth)
	return max(1, (k+blocks-1)/blocks)
}
