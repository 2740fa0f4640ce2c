package cpu

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
)

// iotaStep counts along an axis.
func (c *compiler) iotaStep(n *node) step {
	switch n.dtype() {
	case dtypes.Float32:
		return countStep[float32](c, n)
	case dtypes.Float64:
		return countStep[float64](c, n)
	case dtypes.Int8, dtypes.Uint8:
		return countStep[uint8](c, n)
	case dtypes.Int16, dtypes.Uint16:
		return countStep[uint16](c, n)
	case dtypes.Int32, dtypes.Uint32:
		return countStep[uint32](c, n)
	}
	return countStep[uint64](c, n)
}

func countStep[T number](c *compiler, n *node) step {
	axis := n.attr.(int)
	dst, size := c.slot(n), n.size()
	inner, length := product(n.dims()[axis+1:]), n.dims()[axis]
	return funcStep(func(f *frame) {
		for i, d := 0, values[T](f, dst, size); i < size; i++ {
			d[i] = T(i / inner % length)
		}
	})
}

// argStep finds the place of the least or greatest.
func (c *compiler) argStep(n *node) step {
	switch n.inputs[0].dtype() {
	case dtypes.Float32:
		return argNumbers[float32](c, n)
	case dtypes.Float64:
		return argNumbers[float64](c, n)
	case dtypes.Int8:
		return argNumbers[int8](c, n)
	case dtypes.Int16:
		return argNumbers[int16](c, n)
	case dtypes.Int32:
		return argNumbers[int32](c, n)
	case dtypes.Int64:
		return argNumbers[int64](c, n)
	case dtypes.Uint8, dtypes.Bool:
		return argNumbers[uint8](c, n)
	case dtypes.Uint16:
		return argNumbers[uint16](c, n)
	case dtypes.Uint32:
		return argNumbers[uint32](c, n)
	}
	return argNumbers[uint64](c, n)
}

func argNumbers[T number](c *compiler, n *node) step {
	a := n.attr.(argAttr)
	in := n.inputs[0]
	dst, src, size, total := c.slot(n), c.slot(in), n.size(), in.size()
	inner, length := product(in.dims()[a.axis+1:]), in.dims()[a.axis]
	return funcStep(func(f *frame) {
		d, s := values[int64](f, dst, size), values[T](f, src, total)
		for i := range d {
			at := i/inner*inner*length + i%inner
			best, place := s[at], 0
			for k := 1; k < length && best == best; k++ {
				v := s[at+k*inner]
				if v != v || a.least && v < best || !a.least && v > best {
					best, place = v, k
				}
			}
			d[i] = int64(place)
		}
	})
}

// randomStep fills values with the bits of rand.PCG, first byte lowest.
func (c *compiler) randomStep(u *unit) step {
	stateIn := c.slot(u.node.inputs[0])
	stateOut, out, n := -1, -1, 0
	for _, o := range u.outputs {
		if o.attr.(int) == 0 {
			stateOut = c.slot(o)
		} else {
			out, n = c.slot(o), o.bytes()
		}
	}
	// Without a reader of the values the state still moves on.
	if out < 0 {
		n = c.unreadBytes(u)
	}
	return funcStep(func(f *frame) {
		in := values[uint64](f, stateIn, 3)
		rng := rand.NewPCG(in[0], in[1])
		var word [8]byte
		var bytes []byte
		if out >= 0 {
			bytes = values[byte](f, out, n)
		}
		for at := 0; at < n; at += 8 {
			v := rng.Uint64()
			if at+8 <= len(bytes) {
				binary.LittleEndian.PutUint64(bytes[at:], v)
			} else if at < len(bytes) {
				binary.LittleEndian.PutUint64(word[:], v)
				copy(bytes[at:], word[:])
			}
		}
		if stateOut >= 0 {
			state, err := rng.MarshalBinary() // "pcg:" and two big-endian words
			if err != nil {
				panic("cpu: random state: " + err.Error())
			}
			next := values[uint64](f, stateOut, 3)
			next[2] = in[2]
			next[0] = binary.LittleEndian.Uint64(state[4:])
			next[1] = binary.LittleEndian.Uint64(state[12:])
		}
	})
}

