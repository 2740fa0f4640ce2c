package main

import (
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Offsets of the fields of simd's struct amxCall; a test compares them.
const (
	amxA, amxB, amxC, amxD   = 0, 8, 16, 24
	amxChunks, amxPanel      = 32, 40
	amxCStep, amxDStep       = 48, 56
	amxRows, amxLanes        = 64, 72
	amxScale                 = 80
	amxConfig, amxSums       = 88, 96
	amxTile, amxRow          = 1024, 64 // bytes of a tile register and of one of its rows
	amxSumsRow, amxTileOfSum = 128, 16 * 128
)

// amxProduct generates blocks of 32x32 of C, one below the other: four tile
// registers of sums, two of A and two of B. Avo knows none of AMX's instructions, so
// registers are chosen by hand.
func amxProduct(f *file) {
	f.function("productAMX", "t *amxCall")
	t, a, c, d, rows := reg.RDI, reg.RSI, reg.R9, reg.R10, reg.R11
	a0, a1, b0, b1, count, stride, scale := reg.RBX, reg.R12, reg.RDX, reg.RCX, reg.RAX, reg.R8, reg.Z31
	f.Load(f.Param("t"), t)
	f.MOVQ(at(t, amxConfig), reg.RAX)
	f.bytes(encodeLoadConfig(reg.RAX), t)
	f.MOVL(at(t, amxLanes), reg.EAX)
	f.KMOVW(reg.EAX, reg.K1)
	f.SHRL(operand.Imm(16), reg.EAX)
	f.KMOVW(reg.EAX, reg.K2)
	f.VBROADCASTSS(at(t, amxScale), scale)
	f.MOVQ(at(t, amxA), a)
	f.MOVQ(at(t, amxC), c)
	f.MOVQ(at(t, amxD), d)
	f.MOVQ(at(t, amxRows), rows)

	block, chunk, both := f.label("block"), f.label("chunk"), f.label("both")
	f.Label(block)
	f.MOVQ(at(t, amxChunks), count)
	f.MOVQ(a, a0)
	f.MOVQ(a, a1)
	f.MOVQ(count, b0)
	f.SHLQ(operand.Imm(10), b0)
	f.ADDQ(b0, a)
	f.ADDQ(b0, a)
	f.CMPQ(rows, operand.Imm(16))
	f.JLE(operand.LabelRef(both)) // rows 16 to 31 are not wanted: the first once more
	f.ADDQ(b0, a1)
	f.Label(both)
	f.MOVQ(at(t, amxB), b0)
	f.MOVQ(b0, b1)
	f.ADDQ(at(t, amxPanel), b1)
	f.MOVQ(operand.U32(amxRow), stride)
	for i := range byte(4) {
		f.bytes(encodeZero(i))
	}
	f.Label(chunk)
	for i, base := range []reg.GPPhysical{a0, a1, b0, b1} {
		f.bytes(encodeTileMove(load, byte(4+i), base, stride), base, stride)
	}
	for i := range byte(4) {
		f.bytes(encodeTileProduct(i, 4+i/2, 6+i%2))
	}
	for _, p := range []reg.Register{a0, a1, b0, b1} {
		f.ADDQ(operand.U32(amxTile), p)
	}
	f.DECQ(count)
	f.JNE(operand.LabelRef(chunk))

	f.MOVQ(at(t, amxSums), a0)
	f.MOVQ(operand.U32(amxSumsRow), stride)
	for i := range 4 {
		f.LEAQ(at(a0, i/2*amxTileOfSum+i%2*amxRow), b0)
		f.bytes(encodeTileMove(store, byte(i), b0, stride), b0, stride)
	}
	f.amxEnd(a0, c, d, t)
	f.SUBQ(operand.Imm(32), rows)
	f.JG(operand.LabelRef(block))
	f.bytes(encodeRelease())
	f.end()
}

// amxEnd writes up to 32 rows of scale*sums plus D.
func (f *file) amxEnd(sums, c, d, t reg.Register) {
	count, cStep, dStep, rows := reg.RAX, reg.RDX, reg.RCX, reg.R11
	f.MOVQ(at(t, amxCStep), cStep)
	f.MOVQ(at(t, amxDStep), dStep)
	f.MOVQ(operand.U32(32), count)
	f.CMPQ(rows, count)
	f.CMOVQLT(rows, count)
	row, plain, next := f.label("row"), f.label("plain"), f.label("next")
	f.Label(row)
	f.VMOVUPS(at(sums, 0), reg.Z0)
	f.VMOVUPS(at(sums, 64), reg.Z1)
	f.TESTQ(d, d)
	f.JE(operand.LabelRef(plain))
	f.VMOVUPS_Z(at(d, 0), reg.K1, reg.Z2)
	f.VMOVUPS_Z(at(d, 64), reg.K2, reg.Z3)
	f.VFMADD132PS(reg.Z31, reg.Z2, reg.Z0)
	f.VFMADD132PS(reg.Z31, reg.Z3, reg.Z1)
	f.ADDQ(dStep, d)
	f.JMP(operand.LabelRef(next))
	f.Label(plain)
	f.VMULPS(reg.Z31, reg.Z0, reg.Z0)
	f.VMULPS(reg.Z31, reg.Z1, reg.Z1)
	f.Label(next)
	f.VMOVUPS(reg.Z0, reg.K1, at(c, 0))
	f.VMOVUPS(reg.Z1, reg.K2, at(c, 64))
	f.ADDQ(cStep, c)
	f.ADDQ(operand.Imm(amxSumsRow), sums)
	f.DECQ(count)
	f.JNE(operand.LabelRef(row))
}

// bytes emits an instruction that avo does not know.
func (f *file) bytes(code []byte, reads ...operand.Op) {
	for _, b := range code {
		f.Instruction(&ir.Instruction{Opcode: "BYTE", Operands: []operand.Op{operand.U8(b)}, Inputs: reads})
	}
}

// prefixes of VEX instructions, as its field pp has them.
const (
	noPrefix = 0
	load     = 0b11 // F2
	store    = 0b10 // F3
)

// vex is the beginning of a VEX.128.0F38.W0 instruction: the upper bits of the numbers
// of index and base, the second source and the prefix.
type vex struct{ index, base, source, prefix byte }

// of appends the opcode and what follows it.
func (v vex) of(rest ...byte) []byte {
	return append([]byte{0xc4, 1<<7 | (1^v.index)<<6 | (1^v.base)<<5 | 0b00010, (^v.source&15)<<3 | v.prefix}, rest...)
}

// encodeLoadConfig is LDTILECFG [base].
func encodeLoadConfig(base reg.GPPhysical) []byte {
	return vex{base: gp(base) >> 3, prefix: noPrefix}.of(0x49, gp(base)&7)
}

// encodeRelease is TILERELEASE.
func encodeRelease() []byte { return vex{prefix: noPrefix}.of(0x49, 0xc0) }

// encodeZero is TILEZERO tile.
func encodeZero(tile byte) []byte { return vex{prefix: load}.of(0x49, 0xc0|tile<<3) }

// encodeTileMove is TILELOADD tile, [base+stride] or TILESTORED.
func encodeTileMove(direction, tile byte, base, stride reg.GPPhysical) []byte {
	return vex{gp(stride) >> 3, gp(base) >> 3, 0, direction}.of(0x4b, tile<<3|0b100, gp(stride)&7<<3|gp(base)&7)
}

// encodeTileProduct is TDPBF16PS sums, a, b.
func encodeTileProduct(sums, a, b byte) []byte {
	return vex{source: b, prefix: store}.of(0x5c, 0xc0|sums<<3|a)
}

// gp is the number of a general register in instructions.
func gp(r reg.GPPhysical) byte {
	for i, known := range []reg.GPPhysical{reg.RAX, reg.RCX, reg.RDX, reg.RBX, reg.RSP, reg.RBP, reg.RSI, reg.RDI, reg.R8, reg.R9, reg.R10, reg.R11, reg.R12} {
		if r == known {
			return byte(i)
		}
	}
	panic("not a chosen register")
}
