package cpu_test

import (
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// With plain=refuse, products that no kernel computes are errors that name them;
// the others are compiled.
func TestPlainProductsAreRefusedWhereAsked(t *testing.T) {
	b, lenient := open(t, "threads=1,plain=refuse"), open(t, "threads=1")
	for name, p := range map[string]struct {
		left, right                 []int
		dtype                       dtypes.DType
		leftContract, rightContract []int
		plain                       bool
	}{
		"matrices":             {[]int{3, 4}, []int{4, 5}, dtypes.Float32, []int{1}, []int{0}, false},
		"two axes":             {[]int{3, 4, 2}, []int{4, 2, 5}, dtypes.Float32, []int{1, 2}, []int{0, 1}, false},
		"axes crosswise":       {[]int{3, 4, 2}, []int{2, 4, 5}, dtypes.Float32, []int{1, 2}, []int{1, 0}, true},
		"whole numbers":        {[]int{3, 4}, []int{4, 5}, dtypes.Int32, []int{1}, []int{0}, true},
		"columns in two parts": {[]int{3, 4}, []int{5, 4, 6}, dtypes.Float32, []int{1}, []int{1}, true},
	} {
		for backend, refused := range map[compute.Backend]bool{b: p.plain, lenient: false} {
			builder := backend.Builder("test")
			f, m := builder.Main(), must(t)
			x := m(f.Parameter("x", shapes.Make(p.dtype, p.left...), nil))
			y := m(f.Parameter("y", shapes.Make(p.dtype, p.right...), nil))
			z := m(f.DotGeneral(x, p.leftContract, nil, y, p.rightContract, nil, compute.DotGeneralConfig{}))
			if err := f.Return([]compute.Value{z}, nil); err != nil {
				t.Fatal(err)
			}
			_, err := builder.Compile()
			if refused != (err != nil) || refused && !strings.Contains(err.Error(), "plain loop") {
				t.Errorf("%s: refused is %v: %v", name, refused, err)
			}
		}
	}
}
