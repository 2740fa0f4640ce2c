package main

import (
	"github.com/mmcloughlin/avo/operand"
)

// binary is dst = a op b.
type binary struct {
	name string
	op   func(f *file, a, b, dst vec)
}

var binaries = []binary{
	{"add", func(f *file, a, b, dst vec) { f.VADDPS(b, a, dst) }},
	{"sub", func(f *file, a, b, dst vec) { f.VSUBPS(b, a, dst) }},
	{"mul", func(f *file, a, b, dst vec) { f.VMULPS(b, a, dst) }},
	{"div", func(f *file, a, b, dst vec) { f.VDIVPS(b, a, dst) }},
	{"max", func(f *file, a, b, dst vec) { f.orNaN(a, func() { f.VMAXPS(b, a, dst) }, dst) }},
	{"min", func(f *file, a, b, dst vec) { f.orNaN(a, func() { f.VMINPS(b, a, dst) }, dst) }},
}

// orNaN puts a's NaN where the instruction gives b for it.
func (f *file) orNaN(a vec, op func(), dst vec) {
	isNaN := f.YMM()
	f.VCMPPS(operand.Imm(3), a, a, isNaN)
	op()
	f.VBLENDVPS(isNaN, a, dst, dst)
}

func elementwise(f *file) {
	for _, b := range binaries {
		const params = "dst, a, b *float32, n int"
		f.function(b.name+"AVX2", params)
		p := f.addresses(params)
		f.each(f.gp("n"), 4, func(l lane) {
			y := f.YMM()
			b.op(f, l.load(p["a"]), l.load(p["b"]), y)
			l.store(y, p["dst"])
		})
		f.end()
	}
	for _, b := range binaries {
		if b.name != "sub" { // that is add of -s
			f.scalar(b.name+"Scalar", func(a, s, y vec) { b.op(f, a, s, y) })
		}
	}
	const fill = "dst *float32, n int, v float32"
	f.function("fillAVX2", fill)
	p, v := f.addresses(fill), f.spread("v")
	f.each(f.gp("n"), 4, func(l lane) { l.store(v, p["dst"]) })
	f.end()
	f.scalar("scalarSub", func(a, s, y vec) { f.VSUBPS(a, s, y) })
	f.scalar("scalarDiv", func(a, s, y vec) { f.VDIVPS(a, s, y) })
	f.scalar("xor", func(a, s, y vec) { f.VXORPS(a, s, y) })
	f.scalar("and", func(a, s, y vec) { f.VANDPS(a, s, y) })
}

// scalar generates dst = op(a, s).
func (f *file) scalar(name string, op func(a, s, y vec)) {
	const params = "dst, a *float32, n int, s float32"
	f.function(name+"AVX2", params)
	p := f.addresses(params)
	s := f.spread("s")
	f.each(f.gp("n"), 4, func(l lane) {
		y := f.YMM()
		op(l.load(p["a"]), s, y)
		l.store(y, p["dst"])
	})
	f.end()
}
