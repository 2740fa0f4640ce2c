package pixels_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"path"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/pixels"
	"pgregory.net/rapid"
)

const size = 24

func augmented(t testing.TB, a *pixels.Augmenter, s pixels.Sample) []uint8 {
	t.Helper()
	dst := make([]uint8, 3*size*size)
	if err := a.Augment(dst, s); err != nil {
		t.Fatal(err)
	}
	return dst
}

func newAugmenter(t testing.TB, c pixels.AugmentConfig) *pixels.Augmenter {
	t.Helper()
	a, err := pixels.NewAugmenter(pixels.Half(size), c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// The same numbers give the same bits from a fresh Augmenter, after any history.
func TestAugmentHasNoHiddenState(t *testing.T) {
	used := newAugmenter(t, pixels.PreTraining())
	rapid.Check(t, func(rt *rapid.T) {
		s := pixels.Sample{Picture: drawImage(rt), Seed: rapid.Uint64().Draw(rt, "seed"), Step: rapid.Uint64().Draw(rt, "step"), Item: rapid.Uint64().Draw(rt, "item")}
		before := bytes.Clone(s.Picture.RGB)
		got, want := augmented(t, used, s), augmented(t, newAugmenter(t, pixels.PreTraining()), s)
		if !bytes.Equal(got, want) {
			rt.Fatal("a used Augmenter differs from a fresh one")
		}
		if !bytes.Equal(before, s.Picture.RGB) {
			rt.Fatal("the picture was changed")
		}
	})
}

func TestAugmentDependsOnEachNumber(t *testing.T) {
	a := newAugmenter(t, pixels.FineTuning())
	s := pixels.Sample{Picture: testPicture(60, 50), Seed: 1, Step: 2, Item: 3}
	base := augmented(t, a, s)
	for name, change := range map[string]func(*pixels.Sample){
		"seed": func(s *pixels.Sample) { s.Seed++ },
		"step": func(s *pixels.Sample) { s.Step++ },
		"item": func(s *pixels.Sample) { s.Item++ },
		"swap": func(s *pixels.Sample) { s.Step, s.Item = s.Item, s.Step },
	} {
		other := s
		change(&other)
		if bytes.Equal(base, augmented(t, a, other)) {
			t.Errorf("another %s changed nothing", name)
		}
	}
}

func TestAugmentOfNothingIsTheSquare(t *testing.T) {
	cfg := pixels.Half(size)
	for _, fit := range []pixels.Fit{pixels.Squash, pixels.Crop} {
		cfg.Fit = fit
		a, err := pixels.NewAugmenter(cfg, pixels.AugmentConfig{})
		if err != nil {
			t.Fatal(err)
		}
		picture := testPicture(60, 50)
		want, err := pixels.Square(picture, cfg)
		if err != nil {
			t.Fatal(err)
		}
		if got := augmented(t, a, pixels.Sample{Picture: picture}); !bytes.Equal(got, want.RGB) {
			t.Errorf("%s: differs from Square", fit)
		}
	}
}

// With flips only, about half the pictures are mirrored, and none whose caption
// says left or right.
func TestFlipIsGuardedByTheCaption(t *testing.T) {
	a := newAugmenter(t, pixels.AugmentConfig{Flip: 0.5})
	picture := testPicture(size, size)
	mirrored := 0
	for step := range uint64(1000) {
		s := pixels.Sample{Picture: picture, Caption: "a dog runs", Seed: 7, Step: step}
		if got := augmented(t, a, s); !bytes.Equal(got, picture.RGB) {
			if bytes.Equal(got, mirrorOf(picture).RGB) {
				mirrored++
			} else {
				t.Fatal("neither the picture nor its mirror image")
			}
		}
		s.Caption = "a dog on the left"
		if got := augmented(t, a, s); !bytes.Equal(got, picture.RGB) {
			t.Fatal("mirrored against its caption")
		}
	}
	if mirrored < 440 || mirrored > 560 { // four standard deviations
		t.Errorf("%d of 1000 mirrored", mirrored)
	}
}

func mirrorOf(m pixels.Image) pixels.Image {
	out := clone(m)
	for y := range m.Height {
		for x := range m.Width {
			copy(out.RGB[3*(y*m.Width+x):][:3], m.RGB[3*(y*m.Width+m.Width-1-x):])
		}
	}
	return out
}

func TestDrawCropStaysInsideAndKeepsItsScale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := pixels.Image{Width: rapid.IntRange(1, 500).Draw(t, "width"), Height: rapid.IntRange(1, 500).Draw(t, "height")}
		x, y, w, h := pixels.DrawCrop(rapid.Uint64().Draw(t, "seed"), m, 0.2)
		if x < 0 || y < 0 || w < 1 || h < 1 || x+w > m.Width || y+h > m.Height {
			t.Fatalf("crop %d,%d %dx%d of %dx%d", x, y, w, h, m.Width, m.Height)
		}
		if m.Width < 50 || m.Height < 50 || m.Width > 3*m.Height || m.Height > 3*m.Width {
			return // rounding and the fallback bend the ratios
		}
		if shape := float64(w) / float64(h); shape < 0.7 || shape > 1.4 {
			t.Fatalf("crop of %dx%d has aspect %v", w, h, shape)
		}
	})
}

