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
func (f *file) reduction(name, params string, part func(in []vec, sum vec)) {
	f.both(name, params+") (sum float32", func() {
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
			part(in, accumulators[l.number])
		})
		f.Store(f.total(accumulators, f.add), f.ReturnIndex(0))
		f.end()
	})
}

func sums(f *file) {
	f.reduction("sum", "x *float32, n int", func(in []vec, sum vec) {
		f.VADDPS(in[0], sum, sum)
	})
	f.reduction("dot", "a, b *float32, n int", func(in []vec, sum vec) {
		f.VFMADD231PS(in[0], in[1], sum)
	})
}

// widenedSum generates sums += x in double precision; n is a positive multiple of 8.
func widenedSum(f *file) {
	f.both("addToFloat64", "sums *float64, x *float32, n int", func() {
		sums, x, n := f.gp("sums"), f.gp("x"), f.gp("n")
		f.groups(n, 8, func(i reg.Register) {
			for offset := 0; offset < 8; offset += f.width() / 2 {
				double := f.vec()
				f.VCVTPS2PD(element(x, i, 4, offset), double)
				f.VADDPD(element(sums, i, 8, offset), double, double)
				f.VMOVUPD(double, element(sums, i, 8, offset))
			}
		})
		f.end()
	})
}

// extremes generates the greatest and the least of n elements; NaN if any is.
func extremes(f *file) {
	const params = "x *float32, n int"
	f.both("maximum", params+") (extreme float32", func() {
		f.extreme(math.Inf(-1), func(a, b, dst operand.Op) { f.VMAXPS(a, b, dst) })
	})
	f.both("minimum", params+") (extreme float32", func() {
		f.extreme(math.Inf(1), func(a, b, dst operand.Op) { f.VMINPS(a, b, dst) })
	})
}

// extreme is what op makes of n elements and start.
func (f *file) extreme(start float64, op func(a, b, dst operand.Op)) {
	p := f.gp("x")
	best, isNaN := make([]vec, 4), f.noLanes()
	for i := range best {
		best[i] = f.vector(start)
	}
	f.each(f.gp("n"), 4, func(l lane) {
		x := l.load(p)
		if l.some != nil {
			f.choose(*l.some, x, f.vector(start), x)
		}
		f.join(f.compare(isUnordered, x, x), isNaN)
		op(best[l.number], x, best[l.number])
	})
	result := f.total(best, op)
	none := f.label("none")
	f.jumpIfNone(isNaN, none)
	f.VMOVSS(f.copies(floatBits(math.NaN())), result)
	f.Label(none)
	f.Store(result, f.ReturnIndex(0))
	f.end()
}
