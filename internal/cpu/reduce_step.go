package cpu

import (
	"math"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/loopitr/loopitr/internal/simd"
)

// reduceStep makes the step of a reduction outside tile programs.
func (c *compiler) reduceStep(n *node) step {
	in := n.inputs[0]
	if n.dtype() == dtypes.Float32 && n.op == compute.OpTypeReduceSum {
		if s := c.middleSum(n); s != nil {
			return s
		}
	}
	switch in.dtype() {
	case dtypes.Bool:
		return reduceBool(c, n)
	case dtypes.Float32:
		return reduceNumbers(c, n, floatBinary[float32](reduction(n.op)), [2]float32{float32(math.Inf(-1)), float32(math.Inf(1))})
	case dtypes.Float64:
		return reduceNumbers(c, n, floatBinary[float64](reduction(n.op)), [2]float64{math.Inf(-1), math.Inf(1)})
	case dtypes.Int8:
		return reduceNumbers(c, n, integerBinary[int8](reduction(n.op), 8), [2]int8{math.MinInt8, math.MaxInt8})
	case dtypes.Int16:
		return reduceNumbers(c, n, integerBinary[int16](reduction(n.op), 16), [2]int16{math.MinInt16, math.MaxInt16})
	case dtypes.Int32:
		return reduceNumbers(c, n, integerBinary[int32](reduction(n.op), 32), [2]int32{math.MinInt32, math.MaxInt32})
	case dtypes.Int64:
		return reduceNumbers(c, n, integerBinary[int64](reduction(n.op), 64), [2]int64{math.MinInt64, math.MaxInt64})
	case dtypes.Uint8:
		return reduceNumbers(c, n, integerBinary[uint8](reduction(n.op), 8), [2]uint8{0, math.MaxUint8})
	case dtypes.Uint16:
		return reduceNumbers(c, n, integerBinary[uint16](reduction(n.op), 16), [2]uint16{0, math.MaxUint16})
	case dtypes.Uint32:
		return reduceNumbers(c, n, integerBinary[uint32](reduction(n.op), 32), [2]uint32{0, math.MaxUint32})
	case dtypes.Uint64:
		return reduceNumbers(c, n, integerBinary[uint64](reduction(n.op), 64), [2]uint64{0, math.MaxUint64})
	}
	return nil
}

// reduction is the operation that a reduction repeats.
func reduction(op compute.OpType) compute.OpType {
	switch op {
	case compute.OpTypeReduceSum:
		return compute.OpTypeAdd
	case compute.OpTypeReduceProduct:
		return compute.OpTypeMul
	case compute.OpTypeReduceMax:
		return compute.OpTypeMax
	case compute.OpTypeReduceMin:
		return compute.OpTypeMin
	case compute.OpTypeReduceBitwiseAnd:
		return compute.OpTypeBitwiseAnd
	case compute.OpTypeReduceBitwiseOr:
		return compute.OpTypeBitwiseOr
	case compute.OpTypeReduceBitwiseXor:
		return compute.OpTypeBitwiseXor
	case compute.OpTypeReduceLogicalAnd:
		return compute.OpTypeLogicalAnd
	case compute.OpTypeReduceLogicalOr:
		return compute.OpTypeLogicalOr
	}
	return compute.OpTypeLogicalXor
}

// reduceNumbers has the least and the greatest number of T.
func reduceNumbers[T number](c *compiler, n *node, f func(a, b T) T, limits [2]T) step {
	var start T
	switch n.op {
	case compute.OpTypeReduceProduct:
		start = 1
	case compute.OpTypeReduceMax:
		start = limits[0]
	case compute.OpTypeReduceMin:
		start = limits[1]
	case compute.OpTypeReduceBitwiseAnd:
		start--
	}
	return reduceElements(c, n, f, start)
}

func reduceBool(c *compiler, n *node) step {
	switch n.op {
	case compute.OpTypeReduceLogicalAnd:
		return reduceElements(c, n, func(a, b bool) bool { return a && b }, true)
	case compute.OpTypeReduceLogicalOr:
		return reduceElements(c, n, func(a, b bool) bool { return a || b }, false)
	}
	return reduceElements(c, n, func(a, b bool) bool { return a != b }, false)
}

// reduceElements folds in the order of the operand's elements.
func reduceElements[T any](c *compiler, n *node, f func(a, b T) T, start T) step {
	in := n.inputs[0]
	dst, src, size, total := c.slot(n), c.slot(in), n.size(), in.size()
	l := newLoop(in.dims(), resultStrides(n))
	return funcStep(func(fr *frame) {
		d, s := values[T](fr, dst, size), values[T](fr, src, total)
		fill(d, start)
		at, last := 0, len(l.dims)-1
		step := l.strides[0][last]
		l.rows(fr, func(o []int) {
			to := o[0]
			for range l.dims[last] {
				d[to] = f(d[to], s[at])
				at, to = at+1, to+step
			}
		})
	})
}

// resultStrides are the strides of a reduction's result over its operand's axes.
func resultStrides(n *node) []int {
	axes := n.attr.([]int)
	dims := n.inputs[0].dims()
	s := make([]int, len(dims))
	step := 1
	for i := len(dims) - 1; i >= 0; i-- {
		if !slices.Contains(axes, i) {
			s[i] = step
			step *= dims[i]
		}
	}
	return s
}

// middleSum sums float32 over one run of neighbouring axes: outer x reduced x
// inner, rows of inner elements added in order.
type middleSum struct {
	dst, src              int
	outer, reduced, inner int
	task                  task
}

func (c *compiler) middleSum(n *node) step {
	in := n.inputs[0]
	axes := n.attr.([]int)
	s := &middleSum{dst: c.slot(n), src: c.slot(in), outer: 1, reduced: 1, inner: 1}
	stage := 0
	for i, d := range in.dims() {
		if d == 1 {
			continue
		}
		isReduced := slices.Contains(axes, i)
		if stage == 0 && isReduced || stage == 1 && !isReduced {
			stage++
		}
		switch {
		case stage == 0:
			s.outer *= d
		case stage == 1:
			s.reduced *= d
		case isReduced:
			return nil
		default:
			s.inner *= d
		}
	}
	if n.size() == 0 || in.size() == 0 || s.inner < 8 {
		return nil
	}
	s.task = s.chunk
	return s
}

func (s *middleSum) run(f *frame) error {
	if s.outer*s.reduced*s.inner < chunkElements {
		for i := range s.outer {
			s.chunk(f, 0, i)
		}
		return nil
	}
	f.parallel(&s.task, min(s.outer, maxTileChunks))
	return nil
}

func (s *middleSum) chunk(f *frame, _, chunk int) {
	chunks := min(s.outer, maxTileChunks)
	from, to := chunk, chunk+1
	if s.outer*s.reduced*s.inner >= chunkElements {
		from, to = chunk*s.outer/chunks, (chunk+1)*s.outer/chunks
	}
	for i := from; i < to; i++ {
		in := f.floats(s.src, s.outer*s.reduced*s.inner)[i*s.reduced*s.inner:]
		out := f.floats(s.dst, s.outer*s.inner)[i*s.inner : (i+1)*s.inner]
		simd.SumRows(out, simd.Dense(in, s.reduced, s.inner))
	}
}
