package cpu

import (
	"math"
	"slices"

	"github.com/gomlx/compute"
)

// The exact GELU and its gradient come as a dozen nodes each. Recognised, each is
// one kernel, and the gradient needs the input only: nothing else is kept. At
// infinities the kernel gives the gradient's limits, 1 and 0, where the nodes give NaN.

// factors is a product taken apart: nodes times a number.
type factors struct {
	nodes  []*node
	number float64
}

func (f *factors) add(n *node) {
	if n.op == compute.OpTypeMul {
		f.add(n.inputs[0])
		f.add(n.inputs[1])
		return
	}
	if v, ok := scalarValue(n); ok {
		f.number *= v
		return
	}
	f.nodes = append(f.nodes, n)
}

// take removes the first node for which match holds.
func (f *factors) take(match func(*node) bool) *node {
	for i, n := range f.nodes {
		if match(n) {
			f.nodes = slices.Delete(f.nodes, i, i+1)
			return n
		}
	}
	return nil
}

// scalarValue returns the number that a float32 constant repeats.
func scalarValue(n *node) (float64, bool) {
	for n.op == compute.OpTypeBroadcastInDim || n.isView() && !isBarrier(n) {
		n = n.inputs[0]
	}
	a, ok := n.attr.(constantAttr)
	if !ok || n.size() != 1 || !isFloat32(n) {
		return 0, false
	}
	return float64(*(*float32)(a.block.base)), true
}

func about(a, b float64) bool { return math.Abs(a-b) <= 1e-6*math.Abs(b) }

// halved returns x of x/sqrt(2).
func halved(n *node) *node {
	f := factors{number: 1}
	f.add(n)
	if n.op != compute.OpTypeMul || len(f.nodes) != 1 || !about(f.number, 1/math.Sqrt2) {
		return nil
	}
	return f.nodes[0]
}

// erfPlusOne returns x of 1+erf(x/sqrt(2)).
func erfPlusOne(n *node) *node {
	if n.op != compute.OpTypeAdd {
		return nil
	}
	for i, in := range n.inputs {
		if v, ok := scalarValue(n.inputs[1-i]); ok && v == 1 && in.op == compute.OpTypeErf {
			return halved(in.inputs[0])
		}
	}
	return nil
}

// bell returns x of exp(-(x/sqrt(2))^2).
func bell(n *node) *node {
	if n.op != compute.OpTypeExp || n.inputs[0].op != compute.OpTypeNeg {
		return nil
	}
	square := n.inputs[0].inputs[0]
	if square.op != compute.OpTypeMul || square.inputs[0] != square.inputs[1] {
		return nil
	}
	return halved(square.inputs[0])
}

// geluOf returns x if n is x*0.5*(1+erf(x/sqrt(2))).
func geluOf(n *node) *node {
	if n.op != compute.OpTypeMul || !isFloat32(n) {
		return nil
	}
	f := factors{number: 1}
	f.add(n)
	if len(f.nodes) != 2 || !about(f.number, 0.5) {
		return nil
	}
	var x *node
	f.take(func(m *node) bool {
		x = erfPlusOne(m)
		return x != nil
	})
	if x == nil || f.nodes[0] != x || !x.shape.Equal(n.shape) {
		return nil
	}
	return x
}

// geluGradientOf returns x and dy if n is dy*Φ(x) + dy*x*φ(x).
func geluGradientOf(n *node) (x, dy *node) {
	if n.op != compute.OpTypeAdd || !isFloat32(n) {
		return nil, nil
	}
	for i := range 2 {
		level, slope := factors{number: 1}, factors{number: 1}
		level.add(n.inputs[i])
		slope.add(n.inputs[1-i])
		if !about(level.number, 0.5) || !about(slope.number, 1/math.Sqrt(2*math.Pi)) || len(level.nodes) < 2 {
			continue
		}
		level.take(func(m *node) bool { x = erfPlusOne(m); return x != nil })
		if x == nil || slope.take(func(m *node) bool { return bell(m) == x }) == nil ||
			slope.take(func(m *node) bool { return m == x }) == nil {
			continue
		}
		if len(level.nodes) == 1 && slices.Equal(level.nodes, slope.nodes) {
			dy = level.nodes[0]
			if x.shape.Equal(n.shape) && dy.shape.Equal(n.shape) {
				return x, dy
			}
		}
	}
	return nil, nil
}

// foldGELU replaces what geluOf and geluGradientOf recognise.
func (g *graph) foldGELU() {
	// Later nodes first: a gradient is found while its parts are still there.
	for i := len(g.nodes) - 1; i >= 0; i-- {
		n := g.nodes[i]
		if x, dy := geluGradientOf(n); x != nil {
			n.op, n.inputs = opGELUGradient, []*node{x, dy}
		} else if x := geluOf(n); x != nil {
			n.op, n.inputs = opGELU, []*node{x}
		}
	}
}
