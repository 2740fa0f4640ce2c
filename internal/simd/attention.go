package simd

import (
	"fmt"
	"math"
)

// Attention is softmax(Scale*Q·Kᵀ + Bias, masked)·V for one head of one batch
// element. Q and O are T x D, K is S x D, V is S x Dv (O is then T x Dv); all
// with ColumnStride 1.
type Attention struct {
	Q, K, V, O Matrix
	Scale      float32 // 0 means 1/sqrt(D)
	// Mask, if not nil, has false where a key is not attended to: Mask[i*MaskStride+j]
	// for query i and key j; MaskStride 0 is one row for all queries.
	Mask       []bool
	MaskStride int
	// Bias, if not nil, is added to the scaled scores, indexed like Mask.
	Bias       []float32
	BiasStride int
	// Causal lets query i attend to keys 0..i only.
	Causal bool
	// LogSumExp, if not nil, receives T values: the logarithm of each row's sum
	// of exponentials. The gradient needs it.
	LogSumExp []float32
}

// AttentionGradient is the gradient of Attention. O and LogSumExp are the
// forward's results; DO is the gradient of O. DQ, DK and DV are overwritten; any
// without rows is not computed.
type AttentionGradient struct {
	Attention
	DO, DQ, DK, DV Matrix
}

func (a *Attention) validate() {
	t, d, s := a.Q.Rows, a.Q.Columns, a.K.Rows
	if a.K.Columns != d || a.V.Rows != s || a.O.Rows != t || a.O.Columns != a.V.Columns {
		panic(fmt.Sprintf("simd: attention of %dx%d queries, %dx%d keys, %dx%d values to %dx%d",
			t, d, s, a.K.Columns, a.V.Rows, a.V.Columns, a.O.Rows, a.O.Columns))
	}
	for _, m := range []Matrix{a.Q, a.K, a.V, a.O} {
		m.check("attention operand")
		if m.ColumnStride != 1 && m.Columns > 1 {
			panic("simd: attention needs column stride 1")
		}
	}
	if t > 0 && s > 0 && (a.Mask != nil && len(a.Mask) < (t-1)*a.MaskStride+s || a.Bias != nil && len(a.Bias) < (t-1)*a.BiasStride+s) {
		panic("simd: attention mask or bias too short")
	}
	if a.LogSumExp != nil && len(a.LogSumExp) < t {
		panic("simd: log-sum-exp too short")
	}
}

func (a *Attention) scale() float32 {
	if a.Scale != 0 {
		return a.Scale
	}
	return float32(1 / math.Sqrt(float64(a.Q.Columns)))
}

// Run computes O and LogSumExp for queries [from, to). A query whose keys are
// all masked gets zeros and log-sum-exp -Inf.
func (a *Attention) Run(w *Workspace, from, to int) {
	a.validate()
	scores := w.scores(a.K.Rows)
	for i := from; i < to; i++ {
		a.row(scores, i)
		greatest, sum := MaxSumExp(scores)
		out := a.O.Row(i)
		clear(out)
		lse := greatest + float32(math.Log(float64(sum)))
		if a.LogSumExp != nil {
			a.LogSumExp[i] = lse
		}
		if sum == 0 {
			continue
		}
		for j, s := range scores {
			ScaleAdd(out, a.V.Row(j), float32(math.Exp(float64(s-lse))), out)
		}
	}
}

// row computes the masked scores of query i; a masked key gets -Inf.
func (a *Attention) row(scores []float32, i int) {
	scale := a.scale()
	for j := range scores {
		if a.Mask != nil && !a.Mask[i*a.MaskStride+j] || a.Causal && j > i {
			scores[j] = float32(math.Inf(-1))
			continue
		}
		scores[j] = scale * Dot(a.Q.Row(i), a.K.Row(j))
		if a.Bias != nil {
			scores[j] += a.Bias[i*a.BiasStride+j]
		}
	}
}

// Run computes DQ, DK and DV.
func (g *AttentionGradient) Run(w *Workspace) {
	g.validate()
	g.DO.check("attention gradient")
	for _, m := range []Matrix{g.DQ, g.DK, g.DV} {
		m.check("attention gradient")
		for i := range m.Rows {
			clear(m.Row(i))
		}
	}
	scale := g.scale()
	scores := w.scores(g.K.Rows)
	for i := range g.Q.Rows {
		g.row(scores, i)
		do := g.DO.Row(i)
		delta := Dot(do, g.O.Row(i))
		for j, s := range scores {
			if math.IsInf(float64(s), -1) {
				continue
			}
			p := float32(math.Exp(float64(s - g.LogSumExp[i])))
			ds := scale * p * (Dot(do, g.V.Row(j)) - delta)
			if g.DV.Rows != 0 {
				ScaleAdd(g.DV.Row(j), do, p, g.DV.Row(j))
			}
			if g.DQ.Rows != 0 {
				ScaleAdd(g.DQ.Row(i), g.K.Row(j), ds, g.DQ.Row(i))
			}
			if g.DK.Rows != 0 {
				ScaleAdd(g.DK.Row(j), g.Q.Row(i), ds, g.DK.Row(j))
			}
		}
	}
}

func (w *Workspace) scores(n int) []float32 {
	if cap(w.attention) < n {
		w.attention = make([]float32, n)
	}
	return w.attention[:n]
}
