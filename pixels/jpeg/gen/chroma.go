package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// sixteen runs body over n samples, 16 at a time; it goes past n to the end of
// the last sixteen.
func (f *file) sixteen(n reg.Register, body func(index reg.Register)) {
	index := f.GP64()
	f.XORQ(index, index)
	f.Label("loop")
	body(index)
	f.ADDQ(operand.Imm(16), index)
	f.CMPQ(index, n)
	f.JL(operand.LabelRef("loop"))
	f.end()
}

// wide loads 16 samples as words.
func (f *file) wide(base, index reg.Register, displacement int) vec {
	v := f.YMM()
	f.VPMOVZXBW(operand.Mem{Base: base, Index: index, Scale: 1, Disp: displacement}, v)
	return v
}

// triple returns 3*v.
func (f *file) triple(v vec) vec {
	t := f.op(f.VPADDW, v, v)
	f.VPADDW(v, t, t)
	return t
}

// pairUp stores the samples of even words in even bytes and so on.
func (f *file) pairUp(even, odd vec, shift uint64, to operand.Mem) {
	f.VPSRLW(operand.Imm(shift), even, even)
	f.VPSRLW(operand.Imm(shift), odd, odd)
	f.VPSLLW(operand.Imm(8), odd, odd)
	f.VPOR(odd, even, even)
	f.VMOVDQU(even, to)
}

// doubleRow generates the triangle filter across.
func doubleRow(f *file) {
	f.function("doubleRowAVX2", "dst, src *uint8, n int")
	dst, src, n := f.gp("dst"), f.gp("src"), f.gp("n")
	one, two := f.load(f.words(1)), f.load(f.words(2))
	f.sixteen(n, func(i reg.Register) {
		own := f.triple(f.wide(src, i, 0))
		even, odd := f.op(f.VPADDW, own, f.wide(src, i, -1)), f.op(f.VPADDW, own, f.wide(src, i, 1))
		f.VPADDW(one, even, even)
		f.VPADDW(two, odd, odd)
		f.pairUp(even, odd, 2, operand.Mem{Base: dst, Index: i, Scale: 2})
	})
}

// doubleRows generates the triangle filter across and down.
func doubleRows(f *file) {
	f.function("doubleRowsAVX2", "dst, near, far *uint8, n int")
	dst, near, far, n := f.gp("dst"), f.gp("near"), f.gp("far"), f.gp("n")
	seven, eight := f.load(f.words(7)), f.load(f.words(8))
	f.sixteen(n, func(i reg.Register) {
		sum := func(displacement int) vec {
			v := f.triple(f.wide(near, i, displacement))
			f.VPADDW(f.wide(far, i, displacement), v, v)
			return v
		}
		own, even, odd := f.triple(sum(0)), sum(-1), sum(1)
		f.VPADDW(own, even, even)
		f.VPADDW(own, odd, odd)
		f.VPADDW(eight, even, even)
		f.VPADDW(seven, odd, odd)
		f.pairUp(even, odd, 4, operand.Mem{Base: dst, Index: i, Scale: 2})
	})
}
