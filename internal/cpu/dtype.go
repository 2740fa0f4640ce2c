package cpu

import (
	"fmt"
	"reflect"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// supported dtypes: the whole-byte reals, integers and booleans.
var supported = []dtypes.DType{
	dtypes.Bool, dtypes.Int8, dtypes.Int16, dtypes.Int32, dtypes.Int64,
	dtypes.Uint8, dtypes.Uint16, dtypes.Uint32, dtypes.Uint64,
	dtypes.Float16, dtypes.BFloat16, dtypes.Float32, dtypes.Float64,
}

func supportedDType(t dtypes.DType) bool {
	for _, s := range supported {
		if s == t {
			return true
		}
	}
	return false
}

// integer types that arithmetic works on.
type integer interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

type float interface{ ~float32 | ~float64 }

type number interface{ integer | float }

// constantShape is the shape of a flat Go slice under dims.
func constantShape(flat any, dims []int) (shapes.Shape, error) {
	t := reflect.TypeOf(flat)
	if t == nil || t.Kind() != reflect.Slice {
		return shapes.Invalid(), fmt.Errorf("cpu: constant from a %T: not a slice", flat)
	}
	dtype := dtypes.FromGoType(t.Elem())
	if !supportedDType(dtype) {
		return shapes.Invalid(), fmt.Errorf("cpu: constant from a %T: dtype not supported", flat)
	}
	for _, d := range dims {
		if d < 0 {
			return shapes.Invalid(), fmt.Errorf("cpu: constant of dimensions %v", dims)
		}
	}
	return shapes.Make(dtype, dims...), nil
}

func isFloat32(n *node) bool { return n.dtype() == dtypes.Float32 }
