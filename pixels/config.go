package pixels

import (
	"fmt"
	"math"

	"github.com/loopitr/loopitr"
)

// DefaultMaxPixels is the pixel limit where none is configured: 1 GiB / 4 / 3,
// the bound at which Pillow begins to suspect a decompression bomb.
const DefaultMaxPixels = 89_478_485

// mostMaxPixels bounds what a stranger's model may let a picture take: 3 GiB decoded.
const mostMaxPixels = 1 << 30

// maxSize bounds Config.Size: far above any vision tower's input, and small
// enough that Size*Size*3 stays under 1 GiB.
const maxSize = 16_384

// Fit says how a picture of any shape becomes a square.
type Fit string

const (
	// Squash resizes both sides to Size and ignores the aspect ratio: ALBEF's
	// and the paper's Resize((S, S)).
	Squash Fit = "squash"
	// Crop resizes the shorter side to Size and cuts the centre square: CLIP's.
	Crop Fit = "crop"
)

// Config is how pictures become the vision tower's input. It is stored with the
// model, because a model reads only pictures prepared as in its training.
type Config struct {
	Size      int        `json:"size"` // side of the square, pixels
	Fit       Fit        `json:"fit"`
	Mean      [3]float32 `json:"mean"`       // of R, G, B in 0..1
	Std       [3]float32 `json:"std"`        // of R, G, B in 0..1
	MaxPixels int        `json:"max_pixels"` // refused above; 0 means DefaultMaxPixels
}

// CLIP is the preset with CLIP's mean and standard deviation, which ALBEF and
// the paper share (ALBEF's code), squashed to size pixels.
func CLIP(size int) Config {
	return Config{
		Size: size, Fit: Squash, MaxPixels: DefaultMaxPixels,
		Mean: [3]float32{0.48145466, 0.4578275, 0.40821073},
		Std:  [3]float32{0.26862954, 0.26130258, 0.27577711},
	}
}

// Half is the preset that maps 0..255 to -1..1, squashed to size pixels.
func Half(size int) Config {
	half := [3]float32{0.5, 0.5, 0.5}
	return Config{Size: size, Fit: Squash, MaxPixels: DefaultMaxPixels, Mean: half, Std: half}
}

// Validate returns an error wrapping loopitr.ErrInvalid that names the first
// field which cannot work.
func (c Config) Validate() error {
	if c.Size < 1 || c.Size > maxSize {
		return fmt.Errorf("pixels config: size %d: want 1 to %d: %w", c.Size, maxSize, loopitr.ErrInvalid)
	}
	if c.Fit != Squash && c.Fit != Crop {
		return fmt.Errorf("pixels config: fit %q: want %q or %q: %w", c.Fit, Squash, Crop, loopitr.ErrInvalid)
	}
	if c.MaxPixels < 0 || c.MaxPixels > mostMaxPixels {
		return fmt.Errorf("pixels config: max_pixels %d: want 0 to %d: %w", c.MaxPixels, mostMaxPixels, loopitr.ErrInvalid)
	}
	for i := range c.Mean {
		if m := float64(c.Mean[i]); math.IsNaN(m) || math.IsInf(m, 0) {
			return fmt.Errorf("pixels config: mean %v: want finite numbers: %w", c.Mean, loopitr.ErrInvalid)
		}
		if s := float64(c.Std[i]); !(s > 0) || math.IsInf(s, 0) {
			return fmt.Errorf("pixels config: std %v: want finite numbers above 0: %w", c.Std, loopitr.ErrInvalid)
		}
	}
	return nil
}
