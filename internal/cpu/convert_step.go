package cpu

import (
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/float16"
	"github.com/loopitr/loopitr/internal/simd"
)

// convertStep makes the step of a change of dtype. Half-precision numbers go
// through float32; floats to integers truncate.
func (c *compiler) convertStep(n *node) step {
	from, to := n.inputs[0].dtype(), n.dtype()
	dst, src, size := c.slot(n), c.slot(n.inputs[0]), n.size()
	switch {
	case from == dtypes.Float32 && to == dtypes.BFloat16:
		return funcStep(func(f *frame) { simd.BFloat16FromFloat32(values[uint16](f, dst, size), f.floats(src, size)) })
	case from == dtypes.BFloat16 && to == dtypes.Float32:
		return funcStep(func(f *frame) { simd.Float32FromBFloat16(f.floats(dst, size), values[uint16](f, src, size)) })
	case from == dtypes.Float32 && to == dtypes.Float16:
		return funcStep(func(f *frame) { simd.Float16FromFloat32(values[uint16](f, dst, size), f.floats(src, size)) })
	case from == dtypes.Float16 && to == dtypes.Float32:
		return funcStep(func(f *frame) { simd.Float32FromFloat16(f.floats(dst, size), values[uint16](f, src, size)) })
	}
	switch from {
	case dtypes.Bool:
		return convertBool(c, n)
	case dtypes.Float16:
		return convertVia(c, n, func(v uint16) float32 { return float16.FromBits(v).Float32() })
	case dtypes.BFloat16:
		return convertVia(c, n, func(v uint16) float32 { return math.Float32frombits(uint32(v) << 16) })
	case dtypes.Float32:
		return convertFrom[float32](c, n)
	case dtypes.Float64:
		return convertFrom[float64](c, n)
	case dtypes.Int8:
		return convertFrom[int8](c, n)
	case dtypes.Int16:
		return convertFrom[int16](c, n)
	case dtypes.Int32:
		return convertFrom[int32](c, n)
	case dtypes.Int64:
		return convertFrom[int64](c, n)
	case dtypes.Uint8:
		return convertFrom[uint8](c, n)
	case dtypes.Uint16:
		return convertFrom[uint16](c, n)
	case dtypes.Uint32:
		return convertFrom[uint32](c, n)
	case dtypes.Uint64:
		return convertFrom[uint64](c, n)
	}
	return nil
}

func convertFrom[T number](c *compiler, n *node) step {
	return convertVia(c, n, func(v T) T { return v })
}

func convertBool(c *compiler, n *node) step {
	return convertVia(c, n, func(v bool) uint8 {
		if v {
			return 1
		}
		return 0
	})
}

// convertVia converts elements stored as S, read as numbers of type T.
func convertVia[S any, T number](c *compiler, n *node, read func(S) T) step {
	switch n.dtype() {
	case dtypes.Bool:
		return unaryStep(c, n, func(v S) bool { return read(v) != 0 })
	case dtypes.Float16:
		return unaryStep(c, n, func(v S) uint16 { return narrow(float32(read(v)), simd.Float16FromFloat32) })
	case dtypes.BFloat16:
		return unaryStep(c, n, func(v S) uint16 { return narrow(float32(read(v)), simd.BFloat16FromFloat32) })
	case dtypes.Float32:
		return unaryStep(c, n, func(v S) float32 { return float32(read(v)) })
	case dtypes.Float64:
		return unaryStep(c, n, func(v S) float64 { return float64(read(v)) })
	case dtypes.Int8:
		return unaryStep(c, n, func(v S) int8 { return int8(read(v)) })
	case dtypes.Int16:
		return unaryStep(c, n, func(v S) int16 { return int16(read(v)) })
	case dtypes.Int32:
		return unaryStep(c, n, func(v S) int32 { return int32(read(v)) })
	case dtypes.Int64:
		return unaryStep(c, n, func(v S) int64 { return int64(read(v)) })
	case dtypes.Uint8:
		return unaryStep(c, n, func(v S) uint8 { return uint8(read(v)) })
	case dtypes.Uint16:
		return unaryStep(c, n, func(v S) uint16 { return uint16(read(v)) })
	case dtypes.Uint32:
		return unaryStep(c, n, func(v S) uint32 { return uint32(read(v)) })
	case dtypes.Uint64:
		return unaryStep(c, n, func(v S) uint64 { return uint64(read(v)) })
	}
	return nil
}

func narrow(v float32, kernel func([]uint16, []float32)) uint16 {
	var out [1]uint16
	in := [1]float32{v}
	kernel(out[:], in[:])
	return out[0]
}
