package pixels

import (
	"fmt"
	"math"

	"github.com/loopitr/loopitr"
)

// Prepare decodes a picture file and fits it into the configured square:
// Size*Size RGB triples, row after row, before normalisation. It fails as Decode
// does, or with an error wrapping loopitr.ErrInvalid when cfg is not valid. It may
// be called concurrently; encoded is not retained.
func Prepare(encoded []byte, cfg Config) ([]uint8, loopitr.Facts, error) {
	if err := cfg.Validate(); err != nil {
		return nil, loopitr.Facts{}, err
	}
	picture, facts, err := Decode(encoded, cfg.MaxPixels)
	if err != nil {
		return nil, facts, err
	}
	square, err := Square(picture, cfg)
	return square.RGB, facts, err
}

// Square fits a decoded picture into a square of cfg.Size pixels, as cfg.Fit
// says. The error wraps loopitr.ErrInvalid: the picture's or cfg's fields do not
// agree with themselves.
func Square(picture Image, cfg Config) (Image, error) {
	if err := cfg.Validate(); err != nil {
		return Image{}, err
	}
	if err := picture.Validate(); err != nil {
		return Image{}, err
	}
	out := newImage(cfg.Size, cfg.Size)
	var r resampler
	r.resize(out.RGB, squareJob(picture, cfg))
	return out, nil
}

// squareJob says which part of which resize gives the square. For Crop it follows
// torchvision: the longer side is truncated, the centre rounded half to even.
func squareJob(picture Image, cfg Config) resizeJob {
	j := resizeJob{src: picture, region: rect{0, 0, picture.Width, picture.Height}}
	j.width, j.height = cfg.Size, cfg.Size
	if cfg.Fit == Crop {
		if picture.Width <= picture.Height {
			j.height = cfg.Size * picture.Height / picture.Width
		} else {
			j.width = cfg.Size * picture.Width / picture.Height
		}
	}
	left := int(math.RoundToEven(float64(j.width-cfg.Size) / 2))
	top := int(math.RoundToEven(float64(j.height-cfg.Size) / 2))
	j.window = rect{left, top, cfg.Size, cfg.Size}
	return j
}

// Normalise writes (rgb/255 - mean)/std into dst in rgb's order, rounding after
// each step as PyTorch does. It panics unless dst is as long as rgb and that
// length is a multiple of three.
func Normalise(dst []float32, rgb []uint8, cfg Config) {
	if len(dst) != len(rgb) || len(rgb)%3 != 0 {
		panic(fmt.Sprintf("pixels: normalise %d bytes of RGB into %d floats", len(rgb), len(dst)))
	}
	var table [3][256]float32
	for c := range table {
		for v := range table[c] {
			unit := float32(v) / 255
			centred := float32(unit - cfg.Mean[c]) // the conversion forbids fusing
			table[c][v] = centred / cfg.Std[c]
		}
	}
	for i := 0; i+3 <= len(rgb) && i+3 <= len(dst); i += 3 {
		from, to := rgb[i:i+3:i+3], dst[i:i+3:i+3]
		to[0] = table[0][from[0]]
		to[1] = table[1][from[1]]
		to[2] = table[2][from[2]]
	}
}
