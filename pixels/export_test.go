package pixels

import "image"

// Operation applies RandAugment's operation i in place.
func Operation(i int, m Image, level float64, negative bool) {
	var s scratch
	operations[i](m, &s, strength{level: level, negative: negative})
}

// ColourOperation applies ColorJitter's operation i in place.
func ColourOperation(i int, m Image, by float64) { colourOperations[i](m, by) }

// DrawCrop draws the region of one sample.
func DrawCrop(seed uint64, m Image, minScale float64) (x, y, width, height int) {
	draw := newCounter(seed, 0, 0)
	r := drawCrop(&draw, m, minScale)
	return r.x, r.y, r.width, r.height
}

// Exp and SinCos are the series that stand in for the mathematics library.
var (
	Exp    = exp
	SinCos = sinCos
)

// Pack turns a decoded picture into RGB.
func Pack(m image.Image) (Image, error) {
	b := m.Bounds()
	return source{format: formatPNG, width: b.Dx(), height: b.Dy()}.pack(m)
}
