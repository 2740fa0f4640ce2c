package engine

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"

	"github.com/loopitr/loopitr"
)

// Tensor is an array in host memory, row after row. No Shape is a scalar.
type Tensor struct {
	Shape  []int
	Values any // []float32, []int64, []int32, []uint8 or []bool, product of Shape long
}

// Floats is a float32 tensor over values, which are not copied.
func Floats(values []float32, shape ...int) Tensor { return Tensor{Shape: shape, Values: values} }

// Ints is an int64 tensor over values, which are not copied.
func Ints(values []int64, shape ...int) Tensor { return Tensor{Shape: shape, Values: values} }

// Bytes is a uint8 tensor over values, which are not copied.
func Bytes(values []uint8, shape ...int) Tensor { return Tensor{Shape: shape, Values: values} }

// Scalar is a float32 tensor without axes.
func Scalar(value float32) Tensor { return Tensor{Values: []float32{value}} }

// Floats returns the values of a float32 tensor, nil for another type.
func (t Tensor) Floats() []float32 { v, _ := t.Values.([]float32); return v }

// Ints returns the values of an int64 tensor, nil for another type.
func (t Tensor) Ints() []int64 { v, _ := t.Values.([]int64); return v }

// shape checks that the values fill the shape and returns it in the engine's terms.
func (t Tensor) shape() (shapes.Shape, error) {
	var dtype dtypes.DType
	var length int
	switch v := t.Values.(type) {
	case []float32:
		dtype, length = dtypes.Float32, len(v)
	case []int64:
		dtype, length = dtypes.Int64, len(v)
	case []int32:
		dtype, length = dtypes.Int32, len(v)
	case []uint8:
		dtype, length = dtypes.Uint8, len(v)
	case []bool:
		dtype, length = dtypes.Bool, len(v)
	default:
		return shapes.Shape{}, fmt.Errorf("values of type %T: %w", t.Values, loopitr.ErrInvalid)
	}
	size := 1
	for _, d := range t.Shape {
		if d < 1 {
			return shapes.Shape{}, fmt.Errorf("shape %v has an axis below one: %w", t.Shape, loopitr.ErrInvalid)
		}
		size *= d
	}
	if size != length {
		return shapes.Shape{}, fmt.Errorf("%d values for shape %v: %w", length, t.Shape, loopitr.ErrInvalid)
	}
	return shapes.Make(dtype, t.Shape...), nil
}

// clone copies the values.
func (t Tensor) clone() Tensor {
	switch v := t.Values.(type) {
	case []float32:
		t.Values = slices.Clone(v)
	case []int64:
		t.Values = slices.Clone(v)
	case []int32:
		t.Values = slices.Clone(v)
	case []uint8:
		t.Values = slices.Clone(v)
	case []bool:
		t.Values = slices.Clone(v)
	}
	return t
}

// Spec is the name, element type and shape of a program's input.
type Spec struct {
	Name  string
	Type  dtypes.DType // Float32, Int64, Int32, Uint8 or Bool
	Shape []int
}

// FloatInput describes a float32 input.
func FloatInput(name string, shape ...int) Spec { return Spec{name, dtypes.Float32, shape} }

// IntInput describes an int64 input.
func IntInput(name string, shape ...int) Spec { return Spec{name, dtypes.Int64, shape} }

// ByteInput describes a uint8 input.
func ByteInput(name string, shape ...int) Spec { return Spec{name, dtypes.Uint8, shape} }

// upload checks a tensor against the shape it must have and makes a buffer of it.
// An engine that aliases reads host memory in place and does not keep it alive:
// the tensor must outlive the buffer.
func (e *Engine) upload(t Tensor, want shapes.Shape) (compute.Buffer, error) {
	got, err := t.shape()
	if err != nil {
		return nil, err
	}
	if !got.Equal(want) {
		return nil, fmt.Errorf("got %s, want %s: %w", got, want, loopitr.ErrInvalid)
	}
	return e.backend.BufferFromFlatData(0, t.Values, want)
}

// store is upload for a buffer that outlives the caller's tensor. It also returns
// the host memory that must live as long as the buffer, nil if there is none.
func (e *Engine) store(t Tensor, want shapes.Shape) (buffer compute.Buffer, memory any, err error) {
	if e.aliases {
		t = t.clone()
		memory = t.Values
	}
	buffer, err = e.upload(t, want)
	return buffer, memory, err
}

// download copies a buffer to host memory.
func download(buffer compute.Buffer) (Tensor, error) {
	shape, err := buffer.Shape()
	if err != nil {
		return Tensor{}, err
	}
	t := Tensor{Shape: slices.Clone(shape.Dimensions)}
	n := shape.Size()
	switch shape.DType {
	case dtypes.Float32:
		t.Values = make([]float32, n)
	case dtypes.Int64:
		t.Values = make([]int64, n)
	case dtypes.Int32:
		t.Values = make([]int32, n)
	case dtypes.Uint8:
		t.Values = make([]uint8, n)
	case dtypes.Bool:
		t.Values = make([]bool, n)
	default:
		return Tensor{}, fmt.Errorf("no host type for %s: %w", shape.DType, loopitr.ErrInvalid)
	}
	return t, buffer.ToFlatData(t.Values)
}
