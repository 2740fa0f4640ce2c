package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// colours generates the conversion to RGB triples of n pixels, a positive multiple
// of 32. In 16 bits, factors above a half are split into whole and rest, and a
// rounded product of which the high word is at hand is (high word of twice + 1)/2.
func colours(f *file) {
	f.function("coloursAVX2", "dst, luma, blue, red *uint8, n int")
	dst, luma, blue, red, n := f.gp("dst"), f.gp("luma"), f.gp("blue"), f.gp("red"), f.gp("n")
	f.Label("pixels")
	var channels [3][2]vec
	for half := range 2 {
		channels[0][half], channels[1][half], channels[2][half] = f.convert(luma, blue, red, 16*half)
	}
	var packed [3]vec
	for c := range packed {
		packed[c] = f.op(f.VPACKUSWB, channels[c][1], channels[c][0])
		f.VPERMQ(operand.Imm(0xd8), packed[c], packed[c])
	}
	f.interleave(packed, dst)
	f.ADDQ(operand.Imm(32), luma)
	f.ADDQ(operand.Imm(32), blue)
	f.ADDQ(operand.Imm(32), red)
	f.ADDQ(operand.Imm(96), dst)
	f.SUBQ(operand.Imm(32), n)
	f.JNE(operand.LabelRef("pixels"))
	f.end()
}

// convert makes 16 pixels, in words that may leave 0 to 255.
func (f *file) convert(luma, blue, red reg.Register, offset int) (r, g, b vec) {
	wide := func(base reg.Register) vec {
		v := f.YMM()
		f.VPMOVZXBW(at(base, offset), v)
		return v
	}
	y, cb, cr := wide(luma), wide(blue), wide(red)
	f.VPSUBW(f.words(128), cb, cb)
	f.VPSUBW(f.words(128), cr, cr)

	// 1.402, 1.772 and -0.714 are 1 + 0.402, 2 - 0.228 and 0.286 - 1.
	product := func(v vec, factor int) vec {
		t := f.op(f.VPADDW, v, v)
		f.VPMULHW(f.words(factor), t, t)
		f.VPADDW(f.words(1), t, t)
		f.VPSRAW(operand.Imm(1), t, t)
		return t
	}
	r = product(cr, 91881-65536)
	f.VPADDW(cr, r, r)
	f.VPADDW(y, r, r)
	b = product(cb, 116130-2*65536)
	f.VPADDW(cb, b, b)
	f.VPADDW(cb, b, b)
	f.VPADDW(y, b, b)

	part := func(unpack func(...operand.Op)) vec {
		v := f.op(unpack, cr, cb)
		f.VPMADDWD(f.words(-22554, 65536-46802), v, v)
		f.VPADDD(f.doubles(1<<15), v, v)
		f.VPSRAD(operand.Imm(16), v, v)
		return v
	}
	low, high := part(f.VPUNPCKLWD), part(f.VPUNPCKHWD)
	g = f.op(f.VPACKSSDW, high, low)
	f.VPSUBW(cr, g, g)
	f.VPADDW(y, g, g)
	return r, g, b
}

// interleave stores 32 pixels of three channels as triples. Each half of a register
// makes 48 bytes, in three steps of 16.
func (f *file) interleave(channels [3]vec, dst reg.Register) {
	for step := range 3 {
		var out vec
		for c := range channels {
			mask := make([]byte, 32)
			for i := range 16 {
				mask[i] = 0x80 // zero
				if k := 16*step + i; k%3 == c {
					mask[i] = byte(k / 3)
				}
				mask[16+i] = mask[i]
			}
			v := f.op(f.VPSHUFB, f.bytes(mask), channels[c])
			if c > 0 {
				f.VPOR(out, v, v)
			}
			out = v
		}
		f.VMOVDQU(out.AsX(), at(dst, 16*step))
		f.VEXTRACTI128(operand.Imm(1), out, at(dst, 48+16*step))
	}
}
