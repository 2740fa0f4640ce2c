package simd

// runGeneric is the specification of RunTile.
func (p *Product) runGeneric(t Tile) {
	scale := p.scale()
	for i := t.Row; i < t.Row+t.Rows; i++ {
		row := p.C.Values[i*p.C.RowStride+t.Column:][:t.Columns]
		if !p.Accumulate {
			clear(row)
		}
		for j := range row {
			row[j] += scale * p.dotGeneric(i, t.Column+j)
			if p.Bias != nil {
				row[j] += p.Bias[t.Column+j]
			}
		}
		p.finish(i, t.Column, row)
	}
}

// dotGeneric sums over k in order.
func (p *Product) dotGeneric(i, j int) float32 {
	var sum float32
	for k := range p.A.Columns {
		x, y := p.A.Values[i*p.A.RowStride+k*p.A.ColumnStride], p.b(k, j)
		if p.Precision == BFloat16 {
			x, y = roundBFloat16(x), roundBFloat16(y)
		}
		sum += x * y
	}
	return sum
}

// b returns element (k, j) of B, packed or not.
func (p *Product) b(k, j int) float32 {
	if p.Packed != nil {
		return p.Packed.at(k, j)
	}
	return p.B.Values[k*p.B.RowStride+j*p.B.ColumnStride]
}

// finish applies what follows the sum to a part of row i of C.
func (p *Product) finish(i, column int, row []float32) {
	if p.Activation == GELUActivation {
		GELU(row, row)
	}
	if p.Residual.Rows != 0 {
		Add(row, row, p.Residual.Values[i*p.Residual.RowStride+column:][:len(row)])
	}
}
