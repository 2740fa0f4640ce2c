package cpu

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapeinference"
	"github.com/gomlx/compute/shapes"
)

// DotGeneral multiplies and sums over the contracting axes, for each element of
// the batch axes. Half-precision operands are widened to float32.
func (f *Function) DotGeneral(lhs compute.Value, lhsContract, lhsBatch []int,
	rhs compute.Value, rhsContract, rhsBatch []int, config compute.DotGeneralConfig) (compute.Value, error) {
	op := compute.OpTypeDotGeneral
	in, err := f.values(op, lhs, rhs)
	if err != nil {
		return nil, err
	}
	a := dotAttr{slices.Clone(lhsContract), slices.Clone(lhsBatch), slices.Clone(rhsContract), slices.Clone(rhsBatch)}
	shape, err := shapeinference.DotGeneral(in[0].shape, a.lhsContract, a.lhsBatch, in[1].shape, a.rhsContract, a.rhsBatch, config)
	if err != nil {
		return nil, err
	}
	out := config.OutputDType
	if out == dtypes.InvalidDType {
		out = in[0].dtype()
	}
	kind := productDType(in[0].dtype(), config.AccumulatorDType)
	if kind == dtypes.InvalidDType {
		return nil, unsupported(op, "%s with accumulator %s", in[0].shape, config.AccumulatorDType)
	}
	for i := range in {
		if in[i], err = f.convert(in[i], kind); err != nil {
			return nil, err
		}
	}
	n, err := f.add(op, withDType(shape, kind), a, in...)
	if err != nil {
		return nil, err
	}
	return f.convert(n, out)
}

// productDType is the dtype in which a product of operands is computed.
func productDType(operand, accumulator dtypes.DType) dtypes.DType {
	switch {
	case operand.IsFloat():
		if operand == dtypes.Float64 || accumulator == dtypes.Float64 {
			return dtypes.Float64
		}
		return dtypes.Float32
	case operand.IsInt() && accumulator.IsInt():
		return accumulator
	case operand.IsInt() && accumulator == dtypes.InvalidDType:
		return operand
	}
	return dtypes.InvalidDType
}

// FusedDense computes activation(x·weight + bias). It is recorded as its parts,
// the same that gradients are taken through, so that both share their nodes.
func (f *Function) FusedDense(x, weight, bias compute.Value, config compute.DenseConfig) (compute.Value, error) {
	op := compute.OpTypeFusedDense
	in, err := f.values(op, x, weight)
	if err != nil {
		return nil, err
	}
	if len(in[0].dims()) < 1 || len(in[1].dims()) < 2 {
		return nil, fmt.Errorf("cpu: %s: x %s, weight %s", op, in[0].shape, in[1].shape)
	}
	e := &emitter{f: f}
	y := e.dense(in[0], in[1], config.WeightLayout)
	if e.err == nil && bias != nil {
		b, err := f.values(op, bias)
		if err != nil {
			return nil, err
		}
		y = e.binary(compute.OpTypeAdd, y, e.expandLeft(b[0], len(y.dims())))
	}
	y = e.activation(y, config.Activation)
	return e.result(y)
}

// dense records x [..., in] times weight, [in, out...] or [out..., in].
func (e *emitter) dense(x, w *node, layout compute.DenseLayout) *node {
	xd, wd := x.dims(), w.dims()
	in := xd[len(xd)-1]
	contract, outDims := 0, wd[1:]
	if layout == compute.DenseLayoutOutputsInput {
		contract, outDims = 1, wd[:len(wd)-1]
	}
	if len(xd) > 2 {
		x = e.reshape(x, product(xd[:len(xd)-1]), in)
	}
	if len(wd) > 2 {
		flat := []int{wd[0], product(outDims)}
		if contract == 1 {
			flat = []int{product(outDims), wd[len(wd)-1]}
		}
		w = e.reshape(w, flat...)
	}
	if e.err != nil {
		return nil
	}
	y := e.value(e.f.DotGeneral(x, []int{len(x.dims()) - 1}, nil, w, []int{contract}, nil, compute.DotGeneralConfig{}))
	if len(xd) > 2 || len(wd) > 2 {
		y = e.reshape(y, append(slices.Clone(xd[:len(xd)-1]), outDims...)...)
	}
	return y
}

