package cpu

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapeinference"
	"github.com/gomlx/compute/shapes"
)

// Identity returns x.
func (f *Function) Identity(x compute.Value) (compute.Value, error) {
	in, err := f.values(compute.OpTypeIdentity, x)
	if err != nil {
		return nil, err
	}
	return f.add(compute.OpTypeIdentity, in[0].shape, nil, in[0])
}

// Reshape gives x other dimensions of the same size.
func (f *Function) Reshape(x compute.Value, dims ...int) (compute.Value, error) {
	in, err := f.values(compute.OpTypeReshape, x)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.Reshape(in[0].shape, dims)
	if err != nil {
		return nil, err
	}
	return f.add(compute.OpTypeReshape, shape, nil, in[0])
}

// Bitcast reinterprets the bits of x as another dtype.
func (f *Function) Bitcast(x compute.Value, target dtypes.DType) (compute.Value, error) {
	in, err := f.values(compute.OpTypeBitcast, x)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.Bitcast(in[0].shape, target)
	if err != nil {
		return nil, err
	}
	return f.add(compute.OpTypeBitcast, shape, nil, in[0])
}

// Transpose permutes axes: axis i of the result is axis permutation[i] of x.
func (f *Function) Transpose(x compute.Value, permutation ...int) (compute.Value, error) {
	in, err := f.values(compute.OpTypeTranspose, x)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.Transpose(in[0].shape, permutation)
	if err != nil {
		return nil, err
	}
	return f.add(compute.OpTypeTranspose, shape, slices.Clone(permutation), in[0])
}

// BroadcastInDim repeats x over the axes of shape that axes does not name.
func (f *Function) BroadcastInDim(x compute.Value, shape shapes.Shape, axes []int) (compute.Value, error) {
	in, err := f.values(compute.OpTypeBroadcastInDim, x)
	if err != nil {
		return nil, err
	}
	if shape.IsDynamic() {
		return nil, unsupported(compute.OpTypeBroadcastInDim, "dynamic shape %s", shape)
	}
	if err := shapeinference.BroadcastInDim(in[0].shape, shape, axes, nil); err != nil {
		return nil, err
	}
	if !slices.IsSorted(axes) {
		return nil, fmt.Errorf("cpu: broadcast %s to %s: axes %v do not rise", in[0].shape, shape, axes)
	}
	return f.add(compute.OpTypeBroadcastInDim, shape.Clone(), slices.Clone(axes), in[0])
}

// Reverse turns the named axes round.
func (f *Function) Reverse(x compute.Value, axes ...int) (compute.Value, error) {
	in, err := f.values(compute.OpTypeReverse, x)
	if err != nil {
		return nil, err
	}
	for _, a := range axes {
		if a < 0 || a >= len(in[0].dims()) {
			return nil, fmt.Errorf("cpu: reverse %s: no axis %d", in[0].shape, a)
		}
	}
	return f.add(compute.OpTypeReverse, in[0].shape, slices.Clone(axes), in[0])
}

// Slice takes a box of x, every strides[i]-th element of axis i.
func (f *Function) Slice(x compute.Value, starts, limits, strides []int) (compute.Value, error) {
	in, err := f.values(compute.OpTypeSlice, x)
	if err != nil {
		return nil, err
	}
	a := sliceAttr{starts: slices.Clone(starts), strides: slices.Clone(strides)}
	if len(strides) == 0 {
		a.strides = slices.Repeat([]int{1}, len(starts))
	}
	shape, err := shapeinference.Slice(in[0].shape, starts, limits, a.strides)
	if err != nil {
		return nil, err
	}
	return f.add(compute.OpTypeSlice, shape, a, in[0])
}

// Concatenate joins operands along an axis.
func (f *Function) Concatenate(axis int, operands ...compute.Value) (compute.Value, error) {
	in, err := f.values(compute.OpTypeConcatenate, operands...)
	if err != nil {
		return nil, err
	}
	all := make([]shapes.Shape, len(in))
	for i, n := range in {
		all[i] = n.shape
	}
	shape, err := shapeinference.Concatenate(all, axis)
	if err != nil {
		return nil, err
	}
	if len(in) == 1 {
		return in[0], nil
	}
	return f.add(compute.OpTypeConcatenate, shape, axis, in...)
}

// Pad surrounds and spaces x with fill.
func (f *Function) Pad(x, fill compute.Value, axes ...compute.PadAxis) (compute.Value, error) {
	in, err := f.values(compute.OpTypePad, x, fill)
	if err != nil {
		return nil, err
	}
	if in[1].size() != 1 || in[1].dtype() != in[0].dtype() {
		return nil, fmt.Errorf("cpu: pad %s: fill is %s", in[0].shape, in[1].shape)
	}
	shape, err := shapeinference.Pad(in[0].shape, axes...)
	if err != nil {
		return nil, err
	}
	all := make([]compute.PadAxis, len(in[0].dims()))
	copy(all, axes)
	return f.add(compute.OpTypePad, shape, padAttr{all}, in...)
}

// Iota counts from zero along an axis.
func (f *Function) Iota(shape shapes.Shape, axis int) (compute.Value, error) {
	if err := f.open(); err != nil {
		return nil, err
	}
	if axis < 0 || axis >= len(shape.Dimensions) || shape.DType == dtypes.Bool {
		return nil, fmt.Errorf("cpu: iota of %s along axis %d", shape, axis)
	}
	if shape.IsDynamic() {
		return nil, unsupported(compute.OpTypeIota, "dynamic shape %s", shape)
	}
	if shape.DType.IsHalfPrecision() {
		wide, err := f.add(compute.OpTypeIota, withDType(shape.Clone(), dtypes.Float32), axis)
		if err != nil {
			return nil, err
		}
		return f.convert(wide, shape.DType)
	}
	return f.add(compute.OpTypeIota, shape.Clone(), axis)
}

// OptimizationBarrier returns its operands; nothing is merged across it.
func (f *Function) OptimizationBarrier(operands ...compute.Value) ([]compute.Value, error) {
	op := compute.OpTypeOptimizationBarrier
	in, err := f.values(op, operands...)
	if err != nil {
		return nil, err
	}
	out := make([]compute.Value, len(in))
	for i, n := range in {
		// All operands are inputs: each result waits for all.
		deps := append([]*node{n}, in...)
		b, err := f.add(op, n.shape, nil, deps...)
		if err != nil {
			return nil, err
		}
		b.unique = true
		out[i] = b
	}
	return out, nil
}

// SchedulingBarrier returns operand after the dependencies are computed.
func (f *Function) SchedulingBarrier(operand compute.Value, dependencies ...compute.Value) (compute.Value, error) {
	op := compute.OpTypeSchedulingBarrier
	in, err := f.values(op, append([]compute.Value{operand}, dependencies...)...)
	if err != nil {
		return nil, err
	}
	b, err := f.add(op, in[0].shape, nil, in...)
	if err != nil {
		return nil, err
	}
	b.unique = true
	return b, nil
}
