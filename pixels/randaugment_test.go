package pixels_test

import (
	"fmt"
	"path"
	"testing"

	"github.com/loopitr/loopitr/pixels"
)

// operationIndex is the place of Pillow's operation among the ten.
var operationIndex = map[string]int{
	"identity": 0, "autocontrast": 1, "equalize": 2, "brightness": 3, "sharpness": 4,
	"shear-x": 5, "shear-y": 6, "translate-x": 7, "translate-y": 8, "rotate": 9,
}

func TestOperationsEqualPillow(t *testing.T) {
	for _, group := range readGolden(t).Augment {
		src, stack := readRGB(t, group.Source), readRGB(t, group.Want)
		for i, c := range group.Cases {
			t.Run(fmt.Sprintf("%s/%s-%g-%t", path.Base(group.Source), c.Op, c.Level, c.Negative), func(t *testing.T) {
				index, known := operationIndex[c.Op]
				if !known {
					t.Fatalf("unknown operation %q", c.Op)
				}
				want := pixels.Image{Width: src.Width, Height: src.Height, RGB: stack.RGB[i*len(src.RGB):][:len(src.RGB)]}
				got := clone(src)
				pixels.Operation(index, got, c.Level, c.Negative)
				checkSame(t, got, want)
			})
		}
	}
}
