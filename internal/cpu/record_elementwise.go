package cpu

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapeinference"
	"github.com/gomlx/compute/shapes"
)

// unary records an elementwise function of one operand.
func (f *Function) unary(op compute.OpType, x compute.Value) (compute.Value, error) {
	in, err := f.values(op, x)
	if err != nil {
		return nil, err
	}
	shape := in[0].shape
	if op == compute.OpTypeIsFinite || op == compute.OpTypeIsNaN {
		shape = shapes.Make(dtypes.Bool, shape.Dimensions...)
		if !in[0].dtype().IsFloat() {
			return nil, fmt.Errorf("cpu: %s of %s", op, in[0].shape)
		}
	} else if shape, err = shapeinference.UnaryOp(op, shape); err != nil {
		return nil, err
	}
	half := in[0].dtype()
	if !half.IsHalfPrecision() {
		return f.add(op, shape, nil, in[0])
	}
	wide, err := f.convert(in[0], dtypes.Float32)
	if err != nil {
		return nil, err
	}
	n, err := f.add(op, withDType(shape, wideDType(shape.DType)), nil, wide)
	if err != nil {
		return nil, err
	}
	return f.convert(n, shape.DType)
}

// binary records an elementwise function of two operands that broadcast.
func (f *Function) binary(op compute.OpType, lhs, rhs compute.Value) (compute.Value, error) {
	in, err := f.values(op, lhs, rhs)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.BinaryOp(op, in[0].shape, in[1].shape)
	if err != nil {
		return nil, err
	}
	return f.elementwise(op, withEmpty(shape, in), in)
}

// compare records a comparison of two operands that broadcast.
func (f *Function) compare(op compute.OpType, lhs, rhs compute.Value) (compute.Value, error) {
	in, err := f.values(op, lhs, rhs)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.ComparisonOp(op, in[0].shape, in[1].shape)
	if err != nil {
		return nil, err
	}
	return f.elementwise(op, withEmpty(shape, in), in)
}

// withEmpty corrects what upstream infers where an axis of none meets one of one,
// which is an axis of none, not of one.
func withEmpty(shape shapes.Shape, in []*node) shapes.Shape {
	shape = shape.Clone()
	for _, n := range in {
		for i, d := range n.dims() {
			if d == 0 {
				shape.Dimensions[i] = 0
			}
		}
	}
	return shape
}

// elementwise records op; half-precision operands are widened and the result narrowed.
func (f *Function) elementwise(op compute.OpType, shape shapes.Shape, in []*node) (compute.Value, error) {
	if !in[0].dtype().IsHalfPrecision() {
		return f.add(op, shape, nil, in...)
	}
	wide := make([]*node, len(in))
	for i, n := range in {
		var err error
		if wide[i], err = f.convert(n, dtypes.Float32); err != nil {
			return nil, err
		}
	}
	n, err := f.add(op, withDType(shape, wideDType(shape.DType)), nil, wide...)
	if err != nil {
		return nil, err
	}
	return f.convert(n, shape.DType)
}

// convert records a change of dtype, or nothing if there is none.
func (f *Function) convert(n *node, to dtypes.DType) (*node, error) {
	if n.dtype() == to {
		return n, nil
	}
	return f.add(compute.OpTypeConvertDType, withDType(n.shape, to), nil, n)
}

func withDType(s shapes.Shape, t dtypes.DType) shapes.Shape {
	s.DType = t
	return s
}

func wideDType(t dtypes.DType) dtypes.DType {
	if t.IsHalfPrecision() {
		return dtypes.Float32
	}
	return t
}

// ConvertDType converts values; to booleans, everything but zero is true.
func (f *Function) ConvertDType(x compute.Value, dtype dtypes.DType) (compute.Value, error) {
	in, err := f.values(compute.OpTypeConvertDType, x)
	if err != nil {
		return nil, err
	}
	return f.convert(in[0], dtype)
}

// Where takes elements of onTrue where condition holds and of onFalse elsewhere.
func (f *Function) Where(condition, onTrue, onFalse compute.Value) (compute.Value, error) {
	in, err := f.values(compute.OpTypeWhere, condition, onTrue, onFalse)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.Where(in[0].shape, in[1].shape, in[2].shape)
	if err != nil {
		return nil, err
	}
	return f.add(compute.OpTypeWhere, shape, nil, in...)
}

// Clamp limits x to [low, high], each a scalar or of x's shape.
func (f *Function) Clamp(low, x, high compute.Value) (compute.Value, error) {
	atLeast, err := f.Max(x, low)
	if err != nil {
		return nil, err
	}
	return f.Min(atLeast, high)
}
