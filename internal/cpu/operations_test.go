package cpu_test

import (
	"math"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"pgregory.net/rapid"
)

type (
	function = compute.Function
	value    = compute.Value
)

// operation is one of Capabilities and how many operands it takes.
type operation struct {
	operands int
	build    builder
}

// elementary are the operations on elements and over axes, by what they take: the
// dtype of all operands.
var elementary = map[dtypes.DType]map[compute.OpType]operation{
	dtypes.Float32: {
		compute.OpTypeAbs: unary(function.Abs), compute.OpTypeCeil: unary(function.Ceil), compute.OpTypeCos: unary(function.Cos),
		compute.OpTypeErf: unary(function.Erf), compute.OpTypeExp: unary(function.Exp), compute.OpTypeExpm1: unary(function.Expm1),
		compute.OpTypeFloor: unary(function.Floor), compute.OpTypeIsFinite: unary(function.IsFinite), compute.OpTypeIsNaN: unary(function.IsNaN),
		compute.OpTypeLog: unary(function.Log), compute.OpTypeLog1p: unary(function.Log1p), compute.OpTypeLogistic: unary(function.Logistic),
		compute.OpTypeNeg: unary(function.Neg), compute.OpTypeRound: unary(function.Round), compute.OpTypeRsqrt: unary(function.Rsqrt),
		compute.OpTypeSign: unary(function.Sign), compute.OpTypeSin: unary(function.Sin), compute.OpTypeSqrt: unary(function.Sqrt),
		compute.OpTypeTanh: unary(function.Tanh), compute.OpTypeIdentity: unary(function.Identity),
		compute.OpTypeAdd: binary(function.Add), compute.OpTypeAtan2: binary(function.Atan2), compute.OpTypeDiv: binary(function.Div),
		compute.OpTypeMax: binary(function.Max), compute.OpTypeMin: binary(function.Min), compute.OpTypeMul: binary(function.Mul),
		compute.OpTypePow: binary(function.Pow), compute.OpTypeRem: binary(function.Rem), compute.OpTypeSub: binary(function.Sub),
		compute.OpTypeEqual: binary(function.Equal), compute.OpTypeNotEqual: binary(function.NotEqual),
		compute.OpTypeGreaterOrEqual: binary(function.GreaterOrEqual), compute.OpTypeGreaterThan: binary(function.GreaterThan),
		compute.OpTypeLessOrEqual: binary(function.LessOrEqual), compute.OpTypeLessThan: binary(function.LessThan),
		compute.OpTypeReduceProduct: overAxis(function.ReduceProduct), compute.OpTypeReduceSum: overAxis(function.ReduceSum),
		compute.OpTypeReduceMax: overAxis(function.ReduceMax), compute.OpTypeReduceMin: overAxis(function.ReduceMin),
		compute.OpTypeBitcast: {1, func(f function, x []value) (value, error) { return f.Bitcast(x[0], dtypes.Uint32) }},
		compute.OpTypeClamp:   {1, clamp},
	},
	dtypes.Int32: {
		compute.OpTypeBitCount: unary(function.BitCount), compute.OpTypeBitwiseNot: unary(function.BitwiseNot), compute.OpTypeClz: unary(function.Clz),
		compute.OpTypeBitwiseAnd: binary(function.BitwiseAnd), compute.OpTypeBitwiseOr: binary(function.BitwiseOr), compute.OpTypeBitwiseXor: binary(function.BitwiseXor),
		compute.OpTypeShiftLeft: binary(function.ShiftLeft), compute.OpTypeShiftRightArithmetic: binary(function.ShiftRightArithmetic),
		compute.OpTypeShiftRightLogical: binary(function.ShiftRightLogical),
		compute.OpTypeReduceBitwiseAnd:  overAxis(function.ReduceBitwiseAnd),
		compute.OpTypeReduceBitwiseOr:   overAxis(function.ReduceBitwiseOr),
		compute.OpTypeReduceBitwiseXor:  overAxis(function.ReduceBitwiseXor),
		compute.OpTypeAbs:               unary(function.Abs),
		compute.OpTypeSign:              unary(function.Sign),
		compute.OpTypeRem:               binary(function.Rem),
		compute.OpTypeDiv:               binary(function.Div),
	},
	dtypes.Bool: {
		compute.OpTypeLogicalNot: unary(function.LogicalNot), compute.OpTypeLogicalAnd: binary(function.LogicalAnd),
		compute.OpTypeLogicalOr: binary(function.LogicalOr), compute.OpTypeLogicalXor: binary(function.LogicalXor),
		compute.OpTypeReduceLogicalAnd: overAxis(function.ReduceLogicalAnd), compute.OpTypeReduceLogicalOr: overAxis(function.ReduceLogicalOr),
		compute.OpTypeReduceLogicalXor: overAxis(function.ReduceLogicalXor),
	},
}

// rounded are what engines compute by approximations or in orders of their own.
var rounded = []compute.OpType{
	compute.OpTypeAtan2, compute.OpTypeCos, compute.OpTypeErf, compute.OpTypeExp, compute.OpTypeExpm1, compute.OpTypeLog, compute.OpTypeLog1p,
	compute.OpTypeLogistic, compute.OpTypePow, compute.OpTypeRsqrt, compute.OpTypeSin, compute.OpTypeTanh,
	compute.OpTypeReduceProduct, compute.OpTypeReduceSum,
}