// Over many draws the area is uniform between the least and all, the aspect's
// logarithm symmetric, and every corner is reached.
func TestDrawCropIsSpread(t *testing.T) {
	m := pixels.Image{Width: 400, Height: 400}
	var area, aspect, left float64
	const n = 4000
	for seed := range uint64(n) {
		x, _, w, h := pixels.DrawCrop(seed, m, 0.2)
		area += float64(w*h) / (400 * 400)
		aspect += math.Log(float64(w) / float64(h))
		if w < 400 {
			left += float64(x) / float64(400-w)
		} else {
			left += 0.5
		}
	}
	// Crops too wide for the picture are drawn again, which takes from the largest.
	if area /= n; area < 0.5 || area > 0.6 {
		t.Errorf("mean area %v", area)
	}
	if aspect /= n; math.Abs(aspect) > 0.02 {
		t.Errorf("mean log aspect %v", aspect)
	}
	if left /= n; math.Abs(left-0.5) > 0.03 {
		t.Errorf("mean place %v", left)
	}
}

func TestSeriesEqualTheMathematicsLibrary(t *testing.T) {
	for x := -0.999; x < 1; x += 0.001 {
		sin, cos := pixels.SinCos(x)
		for name, d := range map[string]float64{
			"exp": pixels.Exp(x)/math.Exp(x) - 1, "sin": sin - math.Sin(x), "cos": cos - math.Cos(x),
		} {
			if math.Abs(d) > 5e-16 {
				t.Fatalf("%s(%v) is off by %v", name, x, d)
			}
		}
	}
}

// The whole augmentation, against a second implementation of the draws that has
// Pillow do the work: so the bits are the same elsewhere too.
func TestAugmentEqualsPillow(t *testing.T) {
	for _, c := range readGolden(t).Training {
		t.Run(path.Base(c.Want), func(t *testing.T) {
			a, err := pixels.NewAugmenter(pixels.Half(c.Size), c.AugmentConfig)
			if err != nil {
				t.Fatal(err)
			}
			src, stack, n := readRGB(t, c.Source), readRGB(t, c.Want), 3*c.Size*c.Size
			got := pixels.Image{Width: c.Size, Height: c.Size, RGB: make([]uint8, n)}
			for i, s := range c.Samples {
				if err := a.Augment(got.RGB, pixels.Sample{Picture: src, Seed: number(t, s[0]), Step: number(t, s[1]), Item: number(t, s[2])}); err != nil {
					t.Fatal(err)
				}
				checkSame(t, got, pixels.Image{Width: c.Size, Height: c.Size, RGB: stack.RGB[i*n:][:n]})
			}
		})
	}
}

func number(t *testing.T, s string) uint64 {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAugmentConfig(t *testing.T) {
	for _, c := range []pixels.AugmentConfig{{}, pixels.FineTuning(), pixels.PreTraining()} {
		if err := c.Validate(); err != nil {
			t.Error(err)
		}
	}
	for _, c := range []pixels.AugmentConfig{{MinScale: -1}, {MinScale: 1.1}, {MinScale: math.NaN()}, {Flip: 2}, {Flip: math.NaN()}, {Ops: -1}, {Ops: 1000}, {Level: 11}, {Level: math.NaN()},
		{Convolve: -0.1}, {Convolve: math.NaN()}, {Colour: pixels.ColourConfig{Hue: 0.6}}, {Colour: pixels.ColourConfig{Grey: -1}}, {Colour: pixels.ColourConfig{Saturation: math.NaN()}}} {
		if _, err := pixels.NewAugmenter(pixels.Half(8), c); !errors.Is(err, loopitr.ErrInvalid) {
			t.Errorf("%+v: error %v, want ErrInvalid", c, err)
		}
	}
	b, err := json.Marshal(pixels.FineTuning())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(`{"min_scale":0.5,"flip":0.5,"ops":2,"level":7,"affine":{"share":0,"degrees":0,"shear":0,"translate":0,"scale":0,"fill":0},"colour":{"share":0,"brightness":0,"contrast":0,"saturation":0,"hue":0,"grey":0},"convolve":0}`, string(b)); d != "" {
		t.Error(d)
	}
}

func TestAugmentRefusesWrongSizes(t *testing.T) {
	a := newAugmenter(t, pixels.FineTuning())
	for name, err := range map[string]error{
		"short dst":     a.Augment(make([]uint8, 5), pixels.Sample{Picture: testPicture(9, 9)}),
		"empty picture": a.Augment(make([]uint8, 3*size*size), pixels.Sample{}),
	} {
		if !errors.Is(err, loopitr.ErrInvalid) {
			t.Errorf("%s: error %v, want ErrInvalid", name, err)
		}
	}
}

func TestAugmentAllocatesNothingOnceWarm(t *testing.T) {
	a := newAugmenter(t, pixels.PreTraining())
	dst, picture := make([]uint8, 3*size*size), testPicture(64, 64)
	step := uint64(0)
	augment := func() {
		step++
		if err := a.Augment(dst, pixels.Sample{Picture: picture, Step: step}); err != nil {
			t.Fatal(err)
		}
	}
	for range 200 {
		augment()
	}
	if n := testing.AllocsPerRun(200, augment); n > 0.5 {
		t.Errorf("%v allocations a picture", n)
	}
}

func BenchmarkAugment(b *testing.B) {
	for _, c := range []struct {
		name string
		m    pixels.Image
		size int
	}{{"64-to-64", testPicture(64, 64), 64}, {"128-to-64", testPicture(128, 128), 64}, {"640x480-to-224", testPicture(640, 480), 224}} {
		b.Run(c.name, func(b *testing.B) {
			a, err := pixels.NewAugmenter(pixels.Half(c.size), pixels.FineTuning())
			if err != nil {
				b.Fatal(err)
			}
			dst, step := make([]uint8, 3*c.size*c.size), uint64(0)
			for b.Loop() {
				step++
				if err := a.Augment(dst, pixels.Sample{Picture: c.m, Caption: "two dogs play in the snow", Step: step}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
