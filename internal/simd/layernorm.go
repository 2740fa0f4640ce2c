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
	if vectors(len(dst)) && n.Gamma != nil && n.Beta != nil {
		gamma, beta := n.Gamma[:len(dst)], n.Beta[:len(dst)]
		normaliseAVX2(&dst[0], &x[0], &gamma[0], &beta[0], len(dst), m.Mean, m.Rstd)
		return m
	}
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
	if vectors(len(x)) {
		return mean, squaredDifferencesAVX2(&x[0], len(x), mean) / float32(len(x))
	}
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
	if vectors(len(x)) && (dx == nil || g.Gamma != nil) && (g.DGamma == nil) == (g.DBeta == nil) {
		g.vectorRow(dx, x, dy, m)
		return
	}
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

// vectorRow is Row for Gamma present and DGamma and DBeta both present or not.
func (g *LayerNormGradient) vectorRow(dx, x, dy []float32, m Moments) {
	n := len(x)
	if g.DGamma != nil {
		dgamma, dbeta := g.DGamma[:n], g.DBeta[:n]
		normaliseParametersAVX2(&dgamma[0], &dbeta[0], &x[0], &dy[0], n, m.Mean, m.Rstd)
	}
	if dx == nil {
		return
	}
	dx, gamma := dx[:n], g.Gamma[:n]
	sum, sumX := normaliseSumsAVX2(&x[0], &dy[0], &gamma[0], n, m.Mean, m.Rstd)
	normaliseGradientAVX2(&dx[0], &x[0], &dy[0], &gamma[0], n, m.Mean, m.Rstd, sum/float32(n), sumX/float32(n))
}

func (g *LayerNormGradient) scaled(dy []float32, i int) float32 {
	if g.Gamma == nil {
		return dy[i]
	}
	return dy[i] * g.Gamma[i]
}
