package cpu

import (
	"unsafe"

	"github.com/loopitr/loopitr/internal/simd"
)

// The run functions of instructions. Operands of class full have as many values
// as the destination; others are repeated.

func runUnary(in *instruction, t *tile) { in.unary(t.floats(&in.dst), t.floats(&in.a)) }

func runTest(in *instruction, t *tile) { in.test(t.bools(&in.dst), t.floats(&in.a)) }

func runLogical(in *instruction, t *tile) {
	a := t.bools(&in.a)
	b := a
	if in.arity == 2 {
		b = t.bools(&in.b)
	}
	in.logical(t.bools(&in.dst), a, b)
}

func runFloatFromBool(in *instruction, t *tile) {
	dst, a := t.floats(&in.dst), t.bools(&in.a)
	for i, v := range a {
		if v {
			dst[i] = 1
		} else {
			dst[i] = 0
		}
	}
}

// runBinary has operands of the destination's class.
func runBinary(in *instruction, t *tile) {
	in.binary.vectors(t.floats(&in.dst), t.floats(&in.a), t.floats(&in.b))
}

// runVectorScalar has a single as second operand.
func runVectorScalar(in *instruction, t *tile) {
	in.binary.vectorScalar(t.floats(&in.dst), t.floats(&in.a), t.scalar(&in.b))
}

// runScalarVector has a single as first operand.
func runScalarVector(in *instruction, t *tile) {
	in.binary.scalarVector(t.floats(&in.dst), t.scalar(&in.a), t.floats(&in.b))
}

// runRowsVectorScalar has one value per row as second operand.
func runRowsVectorScalar(in *instruction, t *tile) {
	dst, b := t.floats(&in.dst), t.floats(&in.b)
	if in.a.class == perColumn {
		a := t.floats(&in.a)
		for i, s := range b {
			in.binary.vectorScalar(t.rowOf(dst, i), a, s)
		}
		return
	}
	a := t.floats(&in.a)
	for i, s := range b {
		in.binary.vectorScalar(t.rowOf(dst, i), t.rowOf(a, i), s)
	}
}

// runRowsScalarVector has one value per row as first operand.
func runRowsScalarVector(in *instruction, t *tile) {
	dst, a, b := t.floats(&in.dst), t.floats(&in.a), t.floats(&in.b)
	if in.b.class == perColumn {
		for i, s := range a {
			in.binary.scalarVector(t.rowOf(dst, i), s, b)
		}
		return
	}
	for i, s := range a {
		in.binary.scalarVector(t.rowOf(dst, i), s, t.rowOf(b, i))
	}
}

// runColumns has one value per column as one of the operands.
func runColumns(in *instruction, t *tile) {
	dst, a, b := t.floats(&in.dst), t.floats(&in.a), t.floats(&in.b)
	if in.b.class == perColumn {
		for i := range t.rows {
			in.binary.vectors(t.rowOf(dst, i), t.rowOf(a, i), b)
		}
		return
	}
	for i := range t.rows {
		in.binary.vectors(t.rowOf(dst, i), a, t.rowOf(b, i))
	}
}

func runCompare(in *instruction, t *tile) {
	simd.Compare(t.bools(&in.dst), in.comparison, t.floats(&in.a), t.floats(&in.b))
}

func runCompareScalar(in *instruction, t *tile) {
	simd.CompareScalar(t.bools(&in.dst), in.comparison, t.floats(&in.a), t.scalar(&in.b))
}

func runSelect(in *instruction, t *tile) {
	simd.Select(t.floats(&in.dst), t.bools(&in.a), t.floats(&in.b), t.floats(&in.c))
}

func runSelectScalar(in *instruction, t *tile) {
	simd.SelectScalar(t.floats(&in.dst), t.bools(&in.a), t.floats(&in.b), t.scalar(&in.c))
}

func runSelectBool(in *instruction, t *tile) {
	dst, mask, a, b := t.bools(&in.dst), t.bools(&in.a), t.bools(&in.b), t.bools(&in.c)
	for i, m := range mask {
		if m {
			dst[i] = a[i]
		} else {
			dst[i] = b[i]
		}
	}
}

// runExpand repeats a value of a lower class.
func runExpand(in *instruction, t *tile) {
	r := repetition{in.a.class, in.dst.class, t.columns}
	if in.dst.boolean {
		expand(r, t.bools(&in.dst), t.bools(&in.a), fill)
		return
	}
	expand(r, t.floats(&in.dst), t.floats(&in.a), simd.Fill)
}

// repetition is from which class to which values are repeated.
type repetition struct {
	from, to class
	columns  int
}

func expand[T any](r repetition, dst, a []T, fill func(dst []T, v T)) {
	switch r.from {
	case r.to:
		copy(dst, a)
	case single:
		fill(dst, a[0])
	case perRow:
		for i, v := range a {
			fill(dst[i*r.columns:(i+1)*r.columns], v)
		}
	default:
		for at := 0; at < len(dst); at += r.columns {
			copy(dst[at:at+r.columns], a)
		}
	}
}

func fill[T any](dst []T, v T) {
	for i := range dst {
		dst[i] = v
	}
}

// runLoad reads a strided operand into a register.
func runLoad(in *instruction, t *tile) {
	p := t.frame.ptr[in.a.slot]
	if in.dst.boolean {
		load(in, t, t.bools(&in.dst), p)
		return
	}
	load(in, t, t.floats(&in.dst), p)
}

func load[T any](in *instruction, t *tile, dst []T, base unsafe.Pointer) {
	var zero T
	for i := range t.rows {
		src := (*T)(unsafe.Add(base, uintptr(in.view.offset(t.row+i))*unsafe.Sizeof(zero)))
		if in.dst.class == perRow {
			dst[i] = *src
			continue
		}
		copy(dst[i*t.columns:(i+1)*t.columns], unsafe.Slice(src, t.columns))
	}
}

func runRowSum(in *instruction, t *tile) {
	dst, a := t.floats(&in.dst), t.floats(&in.a)
	for i := range dst {
		dst[i] = simd.Sum(t.rowOf(a, i))
	}
}

func runRowMax(in *instruction, t *tile) {
	dst, a := t.floats(&in.dst), t.floats(&in.a)
	for i := range dst {
		dst[i] = simd.Maximum(t.rowOf(a, i))
	}
}

func runRowMin(in *instruction, t *tile) {
	dst, a := t.floats(&in.dst), t.floats(&in.a)
	for i := range dst {
		dst[i] = simd.Minimum(t.rowOf(a, i))
	}
}

// runColumnSum adds the tile's rows to the chunk's partial sums.
func runColumnSum(in *instruction, t *tile) {
	sums := t.partials[in.partial : in.partial+t.columns]
	a := t.floats(&in.a)
	if t.rows > 1 {
		dst := t.floats(&in.dst)
		simd.SumRows(dst, simd.Dense(a, t.rows, t.columns))
		a = dst
	}
	simd.AddToFloat64(sums, a)
}

// runTotal adds the tile's values to the chunk's partial sum.
func runTotal(in *instruction, t *tile) {
	t.partials[in.partial] += float64(simd.Sum(t.floats(&in.a)))
}
