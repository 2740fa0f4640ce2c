package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// pairPacks generates the rounding of operands to pairs of bfloat16, consecutive in k.
// VCVTNE2PS2BF16 flushes subnormals, as the products of AVX512-BF16 and AMX do.
func pairPacks(f *file) {
	packRows(f)
	packPairs(f)
}

// packRows generates the rounding of rows of k values: 32 at a time, which are written as
// 16 pairs, chunkStep bytes from the ones before, the last filled up with zeros.
func packRows(f *file) {
	f.function("packRowsBF16", "dst, src *float32, dstStep, chunkStep, srcStep, rows, k int")
	dst, src, dstStep, chunkStep := f.gp("dst"), f.gp("src"), f.gp("dstStep"), f.gp("chunkStep")
	step, rows, k := f.gp("srcStep"), f.gp("rows"), f.gp("k")
	// Lanes of the last chunk: none if k is a multiple of 32.
	lanes := f.GP64()
	f.MOVQ(operand.U64(1<<32-1), lanes)
	f.BZHIQ(f.low(k, 31), lanes, lanes)
	f.KMOVW(lanes.As32(), reg.K1)
	f.SHRQ(operand.Imm(16), lanes)
	f.KMOVW(lanes.As32(), reg.K2)
	whole, to, from := f.GP64(), f.GP64(), f.GP64()
	row, chunk, rest, next := f.label("row"), f.label("chunk"), f.label("rest"), f.label("next")
	f.Label(row)
	f.MOVQ(dst, to)
	f.MOVQ(src, from)
	f.MOVQ(k, whole)
	f.SUBQ(operand.Imm(32), whole)
	f.JL(operand.LabelRef(rest))
	f.Label(chunk)
	f.VMOVUPS(at(from, 0), reg.Z0)
	f.VMOVUPS(at(from, 64), reg.Z1)
	f.bytes(encodeNarrowTwo(0, 1, 2), reg.Z0, reg.Z1)
	f.VMOVUPS(reg.Z2, at(to, 0))
	f.ADDQ(operand.U32(128), from)
	f.ADDQ(chunkStep, to)
	f.SUBQ(operand.Imm(32), whole)
	f.JGE(operand.LabelRef(chunk))
	f.Label(rest)
	f.CMPQ(whole, operand.I32(-32))
	f.JE(operand.LabelRef(next))
	f.VMOVUPS_Z(at(from, 0), reg.K1, reg.Z0)
	f.VMOVUPS_Z(at(from, 64), reg.K2, reg.Z1)
	f.bytes(encodeNarrowTwo(0, 1, 2), reg.Z0, reg.Z1)
	f.VMOVUPS(reg.Z2, at(to, 0))
	f.Label(next)
	f.ADDQ(dstStep, dst)
	f.ADDQ(step, src)
	f.DECQ(rows)
	f.JNE(operand.LabelRef(row))
	f.end()
}

// packPairs generates the rounding of k rows of 16 values, of which lanes are there, to
// pairs of rows, dstStep bytes apart; an odd last row's partner is zero.
func packPairs(f *file) {
	f.function("packPairsBF16", "dst, src *float32, dstStep, srcStep, k, lanes int")
	dst, src, dstStep, step, k, lanes := f.gp("dst"), f.gp("src"), f.gp("dstStep"), f.gp("srcStep"), f.gp("k"), f.gp("lanes")
	f.KMOVW(lanes.(reg.GP).As32(), reg.K1)
	// Words 0, 16, 1, 17 and so on: those of the first row and of the second in turns.
	order := make([]uint16, 32)
	for i := range order {
		order[i] = uint16(i/2 + i%2*16)
	}
	table := f.StaticGlobal("pairsOrder")
	f.DataAttributes(attr.RODATA | attr.NOPTR)
	for _, word := range order {
		f.AppendDatum(operand.U16(word))
	}
	f.VMOVDQU64(table, reg.Z3)
	loop, last, done := f.label("loop"), f.label("last"), f.label("done")
	pair := func() {
		f.bytes(encodeNarrowTwo(0, 1, 2), reg.Z0, reg.Z1)
		f.VPERMW(reg.Z2, reg.Z3, reg.Z2)
		f.VMOVUPS(reg.Z2, at(dst, 0))
	}
	f.SUBQ(operand.Imm(2), k)
	f.JL(operand.LabelRef(last))
	f.Label(loop)
	f.VMOVUPS_Z(at(src, 0), reg.K1, reg.Z0)
	f.VMOVUPS_Z(operand.Mem{Base: src, Index: step, Scale: 1}, reg.K1, reg.Z1)
	pair()
	f.LEAQ(operand.Mem{Base: src, Index: step, Scale: 2}, src)
	f.ADDQ(dstStep, dst)
	f.SUBQ(operand.Imm(2), k)
	f.JGE(operand.LabelRef(loop))
	f.Label(last)
	f.ADDQ(operand.Imm(2), k)
	f.JE(operand.LabelRef(done))
	f.VMOVUPS_Z(at(src, 0), reg.K1, reg.Z0)
	f.VPXORD(reg.Z1, reg.Z1, reg.Z1)
	pair()
	f.Label(done)
	f.end()
}

// low returns x's lower bits.
func (f *file) low(x reg.Register, mask uint32) reg.GPVirtual {
	r := f.GP64()
	f.MOVQ(x, r)
	f.ANDQ(operand.U32(mask), r)
	return r
}
