package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// scan generates the dot products of one query with count vectors, four at a
// time; count is a positive multiple of 4 and n, the bytes of a vector to take, of
// 32. No query value is -128: then |v|*(q with v's sign) summed in pairs is at
// most 2*128*127 and fits an int16.
func scan(f *file) {
	f.function("dotInt8AVX2", "dst *int32, query, block *int8, count, n, step int")
	dst, query, block, count, n, step := f.gp("dst"), f.gp("query"), f.gp("block"), f.gp("count"), f.gp("n"), f.gp("step")
	ones := f.YMM()
	f.VMOVUPS(f.bits(0x00010001), ones)
	vectors, inner := f.label("vectors"), f.label("inner")
	f.Label(vectors)
	rows := make([]reg.Register, 4)
	for i := range rows {
		p := f.GP64()
		if i == 0 {
			f.MOVQ(block, p)
		} else {
			f.LEAQ(operand.Mem{Base: rows[i-1], Index: step, Scale: 1}, p)
		}
		rows[i] = p
	}
	sums := f.zeros(4)
	index := f.GP64()
	f.XORQ(index, index)
	f.Label(inner)
	q := f.YMM()
	f.VMOVUPS(element(query, index, 1, 0), q)
	for i, sum := range sums {
		v, size, signed := f.YMM(), f.YMM(), f.YMM()
		f.VMOVUPS(element(rows[i], index, 1, 0), v)
		f.VPABSB(v, size)
		f.VPSIGNB(v, q, signed)
		f.VPMADDUBSW(signed, size, size)
		f.VPMADDWD(ones, size, size)
		f.VPADDD(size, sum, sum)
	}
	f.ADDQ(operand.Imm(32), index)
	f.CMPQ(index, n)
	f.JL(operand.LabelRef(inner))
	f.VPHADDD(sums[1], sums[0], sums[0])
	f.VPHADDD(sums[3], sums[2], sums[2])
	f.VPHADDD(sums[2], sums[0], sums[0])
	high := f.XMM()
	f.VEXTRACTF128(operand.Imm(1), sums[0], high)
	f.VPADDD(high, sums[0].AsX(), sums[0].AsX())
	f.VMOVUPS(sums[0].AsX(), at(dst, 0))
	f.ADDQ(operand.Imm(16), dst)
	f.LEAQ(operand.Mem{Base: rows[3], Index: step, Scale: 1}, block)
	f.SUBQ(operand.Imm(4), count)
	f.JNE(operand.LabelRef(vectors))
	f.end()
}
