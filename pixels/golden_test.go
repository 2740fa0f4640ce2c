package pixels_test

import (
	"bytes"
	"encoding/json"
	"image/png"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/loopitr/loopitr/pixels"
)

// golden is testdata/cases.json: what Pillow made (scripts/golden/pixels.py).
type golden struct {
	Resize []struct {
		Source, Want        string
		Width, Height, Crop int
		Alpha               bool
	}
	Decode  []struct{ File, Want, Format string }
	Augment []struct {
		Source, Want string
		Cases        []struct {
			Op       string
			Level    float64
			Negative bool
		}
	}
	Colour []struct {
		Source, Want string
		Cases        []struct {
			Op string
			By float64
		}
	}
	Training []struct {
		pixels.AugmentConfig
		Source, Want string
		Size         int
		Samples      [][3]string // seed, step, item
	}
	EXIF []struct {
		File, Camera        string
		Taken               time.Time
		Width, Height       int
		Latitude, Longitude float64
	}
}

func readGolden(t testing.TB) golden {
	t.Helper()
	var g golden
	if err := json.Unmarshal(readFile(t, "cases.json"), &g); err != nil {
		t.Fatal(err)
	}
	if len(g.Resize) == 0 || len(g.Decode) == 0 || len(g.Augment) == 0 || len(g.Colour) == 0 || len(g.Training) == 0 || len(g.EXIF) == 0 {
		t.Fatal("cases.json lacks a section")
	}
	return g
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// readRGB reads an opaque PNG without this package's help.
func readRGB(t testing.TB, name string) pixels.Image {
	t.Helper()
	m, err := png.Decode(bytes.NewReader(readFile(t, name)))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	b := m.Bounds()
	out := pixels.Image{Width: b.Dx(), Height: b.Dy()}
	for y := range b.Dy() {
		for x := range b.Dx() {
			r, g, b, _ := m.At(x, y).RGBA()
			out.RGB = append(out.RGB, uint8(r>>8), uint8(g>>8), uint8(b>>8))
		}
	}
	return out
}

func clone(m pixels.Image) pixels.Image {
	m.RGB = bytes.Clone(m.RGB)
	return m
}

func checkSame(t *testing.T, got, want pixels.Image) {
	t.Helper()
	if got.Width != want.Width || got.Height != want.Height {
		t.Fatalf("got %dx%d pixels, want %dx%d", got.Width, got.Height, want.Width, want.Height)
	}
	if len(got.RGB) != len(want.RGB) {
		t.Fatalf("got %d bytes, want %d", len(got.RGB), len(want.RGB))
	}
	worst, count, first := 0, 0, -1
	for i := range want.RGB {
		d := int(got.RGB[i]) - int(want.RGB[i])
		d = max(d, -d)
		worst = max(worst, d)
		if d > 0 {
			if count++; first < 0 {
				first = i
			}
		}
	}
	if count > 0 {
		p := first / 3
		t.Errorf("%d of %d samples differ (worst by %d), first channel %d at %d,%d: got %d, want %d",
			count, len(want.RGB), worst, first%3, p%want.Width, p/want.Width, got.RGB[first], want.RGB[first])
	}
}
