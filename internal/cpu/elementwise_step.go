package cpu

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
)

// funcStep is a step that runs on one goroutine.
type funcStep func(f *frame)

func (s funcStep) run(f *frame) error {
	s(f)
	return nil
}

// elementwiseStep makes the step of an elementwise operation outside tile programs.
func (c *compiler) elementwiseStep(n *node) step {
	switch n.op {
	case compute.OpTypeConvertDType:
		return c.convertStep(n)
	case compute.OpTypeWhere:
		return c.whereStep(n)
	}
	switch n.inputs[0].dtype() {
	case dtypes.Bool:
		return boolStep(c, n)
	case dtypes.Float32:
		return floatStep[float32](c, n)
	case dtypes.Float64:
		return floatStep[float64](c, n)
	case dtypes.Int8:
		return integerStep[int8](c, n, 8)
	case dtypes.Int16:
		return integerStep[int16](c, n, 16)
	case dtypes.Int32:
		return integerStep[int32](c, n, 32)
	case dtypes.Int64:
		return integerStep[int64](c, n, 64)
	case dtypes.Uint8:
		return integerStep[uint8](c, n, 8)
	case dtypes.Uint16:
		return integerStep[uint16](c, n, 16)
	case dtypes.Uint32:
		return integerStep[uint32](c, n, 32)
	case dtypes.Uint64:
		return integerStep[uint64](c, n, 64)
	}
	return nil
}

func floatStep[T float](c *compiler, n *node) step {
	switch n.op {
	case compute.OpTypeIsNaN:
		return unaryStep(c, n, func(v T) bool { return v != v })
	case compute.OpTypeIsFinite:
		return unaryStep(c, n, func(v T) bool { return v-v == 0 })
	}
	if f := floatUnary[T](n.op); f != nil {
		return unaryStep(c, n, f)
	}
	if f := floatBinary[T](n.op); f != nil {
		return binaryStep(c, n, f)
	}
	if f := numberCompare[T](n.op); f != nil {
		return binaryStep(c, n, f)
	}
	return nil
}

func integerStep[T integer](c *compiler, n *node, width uint) step {
	if f := integerUnary[T](n.op, width); f != nil {
		return unaryStep(c, n, f)
	}
	if f := integerBinary[T](n.op, width); f != nil {
		return binaryStep(c, n, f)
	}
	if f := numberCompare[T](n.op); f != nil {
		return binaryStep(c, n, f)
	}
	return nil
}

func boolStep(c *compiler, n *node) step {
	switch n.op {
	case compute.OpTypeLogicalNot:
		return unaryStep(c, n, func(v bool) bool { return !v })
	case compute.OpTypeLogicalAnd:
		return binaryStep(c, n, func(a, b bool) bool { return a && b })
	case compute.OpTypeLogicalOr:
		return binaryStep(c, n, func(a, b bool) bool { return a || b })
	case compute.OpTypeLogicalXor, compute.OpTypeNotEqual:
		return binaryStep(c, n, func(a, b bool) bool { return a != b })
	case compute.OpTypeEqual:
		return binaryStep(c, n, func(a, b bool) bool { return a == b })
	}
	return nil
}

func unaryStep[T, R any](c *compiler, n *node, f func(T) R) step {
	dst, src, size := c.slot(n), c.slot(n.inputs[0]), n.size()
	return funcStep(func(fr *frame) {
		d, s := values[R](fr, dst, size), values[T](fr, src, size)
		for i, v := range s {
			d[i] = f(v)
		}
	})
}

func binaryStep[T, R any](c *compiler, n *node, f func(a, b T) R) step {
	a, b := n.inputs[0], n.inputs[1]
	dst, as, bs := c.slot(n), c.slot(a), c.slot(b)
	l := newLoop(n.dims(), broadcastStrides(a.dims(), n.dims()), broadcastStrides(b.dims(), n.dims()))
	size, asize, bsize := n.size(), a.size(), b.size()
	return funcStep(func(fr *frame) {
		d, x, y := values[R](fr, dst, size), values[T](fr, as, asize), values[T](fr, bs, bsize)
		at, last := 0, len(l.dims)-1
		sx, sy := l.strides[0][last], l.strides[1][last]
		l.rows(fr, func(o []int) {
			ox, oy := o[0], o[1]
			for range l.dims[last] {
				d[at] = f(x[ox], y[oy])
				at, ox, oy = at+1, ox+sx, oy+sy
			}
		})
	})
}

// loop walks a box row by row with several operands' strides.
type loop struct {
	dims    []int // at least one
	strides [][]int
}

func newLoop(dims []int, strides ...[]int) *loop {
	l := &loop{dims: dims, strides: strides}
	if len(dims) == 0 {
		l.dims = []int{1}
		for i := range l.strides {
			l.strides[i] = []int{0}
		}
	}
	return l
}

// rows calls visit with each operand's offset of every row, in order. It counts in
// f's memory; one loop may run within another.
func (l *loop) rows(f *frame, visit func(offsets []int)) {
	if product(l.dims) == 0 {
		return
	}
	outer := len(l.dims) - 1
	before := len(f.counters)
	f.counters = append(f.counters, make([]int, outer+len(l.strides))...)
	at, offsets := f.counters[before:before+outer], f.counters[before+outer:]
	defer func() { f.counters = f.counters[:before] }()
	for {
		visit(offsets)
		i := outer - 1
		for ; i >= 0; i-- {
			at[i]++
			for k, s := range l.strides {
				offsets[k] += s[i]
			}
			if at[i] < l.dims[i] {
				break
			}
			for k, s := range l.strides {
				offsets[k] -= s[i] * l.dims[i]
			}
			at[i] = 0
		}
		if i < 0 {
			return
		}
	}
}

// whereStep selects by bytes: any dtype.
func (c *compiler) whereStep(n *node) step {
	switch elementSize(n.dtype()) {
	case 1:
		return selectStep[uint8](c, n)
	case 2:
		return selectStep[uint16](c, n)
	case 4:
		return selectStep[uint32](c, n)
	}
	return selectStep[uint64](c, n)
}

func selectStep[T any](c *compiler, n *node) step {
	m, a, b := n.inputs[0], n.inputs[1], n.inputs[2]
	dst, ms, as, bs := c.slot(n), c.slot(m), c.slot(a), c.slot(b)
	size := n.size()
	step := func(in *node) int {
		if len(in.dims()) == 0 && size != 1 {
			return 0
		}
		return 1
	}
	dm, da, db := step(m), step(a), step(b)
	msize, asize, bsize := m.size(), a.size(), b.size()
	return funcStep(func(f *frame) {
		d, mask := values[T](f, dst, size), values[bool](f, ms, msize)
		x, y := values[T](f, as, asize), values[T](f, bs, bsize)
		for i := range d {
			if mask[i*dm] {
				d[i] = x[i*da]
			} else {
				d[i] = y[i*db]
			}
		}
	})
}
