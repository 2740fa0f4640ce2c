package network

import (
	"math"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
)

// maskedScore is added to the scores of padding: far enough below any score
// that its softmax is exactly 0 in float32 (BERT).
const maskedScore = -10000

// paddingBias turns a mask [B,T] of 1 and 0 into what is added to scores [B,H,.,T].
func paddingBias(mask *Node) *Node {
	b, t := mask.Shape().Dim(0), mask.Shape().Dim(1)
	return Reshape(MulScalar(OneMinus(mask), maskedScore), b, 1, 1, t)
}

// splitHeads turns [B,T,D] into [B,H,T,D/H].
func splitHeads(x *Node, heads int) *Node {
	s := x.Shape()
	b, t, d := s.Dim(0), s.Dim(1), s.Dim(2)
	return TransposeAllAxes(Reshape(x, b, t, heads, d/heads), 0, 2, 1, 3)
}

// joinHeads turns [B,H,T,D/H] into [B,T,D].
func joinHeads(x *Node) *Node {
	s := x.Shape()
	return Reshape(TransposeAllAxes(x, 0, 2, 1, 3), s.Dim(0), s.Dim(2), s.Dim(1)*s.Dim(3))
}

// memory is what attention looks at: keys and values [B,K,D], and the bias
// [B,1,1,K] of padding among them, which may be nil.
type memory struct{ keys, values, bias *Node }

// remember makes keys and values of source for the attention called name.
func (n LoopITR) remember(name string, source, bias *Node, width int) memory {
	return memory{n.dense(name+"/key", source, width), n.dense(name+"/value", source, width), bias}
}

// attend is multi-head attention of queries [B,Q,D] to m, scores scaled by
// 1/sqrt(D/heads).
func attend(q *Node, m memory, heads int) *Node {
	m.keys, m.values = splitHeads(m.keys, heads), splitHeads(m.values, heads)
	return joinHeads(attendHeads(splitHeads(q, heads), m, scoreScale(q.Shape().Dim(2)/heads)))
}

// scoreScale is the scale of scores of heads so wide.
func scoreScale(width int) float64 { return 1 / math.Sqrt(float64(width)) }

// attendHeads is attention of queries [B,H,Q,D] to m of as many heads [B,H,K,D].
func attendHeads(q *Node, m memory, scale float64) *Node {
	k, v, bias := m.keys, m.values, m.bias
	decomposed := func() *Node {
		scores := MulScalar(Einsum("bhqd,bhkd->bhqk", q, k), scale)
		if bias != nil {
			scores = Add(scores, bias)
		}
		return Einsum("bhqk,bhkd->bhqd", Softmax(scores), v)
	}
	fused := func() *Node {
		options := &compute.ScaledDotProductAttentionConfig{Scale: scale}
		if bias != nil {
			options.Mask = InternalBackendOutputs(bias)[0]
		}
		out, _ := BackendFusedScaledDotProductAttention(q, k, v, compute.AttentionAxesLayoutBHSD, options)
		return out
	}
	has := q.Graph().Backend().Capabilities().Operations
	if !has[compute.OpTypeFusedScaledDotProductAttention] {
		return decomposed()
	}
	out, _ := InternalFusedOpCaller(fused, decomposed, !has[compute.OpTypeFusedScaledDotProductAttentionVJP])
	return out
}
