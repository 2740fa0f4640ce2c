package pixels

// orientation is EXIF's: how the stored rows and columns lie in the upright
// picture. 1 (and anything outside 2..8) is upright.
type orientation int

// apply returns the upright picture.
func (o orientation) apply(src Image) Image {
	switch o {
	case 2: // mirrored left to right
		mirror(src)
		return src
	case 3: // upside down
		reverse(src)
		return src
	case 4: // mirrored top to bottom
		reverse(src)
		mirror(src)
		return src
	case 5: // mirrored along the main diagonal
		return transposed(src)
	case 6: // to be turned a quarter clockwise
		out := transposed(src)
		mirror(out)
		return out
	case 7: // mirrored along the other diagonal
		out := transposed(src)
		reverse(out)
		return out
	case 8: // to be turned a quarter anticlockwise
		mirror(src)
		return transposed(src)
	}
	return src
}

// mirror swaps left and right in place.
func mirror(m Image) {
	for y := range m.Height {
		reversePixels(m.RGB[3*y*m.Width:][:3*m.Width])
	}
}

// reverse turns the picture upside down in place.
func reverse(m Image) { reversePixels(m.RGB) }

func reversePixels(p []uint8) {
	for i, j := 0, len(p)-3; i < j; i, j = i+3, j-3 {
		a, b := p[i:i+3:i+3], p[j:j+3:j+3]
		a[0], b[0] = b[0], a[0]
		a[1], b[1] = b[1], a[1]
		a[2], b[2] = b[2], a[2]
	}
}

// transposed swaps rows and columns, in tiles so that both sides stay in cache.
func transposed(src Image) Image {
	const tile = 32
	out := newImage(src.Height, src.Width)
	for top := 0; top < src.Height; top += tile {
		for left := 0; left < src.Width; left += tile {
			for y := top; y < min(top+tile, src.Height); y++ {
				for x := left; x < min(left+tile, src.Width); x++ {
					copy(out.RGB[3*(x*src.Height+y):][:3], src.RGB[3*(y*src.Width+x):][:3])
				}
			}
		}
	}
	return out
}
