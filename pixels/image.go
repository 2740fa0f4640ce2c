package pixels

import (
	"fmt"

	"github.com/loopitr/loopitr"
)

// Image is a picture as packed 8-bit RGB, row after row: the pixel in column x of
// row y starts at RGB[3*(y*Width+x)].
type Image struct {
	Width, Height int
	RGB           []uint8 // len = 3*Width*Height
}

func newImage(width, height int) Image {
	return Image{Width: width, Height: height, RGB: make([]uint8, 3*width*height)}
}

// Validate returns an error wrapping loopitr.ErrInvalid unless both sides are
// positive and RGB has exactly the length they ask for.
func (m Image) Validate() error {
	if m.Width <= 0 || m.Height <= 0 {
		return fmt.Errorf("picture of %dx%d pixels: no side may be empty: %w", m.Width, m.Height, loopitr.ErrInvalid)
	}
	if m.Width > maxSide || m.Height > maxSide {
		return fmt.Errorf("picture of %dx%d pixels: the limit for a side is %d: %w", m.Width, m.Height, maxSide, loopitr.ErrInvalid)
	}
	if len(m.RGB) != 3*m.Width*m.Height {
		return fmt.Errorf("picture of %dx%d pixels: %d bytes of RGB, want %d: %w",
			m.Width, m.Height, len(m.RGB), 3*m.Width*m.Height, loopitr.ErrInvalid)
	}
	return nil
}
