package main

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
)

// functions generates the elementwise functions. The polynomials and rational
// functions are least-maximum fits of this project, in the variable each comment
// names; the tests sweep the errors.
func functions(f *file) {
	unary := []struct {
		name string
		body func(*file, vec) vec
	}{
		{"exp", (*file).exp}, {"log", (*file).log}, {"erf", (*file).erf}, {"tanh", (*file).tanh},
		{"sigmoid", (*file).sigmoid}, {"gelu", (*file).gelu}, {"sqrt", (*file).sqrt}, {"rsqrt", (*file).rsqrt},
	}
	for _, u := range unary {
		const params = "dst, x *float32, n int"
		f.both(u.name, params, func() {
			p := f.addresses(params)
			f.each(f.gp("n"), 1, func(l lane) { l.store(u.body(f, l.load(p["x"])), p["dst"]) })
			f.end()
		})
	}
	const params = "dst, x, dy *float32, n int"
	f.both("geluGradient", params, func() {
		p := f.addresses(params)
		f.each(f.gp("n"), 1, func(l lane) {
			slope := f.geluSlope(l.load(p["x"]))
			f.VMULPS(l.load(p["dy"]), slope, slope)
			l.store(slope, p["dst"])
		})
		f.end()
	})
}

// reduced returns r and n with x = n*log(2) + r, |r| <= log(2)/2, and e^r.
func (f *file) reduced(x vec) (n, y vec) {
	n = f.vec()
	f.VMULPS(f.constant(math.Log2E), x, n)
	f.round(n)
	r := f.vec()
	f.VMOVAPS(x, r)
	f.VFNMADD231PS(f.constant(0.693359375), n, r)
	f.VFNMADD231PS(f.constant(math.Ln2-0.693359375), n, r)
	// (e^r - 1 - r)/r^2 in r.
	p := f.horner(r, 0.499999931, 0.166665148, 0.0416684568, 0.00836941895, 0.00138131433)
	square := f.vec()
	f.VMULPS(r, r, square)
	f.VFMADD213PS(r, square, p)
	f.VADDPS(f.constant(1), p, p)
	return n, p
}

// round rounds to the nearest whole number, halves to the even one.
func (f *file) round(x vec) {
	if f.wide {
		f.VRNDSCALEPS(operand.Imm(8), x, x)
		return
	}
	f.VROUNDPS(operand.Imm(8), x, x)
}

// exp scales by 2^n in two halves, so that the result may be subnormal.
func (f *file) exp(x vec) vec {
	n, y := f.reduced(f.clamp(x, -104, 89))
	half := f.vec()
	f.VCVTPS2DQ(n, n)
	f.VPSRAD(operand.Imm(1), n, half)
	f.VPSUBD(half, n, n)
	for _, v := range []vec{half, n} {
		f.VPADDD(f.bits(127), v, v)
		f.VPSLLD(operand.Imm(23), v, v)
		f.VMULPS(v, y, y)
	}
	return y
}

// expNegative is exp for x <= 0, with 0 for results under 2^-126.
func (f *file) expNegative(x vec) vec {
	low := f.vector(-87.33)
	large := f.compare(isNotLess, x, low) // so that NaN stays
	f.VMAXPS(x, low, low)
	n, y := f.reduced(low)
	f.VCVTPS2DQ(n, n)
	f.VPADDD(f.bits(127), n, n)
	f.VPSLLD(operand.Imm(23), n, n)
	f.VMULPS(n, y, y)
	return f.keep(large, y)
}

// log splits x = 2^e * m with m in [sqrt(1/2), sqrt(2)).
func (f *file) log(x vec) vec {
	scaled, m, e := f.vec(), f.vec(), f.vec()
	small := f.compare(isLess, x, f.bits(0x00800000))
	f.VMULPS(f.constant(0x1p23), x, scaled)
	f.choose(small, scaled, x, m)
	f.VPSUBD(f.bits(math.Float32bits(math.Sqrt2/2)), m, e)
	f.VPSRAD(operand.Imm(23), e, e)
	shifted := f.vec()
	f.VPSLLD(operand.Imm(23), e, shifted)
	f.VPSUBD(shifted, m, m)
	f.VCVTDQ2PS(e, e)
	f.VSUBPS(f.keep(small, f.constant(23)), e, e)
	f.VSUBPS(f.constant(1), m, m)
	// (log(1+m) - m + m^2/2)/m^3 in m.
	p := f.horner(m, 0.333333299, -0.250003039, 0.200012008, -0.16641581, 0.142099521, -0.129892908, 0.126556509, -0.0797411031)
	square := f.vec()
	f.VMULPS(m, m, square)
	f.VMULPS(square, p, p)
	f.VMULPS(m, p, p)
	f.VFMADD231PS(f.constant(math.Ln2-0.693359375), e, p)
	f.VFNMADD231PS(f.constant(0.5), square, p)
	f.VADDPS(m, p, p)
	f.VFMADD231PS(f.constant(0.693359375), e, p)
	return f.logSpecial(x, p)
}

