package cpu

import (
	"slices"

	"github.com/gomlx/compute"
)

// steps is several steps of one unit, in order.
type steps []step

func (s steps) run(f *frame) error {
	for _, each := range s {
		if err := each.run(f); err != nil {
			return err
		}
	}
	return nil
}

// move starts the movement from n's input i into n.
func (c *compiler) move(n *node, i int) *movement {
	in := n.inputs[i]
	return &movement{
		dims: n.dims(), to: denseStrides(n.dims()), size: elementSize(n.dtype()),
		dstSlot: c.slot(n), srcSlot: c.slot(in), fillSlot: -1, dstCount: n.size(),
	}
}

// movementStep makes the step of an operation that only moves elements.
func (c *compiler) movementStep(n *node) step {
	if n.op == compute.OpTypeConcatenate {
		return c.concatenate(n)
	}
	m := c.move(n, 0)
	in := n.inputs[0].dims()
	from := denseStrides(in)
	switch n.op {
	case compute.OpTypeTranspose:
		m.from = make([]int, len(in))
		for i, p := range n.attr.([]int) {
			m.from[i] = from[p]
		}
	case compute.OpTypeBroadcastInDim:
		m.from = operandStrides(n, n.inputs[0])
	case compute.OpTypeReverse:
		m.from = from
		for i := range in {
			if slices.Contains(n.attr.([]int), i) {
				m.fromAt += (in[i] - 1) * from[i]
				m.from[i] = -from[i]
			}
		}
	case compute.OpTypeSlice:
		a := n.attr.(sliceAttr)
		m.from = from
		for i := range in {
			m.fromAt += a.starts[i] * from[i]
			m.from[i] = from[i] * a.strides[i]
		}
	case compute.OpTypePad:
		c.pad(m, n)
	}
	m.plan()
	return m
}

// pad fills the result and copies the part of the operand that stays inside;
// negative padding cuts.
func (c *compiler) pad(m *movement, n *node) {
	in := n.inputs[0].dims()
	m.fillSlot = c.slot(n.inputs[1])
	m.from = denseStrides(in)
	m.dims = slices.Clone(in)
	for i, a := range n.attr.(padAttr).axes {
		step := a.Interior + 1
		// Elements first..end-1 land at Start + k*step within [0, out).
		first, end := 0, in[i]
		if a.Start < 0 {
			first = (-a.Start + step - 1) / step
		}
		if out := n.dims()[i]; end > 0 && a.Start+(end-1)*step >= out {
			end = max(0, (out-a.Start+step-1)/step)
		}
		m.dims[i] = max(0, end-first)
		m.fromAt += first * m.from[i]
		m.toAt += (a.Start + first*step) * m.to[i]
		m.to[i] *= step
	}
}

func (c *compiler) concatenate(n *node) step {
	axis := n.attr.(int)
	var all steps
	at := 0
	for i, in := range n.inputs {
		m := c.move(n, i)
		m.dims = in.dims()
		m.from = denseStrides(m.dims)
		m.toAt = at * m.to[axis]
		at += m.dims[axis]
		m.plan()
		all = append(all, m)
	}
	return all
}
