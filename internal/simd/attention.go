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
// all masked gets zeros and log-sum-exp -Inf; values of masked keys are not read
// where that shows in the mask's row of all queries.
func (a *Attention) Run(w *Workspace, from, to int) {
	a.validate()
	if from < 0 || to > a.Q.Rows || from > to {
		panic(fmt.Sprintf("simd: queries %d to %d of %d", from, to, a.Q.Rows))
	}
	if from == to {
		return
	}
	s := w.attend(a, false)
	defer s.release()
	for start := from; start < to; start += queryBlock {
		s.forward(start, min(queryBlock, to-start))
	}
}

// Run computes DQ, DK and DV.
func (g *AttentionGradient) Run(w *Workspace) {
	g.validate()
	g.check()
	if g.Q.Rows == 0 {
		clearRows(0, g.DK, g.DV)
		return
	}
	s := w.attend(&g.Attention, true)
	defer s.release()
	clearRows(s.keys, g.DK, g.DV) // of keys that no query attends to
	if s.keys == 0 {
		clearRows(0, g.DQ)
	}
	for start := 0; start < g.Q.Rows; start += queryBlock {
		s.backward(g, start, min(queryBlock, g.Q.Rows-start))
	}
}

// clearRows clears rows from on.
func clearRows(from int, ms ...Matrix) {
	for _, m := range ms {
		for i := from; i < m.Rows; i++ {
			clear(m.Row(i))
		}
	}
}

func (g *AttentionGradient) check() {
	if g.LogSumExp == nil {
		panic("simd: attention gradient without log-sum-exp")
	}
	for _, pair := range [][2]Matrix{{g.DO, g.O}, {g.DQ, g.Q}, {g.DK, g.K}, {g.DV, g.V}} {
		got, want := pair[0], pair[1]
		got.check("attention gradient")
		if got.Rows != 0 && (got.Rows != want.Rows || got.Columns != want.Columns || got.ColumnStride != 1 && got.Columns > 1) {
			panic(fmt.Sprintf("simd: attention gradient of %dx%d is %dx%d", want.Rows, want.Columns, got.Rows, got.Columns))
		}
	}
	if g.DO.Rows != g.O.Rows {
		panic("simd: attention gradient without that of its result")
	}
}
