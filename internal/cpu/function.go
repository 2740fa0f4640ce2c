package cpu

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/notimplemented"
	"github.com/gomlx/compute/shapes"
)

// Function records operations as nodes. A closure may use its ancestors' values:
// they become capture parameters.
type Function struct {
	notimplemented.Function

	builder    *Builder
	name       string
	parent     *Function
	nodes      []*node
	parameters []*node
	outputs    []*node
	returned   bool

	captured   []*node         // values of the parent
	captureFor map[*node]*node // parent's value to the placeholder in nodes
}

var _ compute.Function = (*Function)(nil)

// Name returns the function's name, "" for closures.
func (f *Function) Name() string { return f.name }

// Builder returns the graph the function belongs to.
func (f *Function) Builder() compute.Builder { return f.builder }

// Parent returns the function a closure was made in, or nil.
func (f *Function) Parent() compute.Function {
	if f.parent == nil {
		return nil
	}
	return f.parent
}

// Closure starts a function that may use f's values.
func (f *Function) Closure() (compute.Function, error) {
	if err := f.open(); err != nil {
		return nil, err
	}
	return f.builder.newFunction("", f), nil
}

// open returns an error when nothing can be added any more.
func (f *Function) open() error {
	switch {
	case f.builder.compiled:
		return errCompiled
	case f.returned:
		return fmt.Errorf("cpu: function %q has already returned", f.name)
	}
	return nil
}

// Shape returns the shape of a value.
func (f *Function) Shape(v compute.Value) (shapes.Shape, error) { return f.builder.OpShape(v) }

// values checks operands and replaces ancestors' values by captures.
func (f *Function) values(op compute.OpType, vs ...compute.Value) ([]*node, error) {
	if err := f.open(); err != nil {
		return nil, err
	}
	nodes := make([]*node, len(vs))
	for i, v := range vs {
		n, ok := v.(*node)
		if !ok || n == nil {
			return nil, fmt.Errorf("cpu: %s: operand %d is a %T, not a value of this backend", op, i, v)
		}
		n, err := f.local(n)
		if err != nil {
			return nil, fmt.Errorf("cpu: %s: operand %d: %w", op, i, err)
		}
		nodes[i] = n
	}
	return nodes, nil
}

// local returns n as a value of f, capturing it if it belongs to an ancestor.
func (f *Function) local(n *node) (*node, error) {
	if n.fn == f {
		return n, nil
	}
	if f.parent == nil {
		return nil, fmt.Errorf("value %s belongs to another function", n)
	}
	outer, err := f.parent.local(n)
	if err != nil {
		return nil, err
	}
	if c := f.captureFor[outer]; c != nil {
		return c, nil
	}
	if f.captureFor == nil {
		f.captureFor = map[*node]*node{}
	}
	c := f.append(&node{op: compute.OpTypeCapturedValue, shape: outer.shape, attr: len(f.captured), unique: true})
	f.captured = append(f.captured, outer)
	f.captureFor[outer] = c
	return c, nil
}

func (f *Function) append(n *node) *node {
	n.id, n.fn = len(f.nodes), f
	f.nodes = append(f.nodes, n)
	return n
}

// add records a node after checking that its value can exist at all.
func (f *Function) add(op compute.OpType, shape shapes.Shape, attr any, inputs ...*node) (*node, error) {
	if shape.DType != dtypes.InvalidDType {
		if !supportedDType(shape.DType) {
			return nil, unsupported(op, "%s", shape)
		}
		if _, err := f.builder.backend.memory.byteSize(shape); err != nil {
			return nil, fmt.Errorf("cpu: %s: %w", op, err)
		}
	}
	shape.AxisNames = nil
	return f.append(&node{op: op, shape: shape, inputs: inputs, attr: attr}), nil
}

// addOutputs records a node with several outputs and returns their select nodes.
func (f *Function) addOutputs(op compute.OpType, outputs []shapes.Shape, attr any, inputs ...*node) ([]*node, error) {
	n, err := f.add(op, shapes.Invalid(), attr, inputs...)
	if err != nil {
		return nil, err
	}
	selected := make([]*node, len(outputs))
	for i, shape := range outputs {
		if selected[i], err = f.add(opSelect, shape, i, n); err != nil {
			return nil, err
		}
	}
	return selected, nil
}

// Parameter adds an input.
func (f *Function) Parameter(name string, shape shapes.Shape, sharding *compute.ShardingSpec) (compute.Value, error) {
	if err := f.open(); err != nil {
		return nil, err
	}
	if sharding != nil {
		return nil, unsupported(compute.OpTypeParameter, "%q with sharding", name)
	}
	if shape.IsDynamic() {
		return nil, unsupported(compute.OpTypeParameter, "%q with dynamic shape %s", name, shape)
	}
	n, err := f.add(compute.OpTypeParameter, shape.Clone(), parameterAttr{name, len(f.parameters)})
	if err != nil {
		return nil, err
	}
	n.unique = true
	f.parameters = append(f.parameters, n)
	return n, nil
}

// Constant adds a value known now; flat is copied.
func (f *Function) Constant(flat any, dims ...int) (compute.Value, error) {
	if err := f.open(); err != nil {
		return nil, err
	}
	shape, err := constantShape(flat, dims)
	if err != nil {
		return nil, err
	}
	src, err := flatBytes(flat, shape)
	if err != nil {
		return nil, err
	}
	n, err := f.add(compute.OpTypeConstant, shape, nil)
	if err != nil {
		return nil, err
	}
	b, err := f.builder.backend.memory.get(len(src))
	if err != nil {
		return nil, err
	}
	copy(b.bytes(), src)
	n.attr = constantAttr{b}
	return n, nil
}

// Return ends the function with its results.
func (f *Function) Return(outputs []compute.Value, shardings []*compute.ShardingSpec) error {
	if len(shardings) != 0 {
		return unsupported(compute.OpTypeIdentity, "results with sharding")
	}
	if len(outputs) == 0 {
		return fmt.Errorf("cpu: function %q returns nothing", f.name)
	}
	nodes, err := f.values(compute.OpTypeIdentity, outputs...)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if n.dtype() == dtypes.InvalidDType {
			return fmt.Errorf("cpu: function %q returns %s, which has no value of its own", f.name, n)
		}
	}
	f.outputs, f.returned = nodes, true
	return nil
}
