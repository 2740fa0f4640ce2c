package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Offsets of the fields of simd's struct tile; a test compares them.
const (
	tileA, tileB, tileC, tileD = 0, 8, 16, 24
	tileK                      = 32
	tileAStep, tileBStep       = 40, 48
	tileCStep, tileDStep       = 56, 64
	tileMask                   = 72
	tileScale                  = 80
	tileNext, tileLanes        = 88, 96
	tileLast, tileGroups       = 104, 112
	tilePanel                  = 120
)

// rowGrain is simd.RowGrain: rows in a group of A.
const rowGrain = 6

// tiler generates one kernel: rows x (8*vectors) values of C, all sums in
// registers. If masked, the last vector has the lanes that the mask has. Kernels of
// six rows go on to the group of rows below as often as the tile says.
type tiler struct {
	*file
	rows, vectors int
	masked        bool
	alongK        bool // A's rows are contiguous; otherwise its columns are
	t             reg.Register
	a, c, d       reg.Register
	cStep, dStep  reg.Register
	sums          [][]reg.VecVirtual
	mask          reg.VecVirtual
	last          reg.Register // lanes of the last vector
}

func tiles(f *file) {
	for _, alongK := range []bool{false, true} {
		for _, width := range []struct {
			name    string
			vectors int
			masked  bool
		}{{"16", 2, false}, {"9to15", 2, true}, {"1to8", 1, true}} {
			for rows := 1; rows <= 6; rows++ {
				layout := "Columns"
				if alongK {
					layout = "Rows"
				}
				f.function(fmt.Sprintf("tile%s%dx%sAVX2", layout, rows, width.name), "t *tile")
				g := &tiler{file: f, rows: rows, vectors: width.vectors, masked: width.masked, alongK: alongK}
				g.generate()
			}
		}
	}
}

func (g *tiler) generate() {
	g.t = g.gp("t")
	if g.masked {
		g.mask = g.YMM()
		p := g.GP64()
		g.MOVQ(at(g.t, tileMask), p)
		g.VMOVUPS(at(p, 0), g.mask)
	}
	g.a, g.c, g.d = g.GP64(), g.GP64(), g.GP64()
	g.MOVQ(at(g.t, tileA), g.a)
	g.MOVQ(at(g.t, tileC), g.c)
	g.MOVQ(at(g.t, tileD), g.d)
	again := g.label("again")
	if g.rows == rowGrain {
		g.Label(again)
	}
	g.sums = make([][]reg.VecVirtual, g.rows)
	for i := range g.sums {
		g.sums[i] = make([]reg.VecVirtual, g.vectors)
		for j := range g.sums[i] {
			g.sums[i][j] = g.YMM()
			g.VXORPS(g.sums[i][j], g.sums[i][j], g.sums[i][j])
		}
	}
	g.prefetch()
	g.multiply()
	g.store()
	if g.rows == rowGrain {
		g.ADDQ(at(g.t, tileNext), g.a)
		g.ADDQ(g.cStep, g.c)
		g.ADDQ(g.dStep, g.d)
		g.DECQ(at(g.t, tileGroups))
		g.JNE(operand.LabelRef(again))
	}
	g.end()
}

// prefetch asks for the rows of C, which are read or written last.
func (g *tiler) prefetch() {
	c, step := g.GP64(), g.GP64()
	g.MOVQ(g.c, c)
	g.MOVQ(at(g.t, tileCStep), step)
	for i := range g.rows {
		g.PREFETCHT0(at(c, 0))
		if g.vectors == 2 {
			g.PREFETCHT0(at(c, 63))
		}
		if i < g.rows-1 {
			g.ADDQ(step, c)
		}
	}
}

