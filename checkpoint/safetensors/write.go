package safetensors

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/internal/durable"
)

// Source is one tensor to be written.
type Source struct {
	Name  string
	DType DType
	Shape []int
	// Write writes the tensor's elements, little-endian, row after row: exactly
	// as many bytes as DType and Shape say.
	Write func(w io.Writer) error
}

// FromBytes is a Source of bytes that are already as the file wants them.
func FromBytes(name string, d DType, shape []int, raw []byte) Source {
	return Source{Name: name, DType: d, Shape: shape, Write: func(w io.Writer) error {
		_, err := w.Write(raw)
		return err
	}}
}

// FromFloat32 is a Source that stores values as F32, F16 or BF16, rounding to
// nearest with ties to even. Writing fails with loopitr.ErrInvalid when d is
// another type or a finite value is too large for d.
func FromFloat32(name string, d DType, shape []int, values []float32) Source {
	return Source{Name: name, DType: d, Shape: shape, Write: func(w io.Writer) error {
		return encode(w, d, values)
	}}
}

// Sort brings sources into the order of the format's reference writer: larger
// elements first, then by name. Every tensor is then aligned to its element.
func Sort(sources []Source) {
	slices.SortStableFunc(sources, func(a, b Source) int {
		return cmp.Or(-cmp.Compare(alignment(a.DType), alignment(b.DType)), cmp.Compare(a.Name, b.Name))
	})
}

// alignment orders element types as the reference writer's type list does.
func alignment(d DType) int {
	return slices.Index([]DType{Bool, U8, I8, I16, F16, BF16, I32, F32, F64, I64}, d)
}

// WriteFile writes a file that is either complete and on the disk, or not there:
// what was at path before stays until then. Its error wraps Write's or the
// operating system's.
func WriteFile(path string, metadata map[string]string, sources []Source) error {
	return durable.WriteFile(path, func(w io.Writer) error { return Write(w, metadata, sources) })
}

// Write writes the header and then the tensors in the given order, without
// holding more than one buffer of them. The same input gives the same bytes.
//
// The error wraps loopitr.ErrInvalid when names repeat, a shape or type is
// impossible, or a source writes another number of bytes than its shape says;
// otherwise it is w's. After an error w holds an unusable beginning.
func Write(w io.Writer, metadata map[string]string, sources []Source) error {
	header, err := makeHeader(metadata, sources)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, 1<<18)
	var prefix [8]byte
	binary.LittleEndian.PutUint64(prefix[:], uint64(len(header)))
	if _, err := out.Write(append(prefix[:], header...)); err != nil {
		return err
	}
	for _, s := range sources {
		want, _ := byteSize(s.DType, s.Shape)
		body := &limited{w: out, left: want}
		if err := s.Write(body); err != nil {
			return fmt.Errorf("write tensor %q: %w", s.Name, err)
		}
		if body.left != 0 {
			return fmt.Errorf("write tensor %q: %d bytes short of shape %v: %w", s.Name, body.left, s.Shape, loopitr.ErrInvalid)
		}
	}
	return out.Flush()
}

// limited passes on at most left bytes.
type limited struct {
	w    io.Writer
	left int64
}

func (l *limited) Write(b []byte) (int, error) {
	if int64(len(b)) > l.left {
		return 0, fmt.Errorf("more bytes than the shape says: %w", loopitr.ErrInvalid)
	}
	n, err := l.w.Write(b)
	l.left -= int64(n)
	return n, err
}

