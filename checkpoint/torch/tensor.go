package torch

import (
	"fmt"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint/safetensors"
)

// Tensor is one tensor of an open File: a view of a storage. Nothing but its
// description is in memory until it is read. Elements are counted row after row,
// whatever their order in the storage is.
type Tensor struct {
	Name  string
	DType safetensors.DType
	Shape []int // must not be changed
	// Strides are the steps in the storage, in elements, for one step along each
	// axis; Offset is where the first element is.
	Strides []int
	Offset  int

	storage *storage
}

// Len returns the number of elements.
func (t Tensor) Len() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// Float32 returns all elements as float32, as safetensors.Tensor.Float32 does. The
// errors are Float32At's.
func (t Tensor) Float32() ([]float32, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	dst := make([]float32, t.Len())
	return dst, t.Float32At(dst, 0)
}

// check refuses a tensor that repeats its storage's elements: it would let a small
// file ask for any amount of memory, and no weights are kept so.
func (t Tensor) check() error {
	if int64(t.Len()) > t.storage.count {
		return fmt.Errorf("read tensor %q: sizes %v over a storage of %d elements: %w", t.Name, t.Shape, t.storage.count, loopitr.ErrCorrupt)
	}
	return nil
}

// Float32At fills dst with elements, beginning with element first, as
// safetensors.Tensor.Float32At does. The error wraps loopitr.ErrInvalid when the
// tensor has no such range, and loopitr.ErrCorrupt when the file ends early or the
// tensor has more elements than its storage.
func (t Tensor) Float32At(dst []float32, first int) error {
	if err := t.check(); err != nil {
		return err
	}
	if first < 0 || first > t.Len() || len(dst) > t.Len()-first {
		return fmt.Errorf("read tensor %q: elements %d to %d of %d: %w", t.Name, first, first+len(dst), t.Len(), loopitr.ErrInvalid)
	}
	if len(dst) == 0 {
		return nil
	}
	if err := t.read(dst, first); err != nil {
		return fmt.Errorf("read tensor %q: %w", t.Name, err)
	}
	return nil
}

// read goes run by run; a tensor whose runs are short but which fills most of its
// part of the storage, as a transposed one does, is read as a whole and then sorted.
func (t Tensor) read(dst []float32, first int) error {
	run := t.run()
	span := t.span()
	if run < shortRun && span <= wholeFactor*t.Len() {
		whole := make([]float32, span)
		if err := t.storage.read(whole, t.Offset); err != nil {
			return err
		}
		for i := range dst {
			dst[i] = whole[t.place(first+i)-t.Offset]
		}
		return nil
	}
	for len(dst) > 0 {
		n := min(run-first%run, len(dst))
		if err := t.storage.read(dst[:n], t.place(first)); err != nil {
			return err
		}
		dst, first = dst[n:], first+n
	}
	return nil
}

const (
	shortRun    = 256
	wholeFactor = 4
)

// run is how many elements always follow each other in the storage.
func (t Tensor) run() int {
	n := 1
	for axis := len(t.Shape) - 1; axis >= 0; axis-- {
		if t.Shape[axis] != 1 && t.Strides[axis] != n {
			break
		}
		n *= t.Shape[axis]
	}
	return n
}

// span is how much of the storage the tensor reaches over.
func (t Tensor) span() int {
	n := 1
	for axis, d := range t.Shape {
		n += (d - 1) * t.Strides[axis]
	}
	return n
}

// place is where an element is in the storage.
func (t Tensor) place(element int) int {
	at := t.Offset
	for axis := len(t.Shape) - 1; axis >= 0; axis-- {
		at += element % t.Shape[axis] * t.Strides[axis]
		element /= t.Shape[axis]
	}
	return at
}

// chunk is how many elements are read at once.
const chunk = 1 << 16

func (s *storage) read(dst []float32, first int) error {
	width := s.dtype.Size()
	buffer := make([]byte, min(len(dst), chunk)*width)
	for len(dst) > 0 {
		n := min(len(dst), chunk)
		raw := buffer[:n*width]
		if err := readFull(s.from, raw, s.offset+int64(first)*int64(width)); err != nil {
			return err
		}
		safetensors.Decode(dst[:n], raw, s.dtype)
		dst, first = dst[n:], first+n
	}
	return nil
}
