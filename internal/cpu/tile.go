package cpu

import (
	"unsafe"

	"github.com/loopitr/loopitr/internal/simd"
)

// A tile program computes elementwise work and row reductions over rows x
// columns values, a few rows at a time, so that intermediates stay in L1.
// Programs without broadcast have one column: their tiles are plain runs.

// class is over what a value of a tile program varies.
type class uint8

const (
	full      class = iota // rows x columns values
	perRow                 // one per row
	perColumn              // one per column
	single                 // one
)

// operand is where an instruction finds or leaves values: a register of the
// worker, or memory that a slot points to, dense over its class.
type operand struct {
	class    class
	boolean  bool // bytes instead of float32
	register int  // < 0: slot
	slot     int
}

// view is how a load reads an operand that is not dense over its class: outer
// axes with their strides; the columns are contiguous or one repeated value.
type view struct {
	dims, strides []int // of the rows
}

// offset returns where row r begins, in elements.
func (v *view) offset(r int) int {
	at := 0
	for i := len(v.dims) - 1; i >= 0; i-- {
		at += r % v.dims[i] * v.strides[i]
		r /= v.dims[i]
	}
	return at
}

// instruction computes dst from a, b and c over the rows of one tile.
type instruction struct {
	run        func(in *instruction, t *tile)
	arity      uint8 // how many of a, b and c it reads; a load reads memory of its own
	dst        operand
	a, b, c    operand
	binary     *binaryKernel
	unary      func(dst, a []float32)
	test       func(dst []bool, a []float32)
	logical    func(dst, a, b []bool)
	comparison simd.Comparison
	view       *view
	partial    int // accumulators: where in a chunk's partials the result begins, in elements
}

// tileProgram is an instruction list over one iteration space.
type tileProgram struct {
	rows, columns int
	tileRows      int // rows of a tile
	code          []instruction
	registers     int // each holds tileRows*columns elements
	partials      int // float64 elements a chunk accumulates
}

// tile is one worker's current piece.
type tile struct {
	frame         *frame
	row, rows     int
	columns       int
	registers     unsafe.Pointer
	registerBytes uintptr
	partials      []float64 // nil unless the program accumulates
}

// tileElements is the size of a register that keeps a handful of them in 32 KB of L1.
const tileElements = 1024

func (p *tileProgram) setTileRows() {
	p.tileRows = max(1, tileElements/max(1, p.columns))
}

// bytesPerRegister is aligned to a cache line.
func (p *tileProgram) bytesPerRegister() int {
	return (4*p.tileRows*max(1, p.columns) + alignment - 1) &^ (alignment - 1)
}

// runRows executes the program for rows [from, to).
func (p *tileProgram) runRows(t *tile, from, to int) {
	t.columns = p.columns
	t.registerBytes = uintptr(p.bytesPerRegister())
	for row := from; row < to; row += p.tileRows {
		t.row, t.rows = row, min(p.tileRows, to-row)
		for i := range p.code {
			in := &p.code[i]
			in.run(in, t)
		}
	}
}

// pointer is the first value of o in this tile.
func (t *tile) pointer(o *operand, size uintptr) unsafe.Pointer {
	if o.register >= 0 {
		return unsafe.Add(t.registers, uintptr(o.register)*t.registerBytes)
	}
	p := t.frame.ptr[o.slot]
	switch o.class {
	case full:
		return unsafe.Add(p, uintptr(t.row*t.columns)*size)
	case perRow:
		return unsafe.Add(p, uintptr(t.row)*size)
	}
	return p
}

// count is how many values of a class the tile has.
func (t *tile) count(c class) int {
	switch c {
	case full:
		return t.rows * t.columns
	case perRow:
		return t.rows
	case perColumn:
		return t.columns
	}
	return 1
}

func (t *tile) floats(o *operand) []float32 {
	return unsafe.Slice((*float32)(t.pointer(o, 4)), t.count(o.class))
}

func (t *tile) bools(o *operand) []bool {
	return unsafe.Slice((*bool)(t.pointer(o, 1)), t.count(o.class))
}

func (t *tile) scalar(o *operand) float32 { return *(*float32)(t.pointer(o, 4)) }

// row returns values [i*columns, (i+1)*columns) of a full slice.
func (t *tile) rowOf(s []float32, i int) []float32 {
	return s[i*t.columns : (i+1)*t.columns : (i+1)*t.columns]
}
