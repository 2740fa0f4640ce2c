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
	for i := range dst {
		dst[i] = op.holds(a[i], b[i])
	}
}

// CompareScalar computes dst = a op s elementwise for len(dst) elements.
func CompareScalar(dst []bool, op Comparison, a []float32, s float32) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] = op.holds(a[i], s)
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
