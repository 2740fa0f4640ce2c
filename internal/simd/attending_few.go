package simd

import "math"

// Up to so many queries have their scores laid out key by key, if no more than so many:
// then keys and values are read in place, by products of as many columns or rows as there
// are queries, where packing them costs more than it saves. 64 Ki scores take 256 KB of L2.
const (
	fewQueries = queryBlock
	fewScores  = 1 << 16
)

// few reports whether the attention has few queries. It looks at all of them, so that
// every division takes the same way.
func (a *Attention) few() bool {
	return a.Q.Rows <= fewQueries && a.K.Rows*a.lanes() <= fewScores && a.Bias == nil && !a.Causal
}

// lanes are the elements of a row of few queries.
func (a *Attention) lanes() int { return (a.Q.Rows + ColumnGrain - 1) / ColumnGrain * ColumnGrain }

// forwardFew computes the result of queries [start, start+rows).
func (s *attending) forwardFew(start, rows int) {
	out := s.O.Block(start, 0, rows, s.O.Columns)
	s.scoreKeys(start, rows)
	for j := 0; j < rows; j += 8 {
		greatest := s.greatest[j:][:8]
		columnMaximum(greatest, s.scores[j:], s.step, s.keys)
		for i, v := range greatest {
			if math.IsInf(float64(v), -1) { // every key is masked
				greatest[i] = 0
			}
		}
		columnExpSum(s.sums[j:][:8], s.scores[j:], greatest, s.step, s.keys)
	}
	s.multiply(Product{
		A: s.view(s.scores, s.keys, rows).T(), B: s.V.Block(0, 0, s.keys, out.Columns), C: out,
	})
	s.normalize(start, out)
}

// scoreKeys computes the scaled and masked scores of queries [start, start+rows), a row of
// queries for each key; those that fill up the row are zero.
func (s *attending) scoreKeys(start, rows int) {
	s.turn(&s.queriesPacked, s.Q.Block(start, 0, rows, s.Q.Columns))
	s.multiply(Product{
		A: s.K.Block(0, 0, s.keys, s.K.Columns), B: Matrix{Rows: s.K.Columns, Columns: s.step}, Packed: &s.queriesPacked,
		C: s.view(s.scores, s.keys, s.step), Scale: s.scale(),
	})
	minusInf := float32(math.Inf(-1))
	for key := 0; s.masked && key < s.keys; key++ {
		row := s.scores[key*s.step:][:s.step]
		if s.MaskStride == 0 {
			if !s.Mask[key] {
				Fill(row, minusInf)
			}
			continue
		}
		for i := range rows {
			if !s.Mask[(start+i)*s.MaskStride+key] {
				row[i] = minusInf
			}
		}
	}
}

// turn packs the transpose of rows, filled up with zeros to a whole row of scores.
func (s *attending) turn(p *Packed, rows Matrix) {
	if rows.Rows < s.step {
		s.rows = grow(s.rows, s.step*rows.Columns)
		for i := range rows.Rows {
			copy(s.rows[i*rows.Columns:], rows.Row(i))
		}
		clear(s.rows[rows.Rows*rows.Columns:])
		rows = Dense(s.rows, s.step, rows.Columns)
	}
	p.pack(rows.T())
}

// backwardFew computes the gradients.
func (s *attending) backwardFew(g *AttentionGradient) {
	rows := s.Q.Rows
	s.scoreKeys(0, rows)
	s.turn(&s.slopesPacked, g.DO)
	s.multiply(Product{
		A: s.V.Block(0, 0, s.keys, s.V.Columns), B: Matrix{Rows: s.V.Columns, Columns: s.step}, Packed: &s.slopesPacked,
		C: s.view(s.gradients, s.keys, s.step),
	})
	s.differentiateKeys(g.DO)
	weights, slopes := s.view(s.scores, s.keys, rows), s.view(s.gradients, s.keys, rows)
	if g.DV.Rows != 0 {
		s.multiply(Product{A: weights, B: g.DO, C: g.DV.Block(0, 0, s.keys, g.DV.Columns)})
	}
	if g.DK.Rows != 0 {
		s.multiply(Product{A: slopes, B: s.Q, C: g.DK.Block(0, 0, s.keys, g.DK.Columns), Scale: s.scale()})
	}
	if g.DQ.Rows != 0 {
		s.multiply(Product{A: slopes.T(), B: s.K.Block(0, 0, s.keys, s.K.Columns), C: g.DQ, Scale: s.scale()})
	}
}

// differentiateKeys is differentiate for scores that lie key by key.
func (s *attending) differentiateKeys(do Matrix) {
	var lse, dots, sums [fewQueries]float32
	for i := range do.Rows {
		dots[i] = Dot(do.Row(i), s.O.Row(i))
		lse[i] = s.LogSumExp[i]
		if math.IsInf(float64(lse[i]), -1) {
			lse[i] = -lse[i] // of every key masked nothing is left
		}
	}
	for j := 0; j < do.Rows; j += 8 {
		columnExpSum(sums[j:], s.scores[j:], lse[j:], s.step, s.keys)
		columnSlope(s.gradients[j:], s.scores[j:], dots[j:], s.step, s.keys)
	}
}

// columnMaximum finds the greatest of n rows of 8 values, step apart; NaN is passed over.
func columnMaximum(greatest, x []float32, step, n int) {
	if vectors(n) {
		columnMaximumAVX2(&greatest[0], &x[0], 4*step, n)
		return
	}
	for i := range 8 {
		greatest[i] = float32(math.Inf(-1))
		for row := range n {
			if v := x[row*step+i]; v > greatest[i] {
				greatest[i] = v
			}
		}
	}
}

// columnExpSum replaces x by e^(x-shift) in n rows of 8 values, step apart, and sums up each column.
func columnExpSum(sums, x, shift []float32, step, n int) {
	if vectors(n) {
		columnExpSumAVX2(&sums[0], &x[0], &shift[0], 4*step, n)
		return
	}
	clear(sums[:8])
	for row := range n {
		part := x[row*step:][:8]
		Sub(part, part, shift)
		Exp(part, part)
		Add(sums[:8], sums, part)
	}
}

// columnSlope is softmaxSlope of n rows of 8 values, step apart.
func columnSlope(dy, y, dot []float32, step, n int) {
	if vectors(n) {
		columnSlopeAVX2(&dy[0], &y[0], &dot[0], 4*step, n)
		return
	}
	for row := range n {
		for i := range 8 {
			at := row*step + i
			dy[at] = y[at] * (dy[at] - dot[i])
		}
	}
}
