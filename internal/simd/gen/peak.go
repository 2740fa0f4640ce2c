package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// peak generates loops of independent multiply-adds: 12 chains hide a latency of
// six cycles at two a cycle.
func peak(f *file) {
	f.peakOf("peakAVX2", f.YMM)
}

func widePeak(f *file) {
	f.peakOf("peakAVX512", f.ZMM)
}

func (f *file) peakOf(name string, register func() reg.VecVirtual) {
	const chains = 12
	f.function(name, "rounds int")
	rounds := f.gp("rounds")
	sums := make([]reg.VecVirtual, chains+1)
	for i := range sums {
		sums[i] = register()
		f.VXORPS(sums[i].AsY(), sums[i].AsY(), sums[i].AsY())
	}
	x := sums[chains]
	loop := f.label("loop")
	f.Label(loop)
	for range 2 {
		for _, s := range sums[:chains] {
			f.VFMADD231PS(x, x, s)
		}
	}
	f.DECQ(rounds)
	f.JNE(operand.LabelRef(loop))
	f.end()
}
