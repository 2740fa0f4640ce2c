package cpu

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/loopitr/loopitr/internal/simd"
)

// axes is a run of axes read with one step: size elements stride apart. Merged
// tells that several axes were joined or there was only one.
type axes struct {
	dims, strides []int
}

// merged joins neighbouring axes that one stride describes.
func (a axes) merged() axes {
	var m axes
	for i, d := range a.dims {
		if d == 1 {
			continue
		}
		if k := len(m.dims) - 1; k >= 0 && m.strides[k] == d*a.strides[i] {
			m.dims[k] *= d
			m.strides[k] = a.strides[i]
			continue
		}
		m.dims, m.strides = append(m.dims, d), append(m.strides, a.strides[i])
	}
	return m
}

func (a axes) size() int { return product(a.dims) }

// single returns the one size and stride of merged axes; ok is false if there are more.
func (a axes) single() (size, stride int, ok bool) {
	switch len(a.dims) {
	case 0:
		return 1, 1, true
	case 1:
		return a.dims[0], a.strides[0], true
	}
	return 0, 0, false
}

// at is the offset of element i.
func (a axes) at(i int) int {
	offset := 0
	for k := len(a.dims) - 1; k >= 0; k-- {
		offset += i % a.dims[k] * a.strides[k]
		i /= a.dims[k]
	}
	return offset
}

// side is one operand of a product.
type side struct {
	slot                   int
	batch, outer, contract axes
	elements               int
}

// sides reads a DotGeneral's operands as batch, outer and contracted axes,
// looking through transposes: their strides are the source's.
func (c *compiler) side(in *node, contract, batch []int) side {
	dims, strides := in.dims(), denseStrides(in.dims())
	s := side{elements: in.size()}
	outer := axes{}
	for i, d := range dims {
		if !slices.Contains(contract, i) && !slices.Contains(batch, i) {
			outer.dims, outer.strides = append(outer.dims, d), append(outer.strides, strides[i])
		}
	}
	s.outer = outer
	s.batch, s.contract = pick(dims, strides, batch), pick(dims, strides, contract)
	s.slot = c.slot(in)
	return s
}

func pick(dims, strides, chosen []int) axes {
	var a axes
	for _, i := range chosen {
		a.dims, a.strides = append(a.dims, dims[i]), append(a.strides, strides[i])
	}
	return a
}

// productStep makes the step of a DotGeneral.
func (c *compiler) productStep(u *unit) (step, error) {
	n := u.node
	a := n.attr.(dotAttr)
	lhs := c.side(n.inputs[0], a.lhsContract, a.lhsBatch)
	rhs := c.side(n.inputs[1], a.rhsContract, a.rhsBatch)
	if n.dtype() == dtypes.Float32 && n.size() > 0 && lhs.contract.size() > 0 {
		if s := c.matrixStep(n, lhs, rhs); s != nil {
			return s, nil
		}
	}
	if c.backend.options.noPlain {
		return nil, fmt.Errorf("cpu: %s of %v over axes %v and %v, batch %v and %v: only the plain loop computes it",
			n.op, shapesOf(n.inputs), a.lhsContract, a.rhsContract, a.lhsBatch, a.rhsBatch)
	}
	s := c.plainStep(n, lhs, rhs)
	if s == nil {
		return nil, unsupported(n.op, "%v", shapesOf(n.inputs))
	}
	if len(n.inputs) > 2 {
		return c.biasAfter(n, s), nil
	}
	return s, nil
}

// plainStep is a product as the specification says; nil for a type that has none.
func (c *compiler) plainStep(n *node, lhs, rhs side) step {
	switch n.dtype() {
	case dtypes.Float32:
		return plainProduct[float32](c, n, lhs, rhs)
	case dtypes.Float64:
		return plainProduct[float64](c, n, lhs, rhs)
	case dtypes.Int8:
		return plainProduct[int8](c, n, lhs, rhs)
	case dtypes.Int16:
		return plainProduct[int16](c, n, lhs, rhs)
	case dtypes.Int32:
		return plainProduct[int32](c, n, lhs, rhs)
	case dtypes.Int64:
		return plainProduct[int64](c, n, lhs, rhs)
	case dtypes.Uint8:
		return plainProduct[uint8](c, n, lhs, rhs)
	case dtypes.Uint16:
		return plainProduct[uint16](c, n, lhs, rhs)
	case dtypes.Uint32:
		return plainProduct[uint32](c, n, lhs, rhs)
	case dtypes.Uint64:
		return plainProduct[uint64](c, n, lhs, rhs)
	}
	return nil
}

