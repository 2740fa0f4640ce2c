package cpu

import (
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// emitter records several nodes and keeps the first error. After an error it
// returns nil nodes.
type emitter struct {
	f   *Function
	err error
}

func (e *emitter) result(n *node) (compute.Value, error) {
	if e.err != nil {
		return nil, e.err
	}
	return n, nil
}

// value takes what a recording method returned.
func (e *emitter) value(v compute.Value, err error) *node {
	if e.err != nil {
		return nil
	}
	if err != nil {
		e.err = err
		return nil
	}
	return v.(*node)
}

func (e *emitter) binary(op compute.OpType, a, b *node) *node {
	if e.err != nil {
		return nil
	}
	return e.value(e.f.binary(op, a, b))
}

func (e *emitter) unary(op compute.OpType, a *node) *node {
	if e.err != nil {
		return nil
	}
	return e.value(e.f.unary(op, a))
}

func (e *emitter) reshape(n *node, dims ...int) *node {
	if e.err != nil {
		return nil
	}
	if slices.Equal(n.dims(), dims) {
		return n
	}
	return e.value(e.f.Reshape(n, dims...))
}

// broadcast repeats n along its axes of one.
func (e *emitter) broadcast(n *node, dims ...int) *node {
	if e.err != nil {
		return nil
	}
	axes := make([]int, len(dims))
	for i := range axes {
		axes[i] = i
	}
	return e.value(e.f.BroadcastInDim(n, shapes.Make(n.dtype(), dims...), axes))
}

// expandLeft adds axes of one in front.
func (e *emitter) expandLeft(n *node, rank int) *node {
	if e.err != nil || n == nil || len(n.dims()) >= rank {
		return n
	}
	dims := make([]int, rank)
	for i := range dims {
		dims[i] = 1
	}
	copy(dims[rank-len(n.dims()):], n.dims())
	return e.reshape(n, dims...)
}

// scalar records a constant of like's dtype.
func (e *emitter) scalar(like *node, v float64) *node {
	if e.err != nil {
		return nil
	}
	flat := any([]float32{float32(v)})
	if like.dtype() == dtypes.Float64 {
		flat = []float64{v}
	}
	n := e.value(e.f.Constant(flat))
	if e.err != nil {
		return nil
	}
	c, err := e.f.convert(n, like.dtype())
	return e.value(c, err)
}

// keep reduces over axes and leaves them with one element.
func (e *emitter) keep(op compute.OpType, n *node, axes []int) *node {
	if e.err != nil {
		return nil
	}
	dims := slices.Clone(n.dims())
	for _, a := range axes {
		dims[a] = 1
	}
	return e.reshape(e.value(e.f.reduce(op, n, axes)), dims...)
}

// FusedSoftmax computes the softmax along an axis.
func (f *Function) FusedSoftmax(x compute.Value, axis int) (compute.Value, error) {
	op := compute.OpTypeFusedSoftmax
	in, err := f.values(op, x)
	if err != nil {
		return nil, err
	}
	if axis < 0 || axis >= len(in[0].dims()) || !in[0].dtype().IsFloat() {
		return nil, fmt.Errorf("cpu: %s of %s along axis %d", op, in[0].shape, axis)
	}
	e := &emitter{f: f}
	axes := []int{axis}
	greatest := e.keep(compute.OpTypeReduceMax, in[0], axes)
	exp := e.unary(compute.OpTypeExp, e.binary(compute.OpTypeSub, in[0], greatest))
	sum := e.keep(compute.OpTypeReduceSum, exp, axes)
	return e.result(e.binary(compute.OpTypeDiv, exp, sum))
}

// FusedGelu computes the Gaussian error linear unit, by erf or by tanh.
func (f *Function) FusedGelu(x compute.Value, exact bool) (compute.Value, error) {
	in, err := f.values(compute.OpTypeFusedGelu, x)
	if err != nil {
		return nil, err
	}
	if !in[0].dtype().IsFloat() {
		return nil, fmt.Errorf("cpu: %s of %s", compute.OpTypeFusedGelu, in[0].shape)
	}
	e := &emitter{f: f}
	if exact {
		return e.result(e.gelu(in[0]))
	}
	cube := e.binary(compute.OpTypePow, in[0], e.scalar(in[0], 3))
	inner := e.binary(compute.OpTypeAdd, in[0], e.binary(compute.OpTypeMul, cube, e.scalar(in[0], 0.044715)))
	tanh := e.unary(compute.OpTypeTanh, e.binary(compute.OpTypeMul, inner, e.scalar(in[0], math.Sqrt(2/math.Pi))))
	cdf := e.binary(compute.OpTypeMul, e.binary(compute.OpTypeAdd, tanh, e.scalar(in[0], 1)), e.scalar(in[0], 0.5))
	return e.result(e.binary(compute.OpTypeMul, in[0], cdf))
}

func (e *emitter) gelu(x *node) *node {
	if e.err != nil {
		return nil
	}
	erf := e.unary(compute.OpTypeErf, e.binary(compute.OpTypeMul, x, e.scalar(x, 1/math.Sqrt2)))
	cdf := e.binary(compute.OpTypeMul, e.binary(compute.OpTypeAdd, erf, e.scalar(x, 1)), e.scalar(x, 0.5))
	return e.binary(compute.OpTypeMul, x, cdf)
}

// activation applies a dense layer's activation.
func (e *emitter) activation(y *node, kind compute.ActivationType) *node {
	if e.err != nil {
		return nil
	}
	switch kind {
	case compute.ActivationNone:
		return y
	case compute.ActivationGelu:
		return e.gelu(y)
	case compute.ActivationRelu:
		return e.binary(compute.OpTypeMax, y, e.scalar(y, 0))
	case compute.ActivationSilu:
		return e.binary(compute.OpTypeMul, y, e.unary(compute.OpTypeLogistic, y))
	case compute.ActivationTanh:
		return e.unary(compute.OpTypeTanh, y)
	}
	e.err = unsupported(compute.OpTypeFusedDense, "activation %s", kind)
	return nil
}

// FusedLayerNorm normalises over axes; gamma and beta may be nil.
func (f *Function) FusedLayerNorm(x compute.Value, axes []int, epsilon float64, gamma, beta compute.Value) (compute.Value, error) {
	op := compute.OpTypeFusedLayerNorm
	in, err := f.values(op, x)
	if err != nil {
		return nil, err
	}
	axes = slices.Clone(axes)
	count := 1
	for i, a := range axes {
		if a < 0 {
			axes[i] += len(in[0].dims())
		}
		if axes[i] < 0 || axes[i] >= len(in[0].dims()) {
			return nil, fmt.Errorf("cpu: %s of %s over axes %v", op, in[0].shape, axes)
		}
		count *= in[0].dims()[axes[i]]
	}
	if !in[0].dtype().IsFloat() || len(axes) == 0 {
		return nil, fmt.Errorf("cpu: %s of %s over axes %v", op, in[0].shape, axes)
	}
	slices.Sort(axes)
	e := &emitter{f: f}
	mean := func(n *node) *node {
		if e.err != nil {
			return nil
		}
		dims := slices.Clone(n.dims())
		for _, a := range axes {
			dims[a] = 1
		}
		sum := e.value(f.reduce(compute.OpTypeReduceSum, n, axes))
		return e.reshape(e.binary(compute.OpTypeMul, sum, e.scalar(in[0], 1/float64(count))), dims...)
	}
	centred := e.binary(compute.OpTypeSub, in[0], mean(in[0]))
	variance := mean(e.binary(compute.OpTypeMul, centred, centred))
	deviation := e.unary(compute.OpTypeSqrt, e.binary(compute.OpTypeAdd, variance, e.scalar(in[0], epsilon)))
	y := e.binary(compute.OpTypeDiv, centred, deviation)
	for i, v := range []compute.Value{gamma, beta} {
		if v == nil {
			continue
		}
		p, err := f.values(op, v)
		if err != nil {
			return nil, err
		}
		kind := compute.OpTypeMul
		if i == 1 {
			kind = compute.OpTypeAdd
		}
		y = e.binary(kind, y, e.expandLeft(p[0], len(in[0].dims())))
	}
	return e.result(y)
}

// sameShapes tells whether nodes have the given shapes.
func sameShapes(nodes []*node, want []shapes.Shape) bool {
	if len(nodes) != len(want) {
		return false
	}
	for i, n := range nodes {
		if !n.shape.Equal(want[i]) {
			return false
		}
	}
	return true
}

func shapesOf(nodes []*node) []shapes.Shape {
	s := make([]shapes.Shape, len(nodes))
	for i, n := range nodes {
		s[i] = n.shape
	}
	return s
}
