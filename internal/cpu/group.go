package cpu

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
)

// group is nodes that one tile program computes over rows x columns values.
// With columns 1 the space is flat: nothing in it distinguishes rows.
type group struct {
	members       []*node // in recorded order
	rows, columns int
	outputs       []*node // members whose values others read
	has           map[*node]bool
	last          int // greatest id of a member
}

// role is how a node can take part in a tile program.
type role uint8

const (
	noRole    role = iota
	pointwise      // elementwise, conversion or broadcast: result as wide as the widest
	rowReduce      // over the trailing axes
	columnSum      // sum over the leading axes: kept per chunk, added at the end
	totalSum       // sum over everything
)

// space is the iteration space that a node needs; columns 1 means any.
type space struct {
	role          role
	rows, columns int
}

// maxColumns bounds the columns of a tile program, whose registers hold whole rows:
// twice the words of the largest vocabulary published for BERT.
const maxColumns = 1 << 18

// spaceOf tells how n can take part in a tile program, if at all.
func spaceOf(n *node) space {
	if s := unboundedSpace(n); s.columns <= maxColumns {
		return s
	}
	return space{}
}

func unboundedSpace(n *node) space {
	if !tileable(n) {
		return space{}
	}
	switch n.op {
	case compute.OpTypeReduceSum, compute.OpTypeReduceMax, compute.OpTypeReduceMin:
		return reductionSpace(n)
	}
	flat := space{pointwise, n.size(), 1}
	for _, in := range n.inputs {
		switch classify(operandStrides(n, in), n.dims(), n.size(), 1) {
		case full, single:
		default:
			columns := lastDim(n.dims())
			return space{pointwise, n.size() / max(1, columns), columns}
		}
	}
	return flat
}

// tileable nodes have float32 or boolean operands and result, and a kernel.
func tileable(n *node) bool {
	t := n.dtype()
	if t != dtypes.Float32 && t != dtypes.Bool || n.size() == 0 {
		return false
	}
	for _, in := range n.inputs {
		if d := in.dtype(); d != dtypes.Float32 && d != dtypes.Bool || in.size() == 0 {
			return false
		}
	}
	operand := dtypes.InvalidDType
	if len(n.inputs) > 0 {
		operand = n.inputs[0].dtype()
	}
	switch {
	case n.op == compute.OpTypeWhere, n.op == compute.OpTypeBroadcastInDim, n.op == compute.OpTypeConvertDType:
		return true
	case n.op == compute.OpTypeReduceSum, n.op == compute.OpTypeReduceMax, n.op == compute.OpTypeReduceMin:
		return operand == dtypes.Float32
	case binaryKernels[n.op] != nil, unaryKernels[n.op] != nil:
		return operand == dtypes.Float32
	case logicalKernels[n.op] != nil:
		return operand == dtypes.Bool
	case n.op == compute.OpTypeIsNaN, n.op == compute.OpTypeIsFinite:
		return operand == dtypes.Float32
	}
	_, comparison := comparisons[n.op]
	return comparison && operand == dtypes.Float32
}

// reductionSpace finds whether a reduction's axes are trailing, leading or all.
func reductionSpace(n *node) space {
	in := n.inputs[0]
	dims := in.dims()
	axes := n.attr.([]int)
	var reduced, kept []int // axes longer than one
	for i, d := range dims {
		if d == 1 {
			continue
		}
		if slices.Contains(axes, i) {
			reduced = append(reduced, i)
		} else {
			kept = append(kept, i)
		}
	}
	columns := 1
	switch {
	case len(reduced) == 0:
		return space{}
	case len(kept) == 0:
		if n.op == compute.OpTypeReduceSum && in.size() > 1 {
			return space{totalSum, in.size(), 1}
		}
		return space{rowReduce, 1, in.size()}
	case kept[len(kept)-1] < reduced[0]:
		for _, a := range reduced {
			columns *= dims[a]
		}
		return space{rowReduce, in.size() / columns, columns}
	case reduced[len(reduced)-1] < kept[0] && n.op == compute.OpTypeReduceSum:
		for _, a := range kept {
			columns *= dims[a]
		}
		return space{columnSum, in.size() / columns, columns}
	}
	return space{}
}

// lastDim is the last dimension longer than one.
func lastDim(dims []int) int {
	for i := len(dims) - 1; i >= 0; i-- {
		if dims[i] != 1 {
			return dims[i]
		}
	}
	return 1
}

// operandStrides are the strides with which n reads operand in over n's axes (a
// reduction: over in's axes).
func operandStrides(n, in *node) []int {
	switch n.op {
	case compute.OpTypeReduceSum, compute.OpTypeReduceMax, compute.OpTypeReduceMin:
		return denseStrides(in.dims())
	case compute.OpTypeBroadcastInDim:
		s := make([]int, len(n.dims()))
		from := denseStrides(in.dims())
		for i, axis := range n.attr.([]int) {
			if in.dims()[i] != 1 {
				s[axis] = from[i]
			}
		}
		return s
	}
	return broadcastStrides(in.dims(), n.dims())
}

// spaceDims are the axes that operandStrides speaks of.
func spaceDims(n *node) []int {
	switch n.op {
	case compute.OpTypeReduceSum, compute.OpTypeReduceMax, compute.OpTypeReduceMin:
		return n.inputs[0].dims()
	}
	return n.dims()
}

// strided marks operands that no class describes.
const strided class = 255

// classify finds over what an operand with these strides varies in a space of
// rows x columns whose axes are dims.
func classify(strides, dims []int, rows, columns int) class {
	if dense, zero := pattern(strides, dims, 1); dense && product(dims) == rows*columns {
		return full
	} else if zero {
		return single
	}
	cut := columnAxis(dims, columns)
	if cut < 0 {
		return strided
	}
	outerDense, outerZero := pattern(strides[:cut], dims[:cut], 0)
	innerDense, innerZero := pattern(strides[cut:], dims[cut:], 1)
	wide, wideZero := pattern(strides[:cut], dims[:cut], columns)
	switch {
	case innerDense && wide:
		return full
	case innerZero && outerZero:
		return single
	case innerZero && outerDense:
		return perRow
	case innerDense && (outerZero || wideZero):
		return perColumn
	}
	return strided
}

// pattern tells whether strides are those of a dense array over dims whose last
// axis has the given step (0: step one), and whether they are all zero. Axes of
// one do not count.
func pattern(strides, dims []int, step int) (dense, zero bool) {
	if step == 0 {
		step = 1
	}
	dense, zero = true, true
	for i := len(dims) - 1; i >= 0; i-- {
		if dims[i] == 1 {
			continue
		}
		dense = dense && strides[i] == step
		zero = zero && strides[i] == 0
		step *= dims[i]
	}
	return dense, zero
}

// columnAxis is the axis where the trailing axes of columns elements begin, -1 if
// there is no such axis.
func columnAxis(dims []int, columns int) int {
	p, i := 1, len(dims)
	for i > 0 && p < columns {
		i--
		p *= dims[i]
	}
	if p != columns {
		return -1
	}
	return i
}