// unreadBytes is the size of a generator's values when nothing reads them.
func (c *compiler) unreadBytes(u *unit) int {
	shape := u.node.attr.(randomAttr)
	return product(shape.dims) * elementSize(shape.dtype)
}

// gatherPlan is a gather or scatter in loops: for each index vector, a window of
// the operand and its place in the other array.
type gatherPlan struct {
	indexDims, indexStrides []int // batch axes of the indices
	vector, vectorStride    int   // length and stride of an index vector
	operandAxis             []int // per vector element: the operand's axis
	window                  []int // sizes per operand axis
	operandDims             []int
	operandStrides          []int
	batchStrides            []int // of the other array, per batch axis
	windowStrides           []int // of the other array, per operand axis; 0 where the window is one
	indices                 *loop // over the index vectors, with the offsets of each and of its batch in the other array
}

// newGatherPlan pairs the axes of indices, operand and the other array as a gather
// names them: offsetAxes are the other array's axes that run over the window, in
// the order of the operand's axes that are not collapsed.
func newGatherPlan(operand, indices, other []int, a gatherAttr) *gatherPlan {
	p := &gatherPlan{operandAxis: a.indexMap, window: a.sizes, operandDims: operand, operandStrides: denseStrides(operand), vector: 1}
	strides := denseStrides(indices)
	for i, d := range indices {
		if i == a.indexAxis {
			p.vector, p.vectorStride = d, strides[i]
			continue
		}
		p.indexDims, p.indexStrides = append(p.indexDims, d), append(p.indexStrides, strides[i])
	}
	otherStrides := denseStrides(other)
	p.windowStrides = make([]int, len(operand))
	k := 0
	for axis := range operand {
		if slices.Contains(a.collapsed, axis) {
			continue
		}
		p.windowStrides[axis] = otherStrides[a.offsetAxes[k]]
		k++
	}
	for axis := range other {
		if !slices.Contains(a.offsetAxes, axis) {
			p.batchStrides = append(p.batchStrides, otherStrides[axis])
		}
	}
	p.indices = newLoop(append(slices.Clone(p.indexDims), 1), append(slices.Clone(p.indexStrides), 0), append(slices.Clone(p.batchStrides), 0))
	return p
}

// each calls visit for every index vector with the window's first element in the
// operand and in the other array; inside tells whether the window fits as named.
// With clamp, starts are moved inside.
func (p *gatherPlan) each(f *frame, index []int64, clamp bool, visit func(operandAt, otherAt int, inside bool)) {
	p.indices.rows(f, func(o []int) {
		at, inside := 0, true
		for k := range p.vector {
			axis := p.operandAxis[k]
			limit := int64(p.operandDims[axis] - p.window[axis])
			start := index[o[0]+k*p.vectorStride]
			if start < 0 || start > limit {
				inside = false
			}
			if clamp {
				start = max(0, min(start, limit))
			}
			at += int(start) * p.operandStrides[axis]
		}
		visit(at, o[1], inside)
	})
}

func gatherPlanOf(n *node) *gatherPlan {
	if n.op == compute.OpTypeGather {
		return newGatherPlan(n.inputs[0].dims(), n.inputs[1].dims(), n.dims(), n.attr.(gatherAttr))
	}
	a := n.attr.(scatterAttr)
	operand, updates := n.dims(), n.inputs[2].dims()
	window := make([]int, len(operand))
	k := 0
	for axis := range operand {
		window[axis] = 1
		if !slices.Contains(a.inserted, axis) {
			window[axis] = updates[a.windowAxes[k]]
			k++
		}
	}
	return newGatherPlan(operand, n.inputs[1].dims(), updates, gatherAttr{a.indexAxis, a.windowAxes, a.inserted, a.operandMap, window})
}
