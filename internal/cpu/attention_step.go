package cpu

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
	"github.com/loopitr/loopitr/internal/simd"
)

// attentionStep runs one head of one batch element per chunk.
type attentionStep struct {
	query, key, value, output, state   int
	gradient, dQuery, dKey, dValue     int
	mask, bias                         int // slots, -1 for none
	maskStrides, biasStrides           [3]int
	heads, queries, keys, width        int
	queryRow, queryHead, queryBatch    int // strides
	keyRow, keyHead, keyBatch          int
	scale                              float32
	causal                             bool
	batches                            int
	backward                           bool
	queryElements, keyElements, states int
	task                               task
}

func (c *compiler) attentionStep(u *unit) step {
	n := u.node
	a := n.attr.(attentionAttr)
	q, k := n.inputs[0], n.inputs[1]
	s := &attentionStep{
		query: c.slot(q), key: c.slot(k), value: c.slot(n.inputs[2]), mask: -1, bias: -1,
		output: -1, state: -1, dQuery: -1, dKey: -1, dValue: -1,
		scale: float32(a.scale), causal: a.causal, backward: n.op == opAttentionGradient,
	}
	s.layout(a.layout, q.dims(), k.dims())
	if a.mask > 0 {
		s.mask, s.maskStrides = c.slot(n.inputs[a.mask]), scoreStrides(n.inputs[a.mask].shape)
	}
	if a.bias > 0 {
		s.bias, s.biasStrides = c.slot(n.inputs[a.bias]), scoreStrides(n.inputs[a.bias].shape)
	}
	slots := []*int{&s.output, &s.state}
	if s.backward {
		more := n.inputs[len(n.inputs)-3:]
		s.output, s.state, s.gradient = c.slot(more[0]), c.slot(more[1]), c.slot(more[2])
		slots = []*int{&s.dQuery, &s.dKey, &s.dValue}
	}
	for _, o := range u.outputs {
		*slots[o.attr.(int)] = c.slot(o)
	}
	s.task = s.chunk
	return s
}

func (s *attentionStep) layout(l compute.AttentionAxesLayout, q, k []int) {
	heads, seq := l.HeadsAxis(), l.SeqAxis()
	s.batches, s.heads, s.queries, s.keys, s.width = q[0], q[heads], q[seq], k[seq], q[3]
	qs, ks := denseStrides(q), denseStrides(k)
	s.queryBatch, s.queryHead, s.queryRow = qs[0], qs[heads], qs[seq]
	s.keyBatch, s.keyHead, s.keyRow = ks[0], ks[heads], ks[seq]
	s.queryElements, s.keyElements = product(q), product(k)
	s.states = s.batches * s.heads * s.queries
}

// scoreStrides are a rank-4 mask's strides over batch, heads and queries; its
// keys are contiguous.
func scoreStrides(shape shapes.Shape) [3]int {
	full := broadcastStrides(shape.Dimensions, shape.Dimensions)
	return [3]int{full[0], full[1], full[2]}
}

func (s *attentionStep) run(f *frame) error {
	f.parallel(&s.task, s.batches*s.heads)
	return nil
}

func (s *attentionStep) chunk(f *frame, w, chunk int) {
	batch, head := chunk/s.heads, chunk%s.heads
	g := &f.workers[w].attention
	*g = simd.AttentionGradient{Attention: simd.Attention{
		Q: s.queryMatrix(f, s.query, batch, head), K: s.keyMatrix(f, s.key, batch, head),
		V: s.keyMatrix(f, s.value, batch, head), O: s.queryMatrix(f, s.output, batch, head),
		Scale: s.scale, Causal: s.causal,
	}}
	a := &g.Attention
	if s.state >= 0 {
		a.LogSumExp = f.floats(s.state, s.states)[chunk*s.queries:][:s.queries]
	}
	if s.mask >= 0 {
		at := batch*s.maskStrides[0] + head*s.maskStrides[1]
		a.MaskStride = s.maskStrides[2]
		a.Mask = values[bool](f, s.mask, at+max(0, s.queries-1)*a.MaskStride+s.keys)[at:]
	}
	if s.bias >= 0 {
		at := batch*s.biasStrides[0] + head*s.biasStrides[1]
		a.BiasStride = s.biasStrides[2]
		a.Bias = f.floats(s.bias, at+max(0, s.queries-1)*a.BiasStride+s.keys)[at:]
	}
	work := &f.workers[w].workspace
	if !s.backward {
		a.Run(work, 0, s.queries)
		return
	}
	g.DO = s.queryMatrix(f, s.gradient, batch, head)
	if s.dQuery >= 0 {
		g.DQ = s.queryMatrix(f, s.dQuery, batch, head)
	}
	if s.dKey >= 0 {
		g.DK = s.keyMatrix(f, s.dKey, batch, head)
	}
	if s.dValue >= 0 {
		g.DV = s.keyMatrix(f, s.dValue, batch, head)
	}
	g.Run(work)
}

func (s *attentionStep) queryMatrix(f *frame, slot, batch, head int) simd.Matrix {
	v := f.floats(slot, s.queryElements)[batch*s.queryBatch+head*s.queryHead:]
	return simd.Matrix{Values: v, Rows: s.queries, Columns: s.width, RowStride: s.queryRow, ColumnStride: 1}
}

func (s *attentionStep) keyMatrix(f *frame, slot, batch, head int) simd.Matrix {
	v := f.floats(slot, s.keyElements)[batch*s.keyBatch+head*s.keyHead:]
	return simd.Matrix{Values: v, Rows: s.keys, Columns: s.width, RowStride: s.keyRow, ColumnStride: 1}
}
