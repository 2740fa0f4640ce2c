package sqlite

import (
	"encoding/binary"
	"math"

	"github.com/loopitr/loopitr"
)

// A token blob is: kind (1 byte), three zero bytes, count and width (uint32 each),
// for Int8Tokens one float32 scale a token, then count*width values, then the
// checksum. All little-endian.
const tokenHeader = 12

// maxTokenValues bounds what a blob may claim: 64 times ViT-B/16 at 384 px.
const maxTokenValues = 64 * 577 * 768

func encodeTokens(kind Tokens, s loopitr.States) []byte {
	blob := make([]byte, tokenHeader, tokenHeader+4*s.Count+2*len(s.Values)+4)
	blob[0] = byte(kind)
	binary.LittleEndian.PutUint32(blob[4:], uint32(s.Count))
	binary.LittleEndian.PutUint32(blob[8:], uint32(s.Width))
	if kind == Float16Tokens {
		for _, v := range s.Values {
			blob = binary.LittleEndian.AppendUint16(blob, toFloat16(v))
		}
		return seal(blob)
	}
	scales := make([]float32, s.Count)
	for i := range scales {
		scales[i] = scaleOf(s.Values[i*s.Width : (i+1)*s.Width])
		blob = binary.LittleEndian.AppendUint32(blob, math.Float32bits(scales[i]))
	}
	for i, scale := range scales {
		inverse := inverseOf(scale)
		for _, v := range s.Values[i*s.Width : (i+1)*s.Width] {
			blob = append(blob, byte(quantise(v, inverse)))
		}
	}
	return seal(blob)
}

func decodeTokens(blob []byte) (loopitr.States, error) {
	var s loopitr.States
	body, err := unseal(blob)
	if err != nil {
		return s, err
	}
	if len(body) < tokenHeader {
		return s, corrupt("image tokens of %d bytes", len(body))
	}
	kind := Tokens(body[0])
	count, width := binary.LittleEndian.Uint32(body[4:]), binary.LittleEndian.Uint32(body[8:])
	values := uint64(count) * uint64(width)
	if values > maxTokenValues {
		return s, corrupt("image tokens of %d x %d", count, width)
	}
	body = body[tokenHeader:]
	want := map[Tokens]uint64{Int8Tokens: 4*uint64(count) + values, Float16Tokens: 2 * values}
	if size, known := want[kind]; !known || size != uint64(len(body)) {
		return s, corrupt("image tokens of kind %d, %d x %d, in %d bytes", kind, count, width, len(body))
	}
	s = loopitr.States{Count: int(count), Width: int(width), Values: make([]float32, values)}
	if kind == Float16Tokens {
		for i := range s.Values {
			s.Values[i] = fromFloat16(binary.LittleEndian.Uint16(body[2*i:]))
		}
		return s, nil
	}
	codes := body[4*s.Count:]
	for i := range s.Count {
		scale := math.Float32frombits(binary.LittleEndian.Uint32(body[4*i:]))
		for j := range s.Width {
			s.Values[i*s.Width+j] = scale * float32(int8(codes[i*s.Width+j]))
		}
	}
	return s, nil
}

// scaleOf is the step that maps a row's largest magnitude to 127.
func scaleOf(row []float32) float32 {
	var largest float32
	for _, v := range row {
		if v = math.Float32frombits(math.Float32bits(v) &^ (1 << 31)); v > largest {
			largest = v
		}
	}
	return largest / 127
}

// inverseOf makes every code of a row without magnitude 0.
func inverseOf(scale float32) float64 {
	if scale == 0 {
		return 0
	}
	return 1 / float64(scale)
}

// quantise rounds v/scale to the nearest code in -127..127.
func quantise(v float32, inverse float64) int8 {
	return int8(max(-127, min(127, int32(math.RoundToEven(float64(v)*inverse)))))
}

// toFloat16 rounds to IEEE 754 binary16, ties to even; beyond its range it
// saturates to the largest finite value.
func toFloat16(v float32) uint16 {
	const largest = 65504
	v = max(-largest, min(largest, v))
	bits := math.Float32bits(v)
	sign := uint16(bits >> 16 & 0x8000)
	magnitude := math.Float32frombits(bits &^ (1 << 31))
	if magnitude < 0x1p-14 { // subnormal: a multiple of 2^-24
		return sign | uint16(math.RoundToEven(float64(magnitude)*0x1p24))
	}
	m := math.Float32bits(magnitude)
	m += 0xfff + m>>13&1
	return sign | uint16((m>>13)-(127-15)<<10)
}

func fromFloat16(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	exponent, mantissa := uint32(h>>10&31), uint32(h&0x3ff)
	switch exponent {
	case 0:
		return math.Float32frombits(math.Float32bits(float32(mantissa)*0x1p-24) | sign)
	case 31:
		return math.Float32frombits(sign | 0xff<<23 | mantissa<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | mantissa<<13)
}
