package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// narrow generates the operations between numbers and smaller elements: masks and
// half precision. Their counts are positive multiples of what they take
// at a time; the callers do the rest.
func narrow(f *file) {
	selections(f)
	comparisons(f)
	bfloats(f)
	halves(f)
}

// groups runs body over n elements, size at a time; index counts elements.
func (f *file) groups(n reg.Register, size int, body func(index reg.Register)) {
	index, loop := f.GP64(), f.label("loop")
	f.XORQ(index, index)
	f.Label(loop)
	body(index)
	f.ADDQ(operand.Imm(uint64(size)), index)
	f.CMPQ(index, n)
	f.JL(operand.LabelRef(loop))
	f.end()
}

// element returns the address of an element of the given size in bytes.
func element(base, index reg.Register, size uint8, offset int) operand.Mem {
	return operand.Mem{Base: base, Index: index, Scale: size, Disp: offset * int(size)}
}

func selections(f *file) {
	for _, scalar := range []bool{false, true} {
		if scalar {
			f.function("selectScalarAVX2", "dst *float32, mask *bool, a *float32, n int, s float32")
		} else {
			f.function("selectAVX2", "dst *float32, mask *bool, a, b *float32, n int")
		}
		dst, mask, a, n := f.gp("dst"), f.gp("mask"), f.gp("a"), f.gp("n")
		var b reg.Register
		var s vec
		if scalar {
			s = f.spread("s")
		} else {
			b = f.gp("b")
		}
		zero := f.zeros(1)[0]
		f.groups(n, 8, func(i reg.Register) {
			no, x, y := f.YMM(), f.YMM(), f.YMM()
			f.VPMOVZXBD(element(mask, i, 1, 0), no)
			f.VPCMPEQD(zero, no, no)
			f.VMOVUPS(element(a, i, 4, 0), x)
			if scalar {
				f.VBLENDVPS(no, s, x, y)
			} else {
				f.VBLENDVPS(no, element(b, i, 4, 0), x, y)
			}
			f.VMOVUPS(y, element(dst, i, 4, 0))
		})
	}
}

// comparisons generates dst = a op b; the numbers are the instruction's
// predicates.
func comparisons(f *file) {
	for _, c := range []struct {
		name      string
		predicate uint64
	}{{"equal", 0}, {"notEqual", 4}, {"less", 1}, {"lessOrEqual", 2}, {"greater", 14}, {"greaterOrEqual", 13}} {
		f.function(c.name+"AVX2", "dst *bool, a, b *float32, n, step int")
		dst, a, b, n, step := f.gp("dst"), f.gp("a"), f.gp("b"), f.gp("n"), f.gp("step")
		f.groups(n, 8, func(i reg.Register) {
			x, high := f.YMM(), f.XMM()
			f.VMOVUPS(element(a, i, 4, 0), x)
			f.VCMPPS(operand.Imm(c.predicate), at(b, 0), x, x)
			f.ADDQ(step, b)
			f.VEXTRACTF128(operand.Imm(1), x, high)
			f.VPACKSSDW(high, x.AsX(), x.AsX())
			f.VPACKSSWB(x.AsX(), x.AsX(), x.AsX())
			f.VPAND(f.bits(0x01010101), x.AsX(), x.AsX())
			f.VMOVQ(x.AsX(), element(dst, i, 1, 0))
		})
	}
}

// bfloat rounds x to bfloat16, nearest even, and leaves it in the upper halves.
func (f *file) bfloat(x vec) vec {
	odd, y, isNaN, quiet := f.YMM(), f.YMM(), f.YMM(), f.YMM()
	f.VPSRLD(operand.Imm(16), x, odd)
	f.VPAND(f.bits(1), odd, odd)
	f.VPADDD(f.bits(0x7fff), x, y)
	f.VPADDD(odd, y, y)
	f.VCMPPS(operand.Imm(3), x, x, isNaN)
	f.VORPS(f.bits(0x00400000), x, quiet)
	f.VBLENDVPS(isNaN, quiet, y, y)
	f.VANDPS(f.bits(0xffff0000), y, y)
	return y
}

func bfloats(f *file) {
	const params = "dst, x *float32, n int"
	f.function("roundBFloat16AVX2", params)
	p := f.addresses(params)
	f.each(f.gp("n"), 2, func(l lane) { l.store(f.bfloat(l.load(p["x"])), p["dst"]) })
	f.end()

	f.function("toBFloat16AVX2", "dst *uint16, src *float32, n int")
	dst, src, n := f.gp("dst"), f.gp("src"), f.gp("n")
	f.groups(n, 8, func(i reg.Register) {
		x, high := f.YMM(), f.XMM()
		f.VMOVUPS(element(src, i, 4, 0), x)
		y := f.bfloat(x)
		f.VPSRLD(operand.Imm(16), y, y)
		f.VEXTRACTF128(operand.Imm(1), y, high)
		f.VPACKUSDW(high, y.AsX(), y.AsX())
		f.VMOVUPS(y.AsX(), element(dst, i, 2, 0))
	})

	f.function("fromBFloat16AVX2", "dst *float32, src *uint16, n int")
	dst, src, n = f.gp("dst"), f.gp("src"), f.gp("n")
	f.groups(n, 8, func(i reg.Register) {
		x := f.YMM()
		f.VPMOVZXWD(element(src, i, 2, 0), x)
		f.VPSLLD(operand.Imm(16), x, x)
		f.VMOVUPS(x, element(dst, i, 4, 0))
	})
}

func halves(f *file) {
	f.function("toFloat16AVX2", "dst *uint16, src *float32, n int")
	dst, src, n := f.gp("dst"), f.gp("src"), f.gp("n")
	f.groups(n, 8, func(i reg.Register) {
		x := f.YMM()
		f.VMOVUPS(element(src, i, 4, 0), x)
		f.VCVTPS2PH(operand.Imm(0), x, element(dst, i, 2, 0))
	})

	f.function("fromFloat16AVX2", "dst *float32, src *uint16, n int")
	dst, src, n = f.gp("dst"), f.gp("src"), f.gp("n")
	f.groups(n, 8, func(i reg.Register) {
		x := f.YMM()
		f.VCVTPH2PS(element(src, i, 2, 0), x)
		f.VMOVUPS(x, element(dst, i, 4, 0))
	})
}
