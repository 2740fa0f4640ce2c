package simd

import "math"

// Scores are computed for this many queries and keys at a time: 96 x 512 floats
// are 192 KB, in L2.
const (
	queryBlock = 96
	keyBlock   = 512
)

// attending is an attention on its way, with the buffers it needs.
type attending struct {
	*Attention
	w                 *Workspace
	keys              int  // up to the last one that any query may attend to
	masked            bool // whether rows of scores must be masked
	step              int  // elements from one row of scores to the next
	scores, gradients []float32
	packedFrom        int    // first key of the packed block
	keysPacked        Packed // Kᵀ
	valuesPacked      Packed // V, or Vᵀ for the gradient
	queriesPacked     Packed // of few queries: Qᵀ
	slopesPacked      Packed // and the transposed gradient of O
	rows              []float32
	greatest, sums    [queryBlock]float32
	product           Product
}

// attend prepares the buffers.
func (w *Workspace) attend(a *Attention, gradient bool) *attending {
	s := &w.attention
	s.Attention, s.w, s.keys, s.packedFrom = a, w, a.lastKey(), -1
	s.masked = a.Mask != nil && (a.MaskStride != 0 || !allTrue(a.Mask[:s.keys]))
	// Rows that are a power of two apart would share cache sets.
	s.step = (min(s.keys, keyBlock)+15)/16*16 + 16
	size := queryBlock * s.step
	if a.few() {
		s.step = a.lanes()
		size = s.keys * s.step
	}
	s.scores = grow(s.scores, size)
	if gradient {
		s.gradients = grow(s.gradients, size)
	}
	return s
}

// release forgets the caller's slices, so that the workspace does not keep them.
func (s *attending) release() {
	s.Attention, s.product = nil, Product{}
}

// lastKey returns how many keys there are up to the last that is not masked for
// every query.
func (a *Attention) lastKey() int {
	n := a.K.Rows
	if a.Mask != nil && a.MaskStride == 0 {
		for n > 0 && !a.Mask[n-1] {
			n--
		}
	}
	if a.Causal {
		n = min(n, a.Q.Rows)
	}
	return n
}

func allTrue(mask []bool) bool {
	for _, m := range mask {
		if !m {
			return false
		}
	}
	return true
}

// load packs the block of n keys and values from key on, unless it is the one
// that is packed already.
func (s *attending) load(key, n int, gradient bool) {
	if s.packedFrom == key {
		return
	}
	s.packedFrom = key
	s.keysPacked.pack(s.K.Block(key, 0, n, s.K.Columns).T())
	v := s.V.Block(key, 0, n, s.V.Columns)
	if gradient {
		v = v.T()
	}
	s.valuesPacked.pack(v)
}

// multiply runs one product with the given parts.
func (s *attending) multiply(p Product) {
	s.product = p
	s.product.Run(s.w)
}

// score computes the scaled and masked scores of queries [start, start+rows) and
// keys [key, key+n).
func (s *attending) score(start, rows, key, n int) {
	s.multiply(Product{
		A: s.Q.Block(start, 0, rows, s.Q.Columns), B: Matrix{Rows: s.Q.Columns, Columns: n}, Packed: &s.keysPacked,
		C: s.view(s.scores, rows, n), Scale: s.scale(),
	})
	if s.Bias == nil && !s.masked && !s.Causal {
		return
	}
	minusInf := float32(math.Inf(-1))
	for i := range rows {
		row := s.scores[i*s.step:][:n]
		if s.Bias != nil {
			Add(row, row, s.Bias[(start+i)*s.BiasStride+key:])
		}
		if s.masked {
			SelectScalar(row, s.Mask[(start+i)*s.MaskStride+key:], row, minusInf)
		}
		if s.Causal {
			for j := max(0, start+i+1-key); j < n; j++ {
				row[j] = minusInf
			}
		}
	}
}

func (s *attending) view(values []float32, rows, columns int) Matrix {
	return Matrix{Values: values, Rows: rows, Columns: columns, RowStride: s.step, ColumnStride: 1}
}

// forward computes the result of queries [start, start+rows), block of keys by
// block, rescaling what is summed so far when a greater score appears.
func (s *attending) forward(start, rows int) {
	out := s.O.Block(start, 0, rows, s.O.Columns)
	for i := range rows {
		s.greatest[i], s.sums[i] = float32(math.Inf(-1)), 0
	}
	for key := 0; key < s.keys; key += keyBlock {
		n := min(keyBlock, s.keys-key)
		s.load(key, n, false)
		s.score(start, rows, key, n)
		for i := range rows {
			s.exponentiate(i, n, out)
		}
		s.multiply(Product{
			A: s.view(s.scores, rows, n), B: Matrix{Rows: n, Columns: out.Columns}, Packed: &s.valuesPacked,
			C: out, Accumulate: key > 0,
		})
	}
	s.normalize(start, out)
}

