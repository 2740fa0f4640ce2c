package safetensors

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/loopitr/loopitr"
)

// Tensor is one tensor of an open File. Nothing but its description is in memory
// until it is read. Elements are counted row after row.
type Tensor struct {
	Name  string
	DType DType
	Shape []int // must not be changed

	offset, size int64
	source       source
}

// Len returns the number of elements.
func (t Tensor) Len() int { return int(t.size) / t.DType.Size() }

// Bytes returns the tensor's bytes as stored, little-endian: a view of the
// mapped file, or a copy where the file is not mapped. The view must not be
// changed, must not be used after Close, and faults if another process cuts the
// file short; Float32 does not.
func (t Tensor) Bytes() ([]byte, error) {
	b, err := t.source.view(t.offset, t.size)
	if err != nil {
		return nil, fmt.Errorf("read tensor %q: %w", t.Name, err)
	}
	return b, nil
}

// BytesAt copies stored bytes into dst, beginning with byte first of the tensor.
// The error wraps loopitr.ErrInvalid when the tensor has no such range.
func (t Tensor) BytesAt(dst []byte, first int) error {
	if first < 0 || int64(first) > t.size || int64(len(dst)) > t.size-int64(first) {
		return fmt.Errorf("read tensor %q: bytes %d to %d of %d: %w", t.Name, first, first+len(dst), t.size, loopitr.ErrInvalid)
	}
	if err := t.source.read(dst, t.offset+int64(first)); err != nil {
		return fmt.Errorf("read tensor %q: %w", t.Name, err)
	}
	return nil
}

// Float32 returns all elements as float32. Values of F64, I64 and I32 are rounded
// to nearest; BOOL becomes 0 or 1. NaN and infinities come through: see Finite.
func (t Tensor) Float32() ([]float32, error) {
	dst := make([]float32, t.Len())
	if err := t.Float32At(dst, 0); err != nil {
		return nil, err
	}
	return dst, nil
}

// Float32At fills dst with elements converted as Float32 does, beginning with
// element first. The error wraps loopitr.ErrInvalid when the tensor has no such range.
func (t Tensor) Float32At(dst []float32, first int) error {
	if first < 0 || first > t.Len() || len(dst) > t.Len()-first {
		return fmt.Errorf("read tensor %q: elements %d to %d of %d: %w", t.Name, first, first+len(dst), t.Len(), loopitr.ErrInvalid)
	}
	if err := t.convert(dst, first); err != nil {
		return fmt.Errorf("read tensor %q: %w", t.Name, err)
	}
	return nil
}

// chunk is how many elements are read at once where the file is not mapped.
const chunk = 1 << 14

func (t Tensor) convert(dst []float32, first int) error {
	width := int64(t.DType.Size())
	offset := t.offset + int64(first)*width
	if t.source.mapped != nil {
		raw := t.source.mapped[offset : offset+int64(len(dst))*width]
		return guard(func() { Decode(dst, raw, t.DType) })
	}
	buffer := make([]byte, int64(min(len(dst), chunk))*width)
	for len(dst) > 0 {
		n := min(len(dst), chunk)
		raw := buffer[:int64(n)*width]
		if err := t.source.read(raw, offset); err != nil {
			return err
		}
		Decode(dst[:n], raw, t.DType)
		dst, offset = dst[n:], offset+int64(len(raw))
	}
	return nil
}

// Decode converts little-endian elements of a type into dst, as Tensor.Float32
// does. raw must hold len(dst) elements.
func Decode(dst []float32, raw []byte, d DType) {
	le := binary.LittleEndian
	switch d {
	case F32:
		for i := range dst {
			dst[i] = math.Float32frombits(le.Uint32(raw[4*i:]))
		}
	case F16:
		for i := range dst {
			dst[i] = Float32FromFloat16(le.Uint16(raw[2*i:]))
		}
	case BF16:
		for i := range dst {
			dst[i] = Float32FromBFloat16(le.Uint16(raw[2*i:]))
		}
	case F64:
		for i := range dst {
			dst[i] = float32(math.Float64frombits(le.Uint64(raw[8*i:])))
		}
	default:
		decodeWhole(dst, raw, d)
	}
}

func decodeWhole(dst []float32, raw []byte, d DType) {
	le := binary.LittleEndian
	switch d {
	case I64:
		for i := range dst {
			dst[i] = float32(int64(le.Uint64(raw[8*i:])))
		}
	case I32:
		for i := range dst {
			dst[i] = float32(int32(le.Uint32(raw[4*i:])))
		}
	case I16:
		for i := range dst {
			dst[i] = float32(int16(le.Uint16(raw[2*i:])))
		}
	case I8:
		for i := range dst {
			dst[i] = float32(int8(raw[i]))
		}
	case U8:
		for i := range dst {
			dst[i] = float32(raw[i])
		}
	case Bool:
		for i := range dst {
			dst[i] = 0
			if raw[i] != 0 {
				dst[i] = 1
			}
		}
	}
}
