package cpu

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// target checks that a function can be used by f: of this backend and graph,
// returned, and a closure of f or a function without a parent.
func (f *Function) target(op compute.OpType, g compute.Function, inputs []shapes.Shape) (*Function, error) {
	t, ok := g.(*Function)
	if !ok || t == nil || t.builder != f.builder {
		return nil, fmt.Errorf("cpu: %s: function of another graph", op)
	}
	if !t.returned {
		return nil, fmt.Errorf("cpu: %s: function %q has not returned", op, t.name)
	}
	if !sameShapes(t.parameters, inputs) {
		return nil, fmt.Errorf("cpu: %s: function %q takes %v, given %v", op, t.name, shapesOf(t.parameters), inputs)
	}
	return t, nil
}

// Call runs another function: its nodes are recorded again with the inputs as parameters.
func (f *Function) Call(g compute.Function, inputs ...compute.Value) ([]compute.Value, error) {
	op := compute.OpTypeCall
	in, err := f.values(op, inputs...)
	if err != nil {
		return nil, err
	}
	t, err := f.target(op, g, shapesOf(in))
	if err != nil {
		return nil, err
	}
	if len(t.captured) > 0 {
		return nil, fmt.Errorf("cpu: %s: function uses values of its parent", op)
	}
	copies := map[*node]*node{}
	for _, n := range t.nodes {
		if a, ok := n.attr.(parameterAttr); ok {
			copies[n] = in[a.index]
			continue
		}
		c := *n
		c.inputs = make([]*node, len(n.inputs))
		for i, input := range n.inputs {
			c.inputs[i] = copies[input]
		}
		copies[n] = f.append(&c)
	}
	out := make([]compute.Value, len(t.outputs))
	for i, n := range t.outputs {
		out[i] = copies[n]
	}
	return out, nil
}

// branch records a node that runs functions; what they capture become its inputs
// after the given ones.
func (f *Function) branch(op compute.OpType, outputs []shapes.Shape, inputs []*node, functions ...*Function) ([]compute.Value, error) {
	a := branchAttr{functions: functions}
	for _, g := range functions {
		captured := make([]*node, len(g.captured))
		for i, n := range g.captured {
			local, err := f.local(n)
			if err != nil {
				return nil, fmt.Errorf("cpu: %s: %w", op, err)
			}
			captured[i] = local
			inputs = append(inputs, local)
		}
		a.captured = append(a.captured, captured)
	}
	nodes, err := f.addOutputs(op, outputs, a, inputs...)
	if err != nil {
		return nil, err
	}
	nodes[0].inputs[0].unique = true
	values := make([]compute.Value, len(nodes))
	for i, n := range nodes {
		values[i] = n
	}
	return values, nil
}

// If runs one of two closures.
func (f *Function) If(predicate compute.Value, onTrue, onFalse compute.Function) ([]compute.Value, error) {
	op := compute.OpTypeIf
	in, err := f.values(op, predicate)
	if err != nil {
		return nil, err
	}
	if in[0].dtype() != dtypes.Bool || in[0].size() != 1 {
		return nil, fmt.Errorf("cpu: %s: predicate is %s", op, in[0].shape)
	}
	t, err := f.target(op, onTrue, nil)
	if err != nil {
		return nil, err
	}
	g, err := f.target(op, onFalse, nil)
	if err != nil {
		return nil, err
	}
	if !sameShapes(t.outputs, shapesOf(g.outputs)) {
		return nil, fmt.Errorf("cpu: %s: branches return %v and %v", op, shapesOf(t.outputs), shapesOf(g.outputs))
	}
	return f.branch(op, shapesOf(t.outputs), in, t, g)
}

// While runs body as long as condition holds.
func (f *Function) While(condition, body compute.Function, state ...compute.Value) ([]compute.Value, error) {
	op := compute.OpTypeWhile
	in, err := f.values(op, state...)
	if err != nil {
		return nil, err
	}
	want := shapesOf(in)
	c, err := f.target(op, condition, want)
	if err != nil {
		return nil, err
	}
	b, err := f.target(op, body, want)
	if err != nil {
		return nil, err
	}
	if len(c.outputs) != 1 || c.outputs[0].dtype() != dtypes.Bool || c.outputs[0].size() != 1 {
		return nil, fmt.Errorf("cpu: %s: condition returns %v", op, shapesOf(c.outputs))
	}
	if !sameShapes(b.outputs, want) {
		return nil, fmt.Errorf("cpu: %s: body returns %v for state %v", op, shapesOf(b.outputs), want)
	}
	return f.branch(op, want, in, c, b)
}
