package main

import (
	"math"
	"strings"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// rows generates reductions.
func rows(f *file) {
	sums(f)
	widenedSum(f)
	extremes(f)
}

// reduction generates a sum over n elements in four accumulators.
func (f *file) reduction(name, params string, part func(l lane, in []vec, sum vec)) {
	f.function(name+"AVX2", params+") (sum float32")
	list, _, _ := strings.Cut(params, " *float32, n int")
	var addresses []reg.Register
	for _, p := range strings.Split(list, ", ") {
		addresses = append(addresses, f.gp(p))
	}
	accumulators := f.zeros(4)
	f.each(f.gp("n"), 4, func(l lane) {
		var in []vec
		for _, p := range addresses {
			in = append(in, l.load(p))
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
}

// widenedSum generates sums += x in double precision; n is a positive multiple of 8.
func widenedSum(f *file) {
	f.function("addToFloat64AVX2", "sums *float64, x *float32, n int")
	sums, x, n := f.gp("sums"), f.gp("x"), f.gp("n")
	f.groups(n, 8, func(i reg.Register) {
		for offset := 0; offset < 8; offset += 4 {
			wide := f.YMM()
			f.VCVTPS2PD(element(x, i, 4, offset), wide)
			f.VADDPD(element(sums, i, 8, offset), wide, wide)
			f.VMOVUPD(wide, element(sums, i, 8, offset))
		}
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
