package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// dots generates kernels for few rows of A and contiguous columns of B, which
// need no packing: each value of C has one vector of partial sums, the same for
// every kernel, so that it does not matter which one computes it.
func dots(f *file) {
	for _, columns := range []int{1, 4} {
		for rows := 1; rows <= 3; rows++ {
			f.function(fmt.Sprintf("dots%dx%dAVX2", rows, columns), "t *tile")
			dotTile(f, rows, columns)
		}
	}
}

func dotTile(f *file, rows, columns int) {
	t := f.gp("t")
	a, b := f.pointers(t, tileA, tileAStep, rows), f.pointers(t, tileB, tileBStep, columns)
	sums := make([][]reg.VecVirtual, rows)
	for i := range sums {
		sums[i] = make([]reg.VecVirtual, columns)
		for j := range sums[i] {
			sums[i][j] = f.YMM()
			f.VXORPS(sums[i][j], sums[i][j], sums[i][j])
		}
	}
	k, offset := f.GP64(), f.GP64()
	f.MOVQ(at(t, tileK), k)
	f.XORQ(offset, offset)
	at8 := func(p reg.Register) operand.Mem { return operand.Mem{Base: p, Index: offset, Scale: 1} }
	loop, tail, done := f.label("loop"), f.label("tail"), f.label("done")
	f.SUBQ(operand.Imm(8), k)
	f.JL(operand.LabelRef(tail))
	f.Label(loop)
	left := make([]reg.VecVirtual, rows)
	for i := range left {
		left[i] = f.YMM()
		f.VMOVUPS(at8(a[i]), left[i])
	}
	for j := range columns {
		right := f.YMM()
		f.VMOVUPS(at8(b[j]), right)
		for i := range left {
			f.VFMADD231PS(right, left[i], sums[i][j])
		}
	}
	f.ADDQ(operand.Imm(32), offset)
	f.SUBQ(operand.Imm(8), k)
	f.JGE(operand.LabelRef(loop))
	f.Label(tail)
	f.ADDQ(operand.Imm(8), k)
	f.JE(operand.LabelRef(done))
	maskAt, mask := f.GP64(), f.YMM()
	f.MOVQ(at(t, tileMask), maskAt)
	f.VMOVUPS(at(maskAt, 0), mask)
	for j := range columns {
		right := f.YMM()
		f.VMASKMOVPS(at8(b[j]), mask, right)
		for i := range rows {
			x := f.YMM()
			f.VMASKMOVPS(at8(a[i]), mask, x)
			f.VFMADD231PS(right, x, sums[i][j])
		}
	}
	f.Label(done)
	f.storeDots(t, sums)
	f.end()
}

// pointers returns the addresses of n rows.
func (f *file) pointers(t reg.Register, start, step, n int) []reg.Register {
	rows := make([]reg.Register, n)
	stride := f.GP64()
	f.MOVQ(at(t, step), stride)
	for i := range rows {
		p := f.GP64()
		if i == 0 {
			f.MOVQ(at(t, start), p)
		} else {
			f.LEAQ(operand.Mem{Base: rows[i-1], Index: stride, Scale: 1}, p)
		}
		rows[i] = p
	}
	return rows
}

// storeDots adds up the lanes and writes scale*sum, plus D if there is one; dStep
// is zero if there is none.
func (f *file) storeDots(t reg.Register, sums [][]reg.VecVirtual) {
	c, d, cStep, dStep := f.GP64(), f.GP64(), f.GP64(), f.GP64()
	f.MOVQ(at(t, tileC), c)
	f.MOVQ(at(t, tileD), d)
	f.MOVQ(at(t, tileCStep), cStep)
	f.MOVQ(at(t, tileDStep), dStep)
	scale := f.XMM()
	f.VBROADCASTSS(at(t, tileScale), scale)
	for _, row := range sums {
		single := len(row) == 1
		v := row[0]
		if single {
			f.VHADDPS(v, v, v)
			f.VHADDPS(v, v, v)
		} else {
			f.VHADDPS(row[1], row[0], row[0])
			f.VHADDPS(row[3], row[2], row[2])
			f.VHADDPS(row[2], row[0], v)
		}
		high := f.XMM()
		f.VEXTRACTF128(operand.Imm(1), v, high)
		f.VADDPS(high, v.AsX(), v.AsX())
		move := func(src, dst operand.Op) {
			if single {
				f.VMOVSS(src, dst)
			} else {
				f.VMOVUPS(src, dst)
			}
		}
		plain, done := f.label("plain"), f.label("stored")
		f.TESTQ(d, d)
		f.JE(operand.LabelRef(plain))
		addend := f.XMM()
		move(at(d, 0), addend)
		f.VFMADD231PS(v.AsX(), scale, addend)
		move(addend, at(c, 0))
		f.JMP(operand.LabelRef(done))
		f.Label(plain)
		f.VMULPS(v.AsX(), scale, v.AsX())
		move(v.AsX(), at(c, 0))
		f.Label(done)
		f.ADDQ(cStep, c)
		f.ADDQ(dStep, d)
	}
}
