package simd

import "math"

// Scores are computed for this many queries and keys at a time: 640 x 96 floats
// are 240 KB, in L2.
const (
	queryBlock = 96
	keyBlock   = 640
)

// attending is an attention on its way, with the buffers it needs. Scores lie key by key,
// a row of queries for each: then keys and values are read in place, by products of as many
// columns or rows as there are queries, of which only the transpose is packed, and softmax
// works on 8 or 16 queries at once.
type attending struct {
	*Attention
	w                 *Workspace
	keys              int  // up to the last one that any query may attend to
	masked            bool // whether scores must be masked
	step              int  // elements from one row of scores to the next
	scores, gradients []float32
	packed            Packed    // Qᵀ, or the gradient's
	rows              []float32 // what is packed, filled up with zeros
	greatest, sums    [queryBlock]float32
	part              [queryBlock]float32 // the same of the keys at work
	shift             [queryBlock]float32 // what is subtracted before e^x
	dots              [queryBlock]float32 // of each query's result and its gradient
	product           Product
}

// attend prepares the buffers.
func (w *Workspace) attend(a *Attention, gradient bool) *attending {
	s := &w.attention
	s.Attention, s.w, s.keys = a, w, a.lastKey()
	s.masked = a.Mask != nil && (a.MaskStride != 0 || !allTrue(a.Mask[:s.keys]))
	s.step = lanes(min(a.Q.Rows, queryBlock))
	size := min(s.keys, keyBlock) * s.step
	s.scores = grow(s.scores, size)
	if gradient {
		s.gradients = grow(s.gradients, size)
	}
	return s
}

// lanes are the elements that rows of so many queries take.
func lanes(queries int) int { return (queries + ColumnGrain - 1) / ColumnGrain * ColumnGrain }

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

// eachBlock divides the keys evenly into blocks.
func (s *attending) eachBlock(body func(key, n int)) {
	blocks := (s.keys + keyBlock - 1) / keyBlock
	for i := range blocks {
		key := i * s.keys / blocks
		body(key, (i+1)*s.keys/blocks-key)
	}
}

// multiply runs one product with the given parts.
func (s *attending) multiply(p Product) {
	s.product = p
	s.product.Run(s.w)
}

// view are rows of n keys, of which columns are queries.
func (s *attending) view(values []float32, n, columns int) Matrix {
	return Matrix{Values: values, Rows: n, Columns: columns, RowStride: s.step, ColumnStride: 1}
}

// byKey computes dst = scale * keys·queriesᵀ; columns beyond the queries become zero.
func (s *attending) byKey(dst []float32, keys, queries Matrix, scale float32) {
	n := lanes(queries.Rows)
	if queries.Rows < n {
		s.rows = grow(s.rows, n*queries.Columns)
		for i := range queries.Rows {
			copy(s.rows[i*queries.Columns:], queries.Row(i))
		}
		clear(s.rows[queries.Rows*queries.Columns:])
		queries = Dense(s.rows, n, queries.Columns)
	}
	s.packed.pack(queries.T())
	s.multiply(Product{A: keys, B: Matrix{Rows: keys.Columns, Columns: n}, Packed: &s.packed, C: s.view(dst, keys.Rows, n), Scale: scale})
}

// score computes the scaled and masked scores of queries [start, start+rows) and
// keys [key, key+n).
func (s *attending) score(start, rows, key, n int) {
	s.byKey(s.scores, s.K.Block(key, 0, n, s.K.Columns), s.Q.Block(start, 0, rows, s.Q.Columns), s.scale())
	if s.Bias == nil && !s.masked && !s.Causal {
		return
	}
	for j := range n {
		row := s.scores[j*s.step:][:rows]
		if s.Bias != nil {
			for i := range row {
				row[i] += s.Bias[(start+i)*s.BiasStride+key+j]
			}
		}
		if s.masked {
			s.maskKey(row, start, key+j)
		}
		if s.Causal {
			Fill(row[:min(rows, max(0, key+j-start))], float32(math.Inf(-1)))
		}
	}
}

