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
// loaded and stored, or rows x 32 of two whole panels of B. Each value's sum is made
// in the same order as by the AVX2 kernels.
type wide struct {
	*file
	rows   int
	panels int
	alongK bool // A's rows are contiguous; otherwise its columns are
	pairs  bool // A and B hold pairs of bfloat16, consecutive in k
	t      reg.Register
	sums   []reg.VecPhysical // row after row
	lanes  reg.Register      // nil for whole panels
}

func wideTiles(f *file) { wideForms(f, "tile%s%sAVX512", wide{}) }

func pairTiles(f *file) { wideForms(f, "tilePair%s%sBF16", wide{pairs: true}) }

// wideForms generates the kernels of every number of rows for A in columns and in rows.
func wideForms(f *file, name string, g wide) {
	g.file = f
	for _, layout := range []string{"Columns", "Rows"} {
		g.alongK = layout == "Rows"
		for g.rows, g.panels = 1, 1; g.rows <= wideRows; g.rows++ {
			g.function(fmt.Sprintf(name, layout, fmt.Sprint(g.rows)), "t *tile")
			g.generate()
		}
		g.rows, g.panels = wideRows, 2
		g.function(fmt.Sprintf(name, layout, fmt.Sprintf("%dx32", wideRows)), "t *tile")
		g.generate()
	}
}

// Registers are chosen by hand because avo does not know VDPBF16PS: sums in
// Z0..Z23, rows of B's panels in Z24 and Z25, the value of A in Z26.
var zmm = []reg.VecPhysical{
	reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7, reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13,
	reg.Z14, reg.Z15, reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23, reg.Z24, reg.Z25, reg.Z26,
}

const (
	rowOfB   = 24
	valueOfA = 26
)

func (g *wide) generate() {
	g.t = g.gp("t")
	g.lanes = nil
	if g.panels == 1 {
		bits := g.GP32()
		g.MOVL(at(g.t, tileLanes), bits)
		g.lanes = g.K()
		g.KMOVW(bits, g.lanes)
	}
	g.sums = zmm[:g.rows*g.panels]
	for _, s := range g.sums {
		g.VPXORD(s, s, s)
	}
	if g.panels == 2 {
		g.prefetch()
	}
	g.multiply()
	g.store()
	g.end()
}

// prefetch asks for the rows of C, which are read or written last.
func (g *wide) prefetch() {
	c, step := g.GP64(), g.GP64()
	g.MOVQ(at(g.t, tileC), c)
	g.MOVQ(at(g.t, tileCStep), step)
	for range g.rows {
		for j := 0; j <= 64*g.panels; j += 64 {
			g.PREFETCHT0(at(c, min(j, 64*g.panels-1)))
		}
		g.ADDQ(step, c)
	}
}

func (g *wide) multiply() {
	const unroll = 4
	a, b, k, aStep, bStep := g.GP64(), g.GP64(), g.GP64(), g.GP64(), g.GP64()
	g.MOVQ(at(g.t, tileA), a)
	g.MOVQ(at(g.t, tileB), b)
	g.MOVQ(at(g.t, tileK), k)
	g.MOVQ(at(g.t, tileAStep), aStep)
	g.MOVQ(at(g.t, tileBStep), bStep)
	bases, apart := g.bases(a, aStep)
	var second reg.Register
	if g.panels == 2 {
		second = g.GP64()
		g.MOVQ(b, second)
		g.ADDQ(at(g.t, tilePanel), second)
	}
	step := func(u int) {
		g.loadB(b, second)
		for i := range g.rows {
			m := at(bases[i/apart], 4*(i%apart))
			if g.alongK {
				m = at(bases[i/3], 4*u)
				if i%3 != 0 {
					m.Index, m.Scale = aStep, uint8(i%3)
				}
			}
			g.accumulate(m, g.sums[i*g.panels:][:g.panels])
		}
		g.ADDQ(bStep, b)
		if second != nil {
			g.ADDQ(bStep, second)
		}
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

// bases returns pointers to some of A's rows and how many rows they are apart.
func (g *wide) bases(a, aStep reg.Register) (bases []reg.Register, apart int) {
	// Rows 0, 3, 6 and 9, or 0 and 6 where a step leads to the next column.
	bases, apart = []reg.Register{a}, 6
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
	return bases, apart
}

// loadB reads a row of B's panel, or of both.
func (g *wide) loadB(b, second reg.Register) {
	g.move(at(b, 0), zmm[rowOfB])
	if second != nil {
		g.move(at(second, 0), zmm[rowOfB+1])
	}
}

// accumulate adds the value of A at m times the rows of B to the sums of a row.
func (g *wide) accumulate(m operand.Mem, sums []reg.VecPhysical) {
	switch {
	case g.pairs:
		g.VPBROADCASTD(m, zmm[valueOfA])
		for i, sum := range sums {
			g.dotPairs(zmm[rowOfB+i], zmm[valueOfA], sum)
		}
	case g.panels == 1:
		g.VFMADD231PS_BCST(m, zmm[rowOfB], sums[0])
	default:
		g.VBROADCASTSS(m, zmm[valueOfA])
		for i, sum := range sums {
			g.VFMADD231PS(zmm[valueOfA], zmm[rowOfB+i], sum)
		}
	}
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

// encodeDotPairs is VDPBF16PS of zmm registers, EVEX.512.F3.0F38.W0 52 /r.
func encodeDotPairs(src2, src1, dst byte) [6]byte {
	inverted := func(r byte, bit int) byte { return ^r >> bit & 1 }
	return [...]byte{
		0x62,
		inverted(dst, 3)<<7 | inverted(src2, 4)<<6 | inverted(src2, 3)<<5 | inverted(dst, 4)<<4 | 0b010,
		(^src1&15)<<3 | 0b110,
		0b10<<5 | inverted(src1, 4)<<3,
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
	for i := range g.rows {
		for j, sum := range g.sums[i*g.panels:][:g.panels] {
			x := g.ZMM()
			g.move(at(d, 64*j), x)
			g.VFMADD231PS(sum, scale, x)
			g.put(x, at(c, 64*j))
		}
		g.ADDQ(dStep, d)
		g.ADDQ(cStep, c)
	}
	g.JMP(operand.LabelRef(done))
	g.Label(plain)
	for i := range g.rows {
		for j, sum := range g.sums[i*g.panels:][:g.panels] {
			g.VMULPS(sum, scale, sum)
			g.put(sum, at(c, 64*j))
		}
		g.ADDQ(cStep, c)
	}
	g.Label(done)
}

// move reads 16 numbers, or the lanes of them.
func (g *wide) move(from operand.Mem, to reg.Register) {
	if g.lanes == nil {
		g.VMOVUPS(from, to)
		return
	}
	g.VMOVUPS_Z(from, g.lanes, to)
}

// put writes 16 numbers, or the lanes of them.
func (g *wide) put(from reg.Register, to operand.Mem) {
	if g.lanes == nil {
		g.VMOVUPS(from, to)
		return
	}
	g.VMOVUPS(from, g.lanes, to)
}
