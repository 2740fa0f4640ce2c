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

// packPairs generates the rounding of k rows of n values to pairs of rows, dstStep bytes
// apart: 16 at a time, chunkStep bytes apart, the last filled up with zeros. An odd last
// row's partner is zero.
func packPairs(f *file) {
	f.function("packPairsBF16", "dst, src *float32, dstStep, chunkStep, srcStep, k, n int")
	dst, src, dstStep, chunkStep := f.gp("dst"), f.gp("src"), f.gp("dstStep"), f.gp("chunkStep")
	step, k, n := f.gp("srcStep"), f.gp("k"), f.gp("n")
	lanes, all := f.GP64(), f.GP64()
	f.MOVQ(operand.U32(1<<16-1), lanes)
	f.BZHIQ(f.low(n, 15), lanes, lanes)
	f.KMOVW(lanes.As32(), reg.K1)
	f.MOVQ(operand.U32(1<<16-1), all)
	f.KMOVW(all.As32(), reg.K2)
	// The same lanes of the second row: none if there is none.
	f.KMOVW(lanes.As32(), reg.K3)
	f.KMOVW(all.As32(), reg.K4)
	// Words 0, 16, 1, 17 and so on: those of the first row and of the second in turns.
	table := f.StaticGlobal("pairsOrder")
	f.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range 32 {
		f.AppendDatum(operand.U16(uint16(i/2 + i%2*16)))
	}
	f.VMOVDQU64(table, reg.Z3)
	from, below, to, left := f.GP64(), f.GP64(), f.GP64(), f.GP64()
	pair := func(first, other reg.Register) {
		f.VMOVUPS_Z(at(from, 0), first, reg.Z0)
		f.VMOVUPS_Z(at(below, 0), other, reg.Z1)
		f.bytes(encodeNarrowTwo(0, 1, 2), reg.Z0, reg.Z1)
		f.VPERMW(reg.Z2, reg.Z3, reg.Z2)
		f.VMOVUPS(reg.Z2, at(to, 0))
	}
	row, both, chunk, rest, next := f.label("row"), f.label("both"), f.label("chunk"), f.label("rest"), f.label("next")
	f.Label(row)
	f.MOVQ(src, from)
	f.MOVQ(src, below)
	f.ADDQ(step, below)
	f.CMPQ(k, operand.Imm(1))
	f.JNE(operand.LabelRef(both))
	f.MOVQ(src, below)
	f.KXORW(reg.K3, reg.K3, reg.K3)
	f.KXORW(reg.K4, reg.K4, reg.K4)
	f.Label(both)
	f.MOVQ(dst, to)
	f.MOVQ(n, left)
	f.SUBQ(operand.Imm(16), left)
	f.JL(operand.LabelRef(rest))
	f.Label(chunk)
	pair(reg.K2, reg.K4)
	f.ADDQ(operand.Imm(64), from)
	f.ADDQ(operand.Imm(64), below)
	f.ADDQ(chunkStep, to)
	f.SUBQ(operand.Imm(16), left)
	f.JGE(operand.LabelRef(chunk))
	f.Label(rest)
	f.CMPQ(left, operand.I8(-16))
	f.JE(operand.LabelRef(next))
	pair(reg.K1, reg.K3)
	f.Label(next)
	f.LEAQ(operand.Mem{Base: src, Index: step, Scale: 2}, src)
	f.ADDQ(dstStep, dst)
	f.SUBQ(operand.Imm(2), k)
	f.JG(operand.LabelRef(row))
	f.end()
}

// encodeNarrowTwo is VCVTNE2PS2BF16 of zmm registers below 8: low fills the lower half of dst.
func encodeNarrowTwo(low, high, dst byte) []byte {
	return []byte{0x62, 0xf2, (^high&15)<<3 | 0b111, 0x48, 0x72, 0xc0 | dst<<3 | low}
}

// low returns x's lower bits.
func (f *file) low(x reg.Register, mask uint32) reg.GPVirtual {
	r := f.GP64()
	f.MOVQ(x, r)
	f.ANDQ(operand.U32(mask), r)
	return r
}