// multiply runs over k, four steps at a time and then one.
func (g *tiler) multiply() {
	const unroll = 4
	a, b, k, aStep, bStep := g.GP64(), g.GP64(), g.GP64(), g.GP64(), g.GP64()
	g.MOVQ(g.a, a)
	g.MOVQ(at(g.t, tileB), b)
	g.MOVQ(at(g.t, tileK), k)
	g.MOVQ(at(g.t, tileAStep), aStep)
	g.MOVQ(at(g.t, tileBStep), bStep)
	a3 := g.GP64()
	if g.alongK && g.rows > 3 {
		g.LEAQ(operand.Mem{Base: a, Index: aStep, Scale: 2}, a3)
		g.ADDQ(aStep, a3)
	}
	step := func(u int) {
		g.step(b, func(i int) operand.Mem {
			if !g.alongK {
				return at(a, 4*i)
			}
			base := a
			if i >= 3 {
				base = a3
			}
			m := at(base, 4*u)
			if i%3 != 0 {
				m.Index, m.Scale = aStep, uint8(i%3)
			}
			return m
		})
		g.ADDQ(bStep, b)
		if !g.alongK {
			g.ADDQ(aStep, a)
		}
	}
	advance := func(n int) {
		if !g.alongK {
			return
		}
		g.ADDQ(operand.Imm(uint64(4*n)), a)
		if g.rows > 3 {
			g.ADDQ(operand.Imm(uint64(4*n)), a3)
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

// step adds one outer product of a column of A and a row of B.
func (g *tiler) step(b reg.Register, a func(row int) operand.Mem) {
	row := make([]reg.VecVirtual, g.vectors)
	for j := range row {
		row[j] = g.YMM()
		g.load(at(b, 32*j), row[j], j)
	}
	for i := range g.rows {
		x := g.YMM()
		g.VBROADCASTSS(a(i), x)
		for j := range row {
			g.VFMADD231PS(row[j], x, g.sums[i][j])
		}
	}
}

func (g *tiler) load(m operand.Mem, dst reg.VecVirtual, vector int) {
	if g.masked && vector == g.vectors-1 {
		g.VMASKMOVPS(m, g.mask, dst)
	} else {
		g.VMOVUPS(m, dst)
	}
}

// store writes scale*sums, plus D if there is one, and leaves C and D at the last row.
func (g *tiler) store() {
	g.cStep, g.dStep = g.GP64(), g.GP64()
	c, d, cStep, dStep := g.c, g.d, g.cStep, g.dStep
	g.MOVQ(at(g.t, tileCStep), cStep)
	g.MOVQ(at(g.t, tileDStep), dStep)
	g.last = g.GP64()
	g.MOVQ(at(g.t, tileLast), g.last)
	scale := g.YMM()
	g.VBROADCASTSS(at(g.t, tileScale), scale)
	plain, done := g.label("plain"), g.label("stored")
	g.TESTQ(d, d)
	g.JE(operand.LabelRef(plain))
	for i := range g.rows {
		for j, sum := range g.sums[i] {
			x := g.YMM()
			g.load(at(d, 32*j), x, j)
			g.VFMADD231PS(sum, scale, x)
			g.put(x, at(c, 32*j), j)
		}
		if i < g.rows-1 {
			g.ADDQ(dStep, d)
			g.ADDQ(cStep, c)
		}
	}
	g.JMP(operand.LabelRef(done))
	g.Label(plain)
	for i := range g.rows {
		for j, sum := range g.sums[i] {
			g.VMULPS(sum, scale, sum)
			g.put(sum, at(c, 32*j), j)
		}
		if i < g.rows-1 {
			g.ADDQ(cStep, c)
		}
	}
	g.Label(done)
}

func (g *tiler) put(src reg.VecVirtual, m operand.Mem, vector int) {
	if !g.masked || vector < g.vectors-1 {
		g.VMOVUPS(src, m)
		return
	}
	some, done := g.label("some"), g.label("put")
	g.CMPQ(g.last, operand.Imm(8))
	g.JNE(operand.LabelRef(some))
	g.VMOVUPS(src, m)
	g.JMP(operand.LabelRef(done))
	g.Label(some)
	address := g.GP64()
	g.LEAQ(m, address)
	g.storeFirst(src, g.last, address)
	g.Label(done)
}
