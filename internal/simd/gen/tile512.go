package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// wideRows is how many rows of C a 512-bit kernel computes: two groups of six.
const wideRows = 12

// wide generates one 512-bit kernel: rows x 16 values of C, of which lanes are
// loaded and stored. Each value's sum is made in the same order as by the AVX2
// kernels.
type wide struct {
	*file
	rows   int
	alongK bool // A's rows are contiguous; otherwise its columns are
	pairs  bool // A and B hold pairs of bfloat16, consecutive in k
	t      reg.Register
	sums   []reg.VecPhysical
	lanes  reg.Register
}

func wideTiles(f *file) {
	for _, layout := range []string{"Columns", "Rows"} {
		for rows := 1; rows <= wideRows; rows++ {
			f.function(fmt.Sprintf("tile%s%dAVX512", layout, rows), "t *tile")
			g := &wide{file: f, rows: rows, alongK: layout == "Rows"}
			g.generate()
		}
	}
}

func pairTiles(f *file) {
	for rows := 1; rows <= wideRows; rows++ {
		f.function(fmt.Sprintf("tilePairs%dBF16", rows), "t *tile")
		g := &wide{file: f, rows: rows, pairs: true}
		g.generate()
	}
}

// Registers are chosen by hand because avo does not know VDPBF16PS: sums in
// Z0..Z11, the row of B in Z12, the value of A in Z13.
var zmm = []reg.VecPhysical{
	reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7, reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13,
}

const (
	rowOfB   = 12
	valueOfA = 13
)

func (g *wide) generate() {
	g.t = g.gp("t")
	bits := g.GP32()
	g.MOVL(at(g.t, tileLanes), bits)
	g.lanes = g.K()
	g.KMOVW(bits, g.lanes)
	g.sums = zmm[:g.rows]
	for _, s := range g.sums {
		g.VPXORD(s, s, s)
	}
	g.multiply()
	g.store()
	g.end()
}

func (g *wide) multiply() {
	const unroll = 4
	a, b, k, aStep, bStep := g.GP64(), g.GP64(), g.GP64(), g.GP64(), g.GP64()
	g.MOVQ(at(g.t, tileA), a)
	g.MOVQ(at(g.t, tileB), b)
	g.MOVQ(at(g.t, tileK), k)
	g.MOVQ(at(g.t, tileAStep), aStep)
	g.MOVQ(at(g.t, tileBStep), bStep)
	// Rows 0, 3, 6 and 9, or 0 and 6 where a step leads to the next column.
	bases := []reg.Register{a}
	apart := 6
	if g.alongK {
		apart = 3
	}
	for first := apart; first < g.rows; first += apart {
		p := g.GP64()
		switch {
		case first == 6:
			g.MOVQ(a, p)
			g.ADDQ(at(g.t, tileNext), p)
		default:
			g.LEAQ(operand.Mem{Base: bases[len(bases)-1], Index: aStep, Scale: 2}, p)
			g.ADDQ(aStep, p)
		}
		bases = append(bases, p)
	}
	step := func(u int) {
		g.VMOVUPS_Z(at(b, 0), g.lanes, zmm[rowOfB])
		for i, sum := range g.sums {
			m := at(bases[i/apart], 4*(i%apart))
			if g.alongK {
				m = at(bases[i/3], 4*u)
				if i%3 != 0 {
					m.Index, m.Scale = aStep, uint8(i%3)
				}
			}
			g.accumulate(m, sum)
		}
		g.ADDQ(bStep, b)
		if !g.alongK {
			for _, p := range bases {
				g.ADDQ(aStep, p)
			}
		}
	}
	advance := func(n int) {
		for _, p := range bases {
			if g.alongK {
				g.ADDQ(operand.Imm(uint64(4*n)), p)
			}
		}
	}
	loop, rest, tail, done := g.label("loop"), g.label("rest"), g.label("tail"), g.label("done")
	g.SUBQ(operand.Imm(unroll), k)
	g.JL(operand.LabelRef(rest))
	g.Label(loop)
	for u := range unroll {
		step(u)
	}
	advance(unroll)
	g.SUBQ(operand.Imm(unroll), k)
	g.JGE(operand.LabelRef(loop))
	g.Label(rest)
	g.ADDQ(operand.Imm(unroll), k)
	g.JE(operand.LabelRef(done))
	g.Label(tail)
	step(0)
	advance(1)
	g.DECQ(k)
	g.JNE(operand.LabelRef(tail))
	g.Label(done)
}

// accumulate adds the value of A at m times the row of B to sum.
func (g *wide) accumulate(m operand.Mem, sum reg.VecPhysical) {
	if !g.pairs {
		g.VFMADD231PS_BCST(m, zmm[rowOfB], sum)
		return
	}
	g.VPBROADCASTD(m, zmm[valueOfA])
	g.dotPairs(zmm[rowOfB], zmm[valueOfA], sum)
}

// dotPairs emits VDPBF16PS src2, src1, dst byte by byte: avo does not know it.
func (f *file) dotPairs(src2, src1, dst reg.VecPhysical) {
	for _, b := range encodeDotPairs(number(src2), number(src1), number(dst)) {
		f.Instruction(&ir.Instruction{
			Opcode: "BYTE", Operands: []operand.Op{operand.U8(b)},
			Inputs: []operand.Op{src2, src1, dst}, Outputs: []operand.Op{dst},
		})
	}
}

// encodeDotPairs is VDPBF16PS of zmm registers below 16, EVEX.512.F3.0F38.W0 52 /r.
func encodeDotPairs(src2, src1, dst byte) [6]byte {
	const inverted = 1
	return [...]byte{
		0x62,
		(inverted^dst>>3)<<7 | inverted<<6 | (inverted^src2>>3)<<5 | inverted<<4 | 0b010,
		(^src1&15)<<3 | 0b110,
		0b10<<5 | inverted<<3,
		0x52,
		0b11<<6 | dst&7<<3 | src2&7,
	}
}

func number(r reg.VecPhysical) byte {
	for i, z := range zmm {
		if z == r {
			return byte(i)
		}
	}
	panic("not a chosen register")
}

// store writes scale*sums, plus D if there is one.
func (g *wide) store() {
	c, d, cStep, dStep := g.GP64(), g.GP64(), g.GP64(), g.GP64()
	g.MOVQ(at(g.t, tileC), c)
	g.MOVQ(at(g.t, tileD), d)
	g.MOVQ(at(g.t, tileCStep), cStep)
	g.MOVQ(at(g.t, tileDStep), dStep)
	scale := g.ZMM()
	g.VBROADCASTSS(at(g.t, tileScale), scale)
	plain, done := g.label("plain"), g.label("stored")
	g.TESTQ(d, d)
	g.JE(operand.LabelRef(plain))
	for _, sum := range g.sums {
		x := g.ZMM()
		g.VMOVUPS_Z(at(d, 0), g.lanes, x)
		g.VFMADD231PS(sum, scale, x)
		g.VMOVUPS(x, g.lanes, at(c, 0))
		g.ADDQ(dStep, d)
		g.ADDQ(cStep, c)
	}
	g.JMP(operand.LabelRef(done))
	g.Label(plain)
	for _, sum := range g.sums {
		g.VMULPS(sum, scale, sum)
		g.VMOVUPS(sum, g.lanes, at(c, 0))
		g.ADDQ(cStep, c)
	}
	g.Label(done)
}
