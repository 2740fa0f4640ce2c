package simd

import "math"

// AdamW is one step of the optimizer (Loshchilov and Hutter 2019, algorithm 2):
//
//	m = Beta1*m + (1-Beta1)*g
//	v = Beta2*v + (1-Beta2)*g*g
//	p = p - Rate*(m*Correction1/(sqrt(v*Correction2)+Epsilon) + Decay*p)
//
// where Correction1 is 1/(1-Beta1^t) and Correction2 1/(1-Beta2^t).
type AdamW struct {
	Rate, Beta1, Beta2, Epsilon, Decay float32
	Correction1, Correction2           float32
	// GradientScale multiplies g first (clipping); 0 means 1.
	GradientScale float32
}

// Update changes parameters p and moments m and v in place for gradient g, all
// of len(p) values.
func (o *AdamW) Update(p, m, v, g []float32) {
	m, v, g = m[:len(p)], v[:len(p)], g[:len(p)]
	scale := o.GradientScale
	if scale == 0 {
		scale = 1
	}
	if vectors(len(p)) {
		c := [10]float32{o.Beta1, 1 - o.Beta1, o.Beta2, 1 - o.Beta2, o.Correction1, o.Correction2, o.Epsilon, o.Decay, o.Rate, scale}
		adamwAVX2(&p[0], &m[0], &v[0], &g[0], len(p), &c[0])
		return
	}
	for i := range p {
		d := g[i] * scale
		m[i] = o.Beta1*m[i] + (1-o.Beta1)*d
		v[i] = o.Beta2*v[i] + (1-o.Beta2)*d*d
		root := float32(math.Sqrt(float64(v[i] * o.Correction2)))
		p[i] -= o.Rate * (m[i]*o.Correction1/(root+o.Epsilon) + o.Decay*p[i])
	}
}
