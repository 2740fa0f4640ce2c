package cpu

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapeinference"
	"github.com/gomlx/compute/shapes"
)

// reduce records a reduction over axes, all if there are none named.
func (f *Function) reduce(op compute.OpType, x compute.Value, axes []int) (compute.Value, error) {
	in, err := f.values(op, x)
	if err != nil {
		return nil, err
	}
	n := in[0]
	if len(axes) == 0 {
		axes = make([]int, len(n.dims()))
		for i := range axes {
			axes[i] = i
		}
	}
	shape, err := shapeinference.Reduce(n.shape, axes)
	if err != nil {
		return nil, err
	}
	if err := reducible(op, n.dtype()); err != nil {
		return nil, err
	}
	axes = slices.Clone(axes)
	slices.Sort(axes)
	if !n.dtype().IsHalfPrecision() {
		return f.add(op, shape, axes, n)
	}
	wide, err := f.convert(n, dtypes.Float32)
	if err != nil {
		return nil, err
	}
	r, err := f.add(op, withDType(shape, dtypes.Float32), axes, wide)
	if err != nil {
		return nil, err
	}
	return f.convert(r, n.dtype())
}

func reducible(op compute.OpType, t dtypes.DType) error {
	ok := t.IsInt() || t.IsFloat()
	switch op {
	case compute.OpTypeReduceBitwiseAnd, compute.OpTypeReduceBitwiseOr, compute.OpTypeReduceBitwiseXor:
		ok = t.IsInt()
	case compute.OpTypeReduceLogicalAnd, compute.OpTypeReduceLogicalOr, compute.OpTypeReduceLogicalXor:
		ok = t == dtypes.Bool
	}
	if !ok {
		return fmt.Errorf("cpu: %s of %s", op, t)
	}
	return nil
}

// ReduceSum adds over axes.
func (f *Function) ReduceSum(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceSum, x, axes)
}

// ReduceProduct multiplies over axes.
func (f *Function) ReduceProduct(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceProduct, x, axes)
}

// ReduceMax takes the greatest over axes; NaN if any is.
func (f *Function) ReduceMax(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceMax, x, axes)
}

// ReduceMin takes the least over axes; NaN if any is.
func (f *Function) ReduceMin(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceMin, x, axes)
}

// ReduceBitwiseAnd ands bits over axes.
func (f *Function) ReduceBitwiseAnd(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceBitwiseAnd, x, axes)
}

// ReduceBitwiseOr ors bits over axes.
func (f *Function) ReduceBitwiseOr(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceBitwiseOr, x, axes)
}

// ReduceBitwiseXor xors bits over axes.
func (f *Function) ReduceBitwiseXor(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceBitwiseXor, x, axes)
}

// ReduceLogicalAnd tells whether all hold over axes.
func (f *Function) ReduceLogicalAnd(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceLogicalAnd, x, axes)
}

// ReduceLogicalOr tells whether any holds over axes.
func (f *Function) ReduceLogicalOr(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceLogicalOr, x, axes)
}

// ReduceLogicalXor tells whether an odd number holds over axes.
func (f *Function) ReduceLogicalXor(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceLogicalXor, x, axes)
}

// ArgMinMax finds the first least or greatest along an axis; a NaN wins.
func (f *Function) ArgMinMax(x compute.Value, axis int, output dtypes.DType, least bool) (compute.Value, error) {
	op := compute.OpTypeArgMinMax
	in, err := f.values(op, x)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.ArgMinMax(in[0].shape, axis, output)
	if err != nil {
		return nil, err
	}
	n := in[0]
	if axis < 0 {
		axis += len(n.dims())
	}
	if n.dims()[axis] == 0 && shape.Size() > 0 {
		return nil, fmt.Errorf("cpu: %s of %s along axis %d: no elements", op, n.shape, axis)
	}
	if n.dtype().IsHalfPrecision() {
		if n, err = f.convert(n, dtypes.Float32); err != nil {
			return nil, err
		}
	}
	wide, err := f.add(op, withDType(shape, dtypes.Int64), argAttr{axis, least}, n)
	if err != nil {
		return nil, err
	}
	return f.convert(wide, output)
}

