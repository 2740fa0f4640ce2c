package cpu

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
)

// operations that work; those not listed return compute.ErrNotImplemented.
var operations = []compute.OpType{
	compute.OpTypeParameter, compute.OpTypeConstant, compute.OpTypeIdentity,
	compute.OpTypeOptimizationBarrier, compute.OpTypeSchedulingBarrier,

	compute.OpTypeAbs, compute.OpTypeBitCount, compute.OpTypeBitwiseNot, compute.OpTypeCeil,
	compute.OpTypeClz, compute.OpTypeCos, compute.OpTypeErf, compute.OpTypeExp, compute.OpTypeExpm1,
	compute.OpTypeFloor, compute.OpTypeIsFinite, compute.OpTypeIsNaN, compute.OpTypeLog, compute.OpTypeLog1p,
	compute.OpTypeLogicalNot, compute.OpTypeLogistic, compute.OpTypeNeg, compute.OpTypeRound,
	compute.OpTypeRsqrt, compute.OpTypeSign, compute.OpTypeSin, compute.OpTypeSqrt, compute.OpTypeTanh,

	compute.OpTypeAdd, compute.OpTypeAtan2, compute.OpTypeBitwiseAnd, compute.OpTypeBitwiseOr,
	compute.OpTypeBitwiseXor, compute.OpTypeDiv, compute.OpTypeLogicalAnd, compute.OpTypeLogicalOr,
	compute.OpTypeLogicalXor, compute.OpTypeMax, compute.OpTypeMin, compute.OpTypeMul, compute.OpTypePow,
	compute.OpTypeRem, compute.OpTypeShiftLeft, compute.OpTypeShiftRightArithmetic,
	compute.OpTypeShiftRightLogical, compute.OpTypeSub, compute.OpTypeClamp,

	compute.OpTypeEqual, compute.OpTypeNotEqual, compute.OpTypeGreaterOrEqual,
	compute.OpTypeGreaterThan, compute.OpTypeLessOrEqual, compute.OpTypeLessThan,

	compute.OpTypeArgMinMax, compute.OpTypeBitcast, compute.OpTypeBroadcastInDim, compute.OpTypeConcatenate,
	compute.OpTypeConvertDType, compute.OpTypeDot, compute.OpTypeDotGeneral, compute.OpTypeGather,
	compute.OpTypeIota, compute.OpTypePad, compute.OpTypeReshape, compute.OpTypeReverse,
	compute.OpTypeRNGBitGenerator, compute.OpTypeScatterMax, compute.OpTypeScatterMin,
	compute.OpTypeScatterSum, compute.OpTypeSlice, compute.OpTypeTranspose, compute.OpTypeWhere,

	compute.OpTypeReduceBitwiseAnd, compute.OpTypeReduceBitwiseOr, compute.OpTypeReduceBitwiseXor,
	compute.OpTypeReduceLogicalAnd, compute.OpTypeReduceLogicalOr, compute.OpTypeReduceLogicalXor,
	compute.OpTypeReduceMax, compute.OpTypeReduceMin, compute.OpTypeReduceProduct, compute.OpTypeReduceSum,

	compute.OpTypeCall, compute.OpTypeIf, compute.OpTypeWhile,

	compute.OpTypeFusedSoftmax, compute.OpTypeFusedLayerNorm, compute.OpTypeFusedGelu,
	compute.OpTypeFusedDense, compute.OpTypeFusedAttentionQKVProjection,
	compute.OpTypeFusedScaledDotProductAttention, compute.OpTypeFusedScaledDotProductAttentionVJP,
}

func capabilities() compute.Capabilities {
	c := compute.Capabilities{
		Operations: make(map[compute.OpType]bool, len(operations)),
		DTypes:     make(map[dtypes.DType]bool, len(supported)),
		Functions:  true,
	}
	for _, op := range operations {
		c.Operations[op] = true
	}
	for _, t := range supported {
		c.DTypes[t] = true
	}
	return c
}