// logSpecial returns y but for infinity, NaN, zero and negative x.
func (f *file) logSpecial(x, y vec) vec {
	zero, value := f.zeros(1)[0], f.vec()
	f.choose(f.compare(isNotLessOrEqual, x, f.bits(0x7f7fffff)), x, y, y)
	f.VMOVUPS(f.bits(0x7fc00000), value)
	f.choose(f.compare(isLess, x, zero), value, y, y)
	f.VMOVUPS(f.bits(0xff800000), value)
	f.choose(f.compare(isEqual, x, zero), value, y, y)
	return y
}

// erf is x*P(x^2)/Q(x^2) up to 4, where it rounds to 1.
func (f *file) erf(x vec) vec {
	return f.rational(f.clamp(x, -4, 4),
		[]float64{1.12837914, 0.193535808, 0.0531002364, 0.00388286254, 0.000284541665, 1.98668611e-06},
		[]float64{1, 0.504849203, 0.115345916, 0.0152063049, 0.00118542875, 3.74178875e-05})
}

// tanh is x*P(x^2)/Q(x^2) up to 9.02, where it rounds to 1.
func (f *file) tanh(x vec) vec {
	return f.rational(f.clamp(x, -9.02, 9.02),
		[]float64{0.999999993, 0.130831548, 0.00310299854, 1.11442158e-05, -2.01837486e-08, 5.25764814e-11, -8.43565665e-14},
		[]float64{1, 0.464164818, 0.0244913711, 0.000254474642})
}

// rational returns x*p(x^2)/q(x^2) limited to [-1, 1].
func (f *file) rational(x vec, p, q []float64) vec {
	z := f.vec()
	f.VMULPS(x, x, z)
	above := f.horner(z, p...)
	below := f.horner(z, q...)
	f.VMULPS(x, above, above)
	f.VDIVPS(below, above, above)
	return f.clamp(above, -1, 1)
}

func (f *file) sigmoid(x vec) vec {
	negative := f.vec()
	f.VXORPS(f.bits(1<<31), x, negative)
	y := f.exp(negative)
	one := f.vector(1)
	f.VADDPS(one, y, y)
	f.VDIVPS(y, one, y)
	return y
}

// gelu is x/2 + x/2*erf(x/sqrt(2)).
func (f *file) gelu(x vec) vec {
	argument, half := f.vec(), f.vec()
	f.VMULPS(f.constant(math.Sqrt2/2), x, argument)
	f.VMULPS(f.constant(0.5), x, half)
	e := f.erf(argument)
	f.VFMADD213PS(half, half, e)
	return e
}

// geluSlope is 1/2 + erf(x/sqrt(2))/2 + x*e^(-x^2/2)/sqrt(2*pi).
func (f *file) geluSlope(x vec) vec {
	near, square := f.clamp(x, -14, 14), f.vec()
	f.VMULPS(f.constant(-0.5), near, square)
	f.VMULPS(near, square, square)
	density := f.expNegative(square)
	f.VMULPS(near, density, density)
	argument := f.vec()
	f.VMULPS(f.constant(math.Sqrt2/2), x, argument)
	e := f.erf(argument)
	half := f.vector(0.5)
	f.VFMADD213PS(half, half, e)
	f.VFMADD231PS(f.constant(1/math.Sqrt(2*math.Pi)), density, e)
	return e
}

func (f *file) sqrt(x vec) vec {
	y := f.vec()
	f.VSQRTPS(x, y)
	return y
}

func (f *file) rsqrt(x vec) vec {
	y := f.sqrt(x)
	f.VDIVPS(y, f.vector(1), y)
	return y
}
