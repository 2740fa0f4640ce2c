package cpu

import (
	"slices"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/loopitr/loopitr/internal/simd"
)

// rowsOf recognises the common form of gather and scatter: whole rows of a
// matrix, one index each. It returns the row's elements, 0 if it is not that form.
func (p *gatherPlan) rowsOf() int {
	if p.vector != 1 || len(p.operandDims) == 0 || p.operandAxis[0] != 0 || p.window[0] != 1 || p.windowStrides[0] != 0 && p.operandDims[0] != 1 {
		return 0
	}
	row := product(p.operandDims[1:])
	if !slices.Equal(p.window[1:], p.operandDims[1:]) {
		return 0
	}
	if dense, _ := pattern(p.windowStrides[1:], p.window[1:], 1); !dense {
		return 0
	}
	if dense, _ := pattern(p.batchStrides, p.indexDims, row); !dense {
		return 0
	}
	if dense, _ := pattern(p.indexStrides, p.indexDims, 1); !dense && p.vectorStride != 1 {
		return 0
	}
	return row
}

// windowBox is the window as a loop over the operand's and the other's strides,
// innermost axis last, axes of one dropped.
func (p *gatherPlan) windowBox() (dims, operand, other []int) {
	for i, d := range p.window {
		if d == 1 {
			continue
		}
		k := len(dims) - 1
		if k >= 0 && operand[k] == d*p.operandStrides[i] && other[k] == d*p.windowStrides[i] {
			dims[k] *= d
			operand[k], other[k] = p.operandStrides[i], p.windowStrides[i]
			continue
		}
		dims, operand, other = append(dims, d), append(operand, p.operandStrides[i]), append(other, p.windowStrides[i])
	}
	if len(dims) == 0 {
		return []int{1}, []int{1}, []int{1}
	}
	return dims, operand, other
}

// gatherStep copies a window for each index vector.
func (c *compiler) gatherStep(n *node) step {
	p := gatherPlanOf(n)
	if row := p.rowsOf(); row > 0 {
		return c.gatherRows(n, p, row)
	}
	dims, operand, other := p.windowBox()
	box := newLoop(dims, operand, other)
	dst, src, index := c.slot(n), c.slot(n.inputs[0]), c.slot(n.inputs[1])
	size, count := elementSize(n.dtype()), n.inputs[1].size()
	last := len(dims) - 1
	contiguous := operand[last] == 1 && other[last] == 1
	return funcStep(func(f *frame) {
		to, from := f.ptr[dst], f.ptr[src]
		p.each(f, values[int64](f, index, count), true, func(operandAt, otherAt int, _ bool) {
			if len(dims) == 1 && contiguous {
				copyBytes(unsafe.Add(to, otherAt*size), unsafe.Add(from, operandAt*size), dims[0]*size)
				return
			}
			box.rows(f, func(o []int) {
				for k := range dims[last] {
					d := unsafe.Add(to, (otherAt+o[1]+k*other[last])*size)
					copyBytes(d, unsafe.Add(from, (operandAt+o[0]+k*operand[last])*size), size)
				}
			})
		})
	})
}

// rowGather copies whole rows.
type rowGather struct {
	dst, src, index  int
	rows, count, row int // rows of the source, rows to copy, bytes of one
	chunks           int
	task             task
}

func (c *compiler) gatherRows(n *node, p *gatherPlan, row int) step {
	g := &rowGather{
		dst: c.slot(n), src: c.slot(n.inputs[0]), index: c.slot(n.inputs[1]),
		rows: p.operandDims[0], count: product(p.indexDims), row: row * elementSize(n.dtype()),
	}
	g.chunks = max(1, min(g.count, maxTileChunks, g.count*g.row/(4*chunkElements)))
	g.task = g.chunk
	return g
}

func (g *rowGather) run(f *frame) error {
	f.parallel(&g.task, g.chunks)
	return nil
}

func (g *rowGather) chunk(f *frame, _, chunk int) {
	index := values[int64](f, g.index, g.count)
	for i := chunk * g.count / g.chunks; i < (chunk+1)*g.count/g.chunks; i++ {
		from := max(0, min(int(index[i]), g.rows-1))
		copyBytes(unsafe.Add(f.ptr[g.dst], i*g.row), unsafe.Add(f.ptr[g.src], from*g.row), g.row)
	}
}

func copyBytes(dst, src unsafe.Pointer, n int) {
	copy(unsafe.Slice((*byte)(dst), n), unsafe.Slice((*byte)(src), n))
}

