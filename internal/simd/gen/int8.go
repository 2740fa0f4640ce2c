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
	rows := f.rowsApart(block, step, 4)
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
	f.storeSums(sums, dst)
	f.LEAQ(operand.Mem{Base: rows[3], Index: step, Scale: 1}, block)
	f.SUBQ(operand.Imm(4), count)
	f.JNE(operand.LabelRef(vectors))
	f.end()
}

// scanAhead is how many bytes ahead of the vectors at work wideScan asks for memory: two threads of
// Zen 4 then read 1M x 256 at 23 GB/s instead of 20. AVX2's kernel gains nothing.
const scanAhead = 8192

// wideScan is scan with VPDPBUSD, for any positive n and any query. That
// instruction takes one side without sign: vectors are read as v+128, and sums
// begin at -128 times the query's. They may wrap on the way, as integers may.
func wideScan(f *file) {
	f.function("dotInt8VNNI", "dst *int32, query, block *int8, count, n, step int")
	dst, query, block, count, n, step := f.gp("dst"), f.gp("query"), f.gp("block"), f.gp("count"), f.gp("n"), f.gp("step")
	whole, rest := f.GP64(), f.K()
	f.MOVQ(n, whole)
	f.ANDQ(operand.I8(-64), whole)
	bits := f.GP64()
	f.MOVQ(operand.I32(-1), bits)
	f.SUBQ(whole, n)
	f.BZHIQ(n, bits, bits)
	f.KMOVQ(bits, rest)
	bias := f.ZMM()
	f.VPBROADCASTD(f.bits(0x80808080), bias)

	// each runs body over the query, 64 values at a time; mask is nil but at the end.
	index := f.GP64()
	each := func(body func(q vec, mask reg.Register)) {
		loop, tail, done := f.label("whole"), f.label("rest"), f.label("done")
		f.XORQ(index, index)
		f.Label(loop)
		f.CMPQ(index, whole)
		f.JGE(operand.LabelRef(tail))
		q := f.ZMM()
		f.VMOVDQU8(element(query, index, 1, 0), q)
		body(q, nil)
		f.ADDQ(operand.Imm(64), index)
		f.JMP(operand.LabelRef(loop))
		f.Label(tail)
		f.TESTQ(n, n)
		f.JE(operand.LabelRef(done))
		f.VMOVDQU8_Z(element(query, index, 1, 0), rest, q)
		body(q, rest)
		f.Label(done)
	}
	start, biased := f.ZMM(), f.ZMM()
	f.VPXORD(biased, biased, biased)
	each(func(q vec, _ reg.Register) { f.VPDPBUSD(q, bias, biased) })
	f.VPXORD(start, start, start)
	f.VPSUBD(biased, start, start)

	vectors := f.label("vectors")
	f.Label(vectors)
	rows := f.rowsApart(block, step, 4)
	sums := make([]vec, len(rows))
	for i := range sums {
		sums[i] = f.ZMM()
		f.VMOVDQA32(start, sums[i])
	}
	each(func(q vec, mask reg.Register) {
		for i, sum := range sums {
			v := f.ZMM()
			if mask == nil {
				f.PREFETCHT0(element(rows[i], index, 1, scanAhead))
				f.VPXORD(element(rows[i], index, 1, 0), bias, v)
			} else {
				f.VMOVDQU8_Z(element(rows[i], index, 1, 0), mask, v)
				f.VPXORD(v, bias, v)
			}
			f.VPDPBUSD(q, v, sum)
		}
	})
	for _, sum := range sums {
		high := f.YMM()
		f.VEXTRACTI64X4(operand.Imm(1), sum, high)
		f.VPADDD(high, sum.AsY(), sum.AsY())
	}
	f.storeSums(sums, dst)
	f.LEAQ(operand.Mem{Base: rows[3], Index: step, Scale: 1}, block)
	f.SUBQ(operand.Imm(4), count)
	f.JNE(operand.LabelRef(vectors))
	f.end()
}

// rowsApart returns count pointers, each step bytes behind the one before.
func (f *file) rowsApart(first, step reg.Register, count int) []reg.Register {
	rows := make([]reg.Register, count)
	for i := range rows {
		p := f.GP64()
		if i == 0 {
			f.MOVQ(first, p)
		} else {
			f.LEAQ(operand.Mem{Base: rows[i-1], Index: step, Scale: 1}, p)
		}
		rows[i] = p
	}
	return rows
}

// storeSums writes the sums of the int32 in each of four vectors of 256 bits and
// moves dst on; the vectors are clobbered.
func (f *file) storeSums(sums []vec, dst reg.Register) {
	add := func(from, to int) { f.VPHADDD(sums[from].AsY(), sums[to].AsY(), sums[to].AsY()) }
	add(1, 0)
	add(3, 2)
	add(2, 0)
	high, low := f.XMM(), sums[0].AsX()
	f.VEXTRACTF128(operand.Imm(1), sums[0].AsY(), high)
	f.VPADDD(high, low, low)
	f.VMOVUPS(low, at(dst, 0))
	f.ADDQ(operand.Imm(16), dst)
}
