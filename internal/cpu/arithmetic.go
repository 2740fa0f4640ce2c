package cpu

import (
	"math"
	"math/bits"

	"github.com/gomlx/compute"
)

// The arithmetic of dtypes that have no vector kernels: integers and float64.

func floatBinary[T float](op compute.OpType) func(a, b T) T {
	switch op {
	case compute.OpTypeAdd:
		return func(a, b T) T { return a + b }
	case compute.OpTypeSub:
		return func(a, b T) T { return a - b }
	case compute.OpTypeMul:
		return func(a, b T) T { return a * b }
	case compute.OpTypeDiv:
		return func(a, b T) T { return a / b }
	case compute.OpTypeMax:
		return func(a, b T) T { return max(a, b) }
	case compute.OpTypeMin:
		return func(a, b T) T { return min(a, b) }
	case compute.OpTypePow:
		return func(a, b T) T { return T(math.Pow(float64(a), float64(b))) }
	case compute.OpTypeRem:
		return func(a, b T) T { return T(math.Mod(float64(a), float64(b))) }
	case compute.OpTypeAtan2:
		return func(a, b T) T { return T(math.Atan2(float64(a), float64(b))) }
	}
	return nil
}

func integerBinary[T integer](op compute.OpType, width uint) func(a, b T) T {
	signed := ^T(0) < 0
	switch op {
	case compute.OpTypeAdd:
		return func(a, b T) T { return a + b }
	case compute.OpTypeSub:
		return func(a, b T) T { return a - b }
	case compute.OpTypeMul:
		return func(a, b T) T { return a * b }
	case compute.OpTypeDiv:
		return func(a, b T) T {
			if b == 0 {
				return ^T(0) // as XLA: all bits set
			}
			return a / b
		}
	case compute.OpTypeRem:
		return func(a, b T) T {
			if b == 0 {
				return a
			}
			return a % b
		}
	case compute.OpTypeMax:
		return func(a, b T) T { return max(a, b) }
	case compute.OpTypeMin:
		return func(a, b T) T { return min(a, b) }
	case compute.OpTypePow:
		return integerPower[T]
	case compute.OpTypeBitwiseAnd:
		return func(a, b T) T { return a & b }
	case compute.OpTypeBitwiseOr:
		return func(a, b T) T { return a | b }
	case compute.OpTypeBitwiseXor:
		return func(a, b T) T { return a ^ b }
	case compute.OpTypeShiftLeft:
		return func(a, b T) T { return a << shiftCount(b, width) }
	case compute.OpTypeShiftRightArithmetic:
		return func(a, b T) T { return arithmeticShift(a, shiftCount(b, width), width, signed) }
	case compute.OpTypeShiftRightLogical:
		mask := ^uint64(0) >> (64 - width)
		return func(a, b T) T { return T(uint64(a) & mask >> shiftCount(b, width)) }
	}
	return nil
}

// shiftCount limits a shift to the width: counts beyond shift everything out.
func shiftCount[T integer](b T, width uint) uint {
	if b < 0 || uint64(b) >= uint64(width) {
		return width
	}
	return uint(b)
}

// arithmeticShift keeps the highest bit, also of unsigned numbers.
func arithmeticShift[T integer](a T, count, width uint, signed bool) T {
	if signed {
		return a >> count
	}
	wide := int64(uint64(a)<<(64-width)) >> (64 - width)
	return T(wide >> count)
}

func integerPower[T integer](a, b T) T {
	if b < 0 {
		switch a {
		case 1:
			return 1
		case ^T(0): // -1
			if b&1 == 0 {
				return 1
			}
			return a
		}
		return 0
	}
	result := T(1)
	for b > 0 {
		if b&1 == 1 {
			result *= a
		}
		a *= a
		b >>= 1
	}
	return result
}

func floatUnary[T float](op compute.OpType) func(T) T {
	functions := map[compute.OpType]func(float64) float64{
		compute.OpTypeNeg: func(v float64) float64 { return -v }, compute.OpTypeAbs: math.Abs,
		compute.OpTypeExp: math.Exp, compute.OpTypeExpm1: math.Expm1, compute.OpTypeLog: math.Log,
		compute.OpTypeLog1p: math.Log1p, compute.OpTypeErf: math.Erf, compute.OpTypeTanh: math.Tanh,
		compute.OpTypeSin: math.Sin, compute.OpTypeCos: math.Cos, compute.OpTypeSqrt: math.Sqrt,
		compute.OpTypeRsqrt: func(v float64) float64 { return 1 / math.Sqrt(v) },
		compute.OpTypeCeil:  math.Ceil, compute.OpTypeFloor: math.Floor,
		compute.OpTypeRound: math.RoundToEven, compute.OpTypeSign: sign64,
		compute.OpTypeLogistic: func(v float64) float64 { return 1 / (1 + math.Exp(-v)) },
	}
	g := functions[op]
	if g == nil {
		return nil
	}
	return func(v T) T { return T(g(float64(v))) }
}

func integerUnary[T integer](op compute.OpType, width uint) func(T) T {
	mask := ^uint64(0) >> (64 - width)
	switch op {
	case compute.OpTypeNeg:
		return func(v T) T { return -v }
	case compute.OpTypeAbs:
		return func(v T) T {
			if v < 0 {
				return -v
			}
			return v
		}
	case compute.OpTypeSign:
		return func(v T) T {
			switch {
			case v > 0:
				return 1
			case v < 0:
				return ^T(0)
			}
			return 0
		}
	case compute.OpTypeBitwiseNot:
		return func(v T) T { return ^v }
	case compute.OpTypeBitCount:
		return func(v T) T { return T(bits.OnesCount64(uint64(v) & mask)) }
	case compute.OpTypeClz:
		return func(v T) T { return T(bits.LeadingZeros64(uint64(v)&mask) - int(64-width)) }
	}
	return nil
}

func numberCompare[T number](op compute.OpType) func(a, b T) bool {
	switch op {
	case compute.OpTypeEqual:
		return func(a, b T) bool { return a == b }
	case compute.OpTypeNotEqual:
		return func(a, b T) bool { return a != b }
	case compute.OpTypeLessThan:
		return func(a, b T) bool { return a < b }
	case compute.OpTypeLessOrEqual:
		return func(a, b T) bool { return a <= b }
	case compute.OpTypeGreaterThan:
		return func(a, b T) bool { return a > b }
	case compute.OpTypeGreaterOrEqual:
		return func(a, b T) bool { return a >= b }
	}
	return nil
}
