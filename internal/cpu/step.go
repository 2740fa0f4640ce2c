package cpu

import (
	"github.com/gomlx/compute"
)

// step makes the step that computes u.
func (c *compiler) step(u *unit) (step, error) {
	if u.group != nil {
		return c.tileStep(u.group), nil
	}
	n := u.node
	var s step
	switch n.op {
	case compute.OpTypeIf, compute.OpTypeWhile:
		return c.branchStep(u)
	case compute.OpTypeRNGBitGenerator:
		return c.randomStep(u), nil
	case opAttention, opAttentionGradient:
		return c.attentionStep(u), nil
	case compute.OpTypeDotGeneral:
		return c.productStep(u)
	case compute.OpTypeTranspose, compute.OpTypeBroadcastInDim, compute.OpTypeReverse,
		compute.OpTypeSlice, compute.OpTypePad, compute.OpTypeConcatenate:
		s = c.movementStep(n)
	case compute.OpTypeIota:
		s = c.iotaStep(n)
	case compute.OpTypeArgMinMax:
		s = c.argStep(n)
	case compute.OpTypeGather:
		s = c.gatherStep(n)
	case compute.OpTypeScatterSum, compute.OpTypeScatterMax, compute.OpTypeScatterMin:
		s = c.scatterStep(n)
	case compute.OpTypeReduceSum, compute.OpTypeReduceProduct, compute.OpTypeReduceMax, compute.OpTypeReduceMin,
		compute.OpTypeReduceBitwiseAnd, compute.OpTypeReduceBitwiseOr, compute.OpTypeReduceBitwiseXor,
		compute.OpTypeReduceLogicalAnd, compute.OpTypeReduceLogicalOr, compute.OpTypeReduceLogicalXor:
		s = c.reduceStep(n)
	default:
		s = c.elementwiseStep(n)
	}
	if s == nil {
		return nil, unsupported(n.op, "%v", shapesOf(n.inputs))
	}
	return s, nil
}