// normalize divides the results of queries from start on by their sums of exponentials.
func (s *attending) normalize(start int, out Matrix) {
	for i := range out.Rows {
		row := out.Row(i)
		if s.sums[i] == 0 {
			clear(row)
		} else {
			MulScalar(row, row, 1/s.sums[i])
		}
		if s.LogSumExp != nil {
			s.LogSumExp[start+i] = s.greatest[i] + float32(math.Log(float64(s.sums[i])))
		}
	}
}

// exponentiate turns row i of n scores into e^(score - greatest so far) and keeps
// the row's sum; what out holds of earlier keys is scaled to match.
func (s *attending) exponentiate(i, n int, out Matrix) {
	row := s.scores[i*s.step:][:n]
	before := s.greatest[i]
	greatest := max(before, Maximum(row))
	s.greatest[i] = greatest
	if math.IsInf(float64(greatest), -1) {
		clear(row)
		return
	}
	sum := expSum(row, greatest)
	if before != greatest && s.sums[i] != 0 {
		fade := float32(math.Exp(float64(before - greatest)))
		s.sums[i] *= fade
		MulScalar(out.Row(i), out.Row(i), fade)
	}
	s.sums[i] += sum
}

// expSum replaces x by e^(x-shift) and returns the sum.
func expSum(x []float32, shift float32) float32 {
	if vectors(len(x)) {
		return expSumAVX2(&x[0], &x[0], len(x), shift)
	}
	AddScalar(x, x, -shift)
	Exp(x, x)
	return Sum(x)
}

// backward adds what queries [start, start+rows) contribute to the gradients.
func (s *attending) backward(g *AttentionGradient, start, rows int) {
	do := g.DO.Block(start, 0, rows, g.DO.Columns)
	queries := s.Q.Block(start, 0, rows, s.Q.Columns)
	for i := range rows {
		s.sums[i] = Dot(do.Row(i), s.O.Row(start+i))
	}
	for key := 0; key < s.keys; key += keyBlock {
		n := min(keyBlock, s.keys-key)
		s.load(key, n, true)
		s.score(start, rows, key, n)
		s.multiply(Product{
			A: do, B: Matrix{Rows: do.Columns, Columns: n}, Packed: &s.valuesPacked, C: s.view(s.gradients, rows, n),
		})
		s.differentiate(start, rows, n)
		weights, slopes := s.view(s.scores, rows, n), s.view(s.gradients, rows, n)
		if g.DV.Rows != 0 {
			s.multiply(Product{A: weights.T(), B: do, C: g.DV.Block(key, 0, n, g.DV.Columns), Accumulate: start > 0})
		}
		if g.DK.Rows != 0 {
			s.multiply(Product{A: slopes.T(), B: queries, C: g.DK.Block(key, 0, n, g.DK.Columns), Scale: s.scale(), Accumulate: start > 0})
		}
		if g.DQ.Rows != 0 {
			s.multiply(Product{
				A: slopes, B: s.K.Block(key, 0, n, s.K.Columns), C: g.DQ.Block(start, 0, rows, g.DQ.Columns),
				Scale: s.scale(), Accumulate: key > 0,
			})
		}
	}
}

// differentiate turns scores into weights and the gradients of weights into
// those of scores, but for the scale.
func (s *attending) differentiate(start, rows, n int) {
	for i := range rows {
		weights, slopes := s.scores[i*s.step:][:n], s.gradients[i*s.step:][:n]
		lse := s.LogSumExp[start+i]
		if math.IsInf(float64(lse), -1) {
			clear(weights)
			clear(slopes)
			continue
		}
		expSum(weights, lse)
		softmaxSlope(slopes, weights, s.sums[i])
	}
}

// softmaxSlope computes dy = y*(dy - dot).
func softmaxSlope(dy, y []float32, dot float32) {
	if vectors(len(dy)) {
		softmaxGradientAVX2(&dy[0], &y[0], &dy[0], len(dy), dot)
		return
	}
	for i := range dy {
		dy[i] = y[i] * (dy[i] - dot)
	}
}