// FusedAttentionQKVProjection projects x to query, key and value in one product.
func (f *Function) FusedAttentionQKVProjection(x, weight, biasQ, biasK, biasV compute.Value,
	queryDim, keyDim int) (compute.Value, compute.Value, compute.Value, error) {
	op := compute.OpTypeFusedAttentionQKVProjection
	in, err := f.values(op, x, weight)
	if err != nil {
		return nil, nil, nil, err
	}
	wd := in[1].dims()
	if len(in[0].dims()) != 2 || len(wd) != 2 || wd[1] != queryDim+2*keyDim {
		return nil, nil, nil, fmt.Errorf("cpu: %s: x %s, weight %s, widths %d and %d", op, in[0].shape, in[1].shape, queryDim, keyDim)
	}
	e := &emitter{f: f}
	all := e.dense(in[0], in[1], compute.DenseLayoutInputOutputs)
	var out [3]*node
	start := 0
	for i, bias := range []compute.Value{biasQ, biasK, biasV} {
		width := keyDim
		if i == 0 {
			width = queryDim
		}
		if e.err != nil {
			break
		}
		out[i] = e.value(f.Slice(all, []int{0, start}, []int{wd0(all), start + width}, nil))
		start += width
		if bias != nil {
			b, err := f.values(op, bias)
			if err != nil {
				return nil, nil, nil, err
			}
			out[i] = e.binary(compute.OpTypeAdd, out[i], e.expandLeft(b[0], 2))
		}
	}
	return out[0], out[1], out[2], e.err
}

func wd0(n *node) int { return n.dims()[0] }

// FusedScaledDotProductAttention computes softmax(scale·query·keyᵀ + mask)·value
// per head, without keeping the scores. Its state for the gradient is the
// log-sum-exp of each query. float32 only, with as many key as query heads.
func (f *Function) FusedScaledDotProductAttention(query, key, value compute.Value, layout compute.AttentionAxesLayout,
	options *compute.ScaledDotProductAttentionConfig) (compute.Value, []compute.Value, error) {
	in, a, err := f.attention(layout, options, query, key, value)
	if err != nil {
		return nil, nil, err
	}
	q := in[0].dims()
	heads, seq := layout.HeadsAxis(), layout.SeqAxis()
	state := shapes.Make(dtypes.Float32, q[0], q[heads], q[seq])
	out, err := f.addOutputs(opAttention, []shapes.Shape{in[0].shape, state}, a, in...)
	if err != nil {
		return nil, nil, err
	}
	return out[0], []compute.Value{out[1]}, nil
}

// FusedScaledDotProductAttentionVJP computes the gradient of query, key and value.
func (f *Function) FusedScaledDotProductAttentionVJP(query, key, value compute.Value, layout compute.AttentionAxesLayout,
	options *compute.ScaledDotProductAttentionConfig, output compute.Value, states []compute.Value,
	gradient compute.Value) (compute.Value, compute.Value, compute.Value, error) {
	op := compute.OpTypeFusedScaledDotProductAttentionVJP
	in, a, err := f.attention(layout, options, query, key, value)
	if err != nil {
		return nil, nil, nil, err
	}
	if len(states) != 1 {
		return nil, nil, nil, fmt.Errorf("cpu: %s: %d states, want 1", op, len(states))
	}
	more, err := f.values(op, output, states[0], gradient)
	if err != nil {
		return nil, nil, nil, err
	}
	if !more[2].shape.Equal(in[0].shape) || !more[0].shape.Equal(in[0].shape) {
		return nil, nil, nil, fmt.Errorf("cpu: %s: gradient %s of output %s", op, more[2].shape, in[0].shape)
	}
	out, err := f.addOutputs(opAttentionGradient, []shapes.Shape{in[0].shape, in[1].shape, in[2].shape}, a, append(in, more...)...)
	if err != nil {
		return nil, nil, nil, err
	}
	return out[0], out[1], out[2], nil
}