// maskKey masks a key's row of scores.
func (s *attending) maskKey(row []float32, start, key int) {
	minusInf := float32(math.Inf(-1))
	if s.MaskStride == 0 {
		if !s.Mask[key] {
			Fill(row, minusInf)
		}
		return
	}
	for i := range row {
		if !s.Mask[(start+i)*s.MaskStride+key] {
			row[i] = minusInf
		}
	}
}

// forward computes the result of queries [start, start+rows), block of keys by
// block, rescaling what is summed so far when a greater score appears.
func (s *attending) forward(start, rows int) {
	out := s.O.Block(start, 0, rows, s.O.Columns)
	for i := range s.greatest {
		s.greatest[i], s.sums[i] = float32(math.Inf(-1)), 0
	}
	s.eachBlock(func(key, n int) {
		s.score(start, rows, key, n)
		s.exponentiate(n, out, key > 0)
		s.multiply(Product{
			A: s.view(s.scores, n, rows).T(), B: s.V.Block(key, 0, n, out.Columns), C: out, Accumulate: key > 0,
		})
	})
	for i := range rows {
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

// exponentiate turns scores of n keys into e^(score - greatest so far) and keeps the sums;
// what out and they hold of earlier keys is scaled to match.
func (s *attending) exponentiate(n int, out Matrix, earlier bool) {
	eachColumns(out.Rows, func(j, width int) {
		columnMaximum(s.part[j:], s.view(s.scores[j:], n, width))
	})
	for i := range out.Rows {
		before, greatest := s.greatest[i], max(s.greatest[i], s.part[i])
		s.greatest[i], s.shift[i] = greatest, greatest
		if math.IsInf(float64(greatest), -1) { // every key is masked so far
			s.shift[i] = 0
		}
		if earlier && before != greatest {
			fade := float32(math.Exp(float64(before - greatest)))
			s.sums[i] *= fade
			MulScalar(out.Row(i), out.Row(i), fade)
		}
	}
	eachColumns(out.Rows, func(j, width int) {
		columnExpSum(s.part[j:], s.view(s.scores[j:], n, width), s.shift[j:])
	})
	Add(s.sums[:out.Rows], s.sums[:], s.part[:])
}

// backward adds what queries [start, start+rows) contribute to the gradients.
func (s *attending) backward(g *AttentionGradient, start, rows int) {
	do, queries := g.DO.Block(start, 0, rows, g.DO.Columns), s.Q.Block(start, 0, rows, s.Q.Columns)
	for i := range rows {
		s.dots[i], s.shift[i] = Dot(do.Row(i), s.O.Row(start+i)), s.LogSumExp[start+i]
		if math.IsInf(float64(s.shift[i]), -1) {
			s.shift[i] = -s.shift[i] // of every key masked nothing is left
		}
	}
	s.eachBlock(func(key, n int) {
		s.score(start, rows, key, n)
		s.byKey(s.gradients, s.V.Block(key, 0, n, s.V.Columns), do, 1)
		eachColumns(rows, func(j, width int) {
			columnExpSum(s.part[j:], s.view(s.scores[j:], n, width), s.shift[j:])
			columnSlope(s.view(s.gradients[j:], n, width), s.view(s.scores[j:], n, width), s.dots[j:])
		})
		weights, slopes := s.view(s.scores, n, rows), s.view(s.gradients, n, rows)
		if g.DV.Rows != 0 {
			s.multiply(Product{A: weights, B: do, C: g.DV.Block(key, 0, n, g.DV.Columns), Accumulate: start > 0})
		}
		if g.DK.Rows != 0 {
			s.multiply(Product{A: slopes, B: queries, C: g.DK.Block(key, 0, n, g.DK.Columns), Scale: s.scale(), Accumulate: start > 0})
		}
		if g.DQ.Rows != 0 {
			s.multiply(Product{
				A: slopes.T(), B: s.K.Block(key, 0, n, s.K.Columns), C: g.DQ.Block(start, 0, rows, g.DQ.Columns),
				Scale: s.scale(), Accumulate: key > 0,
			})
		}
	})
}
