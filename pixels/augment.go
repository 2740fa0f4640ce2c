package pixels

import (
	"fmt"
	"math"
	"slices"

	"github.com/loopitr/loopitr"
)

// AugmentConfig is how training pictures are varied (ALBEF's code). The zero value
// varies nothing: every picture is then only fitted into its square.
type AugmentConfig struct {
	// MinScale is the least share of the picture's area that a random crop keeps;
	// 0 means no random crop.
	MinScale float64 `json:"min_scale"`
	// Flip is the probability of mirroring left and right, where the caption allows.
	Flip float64 `json:"flip"`
	// Ops is how many RandAugment operations are drawn, each then applied with
	// probability one half.
	Ops int `json:"ops"`
	// Level is RandAugment's strength, 0 to 10.
	Level  float64      `json:"level"`
	Affine AffineConfig `json:"affine"`
	Colour ColourConfig `json:"colour"`
	// Convolve is the probability of a random convolution, where the caption names
	// no colour; it is done last.
	Convolve float64 `json:"convolve"`
}

// FineTuning is ALBEF's augmentation for retrieval: crops of half the area or
// more, and RandomAugment(2, 7).
func FineTuning() AugmentConfig {
	return AugmentConfig{MinScale: 0.5, Flip: 0.5, Ops: 2, Level: 7}
}

// PreTraining is FineTuning with ALBEF's crops for pre-training: a fifth of the
// area or more.
func PreTraining() AugmentConfig {
	c := FineTuning()
	c.MinScale = 0.2
	return c
}

// maxOps bounds AugmentConfig.Ops.
const maxOps = 100

// Validate returns an error wrapping loopitr.ErrInvalid that names the first
// field which cannot work.
func (c AugmentConfig) Validate() error {
	return checkBounds(slices.Concat([]bounded{
		{"min_scale", c.MinScale, 1}, {"flip", c.Flip, 1}, {"ops", float64(c.Ops), maxOps}, {"level", c.Level, 10},
		{"convolve", c.Convolve, 1},
	}, c.Affine.bounded(), c.Colour.bounded()))
}

// bounded is a number of AugmentConfig, by its name in JSON, that must be 0 to most.
type bounded struct {
	name        string
	value, most float64
}

func checkBounds(numbers []bounded) error {
	for _, n := range numbers {
		if !(n.value >= 0 && n.value <= n.most) {
			return fmt.Errorf("augment config: %s %v: want 0 to %v: %w", n.name, n.value, n.most, loopitr.ErrInvalid)
		}
	}
	return nil
}

// Sample is one picture of one training step.
type Sample struct {
	Picture Image
	// Caption keeps the picture from being mirrored when MentionsSide says so.
	Caption string
	// Seed, Step and Item name the sample's randomness: equal numbers give equal
	// bits, whatever was augmented before.
	Seed, Step, Item uint64
}

// Augmenter varies training pictures. It holds only scratch memory, no generator:
// the order of calls changes nothing. One goroutine may use it at a time.
type Augmenter struct {
	cfg       Config
	augment   AugmentConfig
	resampler resampler
	scratch   scratch
}

// NewAugmenter returns an error wrapping loopitr.ErrInvalid when either
// configuration is not valid.
func NewAugmenter(cfg Config, augment AugmentConfig) (*Augmenter, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if err := augment.Validate(); err != nil {
		return nil, err
	}
	return &Augmenter{cfg: cfg, augment: augment}, nil
}

// Augment writes the varied picture to dst: Size*Size RGB triples. It crops at
// random and resizes, mirrors, transforms (Affine), applies RandAugment, then varies
// colours and convolves; without Affine, Colour and Convolve it is ALBEF's. The
// sample's picture is not changed. The error wraps loopitr.ErrInvalid: the picture
// is not valid or dst has not Size*Size*3 bytes.
func (a *Augmenter) Augment(dst []uint8, s Sample) error {
	if err := s.Picture.Validate(); err != nil {
		return fmt.Errorf("augment: %w", err)
	}
	size := a.cfg.Size
	if len(dst) != 3*size*size {
		return fmt.Errorf("augment into %d bytes, want %d: %w", len(dst), 3*size*size, loopitr.ErrInvalid)
	}
	draw := newCounter(s.Seed, s.Step, s.Item)
	job := squareJob(s.Picture, a.cfg)
	if a.augment.MinScale > 0 {
		job.region = drawCrop(&draw, s.Picture, a.augment.MinScale)
		job.width, job.height, job.window = size, size, rect{0, 0, size, size}
	}
	a.resampler.resize(dst, job)

	out := Image{Width: size, Height: size, RGB: dst}
	if draw.unit() < a.augment.Flip && !MentionsSide(s.Caption) {
		mirror(out)
	}
	a.augment.Affine.vary(out, &a.scratch, &draw)
	for range a.augment.Ops {
		op, apply, sign := draw.below(len(operations)), draw.unit() < 0.5, draw.unit() < 0.5
		if apply {
			operations[op](out, &a.scratch, strength{level: a.augment.Level, negative: sign})
		}
	}
	a.augment.Colour.vary(out, &draw, s.Caption)
	if draw.unit() < a.augment.Convolve && !MentionsColour(s.Caption) {
		k := drawKernel(&draw)
		convolve(out, &a.scratch, k, draw.unit())
	}
	return nil
}

// logAspect is the natural logarithm of 4/3, the widest crop's aspect ratio.
const logAspect = 0.28768207245178092743921900599

// drawCrop is torchvision's RandomResizedCrop with its default aspect ratios of
// 3/4 to 4/3: ten tries, then the largest centre crop of an allowed shape.
func drawCrop(draw *counter, m Image, minScale float64) rect {
	area := float64(m.Width * m.Height)
	for range 10 {
		target := float64(area * draw.between(minScale, 1))
		aspect := exp(draw.between(-logAspect, logAspect))
		w := int(math.RoundToEven(math.Sqrt(float64(target * aspect))))
		h := int(math.RoundToEven(math.Sqrt(float64(target / aspect))))
		if w > 0 && w <= m.Width && h > 0 && h <= m.Height {
			y := draw.below(m.Height - h + 1)
			x := draw.below(m.Width - w + 1)
			return rect{x, y, w, h}
		}
	}
	w, h := m.Width, m.Height
	if shape := float64(w) / float64(h); shape < 3.0/4 {
		h = int(math.RoundToEven(float64(w) / (3.0 / 4)))
	} else if shape > 4.0/3 {
		w = int(math.RoundToEven(float64(h) * (4.0 / 3)))
	}
	w, h = min(max(w, 1), m.Width), min(max(h, 1), m.Height)
	return rect{(m.Width - w) / 2, (m.Height - h) / 2, w, h}
}

// exp is e^x for |x| < 1 by its series: the same bits on every machine, which
// math.Exp with its assembly does not promise.
func exp(x float64) float64 {
	sum := 1.0
	for n := 18; n > 0; n-- {
		sum = 1 + float64(float64(x*sum)/float64(n))
	}
	return sum
}

// sinCos is the sine and cosine of |x| < 1 by their series, for the same reason.
func sinCos(x float64) (sin, cos float64) {
	square := float64(x * x)
	sin, cos = 1.0, 1.0
	for n := 18; n > 0; n -= 2 {
		cos = 1 - float64(float64(square*cos)/float64(n*(n-1)))
		sin = 1 - float64(float64(square*sin)/float64(n*(n+1)))
	}
	return float64(x * sin), cos
}
