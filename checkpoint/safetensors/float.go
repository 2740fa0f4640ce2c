package safetensors

import "math"

const (
	exponent32 = 0x7f800000
	mantissa32 = 0x007fffff
)

// Finite reports whether no value is NaN or infinite, and otherwise the position
// of the first that is. For finite input the position is len(values).
func Finite(values []float32) (first int, ok bool) {
	for i, v := range values {
		if math.Float32bits(v)&exponent32 == exponent32 {
			return i, false
		}
	}
	return len(values), true
}

// Float16 rounds v to IEEE 754 binary16, to nearest with ties to even. Beyond
// 65,504 it becomes infinite; a NaN stays a NaN.
func Float16(v float32) uint16 {
	bits := math.Float32bits(v)
	sign := uint16(bits >> 16 & 0x8000)
	magnitude := bits &^ (1 << 31)
	switch {
	case magnitude > exponent32: // NaN: keep the upper payload, stay quiet.
		return sign | 0x7e00 | uint16(magnitude>>13&0x3ff)
	case magnitude >= 0x47800000: // 65,536 and above.
		return sign | 0x7c00
	case magnitude >= 0x38800000: // Normal in binary16: at least 2^-14.
		rounded := magnitude - 112<<23 // The exponent's bias changes from 127 to 15.
		rounded += 0xfff + rounded>>13&1
		return sign | uint16(rounded>>13)
	case magnitude < 0x33000000: // Below half of the smallest subnormal.
		return sign
	}
	// Subnormal: the implicit one joins the mantissa, which is shifted into units of 2^-24.
	mantissa := magnitude&mantissa32 | 1<<23
	shift := 126 - magnitude>>23
	half := uint32(1)<<(shift-1) - 1
	return sign | uint16((mantissa+half+mantissa>>shift&1)>>shift)
}

// Float32FromFloat16 widens IEEE 754 binary16, exactly.
func Float32FromFloat16(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	exponent := uint32(h >> 10 & 0x1f)
	mantissa := uint32(h & 0x3ff)
	switch exponent {
	case 0:
		v := float32(mantissa) * (1.0 / (1 << 24))
		return math.Float32frombits(math.Float32bits(v) | sign)
	case 0x1f:
		return math.Float32frombits(sign | exponent32 | mantissa<<13)
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | mantissa<<13)
}

// BFloat16 rounds v to bfloat16, to nearest with ties to even. A NaN stays a NaN.
func BFloat16(v float32) uint16 {
	bits := math.Float32bits(v)
	if bits&^(1<<31) > exponent32 {
		return uint16(bits>>16) | 0x40
	}
	return uint16((bits + 0x7fff + bits>>16&1) >> 16)
}

// Float32FromBFloat16 widens bfloat16, exactly.
func Float32FromBFloat16(b uint16) float32 {
	return math.Float32frombits(uint32(b) << 16)
}