// plainProduct is the specification: any axes, any number.
func plainProduct[T number](c *compiler, n *node, lhs, rhs side) step {
	dst, size := c.slot(n), n.size()
	batches, rows, columns, depth := lhs.batch.size(), lhs.outer.size(), rhs.outer.size(), lhs.contract.size()
	times := multiply[T](c.rounded(lhs))
	return funcStep(func(f *frame) {
		out := values[T](f, dst, size)
		x, y := values[T](f, lhs.slot, lhs.elements), values[T](f, rhs.slot, rhs.elements)
		at := 0
		for b := range batches {
			xb, yb := lhs.batch.at(b), rhs.batch.at(b)
			for i := range rows {
				xi := xb + lhs.outer.at(i)
				for j := range columns {
					yj := yb + rhs.outer.at(j)
					var sum T
					for k := range depth {
						sum += times(x[xi+lhs.contract.at(k)], y[yj+rhs.contract.at(k)])
					}
					out[at] = sum
					at++
				}
			}
		}
	})
}

// multiply rounds float32 operands to bfloat16 where bf16 asks for it, as the kernels do.
func multiply[T number](bf16 bool) func(a, b T) T {
	if _, ok := any(T(0)).(float32); !ok || !bf16 {
		return func(a, b T) T { return a * b }
	}
	return func(a, b T) T {
		operands := [2]float32{float32(a), float32(b)}
		simd.RoundBFloat16(operands[:], operands[:])
		return T(operands[0] * operands[1])
	}
}

// biasAfter adds the bias to a product that no matrix step computes.
func (c *compiler) biasAfter(n *node, product step) step {
	dst, bias, size, columns := c.slot(n), c.slot(n.inputs[2]), n.size(), n.inputs[2].size()
	add := funcStep(func(f *frame) {
		out, b := f.floats(dst, size), f.floats(bias, columns)
		for i := range size / columns {
			simd.Add(out[i*columns:][:columns], out[i*columns:], b)
		}
	})
	return steps{product, add}
}

// matrixProduct multiplies float32 matrices, one per batch element.
type matrixProduct struct {
	a, b, c                 side
	batches                 int
	rows, columns, depth    int
	aRow, aCol, bRow, bCol  int
	bias                    int // slot, -1 for none
	precision               simd.Precision
	packed                  bool // pack B once, shared by the workers
	tileRows, tileColumns   int
	chunks, rowTiles, tiles int
	task, pack              task
}

// batchRows makes batches of all but the last of lhs's outer axes when one stride
// does not describe them: the product is laid out the same.
func batchRows(lhs, rhs side) (side, side) {
	rows := lhs.outer.merged()
	for len(rows.dims) > 1 {
		lhs.batch = lhs.batch.with(rows.dims[0], rows.strides[0])
		rhs.batch = rhs.batch.with(rows.dims[0], 0)
		rows = axes{rows.dims[1:], rows.strides[1:]}
	}
	lhs.outer = rows
	return lhs, rhs
}

func (a axes) with(size, stride int) axes {
	return axes{append(slices.Clone(a.dims), size), append(slices.Clone(a.strides), stride)}
}

// exactRows is up to how many rows of C products=bf16 rounds nothing: rounding and
// packing B takes longer than multiplying it as it is (1x768x3072: 1.7 ms and 0.4, of
// 16x768x768 0.4 and 0.25, one thread, Emerald Rapids).
const exactRows = 16

// rounded reports whether a product with this left operand rounds both.
func (c *compiler) rounded(lhs side) bool {
	return c.backend.options.bf16 && lhs.outer.size() > exactRows
}

// matrixStep returns nil when the axes are not those of strided matrices.
func (c *compiler) matrixStep(n *node, lhs, rhs side) step {
	rounded := c.rounded(lhs)
	lhs, rhs = batchRows(lhs, rhs)
	m := &matrixProduct{a: lhs, b: rhs, batches: lhs.batch.size(), bias: -1}
	if len(n.inputs) > 2 {
		m.bias = c.slot(n.inputs[2])
	}
	m.c = side{slot: c.slot(n), elements: n.size()}
	var ok [4]bool
	var depth int
	m.rows, m.aRow, ok[0] = lhs.outer.merged().single()
	m.depth, m.aCol, ok[1] = lhs.contract.merged().single()
	m.columns, m.bCol, ok[2] = rhs.outer.merged().single()
	depth, m.bRow, ok[3] = rhs.contract.merged().single()
	if !ok[0] || !ok[1] || !ok[2] || !ok[3] || depth != m.depth {
		return nil
	}
	if rounded {
		m.precision = simd.BFloat16
	}
	m.divide(c.backend.options.threads)
	m.task, m.pack = m.chunk, m.packChunk
	return m
}

// Division of a product: enough tiles to balance the workers, tiles large enough
// to use what they read. The result does not depend on it.
const (
	tilesPerThread = 4
	leastRows      = 8 * simd.RowGrain
	leastColumns   = 4 * simd.ColumnGrain
	chunkProducts  = 1 << 18 // multiplications worth a chunk
)

