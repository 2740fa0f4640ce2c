package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// inverse generates the inverse transform of pairs of blocks that lie side by
// side: one in the low half of each register, its neighbour in the high half.
func inverse(f *file) {
	f.function("inverseAVX2", "dst *uint8, coefficients, quant *int16, stride, pairs int")
	dst, coefficients, quant := f.gp("dst"), f.gp("coefficients"), f.gp("quant")
	stride, pairs := f.gp("stride"), f.gp("pairs")
	f.Label("pair")
	rows := make([]vec, 8)
	for i := range rows {
		factor := f.YMM()
		rows[i] = f.YMM()
		f.VBROADCASTI128(at(coefficients, 16*i), rows[i])
		f.VINSERTI128(operand.Imm(1), at(coefficients, 128+16*i), rows[i], rows[i])
		f.VBROADCASTI128(at(quant, 16*i), factor)
		f.VPMULLW(factor, rows[i], rows[i])
	}
	rows = f.transform(rows, 11)
	rows = f.transpose(rows)
	rows = f.transform(rows, 18)
	f.store(rows, dst, stride)
	f.ADDQ(operand.U32(256), coefficients)
	f.ADDQ(operand.Imm(16), dst)
	f.DECQ(pairs)
	f.JNE(operand.LabelRef("pair"))
	f.end()
}

// transform is inverseEights for 8 columns of both blocks. Everything is paired up
// before, so that one half's sums fit the registers beside the other half's inputs.
func (f *file) transform(in []vec, shift int) []vec {
	z3, z4 := f.op(f.VPADDW, in[3], in[7]), f.op(f.VPADDW, in[1], in[5])
	sum, difference := f.op(f.VPADDW, in[4], in[0]), f.op(f.VPSUBW, in[4], in[0])
	var halves [2][]vec
	for _, pair := range [][2]vec{{sum, difference}, {in[2], in[6]}, {in[7], in[1]}, {in[5], in[3]}, {z3, z4}} {
		halves[0] = append(halves[0], f.op(f.VPUNPCKLWD, pair[1], pair[0]))
		halves[1] = append(halves[1], f.op(f.VPUNPCKHWD, pair[1], pair[0]))
	}
	low := f.half(halves[0], shift)
	high := f.half(halves[1], shift)
	out := make([]vec, 8)
	for i := range low {
		out[i] = f.op(f.VPUNPCKLQDQ, high[i], low[i])
		out[7-i] = f.op(f.VPUNPCKHQDQ, high[i], low[i])
	}
	return out
}

// half transforms four columns of both blocks; element i of the result has row i
// in its even and row 7-i in its odd quarters.
func (f *file) half(in []vec, shift int) []vec {
	turn := func(v vec, a, b int) vec { return f.op(f.VPMADDWD, f.words(a, b), v) }
	y3, y4 := turn(in[4], -6436, 9633), turn(in[4], 9633, 6437)
	b0, b3 := turn(in[2], -4927, -7373), turn(in[2], -7373, 4926)
	b1, b2 := turn(in[3], -4176, -20995), turn(in[3], -20995, 4177)
	f.VPADDD(y3, b0, b0)
	f.VPADDD(y4, b1, b1)
	f.VPADDD(y3, b2, b2)
	f.VPADDD(y4, b3, b3)
	sum, difference := turn(in[0], 8192, 0), turn(in[0], 0, 8192)
	half := f.doubles(1 << (shift - 1))
	f.VPADDD(half, sum, sum)
	f.VPADDD(half, difference, difference)
	turned2, turned6 := turn(in[1], 10703, 4433), turn(in[1], 4433, -10704)
	a := []vec{f.op(f.VPADDD, turned2, sum), f.op(f.VPADDD, turned6, difference), difference, sum}
	f.VPSUBD(turned6, difference, difference)
	f.VPSUBD(turned2, sum, sum)
	out := make([]vec, 4)
	for i, b := range []vec{b3, b2, b1, b0} {
		upper := f.op(f.VPADDD, b, a[i])
		f.VPSUBD(b, a[i], a[i])
		f.VPSRAD(operand.Imm(uint64(shift)), upper, upper)
		f.VPSRAD(operand.Imm(uint64(shift)), a[i], a[i])
		out[i] = f.op(f.VPACKSSDW, a[i], upper)
	}
	return out
}

// transpose turns the 8x8 words of both blocks.
func (f *file) transpose(in []vec) []vec {
	stage := func(in []vec, order [8]int, low, high func(...operand.Op)) []vec {
		out := make([]vec, 8)
		for i := 0; i < 8; i += 2 {
			a, b := in[order[i]], in[order[i+1]]
			out[i], out[i+1] = f.op(low, b, a), f.op(high, b, a)
		}
		return out
	}
	w := stage(in, [8]int{0, 1, 2, 3, 4, 5, 6, 7}, f.VPUNPCKLWD, f.VPUNPCKHWD)
	d := stage(w, [8]int{0, 2, 1, 3, 4, 6, 5, 7}, f.VPUNPCKLDQ, f.VPUNPCKHDQ)
	return stage(d, [8]int{0, 4, 1, 5, 2, 6, 3, 7}, f.VPUNPCKLQDQ, f.VPUNPCKHQDQ)
}

// store turns columns of words into rows of samples, both blocks' side by side.
func (f *file) store(columns []vec, dst, stride reg.Register) {
	packed := make([]vec, 4)
	for i := range packed {
		packed[i] = f.op(f.VPACKSSWB, columns[i+4], columns[i])
	}
	left, right := f.op(f.VPUNPCKLBW, packed[1], packed[0]), f.op(f.VPUNPCKHBW, packed[1], packed[0])
	left2, right2 := f.op(f.VPUNPCKLBW, packed[3], packed[2]), f.op(f.VPUNPCKHBW, packed[3], packed[2])
	row := f.GP64()
	f.MOVQ(dst, row)
	centre := f.load(f.words(0x8080))
	for _, unpack := range []func(...operand.Op){f.VPUNPCKLWD, f.VPUNPCKHWD} {
		a, b := f.op(unpack, left2, left), f.op(unpack, right2, right)
		for _, unpack := range []func(...operand.Op){f.VPUNPCKLDQ, f.VPUNPCKHDQ} {
			rows := f.op(unpack, b, a)
			f.VPXOR(centre, rows, rows)
			f.VPERMQ(operand.Imm(0xd8), rows, rows)
			f.VMOVDQU(rows.AsX(), at(row, 0))
			f.VEXTRACTI128(operand.Imm(1), rows, operand.Mem{Base: row, Index: stride, Scale: 1})
			f.LEAQ(operand.Mem{Base: row, Index: stride, Scale: 2}, row)
		}
	}
}
