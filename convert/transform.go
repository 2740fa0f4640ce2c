package convert

import (
	"fmt"
	"slices"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/network"
)

// channels of a picture: RGB.
const channels = 3

// theirShape is the shape that a parameter has in the source.
func (e entry) theirShape(p network.Param, c network.Config) []int {
	switch e.form {
	case token:
		return []int{1, 1, p.Shape[0]}
	case positions:
		return append([]int{1}, p.Shape...)
	case patches:
		if len(p.Shape) == 2 {
			return []int{p.Shape[0], channels, c.Vision.PatchSize, c.Vision.PatchSize}
		}
	case query, key, value:
		shape := slices.Clone(p.Shape)
		shape[0] *= 3
		return shape
	}
	return p.Shape
}

// read makes the parameter's values of the source's tensor.
func (e entry) read(t tensor, p network.Param, c network.Config) ([]float32, error) {
	switch e.form {
	case query, key, value:
		values := make([]float32, p.Size())
		return values, t.values.Float32At(values, int(e.form-query)*p.Size())
	}
	values, err := t.values.Float32()
	if err != nil {
		return nil, err
	}
	switch {
	case e.form == patches && len(p.Shape) == 2:
		return fromConvolution(values, c.Vision.PatchSize), nil
	case e.form == positions:
		return resizePositions(values, p.Shape)
	}
	return values, nil
}

// fromConvolution turns kernels [D,3,p,p] into rows of patches as network.Vision
// cuts them: pixels in order, the three channels of each together.
func fromConvolution(kernels []float32, p int) []float32 {
	rows := make([]float32, len(kernels))
	area := p * p
	for at := 0; at < len(kernels); at += channels * area {
		for channel := range channels {
			for pixel := range area {
				rows[at+pixel*channels+channel] = kernels[at+channel*area+pixel]
			}
		}
	}
	return rows
}

// toConvolution is the way back.
func toConvolution(rows []float32, p int) []float32 {
	kernels := make([]float32, len(rows))
	area := p * p
	for at := 0; at < len(rows); at += channels * area {
		for channel := range channels {
			for pixel := range area {
				kernels[at+channel*area+pixel] = rows[at+pixel*channels+channel]
			}
		}
	}
	return kernels
}

// square is the side of a square of count, 0 if it is none.
func square(count int) int {
	side := 0
	for side*side < count {
		side++
	}
	if side*side != count {
		return 0
	}
	return side
}

// resizePositions fits positions of one grid, [CLS] first, to shape [P,D]; [CLS]'s
// is kept.
func resizePositions(values []float32, shape []int) ([]float32, error) {
	width := shape[1]
	have := len(values) / width
	if have == shape[0] {
		return values, nil
	}
	from, to := square(have-1), square(shape[0]-1)
	if from == 0 || to == 0 {
		return nil, fmt.Errorf("%d positions cannot become %d: not [CLS] and a square each: %w", have, shape[0], loopitr.ErrInvalid)
	}
	grid := bicubic(values[width:], grid{from, to, width})
	return append(slices.Clone(values[:width]), grid...), nil
}