func (m *matrixProduct) divide(threads int) {
	perBatch := m.rows * m.columns * m.depth
	m.packed = m.batches == 1 && m.rows > 4*simd.RowGrain && (m.depth <= 1024 || m.rows >= 512) &&
		!simd.ReadsInPlace(simd.Matrix{RowStride: m.bRow, ColumnStride: m.bCol}, m.rows, m.precision)
	m.tileRows, m.tileColumns = m.rows, m.columns
	if pieces := min(tilesPerThread*threads/m.batches, perBatch/chunkProducts); threads > 1 && pieces > 1 {
		rows, columns := m.pieces(pieces)
		m.tileRows = part(m.rows, rows, simd.RowGrain)
		m.tileColumns = part(m.columns, columns, simd.ColumnGrain)
	}
	m.rowTiles = (m.rows + m.tileRows - 1) / m.tileRows
	m.tiles = m.rowTiles * ((m.columns + m.tileColumns - 1) / m.tileColumns)
	m.chunks = m.tiles
	if m.batches > 1 {
		m.chunks = m.tiles * m.batches
		if perBatch < chunkProducts {
			m.chunks = max(1, min(m.batches, m.batches*perBatch/chunkProducts))
			m.tiles = 1
		}
	}
	m.chunks = min(m.chunks, maxChunks)
}

// packingCost is how many packed values a worker reads in the time it packs one.
const packingCost = 3

// pieces returns how to divide rows and columns for about wanted tiles so that the
// workers move the least: every tile packs its rows of A, and its columns of B unless
// these are shared, and reads those of B once for each block of its rows.
func (m *matrixProduct) pieces(wanted int) (rows, columns int) {
	mostRows, mostColumns := (m.rows+leastRows-1)/leastRows, (m.columns+leastColumns-1)/leastColumns
	tiles, least := 0, 0
	for r := 1; r <= min(wanted, mostRows); r++ {
		c := min((wanted+r-1)/r, mostColumns)
		moved := packingCost*c*m.rows + r*simd.RowBlocks(part(m.rows, r, simd.RowGrain))*m.columns
		if !m.packed {
			moved += packingCost * r * m.columns
		}
		if made := min(r*c, wanted); made > tiles || made == tiles && moved < least {
			rows, columns, tiles, least = r, c, made, moved
		}
	}
	return rows, columns
}

// part divides n into pieces of a multiple of unit.
func part(n, pieces, unit int) int {
	size := (n + pieces - 1) / pieces
	return max(unit, (size+unit-1)/unit*unit)
}

func (m *matrixProduct) run(f *frame) error {
	if m.packed {
		f.packed.Reuse(m.depth, m.columns, m.precision)
		count := f.packed.Count()
		m.runPack(f, count)
	}
	f.parallel(&m.task, m.chunks)
	return nil
}

func (m *matrixProduct) runPack(f *frame, count int) {
	if m.depth*m.columns < chunkElements {
		f.packed.Panels(m.matrixB(f, 0), 0, count)
		return
	}
	f.parallel(&m.pack, min(count, 16))
}

func (m *matrixProduct) packChunk(f *frame, _, chunk int) {
	count := f.packed.Count()
	chunks := min(count, 16)
	f.packed.Panels(m.matrixB(f, 0), chunk*count/chunks, (chunk+1)*count/chunks)
}

func (m *matrixProduct) matrixB(f *frame, batch int) simd.Matrix {
	return simd.Matrix{
		Values: f.floats(m.b.slot, m.b.elements)[m.b.batch.at(batch):],
		Rows:   m.depth, Columns: m.columns, RowStride: m.bRow, ColumnStride: m.bCol,
	}
}

func (m *matrixProduct) chunk(f *frame, w, chunk int) {
	if m.batches > 1 && m.tiles == 1 && m.chunks < m.batches {
		for b := chunk * m.batches / m.chunks; b < (chunk+1)*m.batches/m.chunks; b++ {
			m.tile(f, w, b, 0)
		}
		return
	}
	m.tile(f, w, chunk/m.tiles, chunk%m.tiles)
}

func (m *matrixProduct) tile(f *frame, w, batch, tile int) {
	p := &f.workers[w].product
	*p = simd.Product{
		A: simd.Matrix{
			Values: f.floats(m.a.slot, m.a.elements)[m.a.batch.at(batch):],
			Rows:   m.rows, Columns: m.depth, RowStride: m.aRow, ColumnStride: m.aCol,
		},
		B:         m.matrixB(f, batch),
		C:         simd.Dense(f.floats(m.c.slot, m.c.elements)[batch*m.rows*m.columns:], m.rows, m.columns),
		Precision: m.precision,
	}
	if m.packed {
		p.Packed = &f.packed
	}
	if m.bias >= 0 {
		p.Bias = f.floats(m.bias, m.columns)
	}
	row, column := tile%m.rowTiles*m.tileRows, tile/m.rowTiles*m.tileColumns
	p.RunTile(&f.workers[w].workspace, simd.Tile{
		Row: row, Rows: min(m.tileRows, m.rows-row),
		Column: column, Columns: min(m.tileColumns, m.columns-column),
	})
}
