package simd

import "math"

// BFloat16FromFloat32 rounds to bfloat16, nearest even; NaN stays NaN.
func BFloat16FromFloat32(dst []uint16, src []float32) {
	src = src[:len(dst)]
	done := grouped(len(dst))
	if done > 0 {
		toBFloat16Vectors(&dst[0], &src[0], done)
	}
	for i, v := range src[done:] {
		dst[done+i] = bfloat16(v)
	}
}

// Float32FromBFloat16 widens exactly.
func Float32FromBFloat16(dst []float32, src []uint16) {
	src = src[:len(dst)]
	done := grouped(len(dst))
	if done > 0 {
		fromBFloat16Vectors(&dst[0], &src[0], done)
	}
	for i, v := range src[done:] {
		dst[done+i] = math.Float32frombits(uint32(v) << 16)
	}
}

// Float16FromFloat32 rounds to IEEE half precision, nearest even: overflow gives
// infinity, NaN stays NaN.
func Float16FromFloat32(dst []uint16, src []float32) {
	src = src[:len(dst)]
	done := grouped(len(dst))
	if done > 0 {
		toFloat16Vectors(&dst[0], &src[0], done)
	}
	for i, v := range src[done:] {
		dst[done+i] = float16(v)
	}
}

// Float32FromFloat16 widens exactly.
func Float32FromFloat16(dst []float32, src []uint16) {
	src = src[:len(dst)]
	done := grouped(len(dst))
	if done > 0 {
		fromFloat16Vectors(&dst[0], &src[0], done)
	}
	for i, v := range src[done:] {
		dst[done+i] = fromFloat16(v)
	}
}

// RoundBFloat16 rounds values to what bfloat16 can hold; dst may be src.
func RoundBFloat16(dst, src []float32) {
	src = src[:len(dst)]
	if vectors(len(dst)) {
		roundBFloat16Vectors(&dst[0], &src[0], len(dst))
		return
	}
	for i, v := range src {
		dst[i] = roundBFloat16(v)
	}
}

func bfloat16(v float32) uint16 {
	bits := math.Float32bits(v)
	if v != v {
		return uint16(bits>>16) | 0x40
	}
	return uint16((bits + 0x7fff + bits>>16&1) >> 16)
}

func roundBFloat16(v float32) float32 {
	return math.Float32frombits(uint32(bfloat16(v)) << 16)
}

func float16(v float32) uint16 {
	bits := math.Float32bits(v)
	sign := uint16(bits >> 16 & 0x8000)
	magnitude := bits & 0x7fffffff
	switch {
	case magnitude > 0x7f800000:
		return sign | 0x7e00 | uint16(magnitude>>13&0x1ff)
	case magnitude >= 0x477ff000: // half way from the largest half to 65536
		return sign | 0x7c00
	case magnitude < 0x38800000: // below the smallest normal half, 2^-14
		// Adding 0.5 leaves the multiple of 2^-24 in the low bits, rounded to even.
		return sign | uint16(math.Float32bits(math.Float32frombits(magnitude)+0.5)-0x3f000000)
	}
	return sign | uint16((magnitude-0x38000000+0xfff+magnitude>>13&1)>>13)
}

func fromFloat16(v uint16) float32 {
	sign := uint32(v&0x8000) << 16
	exponent, fraction := uint32(v>>10&0x1f), uint32(v&0x3ff)
	switch {
	case exponent == 31 && fraction != 0:
		return math.Float32frombits(sign | 0x7fc00000 | fraction<<13)
	case exponent == 31:
		return math.Float32frombits(sign | 0x7f800000)
	case exponent == 0:
		return math.Float32frombits(sign | math.Float32bits(float32(fraction)*0x1p-24))
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
}
