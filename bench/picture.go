package bench

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"image"
	"image/jpeg"

	"github.com/loopitr/loopitr/pixels"
)

// pictures are JPEG files decoded and resized to 224 px, on one processor.
func (s *session) pictures() []row {
	const to = 224
	sizes := []image.Point{{X: 640, Y: 480}, {X: 4000, Y: 3000}}
	if s.Short {
		sizes = []image.Point{{X: 32, Y: 24}}
	}
	var rows []row
	for _, size := range sizes {
		file, err := photo(size)
		open := func(context.Context) (work, error) {
			return local{once: func(context.Context) error {
				_, _, err := pixels.Prepare(file, pixels.CLIP(to))
				return err
			}}, err
		}
		rows = append(rows, row{
			name: rowPicture, size: fmt.Sprintf("jpeg %dx%d to %d", size.X, size.Y, to),
			unit: "Mpixel", amount: float64(size.X*size.Y) / 1e6,
			offers: append([]offer{{name: ours, open: open}},
				s.peer(peerPillow, rowPicture, map[string]any{"file": base64.StdEncoding.EncodeToString(file), "to": to})...),
		})
	}
	return rows
}

// photo is a JPEG of 4:2:0 with a photograph's amount of detail, about a byte for
// every four pixels.
func photo(size image.Point) ([]byte, error) {
	m := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
	for y := range size.Y {
		for x := range size.X {
			m.Y[y*m.YStride+x] = uint8(x*255/size.X/2 + (x*7^y*13)%23 + (x/9+y/7)%31*3)
		}
	}
	for i := range m.Cb {
		m.Cb[i], m.Cr[i] = uint8(i/97), uint8(128+i%m.CStride*64/m.CStride)
	}
	var out bytes.Buffer
	err := jpeg.Encode(&out, m, &jpeg.Options{Quality: 85})
	return out.Bytes(), err
}
