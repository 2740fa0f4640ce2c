package simd

import "math"

// LayerNorm computes y = (x-mean)/sqrt(variance+Epsilon)*Gamma + Beta over rows.
// Nil Gamma means ones, nil Beta zeros.
type LayerNorm struct {
	Gamma, Beta []float32
	Epsilon     float32
}

// Moments are a row's mean and the reciprocal of its standard deviation.
type Moments struct{ Mean, Rstd float32 }

// Row normalises one row of len(dst) values and returns what its gradient needs;
// dst may be x.
func (n *LayerNorm) Row(dst, x []float32) Moments {
	x = x[:len(dst)]
	mean, variance := MeanVariance(x)
	m := Moments{mean, float32(1 / math.Sqrt(float64(variance)+float64(n.Epsilon)))}
	for i, v := range x {
		dst[i] = (v - m.Mean) * m.Rstd
	}
	if n.Gamma != nil {
		Mul(dst, dst, n.Gamma)
	}
	if n.Beta != nil {
		Add(dst, dst, n.Beta)
	}
	return m
}

// MeanVariance returns the mean and the biased variance of one row, in two passes.
func MeanVariance(x []float32) (mean, variance float32) {
	mean = Sum(x) / float32(len(x))
	for _, v := range x {
		variance += (v - mean) * (v - mean)
	}
	return mean, variance / float32(len(x))
}

// LayerNormGradient computes the gradient of LayerNorm row by row. DGamma and
// DBeta, if not nil, accumulate over rows.
type LayerNormGradient struct{ Gamma, DGamma, DBeta []float32 }

// Row computes dx (if not nil) for one row from its input x, the gradient dy of
// its result and m, the moments that LayerNorm.Row returned; dx may be dy or x.
func (g *LayerNormGradient) Row(dx, x, dy []float32, m Moments) {
	dy = dy[:len(x)]
	var sum, sumX float32
	for i, v := range x {
		normal := (v - m.Mean) * m.Rstd
		if g.DGamma != nil {
			g.DGamma[i] += dy[i] * normal
		}
		if g.DBeta != nil {
			g.DBeta[i] += dy[i]
		}
		d := g.scaled(dy, i)
		sum += d
		sumX += d * normal
	}
	if dx == nil {
		return
	}
	count := float32(len(x))
	sum, sumX = sum/count, sumX/count
	for i, v := range x {
		normal := (v - m.Mean) * m.Rstd
		dx[i] = m.Rstd * (g.scaled(dy, i) - sum - normal*sumX)
	}
}

func (g *LayerNormGradient) scaled(dy []float32, i int) float32 {
	if g.Gamma == nil {
		return dy[i]
	}
	return dy[i] * g.Gamma[i]
}
