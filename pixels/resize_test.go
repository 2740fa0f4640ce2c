package pixels_test

import (
	"errors"
	"fmt"
	"path"
	"testing"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/pixels"
	"pgregory.net/rapid"
)

func TestResizeEqualsPillow(t *testing.T) {
	for _, c := range readGolden(t).Resize {
		t.Run(path.Base(c.Want), func(t *testing.T) {
			var src, got pixels.Image
			var err error
			if c.Alpha {
				src, _, err = pixels.Decode(readFile(t, c.Source), pixels.DefaultMaxPixels)
			} else {
				src = readRGB(t, c.Source)
			}
			if err != nil {
				t.Fatal(err)
			}
			if c.Crop > 0 {
				cfg := pixels.Half(c.Crop)
				cfg.Fit = pixels.Crop
				got, err = pixels.Square(src, cfg)
			} else {
				got, err = pixels.Resize(src, c.Width, c.Height)
			}
			if err != nil {
				t.Fatal(err)
			}
			checkSame(t, got, readRGB(t, c.Want))
		})
	}
}

func TestResizeRefusesWhatHasNoPixels(t *testing.T) {
	ok := pixels.Image{Width: 2, Height: 1, RGB: make([]uint8, 6)}
	for _, c := range []struct {
		src           pixels.Image
		width, height int
	}{
		{ok, 0, 1}, {ok, 1, -1}, {ok, 1 << 20, 1},
		{pixels.Image{}, 1, 1},
		{pixels.Image{Width: 2, Height: 2, RGB: make([]uint8, 6)}, 1, 1},
		{pixels.Image{Width: -1, Height: -2, RGB: make([]uint8, 6)}, 1, 1},
	} {
		if _, err := pixels.Resize(c.src, c.width, c.height); !errors.Is(err, loopitr.ErrInvalid) {
			t.Errorf("Resize(%dx%d, %d, %d) = %v, want ErrInvalid", c.src.Width, c.src.Height, c.width, c.height, err)
		}
	}
}

func drawImage(t *rapid.T) pixels.Image {
	w, h := rapid.IntRange(1, 40).Draw(t, "width"), rapid.IntRange(1, 40).Draw(t, "height")
	return pixels.Image{Width: w, Height: h, RGB: rapid.SliceOfN(rapid.Uint8(), 3*w*h, 3*w*h).Draw(t, "rgb")}
}

// A picture of one colour stays of that colour at any size, up to what rounding
// the weights to fixed point moves.
func TestResizeKeepsFlatColour(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, h := rapid.IntRange(1, 90).Draw(t, "width"), rapid.IntRange(1, 90).Draw(t, "height")
		c := rapid.Uint8().Draw(t, "colour")
		src := pixels.Image{Width: w, Height: h, RGB: make([]uint8, 3*w*h)}
		for i := range src.RGB {
			src.RGB[i] = c
		}
		got, err := pixels.Resize(src, rapid.IntRange(1, 90).Draw(t, "to width"), rapid.IntRange(1, 90).Draw(t, "to height"))
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range got.RGB {
			if d := int(v) - int(c); d < -1 || d > 1 {
				t.Fatalf("sample %d is %d, want %d", i, v, c)
			}
		}
	})
}

// The crop fit must be the middle of the whole resize.
func TestCropIsTheMiddleOfTheResize(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src := drawImage(t)
		cfg := pixels.Half(rapid.IntRange(1, 30).Draw(t, "size"))
		cfg.Fit = pixels.Crop
		got, err := pixels.Square(src, cfg)
		if err != nil {
			t.Fatal(err)
		}
		short := min(src.Width, src.Height)
		w, h := cfg.Size*src.Width/short, cfg.Size*src.Height/short
		whole, err := pixels.Resize(src, w, h)
		if err != nil {
			t.Fatal(err)
		}
		if !containsWindow(whole, got, (w-cfg.Size)/2, (h-cfg.Size)/2) {
			t.Fatalf("%dx%d cropped to %d is not the middle of %dx%d", src.Width, src.Height, cfg.Size, w, h)
		}
	})
}

// containsWindow looks at (x, y) and, because halves round to even, one further.
func containsWindow(whole, window pixels.Image, x, y int) bool {
	for _, dy := range []int{0, 1} {
		for _, dx := range []int{0, 1} {
			if x+dx+window.Width <= whole.Width && y+dy+window.Height <= whole.Height && sameWindow(whole, window, x+dx, y+dy) {
				return true
			}
		}
	}
	return false
}

func sameWindow(whole, window pixels.Image, x, y int) bool {
	for row := range window.Height {
		from := 3 * ((y+row)*whole.Width + x)
		if string(whole.RGB[from:from+3*window.Width]) != string(window.RGB[3*row*window.Width:][:3*window.Width]) {
			return false
		}
	}
	return true
}

func BenchmarkResize(b *testing.B) {
	for _, c := range []struct{ w, h, size int }{{4000, 3000, 224}, {640, 480, 64}, {128, 128, 64}} {
		b.Run(fmt.Sprintf("%dx%d-to-%d", c.w, c.h, c.size), func(b *testing.B) {
			src := testPicture(c.w, c.h)
			b.SetBytes(int64(len(src.RGB)))
			for b.Loop() {
				if _, err := pixels.Resize(src, c.size, c.size); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// testPicture is a smooth picture with some texture.
func testPicture(w, h int) pixels.Image {
	m := pixels.Image{Width: w, Height: h, RGB: make([]uint8, 3*w*h)}
	for y := range h {
		for x := range w {
			p := m.RGB[3*(y*w+x):]
			p[0], p[1], p[2] = uint8(x*255/w+(x*y)%7), uint8(y*255/h+(x^y)%13), uint8((x+y)/8)
		}
	}
	return m
}