func unary(op func(function, value) (value, error)) operation {
	return operation{1, func(f function, x []value) (value, error) { return op(f, x[0]) }}
}

func binary(op func(function, value, value) (value, error)) operation {
	return operation{2, func(f function, x []value) (value, error) { return op(f, x[0], x[1]) }}
}

// overAxis reduces the middle axis of three.
func overAxis(op func(function, value, ...int) (value, error)) operation {
	return operation{1, func(f function, x []value) (value, error) { return op(f, x[0], 1) }}
}

func clamp(f function, x []value) (value, error) {
	low, err := f.Constant([]float32{-0.5})
	if err != nil {
		return nil, err
	}
	high, err := f.Constant([]float32{1})
	if err != nil {
		return nil, err
	}
	return f.Clamp(low, x[0], high)
}

// TestOperationsAgreeWithGo: each operation by itself, on shapes that broadcast.
func TestOperationsAgreeWithGo(t *testing.T) { eachLevel(t, operationsAgreeWithGo) }

func operationsAgreeWithGo(t *testing.T) {
	ours, theirs := open(t, "threads=3"), openGo(t)
	for dtype, operations := range elementary {
		for op, o := range operations {
			t.Run(dtype.String()+"/"+op.String(), func(t *testing.T) {
				rapid.Check(t, func(r *rapid.T) {
					dims := dimensions(r, 3)
					in := []planInput{elements(r, dims, dtype, op)}
					if o.operands > 1 {
						narrow := narrowed(dims, rapid.IntRange(0, 2).Draw(r, "axis"))
						in = append(in, elements(r, narrow, dtype, op))
					}
					p := one(op.String(), in, o.build)
					if p.rounding = exact; slices.Contains(rounded, op) {
						p.rounding = ofEach
					}
					if op == compute.OpTypeReduceSum {
						p.scale = 2 * math.Sqrt(float64(dims[1])) // terms cancel
					}
					compareBackends(r, t, p, ours, theirs)
				})
			})
		}
	}
}

// comparedElsewhere are the rest of Capabilities, with the test that holds each.
var comparedElsewhere = map[string][]compute.OpType{
	"TestChainsAgreeWithGo": {
		compute.OpTypeParameter, compute.OpTypeConstant, compute.OpTypeBroadcastInDim, compute.OpTypeReshape,
		compute.OpTypeWhere, compute.OpTypeOptimizationBarrier,
	},
	"TestKindsAgreeWithGo": {
		compute.OpTypeTranspose, compute.OpTypeReverse, compute.OpTypeSlice, compute.OpTypePad, compute.OpTypeConcatenate,
		compute.OpTypeDot, compute.OpTypeDotGeneral, compute.OpTypeGather, compute.OpTypeScatterSum, compute.OpTypeScatterMax,
		compute.OpTypeScatterMin, compute.OpTypeArgMinMax, compute.OpTypeConvertDType, compute.OpTypeIota,
	},
	"TestRandomBitsAgreeWithGo": {compute.OpTypeRNGBitGenerator},
	"TestControlAgreesWithGo":   {compute.OpTypeCall, compute.OpTypeIf, compute.OpTypeWhile},
	"TestGradientsByFiniteDifferences": {
		compute.OpTypeFusedSoftmax, compute.OpTypeFusedLayerNorm, compute.OpTypeFusedGelu, compute.OpTypeFusedDense,
	},
	"TestAttentionByDefinitionAndDifferences": {
		compute.OpTypeFusedScaledDotProductAttention, compute.OpTypeFusedScaledDotProductAttentionVJP,
	},
	"TestUpstreamSuite": {compute.OpTypeSchedulingBarrier, compute.OpTypeFusedAttentionQKVProjection},
}

func TestEveryOperationIsCompared(t *testing.T) {
	compared := map[compute.OpType]bool{}
	for _, operations := range elementary {
		for op := range operations {
			compared[op] = true
		}
	}
	for _, operations := range comparedElsewhere {
		for _, op := range operations {
			compared[op] = true
		}
	}
	for op := range open(t, "threads=1").Capabilities().Operations {
		if !compared[op] {
			t.Errorf("no test compares %s with another implementation", op)
		}
	}
}

// TestRoundedProductsAgreeWithGo: products=bf16 rounds the operands of products of more
// than 16 rows, to the nearest even, and nothing else.
func TestRoundedProductsAgreeWithGo(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		ours, theirs := open(t, "threads=3,products=bf16"), openGo(t)
		rapid.Check(t, func(r *rapid.T) {
			p := products(r)
			if p.want == nil && p.rows > 16 {
				p.want = p.narrow().run(t, theirs)
			}
			compareBackends(r, t, p, ours, theirs)
		})
	})
}

// narrow is the plan with the values of its inputs as bfloat16 holds them.
func (p *plan) narrow() *plan {
	q := *p
	q.inputs = slices.Clone(p.inputs)
	for i, in := range q.inputs {
		values := slices.Clone(in.flat.([]float32))
		for j, v := range values {
			values[j] = bfloat16.FromFloat32(v).Float32()
		}
		q.inputs[i].flat = values
	}
	return &q
}
