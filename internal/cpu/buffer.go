package cpu

import (
	"fmt"
	"reflect"
	"sync/atomic"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
)

// Buffer is one tensor in ordinary memory, rows last to first.
type Buffer struct {
	backend *Backend
	shape   shapes.Shape
	block   *block
	ended   atomic.Bool
}

var _ compute.Buffer = (*Buffer)(nil)

func (b *Backend) newBuffer(shape shapes.Shape) (*Buffer, error) {
	if !supportedDType(shape.DType) {
		return nil, fmt.Errorf("cpu: buffer of %s: dtype not supported: %w", shape, compute.ErrNotImplemented)
	}
	n, err := b.memory.byteSize(shape)
	if err != nil {
		return nil, err
	}
	block, err := b.memory.get(n)
	if err != nil {
		return nil, err
	}
	return &Buffer{backend: b, shape: shape, block: block}, nil
}

// flatBytes views flat, a slice of shape's Go type and size, as bytes.
func flatBytes(flat any, shape shapes.Shape) ([]byte, error) {
	v := reflect.ValueOf(flat)
	if v.Kind() != reflect.Slice || v.Type().Elem() != shape.DType.GoType() {
		return nil, fmt.Errorf("cpu: flat values of type %T do not fit %s", flat, shape)
	}
	if v.Len() != shape.Size() {
		return nil, fmt.Errorf("cpu: %d flat values do not fit %s", v.Len(), shape)
	}
	if v.Len() == 0 {
		return nil, nil
	}
	return unsafe.Slice((*byte)(v.UnsafePointer()), v.Len()*elementSize(shape.DType)), nil
}

// Backend returns the backend that made the buffer.
func (b *Buffer) Backend() compute.Backend { return b.backend }

// Finalize returns the memory to the backend. A donated or finalized buffer is left as it is.
func (b *Buffer) Finalize() error {
	if b == nil {
		return fmt.Errorf("cpu: finalize buffer: nil")
	}
	if b.ended.Swap(true) {
		return nil
	}
	b.backend.memory.put(b.block)
	b.block = nil
	return nil
}

// Shape returns the shape.
func (b *Buffer) Shape() (shapes.Shape, error) { return b.shape, b.alive() }

// DeviceNum returns 0.
func (b *Buffer) DeviceNum() (compute.DeviceNum, error) { return 0, nil }

// ToFlatData copies the values into flat, a slice of the shape's Go type and size.
func (b *Buffer) ToFlatData(flat any) error {
	if err := b.alive(); err != nil {
		return err
	}
	dst, err := flatBytes(flat, b.shape)
	if err != nil {
		return err
	}
	copy(dst, b.block.bytes())
	return nil
}

// Data returns the storage as a slice of the shape's Go type.
func (b *Buffer) Data() (any, error) {
	if err := b.alive(); err != nil {
		return nil, err
	}
	return reflect.SliceAt(b.shape.DType.GoType(), b.block.base, b.shape.Size()).Interface(), nil
}

// CopyToDevice copies the buffer; only device 0 exists.
func (b *Buffer) CopyToDevice(device compute.DeviceNum) (compute.Buffer, error) {
	if err := b.backend.check(device); err != nil {
		return nil, err
	}
	if err := b.alive(); err != nil {
		return nil, err
	}
	c, err := b.backend.newBuffer(b.shape)
	if err != nil {
		return nil, err
	}
	copy(c.block.bytes(), b.block.bytes())
	return c, nil
}

func (b *Buffer) alive() error {
	switch {
	case b.ended.Load():
		return fmt.Errorf("cpu: buffer %s: used after it was finalized or donated", b.shape)
	case b.backend.IsFinalized():
		return errFinalized
	}
	return nil
}
