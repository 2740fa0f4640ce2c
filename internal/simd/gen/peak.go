package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// peak generates a loop of independent multiply-adds: 12 chains hide a latency
// of six cycles at two a cycle.
func peak(f *file) {
	const chains = 12
	f.function("peakAVX2", "rounds int")
	rounds := f.gp("rounds")
	sums := make([]reg.VecVirtual, chains)
	for i := range sums {
		sums[i] = f.YMM()
		f.VXORPS(sums[i], sums[i], sums[i])
	}
	x := f.YMM()
	f.VXORPS(x, x, x)
	loop := f.label("loop")
	f.Label(loop)
	for range 2 {
		for _, s := range sums {
			f.VFMADD231PS(x, x, s)
		}
	}
	f.DECQ(rounds)
	f.JNE(operand.LabelRef(loop))
	f.end()
}
