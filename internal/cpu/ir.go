package cpu

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// Operations of the representation that the graph layer does not have.
const (
	opSelect compute.OpType = compute.OpTypeLast + 1 + iota // output attr.(int) of a node with several
	opAttention
	opAttentionGradient
	opGELU         // exact
	opGELUGradient // of input and gradient of the result
)

// node is one operation of a function. Its value is dense, rows last to first.
// A node with several outputs has no value of its own: its select nodes do.
type node struct {
	id     int // position within the function: inputs come before
	op     compute.OpType
	shape  shapes.Shape
	inputs []*node
	attr   any // what the operation needs beside its inputs; never changed after recording
	fn     *Function
	unique bool // never merged with an equal node

	sharedBy []*group // of a broadcast: the groups that each repeat it for themselves
}

// Attributes of operations that need more than axes ([]int) or one number.
type (
	parameterAttr struct {
		name  string
		index int
	}
	constantAttr struct{ block *block }
	dotAttr      struct{ lhsContract, lhsBatch, rhsContract, rhsBatch []int }
	sliceAttr    struct{ starts, strides []int }
	padAttr      struct{ axes []compute.PadAxis }
	argAttr      struct {
		axis  int
		least bool
	}
	gatherAttr struct {
		indexAxis                              int
		offsetAxes, collapsed, indexMap, sizes []int
	}
	scatterAttr struct {
		indexAxis                        int
		windowAxes, inserted, operandMap []int
	}
	randomAttr struct {
		dims  []int
		dtype dtypes.DType
	}
	attentionAttr struct {
		layout compute.AttentionAxesLayout
		scale  float64
		causal bool
		mask   int  // input that is the mask, 0 for none
		bias   int  // input that is the additive bias, 0 for none
		turned bool // made of one over transposed heads
	}
	branchAttr struct {
		functions []*Function
		captured  [][]*node // per function: its capture placeholders' sources, inputs of this node
	}
)

func (n *node) dims() []int         { return n.shape.Dimensions }
func (n *node) dtype() dtypes.DType { return n.shape.DType }

// size is the number of elements.
func (n *node) size() int { return product(n.shape.Dimensions) }

// bytes is the size of the value.
func (n *node) bytes() int {
	if n.shape.DType == dtypes.InvalidDType {
		return 0
	}
	return n.size() * elementSize(n.shape.DType)
}

// String describes the node for errors.
func (n *node) String() string { return fmt.Sprintf("#%d %s %s", n.id, n.op, n.shape) }

func product(dims []int) int {
	p := 1
	for _, d := range dims {
		p *= d
	}
	return p
}

// denseStrides are the element strides of a dense array.
func denseStrides(dims []int) []int {
	s := make([]int, len(dims))
	step := 1
	for i := len(dims) - 1; i >= 0; i-- {
		s[i] = step
		step *= dims[i]
	}
	return s
}

// broadcastStrides are the strides with which an operand of shape from is read
// over dims by the implicit rule: scalars everywhere, axes of one repeated.
func broadcastStrides(from, dims []int) []int {
	s := make([]int, len(dims))
	if len(from) == 0 {
		return s
	}
	copy(s, denseStrides(from))
	for i, d := range from {
		if d == 1 {
			s[i] = 0
		}
	}
	return s
}

// isView tells whether n's value is its first input's storage under another shape.
func (n *node) isView() bool {
	switch n.op {
	case compute.OpTypeReshape, compute.OpTypeIdentity, compute.OpTypeBitcast,
		compute.OpTypeOptimizationBarrier, compute.OpTypeSchedulingBarrier:
		return true
	}
	return false
}

// root is the node whose storage holds n's value.
func (n *node) root() *node {
	for n.isView() {
		n = n.inputs[0]
	}
	return n
}
