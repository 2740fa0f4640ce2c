package convert

import "math"

// grid says: a square of from places a side, width numbers each, becomes one of to.
type grid struct{ from, to, width int }

// sharpness is a of PyTorch's bicubic interpolation, by which ALBEF and its
// relatives resize positions; Pillow's, for pictures, is -0.5.
const sharpness = -0.75

// bicubic resizes as torch.nn.functional.interpolate(mode="bicubic",
// align_corners=False) does: four places around each sample, those beyond the edge
// being the edge's, and no wider support when shrinking.
func bicubic(values []float32, g grid) []float32 {
	taps := cubicTaps(g)
	out := make([]float32, g.to*g.to*g.width)
	for y, row := range taps {
		for x, column := range taps {
			to := out[(y*g.to+x)*g.width:][:g.width]
			for i := range to {
				var sum float64
				for j, from := range row.at {
					var line float64
					for k, at := range column.at {
						line += column.weight[k] * float64(values[(from*g.from+at)*g.width+i])
					}
					sum += row.weight[j] * line
				}
				to[i] = float32(sum)
			}
		}
	}
	return out
}

// taps are four places and their weights.
type taps struct {
	at     [4]int
	weight [4]float64
}

func cubicTaps(g grid) []taps {
	all := make([]taps, g.to)
	scale := float64(g.from) / float64(g.to)
	for i := range all {
		center := (float64(i)+0.5)*scale - 0.5
		base := math.Floor(center)
		for j := range all[i].at {
			place := int(base) + j - 1
			all[i].at[j] = min(max(place, 0), g.from-1)
			all[i].weight[j] = cubic(math.Abs(center - float64(place)))
		}
	}
	return all
}

// cubic is Keys' kernel at a distance of 0 to 2.
func cubic(d float64) float64 {
	const a = sharpness
	if d <= 1 {
		return ((a+2)*d-(a+3))*d*d + 1
	}
	return ((a*d-5*a)*d+8*a)*d - 4*a
}
