package main

import (
	"math"
	"strings"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// rows generates reductions and the passes of softmax and layer norm.
func rows(f *file) {
	sums(f)
	extremes(f)
	softmax(f)
	layerNorm(f)
}

// reduction generates a sum over n elements in four accumulators.
func (f *file) reduction(name, params string, part func(l lane, in []vec, sum vec)) {
	f.function(name+"AVX2", params+") (sum float32")
	list, rest, _ := strings.Cut(params, " *float32, n int")
	var addresses []reg.Register
	for _, p := range strings.Split(list, ", ") {
		addresses = append(addresses, f.gp(p))
	}
	var scalar []vec
	if rest != "" {
		scalar = []vec{f.spread(strings.Fields(rest)[1])}
	}
	accumulators := f.zeros(4)
	f.each(f.gp("n"), 4, func(l lane) {
		in := scalar
		for _, p := range addresses {
			in = append(in[:len(in):len(in)], l.load(p))
		}
		part(l, in, accumulators[l.number])
	})
	f.Store(f.total(accumulators, f.add), f.ReturnIndex(0))
	f.end()
}

func sums(f *file) {
	f.reduction("sum", "x *float32, n int", func(_ lane, in []vec, sum vec) {
		f.VADDPS(in[0], sum, sum)
	})
	f.reduction("dot", "a, b *float32, n int", func(_ lane, in []vec, sum vec) {
		f.VFMADD231PS(in[0], in[1], sum)
	})
	f.reduction("squaredDifferences", "x *float32, n int, mean float32", func(l lane, in []vec, sum vec) {
		d := in[1]
		f.VSUBPS(in[0], d, d)
		l.only(d)
		f.VFMADD231PS(d, d, sum)
	})
}

// extremes generates the greatest and the least of n elements; NaN if any is.
func extremes(f *file) {
	for _, e := range []struct {
		name  string
		start float64
		op    func(a, b, dst operand.Op)
	}{
		{"maximum", math.Inf(-1), func(a, b, dst operand.Op) { f.VMAXPS(a, b, dst) }},
		{"minimum", math.Inf(1), func(a, b, dst operand.Op) { f.VMINPS(a, b, dst) }},
	} {
		const params = "x *float32, n int"
		f.function(e.name+"AVX2", params+") (extreme float32")
		p := f.addresses(params)
		best, nan := make([]vec, 4), f.zeros(1)[0]
		for i := range best {
			best[i] = f.vector(e.start)
		}
		f.each(f.gp("n"), 4, func(l lane) {
			x := l.load(p["x"])
			if l.mask != nil {
				f.VBLENDVPS(l.mask, x, f.vector(e.start), x)
			}
			isNaN := f.YMM()
			f.VCMPPS(operand.Imm(3), x, x, isNaN)
			f.VORPS(isNaN, nan, nan)
			e.op(best[l.number], x, best[l.number])
		})
		result := f.total(best, e.op)
		bits, none := f.GP32(), f.label("none")
		f.VMOVMSKPS(nan, bits)
		f.TESTL(bits, bits)
		f.JE(operand.LabelRef(none))
		f.VMOVUPS(f.bits(0x7fc00000), result)
		f.Label(none)
		f.Store(result, f.ReturnIndex(0))
		f.end()
	}
}

func softmax(f *file) {
	const params = "dst, x *float32, n int, shift float32"
	f.function("expSumAVX2", params+") (sum float32")
	p := f.addresses(params)
	shift := f.spread("shift")
	accumulator := f.zeros(1)
	f.each(f.gp("n"), 1, func(l lane) {
		x := l.load(p["x"])
		f.VSUBPS(shift, x, x)
		y := l.only(f.expNegative(x))
		f.VADDPS(y, accumulator[0], accumulator[0])
		l.store(y, p["dst"])
	})
	f.Store(f.total(accumulator, f.add), f.ReturnIndex(0))
	f.end()

	f.reduction("sumExp", "x *float32, n int, shift float32", func(l lane, in []vec, sum vec) {
		x := in[1]
		f.VSUBPS(in[0], x, x)
		f.VADDPS(l.only(f.expNegative(x)), sum, sum)
	})

	const gradient = "dst, y, dy *float32, n int, dot float32"
	f.function("softmaxGradientAVX2", gradient)
	p = f.addresses(gradient)
	dot := f.spread("dot")
	f.each(f.gp("n"), 2, func(l lane) {
		d := l.load(p["dy"])
		f.VSUBPS(dot, d, d)
		f.VMULPS(l.load(p["y"]), d, d)
		l.store(d, p["dst"])
	})
	f.end()

	f.function("logSoftmaxGradientAVX2", gradient)
	p = f.addresses(gradient)
	sum := f.spread("dot")
	f.each(f.gp("n"), 1, func(l lane) {
		y := f.expNegative(l.load(p["y"]))
		d := l.load(p["dy"])
		f.VFNMADD231PS(y, sum, d)
		l.store(d, p["dst"])
	})
	f.end()
}

func layerNorm(f *file) {
	const forward = "dst, x, gamma, beta *float32, n int, mean, rstd float32"
	f.function("normaliseAVX2", forward)
	p := f.addresses(forward)
	mean, rstd := f.spread("mean"), f.spread("rstd")
	f.each(f.gp("n"), 2, func(l lane) {
		x := l.load(p["x"])
		f.VSUBPS(mean, x, x)
		f.VMULPS(rstd, x, x)
		gamma := l.load(p["gamma"])
		f.VFMADD213PS(l.load(p["beta"]), gamma, x)
		l.store(x, p["dst"])
	})
	f.end()

	const reduced = "x, dy, gamma *float32, n int, mean, rstd float32"
	f.function("normaliseSumsAVX2", reduced+") (sum, sumX float32")
	p = f.addresses(reduced)
	mean, rstd = f.spread("mean"), f.spread("rstd")
	one, other := f.zeros(2), f.zeros(2)
	f.each(f.gp("n"), 2, func(l lane) {
		x, d := l.load(p["x"]), l.load(p["dy"])
		f.VSUBPS(mean, x, x)
		f.VMULPS(rstd, x, x)
		f.VMULPS(l.load(p["gamma"]), d, d)
		f.VADDPS(d, one[l.number], one[l.number])
		f.VFMADD231PS(x, d, other[l.number])
	})
	f.Store(f.total(one, f.add), f.ReturnIndex(0))
	f.Store(f.total(other, f.add), f.ReturnIndex(1))
	f.end()

	const parameters = "dgamma, dbeta, x, dy *float32, n int, mean, rstd float32"
	f.function("normaliseParametersAVX2", parameters)
	p = f.addresses(parameters)
	mean, rstd = f.spread("mean"), f.spread("rstd")
	f.each(f.gp("n"), 2, func(l lane) {
		x, d := l.load(p["x"]), l.load(p["dy"])
		f.VSUBPS(mean, x, x)
		f.VMULPS(rstd, x, x)
		f.VFMADD213PS(l.load(p["dgamma"]), d, x)
		l.store(x, p["dgamma"])
		f.VADDPS(l.load(p["dbeta"]), d, d)
		l.store(d, p["dbeta"])
	})
	f.end()

	// sum and sumX are means here.
	const gradient = "dx, x, dy, gamma *float32, n int, mean, rstd, sum, sumX float32"
	f.function("normaliseGradientAVX2", gradient)
	p = f.addresses(gradient)
	mean, rstd = f.spread("mean"), f.spread("rstd")
	sum, sumX := f.spread("sum"), f.spread("sumX")
	f.each(f.gp("n"), 2, func(l lane) {
		x, d := l.load(p["x"]), l.load(p["dy"])
		f.VSUBPS(mean, x, x)
		f.VMULPS(rstd, x, x)
		gamma := l.load(p["gamma"])
		f.VFMSUB213PS(sum, gamma, d)
		f.VFNMADD231PS(x, sumX, d)
		f.VMULPS(rstd, d, d)
		l.store(d, p["dx"])
	})
	f.end()
}
