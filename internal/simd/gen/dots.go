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
			f.both(fmt.Sprintf("dots%dx%d", rows, columns), "t *tile", func() { dotTile(f, rows, columns) })
		}
	}
}

func dotTile(f *file, rows, columns int) {
	t := f.gp("t")
	a, b := f.pointers(t, tileA, tileAStep, rows), f.pointers(t, tileB, tileBStep, columns)
	sums := make([][]vec, rows)
	for i := range sums {
		sums[i] = f.zeros(columns)
	}
	k := f.GP64()
	f.MOVQ(at(t, tileK), k)
	f.each(k, 1, func(l lane) {
		left := make([]vec, rows)
		if l.some == nil {
			for i := range left {
				left[i] = l.load(a[i])
			}
		}
		for j := range columns {
			right := l.load(b[j])
			for i := range left {
				if l.some != nil { // no register is left for the mask and all of these
					left[i] = l.load(a[i])
				}
				f.VFMADD231PS(right, left[i], sums[i][j])
			}
		}
	})
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
func (f *file) storeDots(t reg.Register, sums [][]vec) {
	c, d, cStep, dStep := f.GP64(), f.GP64(), f.GP64(), f.GP64()
	f.MOVQ(at(t, tileC), c)
	f.MOVQ(at(t, tileD), d)
	f.MOVQ(at(t, tileCStep), cStep)
	f.MOVQ(at(t, tileDStep), dStep)
	scale := f.XMM()
	f.VBROADCASTSS(at(t, tileScale), scale)
	for _, values := range sums {
		row := make([]reg.Register, len(values))
		for i, v := range values {
			row[i] = f.halved(v, f.add).AsY()
		}
		single := len(row) == 1
		v := values[0]
		if single {
			f.VHADDPS(row[0], row[0], row[0])
			f.VHADDPS(row[0], row[0], row[0])
		} else {
			f.VHADDPS(row[1], row[0], row[0])
			f.VHADDPS(row[3], row[2], row[2])
			f.VHADDPS(row[2], row[0], row[0])
		}
		high := f.XMM()
		f.VEXTRACTF128(operand.Imm(1), v.AsY(), high)
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