// scatterStep copies the operand and combines updates into it, in the order of
// the indices.
func (c *compiler) scatterStep(n *node) step {
	if s := c.scatterRows(n); s != nil {
		return s
	}
	op := map[compute.OpType]compute.OpType{
		compute.OpTypeScatterSum: compute.OpTypeAdd,
		compute.OpTypeScatterMax: compute.OpTypeMax,
		compute.OpTypeScatterMin: compute.OpTypeMin,
	}[n.op]
	switch n.dtype() {
	case dtypes.Float32:
		return scatterNumbers(c, n, floatBinary[float32](op))
	case dtypes.Float64:
		return scatterNumbers(c, n, floatBinary[float64](op))
	case dtypes.Int8:
		return scatterNumbers(c, n, integerBinary[int8](op, 8))
	case dtypes.Int16:
		return scatterNumbers(c, n, integerBinary[int16](op, 16))
	case dtypes.Int32:
		return scatterNumbers(c, n, integerBinary[int32](op, 32))
	case dtypes.Int64:
		return scatterNumbers(c, n, integerBinary[int64](op, 64))
	case dtypes.Uint8:
		return scatterNumbers(c, n, integerBinary[uint8](op, 8))
	case dtypes.Uint16:
		return scatterNumbers(c, n, integerBinary[uint16](op, 16))
	case dtypes.Uint32:
		return scatterNumbers(c, n, integerBinary[uint32](op, 32))
	case dtypes.Uint64:
		return scatterNumbers(c, n, integerBinary[uint64](op, 64))
	}
	return nil
}

func scatterNumbers[T number](c *compiler, n *node, combine func(a, b T) T) step {
	p := gatherPlanOf(n)
	dims, operand, other := p.windowBox()
	box := newLoop(dims, operand, other)
	dst, src, index, updates := c.slot(n), c.slot(n.inputs[0]), c.slot(n.inputs[1]), c.slot(n.inputs[2])
	size, count, updateSize := n.size(), n.inputs[1].size(), n.inputs[2].size()
	repeated := n.inputs[0].size() != size
	last := len(dims) - 1
	return funcStep(func(f *frame) {
		out, in := values[T](f, dst, size), values[T](f, updates, updateSize)
		if repeated {
			fill(out, *(*T)(f.ptr[src]))
		} else {
			copy(out, values[T](f, src, size))
		}
		p.each(f, values[int64](f, index, count), false, func(operandAt, otherAt int, inside bool) {
			if !inside {
				return
			}
			box.rows(f, func(o []int) {
				to, from := operandAt+o[0], otherAt+o[1]
				for range dims[last] {
					out[to] = combine(out[to], in[from])
					to, from = to+operand[last], from+other[last]
				}
			})
		})
	})
}

// scatterAdd adds float32 rows, divided over workers by columns so that the order
// of additions stays the indices'.
type scatterAdd struct {
	dst, src, index, updates int
	rows, columns, count     int
	grain                    int
	repeated                 bool // the operand is one number
	task                     task
}

func (c *compiler) scatterRows(n *node) step {
	p := gatherPlanOf(n)
	columns := p.rowsOf()
	if n.op != compute.OpTypeScatterSum || n.dtype() != dtypes.Float32 || columns == 0 {
		return nil
	}
	s := &scatterAdd{
		dst: c.slot(n), src: c.slot(n.inputs[0]), index: c.slot(n.inputs[1]), updates: c.slot(n.inputs[2]),
		rows: p.operandDims[0], columns: columns, count: product(p.indexDims),
		repeated: n.inputs[0].size() != n.size(),
	}
	s.grain = columns
	if s.rows*columns > chunkElements {
		s.grain = max(16, (columns/8+15)&^15)
	}
	s.task = s.chunk
	return s
}

func (s *scatterAdd) run(f *frame) error {
	f.parallel(&s.task, (s.columns+s.grain-1)/s.grain)
	return nil
}

func (s *scatterAdd) chunk(f *frame, _, chunk int) {
	from := chunk * s.grain
	width := min(s.grain, s.columns-from)
	out := f.floats(s.dst, s.rows*s.columns)
	for r := range s.rows {
		if s.repeated {
			simd.Fill(out[r*s.columns+from:][:width], f.floats(s.src, 1)[0])
		} else {
			copy(out[r*s.columns+from:][:width], f.floats(s.src, s.rows*s.columns)[r*s.columns+from:])
		}
	}
	updates := f.floats(s.updates, s.count*s.columns)
	for i, row := range values[int64](f, s.index, s.count) {
		if row < 0 || row >= int64(s.rows) {
			continue
		}
		to := out[int(row)*s.columns+from:][:width]
		simd.Add(to, to, updates[i*s.columns+from:])
	}
}
