package cpu

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
)

// This file removes transposes: two in a row become one, and products and
// attention read and write the untransposed arrays through strides.

// swapMiddle turns [batch, heads, tokens, width] into [batch, tokens, heads,
// width] and back.
var swapMiddle = []int{0, 2, 1, 3}

// transpose records n with axes permuted, looking through an earlier transpose.
func (s *simplifier) transpose(n *node, perm []int) *node {
	dims := make([]int, len(perm))
	for i, p := range perm {
		dims[i] = n.dims()[p]
	}
	t := &node{op: compute.OpTypeTranspose, shape: shapes.Make(n.dtype(), dims...), inputs: []*node{n}, attr: slices.Clone(perm), fn: n.fn}
	return s.rewriteOr(t)
}

// composed joins a transpose of a transpose.
func (s *simplifier) composed(n *node) *node {
	outer, in := n.attr.([]int), n.inputs[0]
	inner := in.attr.([]int)
	perm := make([]int, len(outer))
	for i, p := range outer {
		perm[i] = inner[p]
	}
	return s.rewriteOr(&node{op: n.op, shape: n.shape, inputs: []*node{in.inputs[0]}, attr: perm, fn: n.fn})
}

// turnAttention rewrites attention over transposed heads to one over the
// untransposed arrays.
func (s *simplifier) turnAttention(n *node) *node {
	a := n.attr.(attentionAttr)
	q := n.inputs[0]
	// The transpose of one query per head is a reshape by now: the keys' decides.
	if movesOnlyOnes(q.dims(), swapMiddle) {
		q = n.inputs[1]
	}
	if a.layout != compute.AttentionAxesLayoutBHSD || q.op != compute.OpTypeTranspose || !slices.Equal(q.attr.([]int), swapMiddle) {
		return nil
	}
	c := *n
	a.layout, a.turned = compute.AttentionAxesLayoutBSHD, true
	c.attr, c.inputs = a, slices.Clone(n.inputs)
	turn := []int{0, 1, 2}
	if n.op == opAttentionGradient {
		last := len(n.inputs) - 1
		turn = append(turn, last-2, last) // the output and its gradient, not the state between them
	}
	for _, i := range turn {
		c.inputs[i] = s.transpose(n.inputs[i], swapMiddle)
	}
	return s.intern(&c)
}

// turnSelect gives an output of a turned attention its former axes back.
func (s *simplifier) turnSelect(n *node) *node {
	parent := n.inputs[0]
	a, ok := parent.attr.(attentionAttr)
	if !ok || !a.turned || parent.op == opAttention && n.attr.(int) == 1 {
		return nil
	}
	c := *n
	d := n.dims()
	c.shape = shapes.Make(n.dtype(), d[0], d[2], d[1], d[3])
	return s.transpose(s.intern(&c), swapMiddle)
}

// foldOperand lets a product read operand i untransposed.
func foldOperand(n *node, i int) {
	in := n.inputs[i]
	if in.op != compute.OpTypeTranspose {
		return
	}
	a := n.attr.(dotAttr)
	contract, batch := &a.lhsContract, &a.lhsBatch
	if i == 1 {
		contract, batch = &a.rhsContract, &a.rhsBatch
	}
	perm := in.attr.([]int)
	last := -1
	for axis, p := range perm {
		if slices.Contains(*contract, axis) || slices.Contains(*batch, axis) {
			continue
		}
		if p < last {
			return // the remaining axes would change places
		}
		last = p
	}
	*contract, *batch = through(perm, *contract), through(perm, *batch)
	n.inputs[i] = in.inputs[0]
	n.attr = a
}

func through(perm, axes []int) []int {
	mapped := make([]int, len(axes))
	for i, a := range axes {
		mapped[i] = perm[a]
	}
	return mapped
}

// foldResults swaps the operands of products whose only reader transposes the
// result, when that is all the transpose does.
func (g *graph) foldResults() {
	readers := g.countReaders()
	for _, t := range g.nodes {
		if t.op != compute.OpTypeTranspose {
			continue
		}
		n := t.inputs[0]
		if n.op != compute.OpTypeDotGeneral || readers[n.id] != 1 || len(n.inputs) != 2 {
			continue
		}
		a := n.attr.(dotAttr)
		batch := len(a.lhsBatch)
		left := len(n.inputs[0].dims()) - batch - len(a.lhsContract)
		if !slices.Equal(t.attr.([]int), swapped(len(n.dims()), batch, left)) {
			continue
		}
		t.op, t.inputs = n.op, []*node{n.inputs[1], n.inputs[0]}
		t.attr = dotAttr{a.rhsContract, a.rhsBatch, a.lhsContract, a.lhsBatch}
	}
}

// swapped is the permutation that exchanges the left operand's axes of a product
// with the right's.
func swapped(rank, batch, left int) []int {
	perm := make([]int, 0, rank)
	for i := range batch {
		perm = append(perm, i)
	}
	for i := batch + left; i < rank; i++ {
		perm = append(perm, i)
	}
	for i := batch; i < batch+left; i++ {
		perm = append(perm, i)
	}
	return perm
}

// countReaders counts the uses of every node, results included.
func (g *graph) countReaders() []int {
	readers := make([]int, len(g.nodes))
	for _, n := range g.nodes {
		for _, in := range n.inputs {
			readers[in.id]++
		}
	}
	for _, n := range g.outputs {
		readers[n.id]++
	}
	return readers
}

// foldBiases makes a sum over the rows of a product and a vector part of the product.
func (g *graph) foldBiases() {
	readers := g.countReaders()
	for _, n := range g.nodes {
		if n.op != compute.OpTypeAdd {
			continue
		}
		for i, in := range n.inputs {
			product, only := in, readers[in.id] == 1
			for product.op == compute.OpTypeReshape {
				product = product.inputs[0]
				only = only && readers[product.id] == 1
			}
			if !only || product.op != compute.OpTypeDotGeneral || len(product.inputs) != 2 || !biased(n, product, n.inputs[1-i]) {
				continue
			}
			n.op, n.attr = product.op, product.attr
			n.inputs = []*node{product.inputs[0], product.inputs[1], n.inputs[1-i]}
			break
		}
	}
}

// biased tells whether sum adds vector to every row of a float32 product of
// matrices.
func biased(sum, product, vector *node) bool {
	a := product.attr.(dotAttr)
	d := product.dims()
	if len(a.lhsBatch) > 0 || sum.dtype() != product.dtype() || !isFloat32(sum) || sum.size() != product.size() || len(d) == 0 {
		return false
	}
	right := len(product.inputs[1].dims()) - len(a.rhsContract)
	columns := 1
	for _, n := range d[len(d)-right:] {
		columns *= n
	}
	if columns < 2 || vector.size() != columns || vector.root() == product {
		return false
	}
	return classify(operandStrides(sum, vector), sum.dims(), sum.size()/columns, columns) == perColumn
}
