package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func packs(f *file) {
	packTransposed(f, "packSix", 6)
	packTransposed(f, "packSixteen", 16)
	packCopySix(f)
	packCopySixteen(f)
}

// packTransposed generates a copy of `rows` contiguous rows of k values, srcStep
// bytes apart, to k groups of `rows` values. k is a positive multiple of 8. The
// six-row form writes 8 values per group, so two values after the last group
// are overwritten.
func packTransposed(f *file, name string, rows int) {
	f.function(name+"AVX2", "dst, src *float32, srcStep, k int")
	dst, src, step, k := f.gp("dst"), f.gp("src"), f.gp("srcStep"), f.gp("k")
	loop := f.label("loop")
	p := f.GP64()
	f.Label(loop)
	f.MOVQ(src, p)
	for first := 0; first < rows; first += 8 {
		n := min(8, rows-first)
		v := make([]reg.VecVirtual, 8)
		for i := range n {
			v[i] = f.YMM()
			f.VMOVUPS(at(p, 0), v[i])
			f.ADDQ(step, p)
		}
		for i := n; i < 8; i++ {
			v[i] = v[n-1]
		}
		for i, column := range f.transpose8(v) {
			f.VMOVUPS(column, at(dst, 4*(rows*i+first)))
		}
	}
	f.ADDQ(operand.Imm(32), src)
	f.ADDQ(operand.U32(uint32(32*rows)), dst)
	f.SUBQ(operand.Imm(8), k)
	f.JNE(operand.LabelRef(loop))
	f.end()
}

// transpose8 returns the columns of the 8x8 block whose rows are v.

func (f *file) transpose8(v []reg.VecVirtual) []reg.VecVirtual {
	two := func(op func(...operand.Op), a, b operand.Op) reg.VecVirtual {
		d := f.YMM()
		op(b, a, d)
		return d
	}
	low := func(o ...operand.Op) { f.VUNPCKLPS(o[0], o[1], o[2]) }
	high := func(o ...operand.Op) { f.VUNPCKHPS(o[0], o[1], o[2]) }
	shuffle := func(imm uint64) func(...operand.Op) {
		return func(o ...operand.Op) { f.VSHUFPS(operand.Imm(imm), o[0], o[1], o[2]) }
	}
	halves := func(imm uint64) func(...operand.Op) {
		return func(o ...operand.Op) { f.VPERM2F128(operand.Imm(imm), o[0], o[1], o[2]) }
	}
	var pairs, quads [8]reg.VecVirtual
	for i := 0; i < 8; i += 2 {
		pairs[i], pairs[i+1] = two(low, v[i], v[i+1]), two(high, v[i], v[i+1])
	}
	for i := 0; i < 8; i += 4 {
		quads[i] = two(shuffle(0x44), pairs[i], pairs[i+2])
		quads[i+1] = two(shuffle(0xee), pairs[i], pairs[i+2])
		quads[i+2] = two(shuffle(0x44), pairs[i+1], pairs[i+3])
		quads[i+3] = two(shuffle(0xee), pairs[i+1], pairs[i+3])
	}
	columns := make([]reg.VecVirtual, 8)
	for i := range 4 {
		columns[i] = two(halves(0x20), quads[i], quads[i+4])
		columns[i+4] = two(halves(0x31), quads[i], quads[i+4])
	}
	return columns
}

// packCopySix generates a copy of k groups of 6 values, srcStep bytes apart, to
// contiguous groups.
func packCopySix(f *file) {
	f.function("packCopySixAVX2", "dst, src *float32, srcStep, k int")
	dst, src, step, k := f.gp("dst"), f.gp("src"), f.gp("srcStep"), f.gp("k")
	loop := f.label("loop")
	f.Label(loop)
	a, b := f.XMM(), f.XMM()
	f.VMOVUPS(at(src, 0), a)
	f.VMOVSD(at(src, 16), b)
	f.VMOVUPS(a, at(dst, 0))
	f.VMOVSD(b, at(dst, 16))
	f.ADDQ(step, src)
	f.ADDQ(operand.Imm(24), dst)
	f.DECQ(k)
	f.JNE(operand.LabelRef(loop))
	f.end()
}

// packCopySixteen generates a copy of k groups of 16 values, srcStep bytes
// apart, to contiguous groups.
func packCopySixteen(f *file) {
	f.function("packCopySixteenAVX2", "dst, src *float32, srcStep, k int")
	dst, src, step, k := f.gp("dst"), f.gp("src"), f.gp("srcStep"), f.gp("k")
	loop := f.label("loop")
	f.Label(loop)
	a, b := f.YMM(), f.YMM()
	f.VMOVUPS(at(src, 0), a)
	f.VMOVUPS(at(src, 32), b)
	f.VMOVUPS(a, at(dst, 0))
	f.VMOVUPS(b, at(dst, 32))
	f.ADDQ(step, src)
	f.ADDQ(operand.Imm(64), dst)
	f.DECQ(k)
	f.JNE(operand.LabelRef(loop))
	f.end()
}