// Gather takes slices of operand at the places that indices name; indices out of
// range are moved to the border.
func (f *Function) Gather(operand, indices compute.Value, indexAxis int,
	offsetAxes, collapsed, indexMap, sizes []int, _ bool) (compute.Value, error) {
	op := compute.OpTypeGather
	in, err := f.values(op, operand, indices)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.Gather(in[0].shape, in[1].shape, indexAxis, offsetAxes, collapsed, indexMap, sizes, false)
	if err != nil {
		return nil, err
	}
	index, err := f.index(op, in[1])
	if err != nil {
		return nil, err
	}
	a := gatherAttr{indexAxis, slices.Clone(offsetAxes), slices.Clone(collapsed), slices.Clone(indexMap), slices.Clone(sizes)}
	return f.add(op, shape, a, in[0], index)
}

// index converts indices of any integer type to int64, which the kernels read.
func (f *Function) index(op compute.OpType, n *node) (*node, error) {
	if !n.dtype().IsInt() {
		return nil, fmt.Errorf("cpu: %s: indices are %s, not integers", op, n.shape)
	}
	return f.convert(n, dtypes.Int64)
}

// scatter records one of the three scatters.
func (f *Function) scatter(op compute.OpType, operands []compute.Value, a scatterAttr) (compute.Value, error) {
	in, err := f.values(op, operands...)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.Scatter(in[0].shape, in[1].shape, in[2].shape, a.indexAxis, a.windowAxes, a.inserted, a.operandMap)
	if err != nil {
		return nil, err
	}
	index, err := f.index(op, in[1])
	if err != nil {
		return nil, err
	}
	half := in[0].dtype()
	if in[0], err = f.convert(in[0], wideDType(half)); err != nil {
		return nil, err
	}
	if in[2], err = f.convert(in[2], wideDType(half)); err != nil {
		return nil, err
	}
	n, err := f.add(op, withDType(shape, wideDType(half)), a, in[0], index, in[2])
	if err != nil {
		return nil, err
	}
	return f.convert(n, half)
}

// ScatterSum adds updates to operand at the places that indices name, in order.
// Updates that do not lie wholly within operand are dropped.
func (f *Function) ScatterSum(operand, indices, updates compute.Value, indexAxis int,
	windowAxes, inserted, operandMap []int, _, _ bool) (compute.Value, error) {
	a := scatterAttr{indexAxis, slices.Clone(windowAxes), slices.Clone(inserted), slices.Clone(operandMap)}
	return f.scatter(compute.OpTypeScatterSum, []compute.Value{operand, indices, updates}, a)
}

// ScatterMax keeps the greater of operand and updates.
func (f *Function) ScatterMax(operand, indices, updates compute.Value, indexAxis int,
	windowAxes, inserted, operandMap []int, _, _ bool) (compute.Value, error) {
	a := scatterAttr{indexAxis, slices.Clone(windowAxes), slices.Clone(inserted), slices.Clone(operandMap)}
	return f.scatter(compute.OpTypeScatterMax, []compute.Value{operand, indices, updates}, a)
}

// ScatterMin keeps the less of operand and updates.
func (f *Function) ScatterMin(operand, indices, updates compute.Value, indexAxis int,
	windowAxes, inserted, operandMap []int, _, _ bool) (compute.Value, error) {
	a := scatterAttr{indexAxis, slices.Clone(windowAxes), slices.Clone(inserted), slices.Clone(operandMap)}
	return f.scatter(compute.OpTypeScatterMin, []compute.Value{operand, indices, updates}, a)
}

// RNGBitGenerator fills shape with random bits: a permuted congruential
// generator (rand.PCG) seeded by the first two words of state, as upstream's Go
// engine does, so that both give the same bits. The third word stays.
func (f *Function) RNGBitGenerator(state compute.Value, shape shapes.Shape) (compute.Value, compute.Value, error) {
	op := compute.OpTypeRNGBitGenerator
	in, err := f.values(op, state)
	if err != nil {
		return nil, nil, err
	}
	if !in[0].shape.Equal(compute.RNGStateShape) {
		return nil, nil, fmt.Errorf("cpu: %s: state is %s, want %s", op, in[0].shape, compute.RNGStateShape)
	}
	out, err := f.addOutputs(op, []shapes.Shape{in[0].shape, shape.Clone()}, randomAttr{slices.Clone(shape.Dimensions), shape.DType}, in[0])
	if err != nil {
		return nil, nil, err
	}
	return out[0], out[1], nil
}
