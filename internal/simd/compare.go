package simd

// Comparison is a relation between two numbers; all but NotEqual are false if
// either is NaN.
type Comparison int

// The comparisons.
const (
	Equal Comparison = iota
	NotEqual
	Less
	LessOrEqual
	Greater
	GreaterOrEqual
)

// Compare computes dst = a op b elementwise for len(dst) elements.
func Compare(dst []bool, op Comparison, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	done := grouped(len(dst))
	if done > 0 {
		op.vector(&dst[0], &a[0], &b[0], done, 4)
	}
	for i := done; i < len(dst); i++ {
		dst[i] = op.holds(a[i], b[i])
	}
}

// CompareScalar computes dst = a op s elementwise for len(dst) elements.
func CompareScalar(dst []bool, op Comparison, a []float32, s float32) {
	a = a[:len(dst)]
	done := grouped(len(dst))
	if done > 0 {
		var row [16]float32
		for i := range row {
			row[i] = s
		}
		op.vector(&dst[0], &a[0], &row[0], done, 0)
	}
	for i := done; i < len(dst); i++ {
		dst[i] = op.holds(a[i], s)
	}
}

// vector compares n elements, as grouped says, with the kernel; step is the bytes from one
// element of b to the next, 0 if b has 16 copies of one.
func (op Comparison) vector(dst *bool, a, b *float32, n, step int) {
	switch op {
	case Equal:
		equalVectors(dst, a, b, n, step)
	case NotEqual:
		notEqualVectors(dst, a, b, n, step)
	case Less:
		lessVectors(dst, a, b, n, step)
	case LessOrEqual:
		lessOrEqualVectors(dst, a, b, n, step)
	case Greater:
		greaterVectors(dst, a, b, n, step)
	case GreaterOrEqual:
		greaterOrEqualVectors(dst, a, b, n, step)
	default:
		panic("simd: unknown comparison")
	}
}

func (op Comparison) holds(a, b float32) bool {
	switch op {
	case Equal:
		return a == b
	case NotEqual:
		return a != b
	case Less:
		return a < b
	case LessOrEqual:
		return a <= b
	case Greater:
		return a > b
	case GreaterOrEqual:
		return a >= b
	}
	panic("simd: unknown comparison")
}
