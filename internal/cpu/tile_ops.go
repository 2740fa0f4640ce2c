package cpu

import (
	"math"

	"github.com/gomlx/compute"
	"github.com/loopitr/loopitr/internal/simd"
)

// binaryKernel is one operation in the forms that broadcasting needs.
type binaryKernel struct {
	vectors      func(dst, a, b []float32)
	vectorScalar func(dst, a []float32, s float32)
	scalarVector func(dst []float32, s float32, a []float32)
}

var binaryKernels = map[compute.OpType]*binaryKernel{
	compute.OpTypeAdd: {simd.Add, simd.AddScalar, func(dst []float32, s float32, a []float32) { simd.AddScalar(dst, a, s) }},
	compute.OpTypeSub: {simd.Sub, func(dst, a []float32, s float32) { simd.AddScalar(dst, a, -s) }, simd.ScalarSub},
	compute.OpTypeMul: {simd.Mul, simd.MulScalar, func(dst []float32, s float32, a []float32) { simd.MulScalar(dst, a, s) }},
	compute.OpTypeDiv: {simd.Div, simd.DivScalar, simd.ScalarDiv},
	compute.OpTypeMax: {simd.Max, simd.MaxScalar, func(dst []float32, s float32, a []float32) { simd.MaxScalar(dst, a, s) }},
	compute.OpTypeMin: {simd.Min, simd.MinScalar, func(dst []float32, s float32, a []float32) { simd.MinScalar(dst, a, s) }},
	opGELUGradient:    plainKernel(simd.GELUGradient),
	compute.OpTypePow: {powVectors, powScalar, plainBinary(pow32).scalarVector},
	compute.OpTypeRem: plainBinary(func(a, b float32) float32 {
		return float32(math.Mod(float64(a), float64(b)))
	}),
	compute.OpTypeAtan2: plainBinary(func(a, b float32) float32 {
		return float32(math.Atan2(float64(a), float64(b)))
	}),
}

// plainKernel has operands of the result's shape only.
func plainKernel(f func(dst, a, b []float32)) *binaryKernel { return &binaryKernel{vectors: f} }

// plainBinary makes a kernel of a function of two numbers.
func plainBinary(f func(a, b float32) float32) *binaryKernel {
	return &binaryKernel{
		vectors: func(dst, a, b []float32) {
			a, b = a[:len(dst)], b[:len(dst)]
			for i := range dst {
				dst[i] = f(a[i], b[i])
			}
		},
		vectorScalar: func(dst, a []float32, s float32) {
			a = a[:len(dst)]
			for i := range dst {
				dst[i] = f(a[i], s)
			}
		},
		scalarVector: func(dst []float32, s float32, a []float32) {
			a = a[:len(dst)]
			for i := range dst {
				dst[i] = f(s, a[i])
			}
		},
	}
}

func pow32(a, b float32) float32 { return float32(math.Pow(float64(a), float64(b))) }

func powVectors(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = pow32(a[i], b[i])
	}
}

// powScalar has the exponents that networks use as products.
func powScalar(dst, a []float32, s float32) {
	switch s {
	case 1:
		copy(dst, a)
	case 2:
		simd.Mul(dst, a, a)
	case 0.5:
		// pow(-0, 0.5) and pow(-Inf, 0.5) differ from the root.
		a = a[:len(dst)]
		for i, v := range a {
			if v > 0 {
				dst[i] = float32(math.Sqrt(float64(v)))
			} else {
				dst[i] = pow32(v, s)
			}
		}
	default:
		a = a[:len(dst)]
		for i, v := range a {
			dst[i] = pow32(v, s)
		}
	}
}

var unaryKernels = map[compute.OpType]func(dst, a []float32){
	compute.OpTypeNeg:      simd.Neg,
	compute.OpTypeAbs:      simd.Abs,
	compute.OpTypeExp:      simd.Exp,
	compute.OpTypeLog:      simd.Log,
	compute.OpTypeErf:      simd.Erf,
	compute.OpTypeTanh:     simd.Tanh,
	compute.OpTypeLogistic: simd.Sigmoid,
	compute.OpTypeSqrt:     simd.Sqrt,
	compute.OpTypeRsqrt:    simd.Rsqrt,
	opGELU:                 simd.GELU,
	compute.OpTypeExpm1:    plainUnary(math.Expm1),
	compute.OpTypeLog1p:    plainUnary(math.Log1p),
	compute.OpTypeSin:      plainUnary(math.Sin),
	compute.OpTypeCos:      plainUnary(math.Cos),
	compute.OpTypeCeil:     plainUnary(math.Ceil),
	compute.OpTypeFloor:    plainUnary(math.Floor),
	compute.OpTypeRound:    plainUnary(math.RoundToEven),
	compute.OpTypeSign:     plainUnary(sign64),
}

func plainUnary(f func(float64) float64) func(dst, a []float32) {
	return func(dst, a []float32) {
		a = a[:len(dst)]
		for i, v := range a {
			dst[i] = float32(f(float64(v)))
		}
	}
}

func sign64(v float64) float64 {
	switch {
	case v > 0:
		return 1
	case v < 0:
		return -1
	}
	return v // zeros keep their sign, NaN stays
}

var testKernels = map[compute.OpType]func(dst []bool, a []float32){
	compute.OpTypeIsNaN: func(dst []bool, a []float32) {
		for i := range dst {
			dst[i] = a[i] != a[i]
		}
	},
	compute.OpTypeIsFinite: func(dst []bool, a []float32) {
		for i := range dst {
			dst[i] = a[i]-a[i] == 0
		}
	},
	compute.OpTypeConvertDType: func(dst []bool, a []float32) {
		for i := range dst {
			dst[i] = a[i] != 0
		}
	},
}

var comparisons = map[compute.OpType]simd.Comparison{
	compute.OpTypeEqual:          simd.Equal,
	compute.OpTypeNotEqual:       simd.NotEqual,
	compute.OpTypeLessThan:       simd.Less,
	compute.OpTypeLessOrEqual:    simd.LessOrEqual,
	compute.OpTypeGreaterThan:    simd.Greater,
	compute.OpTypeGreaterOrEqual: simd.GreaterOrEqual,
}

// mirrored is the comparison that holds for (b, a) when the key holds for (a, b).
var mirrored = map[simd.Comparison]simd.Comparison{
	simd.Equal: simd.Equal, simd.NotEqual: simd.NotEqual,
	simd.Less: simd.Greater, simd.LessOrEqual: simd.GreaterOrEqual,
	simd.Greater: simd.Less, simd.GreaterOrEqual: simd.LessOrEqual,
}

var logicalKernels = map[compute.OpType]func(dst, a, b []bool){
	compute.OpTypeLogicalAnd: func(dst, a, b []bool) {
		for i := range dst {
			dst[i] = a[i] && b[i]
		}
	},
	compute.OpTypeLogicalOr: func(dst, a, b []bool) {
		for i := range dst {
			dst[i] = a[i] || b[i]
		}
	},
	compute.OpTypeLogicalXor: func(dst, a, b []bool) {
		for i := range dst {
			dst[i] = a[i] != b[i]
		}
	},
	compute.OpTypeLogicalNot: func(dst, a, _ []bool) {
		for i := range dst {
			dst[i] = !a[i]
		}
	},
}