// attention checks operands and options. Masks come before the other inputs'
// continuation: in = query, key, value, [mask], [bias].
func (f *Function) attention(layout compute.AttentionAxesLayout, options *compute.ScaledDotProductAttentionConfig,
	qkv ...compute.Value) ([]*node, attentionAttr, error) {
	op := compute.OpTypeFusedScaledDotProductAttention
	a := attentionAttr{layout: layout}
	in, err := f.values(op, qkv...)
	if err != nil {
		return nil, a, err
	}
	heads, seq := layout.HeadsAxis(), layout.SeqAxis()
	for i, n := range in {
		d, q := n.dims(), in[0].dims()
		if n.dtype() != dtypes.Float32 || len(d) != 4 {
			return nil, a, unsupported(op, "operand %s", n.shape)
		}
		if d[0] != q[0] || d[heads] != q[heads] || d[3] != q[3] || d[seq] != in[max(1, i)].dims()[seq] && i > 0 {
			return nil, a, unsupported(op, "query %s with %s", in[0].shape, n.shape)
		}
	}
	if in[1].dims()[seq] != in[2].dims()[seq] {
		return nil, a, fmt.Errorf("cpu: %s: key %s, value %s", op, in[1].shape, in[2].shape)
	}
	if options == nil {
		return in, a, nil
	}
	if options.QuerySeqLen != nil || options.KeyValueSeqLen != nil {
		return nil, a, unsupported(op, "sequence lengths")
	}
	a.scale, a.causal = options.Scale, options.Causal
	full := []int{in[0].dims()[0], in[0].dims()[heads], in[0].dims()[seq], in[1].dims()[seq]}
	for i, v := range []compute.Value{options.Mask, options.Bias} {
		if v == nil {
			continue
		}
		m, err := f.values(op, v)
		if err != nil {
			return nil, a, err
		}
		if in, err = a.addMask(in, m[0], full, i == 1); err != nil {
			return nil, a, err
		}
	}
	return in, a, nil
}

// addMask appends a mask or bias, reshaped to rank 4 over [batch, heads, query, key];
// only the last of these axes is always written out.
func (a *attentionAttr) addMask(in []*node, m *node, full []int, bias bool) ([]*node, error) {
	op := compute.OpTypeFusedScaledDotProductAttention
	dims := m.dims()
	// A rank-4 mask of layout BSHD is [batch, query, heads, key]; only masks
	// without a heads axis of their own read the same in both.
	if !bias && len(dims) == 4 && a.layout == compute.AttentionAxesLayoutBSHD {
		if dims[2] != 1 {
			return nil, unsupported(op, "mask %s", m.shape)
		}
		dims = []int{dims[0], 1, dims[1], dims[3]}
	}
	wide := []int{1, 1, 1, 1}
	if len(dims) > 4 {
		return nil, unsupported(op, "mask %s", m.shape)
	}
	copy(wide[4-len(dims):], dims)
	for i, d := range wide {
		if d != 1 && d != full[i] {
			return nil, unsupported(op, "mask %s over %v", m.shape, full)
		}
	}
	e := &emitter{f: m.fn}
	m = e.reshape(m, wide...)
	if wide[3] != full[3] {
		wide[3] = full[3]
		m = e.broadcast(m, wide...)
	}
	if e.err != nil {
		return nil, e.err
	}
	switch {
	case m.dtype() == dtypes.Bool && !bias && a.mask == 0:
		a.mask = len(in)
	case m.dtype() == dtypes.Float32 && a.bias == 0:
		a.bias = len(in)
	default:
		return nil, unsupported(op, "mask %s", m.shape)
	}
	return append(in, m), nil
}