func makeHeader(metadata map[string]string, sources []Source) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	if len(metadata) > 0 {
		appendString(&b, metadataKey)
		b.WriteString(":{")
		for i, key := range slices.Sorted(maps.Keys(metadata)) {
			if !utf8.ValidString(key) || !utf8.ValidString(metadata[key]) {
				return nil, fmt.Errorf("write metadata %q: not UTF-8: %w", key, loopitr.ErrInvalid)
			}
			if i > 0 {
				b.WriteByte(',')
			}
			appendString(&b, key)
			b.WriteByte(':')
			appendString(&b, metadata[key])
		}
		b.WriteString("},")
	}
	var at int64
	seen := map[string]bool{metadataKey: true}
	for _, s := range sources {
		size, err := checkSource(s, seen)
		if err != nil {
			return nil, err
		}
		if size > math.MaxInt64-at {
			return nil, fmt.Errorf("write tensor %q: file is too large: %w", s.Name, loopitr.ErrInvalid)
		}
		appendEntry(&b, s, [2]int64{at, at + size})
		at += size
	}
	header := append(bytes.TrimSuffix(b.Bytes(), []byte(",")), '}')
	for len(header)%8 != 0 { // The first tensor begins at a multiple of eight.
		header = append(header, ' ')
	}
	if len(header) > maxHeader {
		return nil, fmt.Errorf("write header: %d bytes are over the limit of %d: %w", len(header), maxHeader, loopitr.ErrInvalid)
	}
	return header, nil
}

func checkSource(s Source, seen map[string]bool) (size int64, err error) {
	if seen[s.Name] {
		return 0, fmt.Errorf("write tensor %q: name is taken: %w", s.Name, loopitr.ErrInvalid)
	}
	seen[s.Name] = true
	if !utf8.ValidString(s.Name) {
		return 0, fmt.Errorf("write tensor %q: name is not UTF-8: %w", s.Name, loopitr.ErrInvalid)
	}
	size, ok := byteSize(s.DType, s.Shape)
	if !ok || s.DType.Size() == 0 || len(s.Shape) > maxRank {
		return 0, fmt.Errorf("write tensor %q: impossible %q %v: %w", s.Name, s.DType, s.Shape, loopitr.ErrInvalid)
	}
	return size, nil
}

func appendEntry(b *bytes.Buffer, s Source, offsets [2]int64) {
	appendString(b, s.Name)
	shape := s.Shape
	if shape == nil {
		shape = []int{}
	}
	dims, _ := json.Marshal(shape) // Whole numbers cannot fail.
	fmt.Fprintf(b, `:{"dtype":"%s","shape":%s,"data_offsets":[%d,%d]},`, s.DType, dims, offsets[0], offsets[1])
}

// appendString quotes without escaping the characters that only HTML minds.
func appendString(b *bytes.Buffer, s string) {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // A string into memory cannot fail.
	b.Truncate(b.Len() - 1)
}

func encode(w io.Writer, d DType, values []float32) error {
	if d != F32 && d != F16 && d != BF16 {
		return fmt.Errorf("%q cannot be made from float32: %w", d, loopitr.ErrInvalid)
	}
	raw := make([]byte, 0, d.Size()*min(len(values), chunk))
	for at := 0; at < len(values); at += chunk {
		part := values[at:min(at+chunk, len(values))]
		raw = appendFloats(raw[:0], d, part)
		if i := overflow(raw, d, part); i >= 0 {
			return fmt.Errorf("value %g at %d does not fit %s: %w", part[i], at+i, d, loopitr.ErrInvalid)
		}
		if _, err := w.Write(raw); err != nil {
			return err
		}
	}
	return nil
}

func appendFloats(raw []byte, d DType, values []float32) []byte {
	le := binary.LittleEndian
	for _, v := range values {
		switch d {
		case F16:
			raw = le.AppendUint16(raw, Float16(v))
		case BF16:
			raw = le.AppendUint16(raw, BFloat16(v))
		default:
			raw = le.AppendUint32(raw, math.Float32bits(v))
		}
	}
	return raw
}

// overflow returns the position of a finite value that became infinite, or -1.
func overflow(raw []byte, d DType, values []float32) int {
	if d == F32 {
		return -1
	}
	infinite := uint16(0x7c00)
	if d == BF16 {
		infinite = 0x7f80
	}
	for i, v := range values {
		if binary.LittleEndian.Uint16(raw[2*i:])&0x7fff == infinite && !math.IsInf(float64(v), 0) {
			return i
		}
	}
	return -1
}
