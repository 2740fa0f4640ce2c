package pixels_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"testing"

	"github.com/loopitr/loopitr/pixels"
)

// photo is a JPEG of 4:2:0 with a photograph's amount of detail, about a byte for
// every four pixels.
func photo(b *testing.B, w, h int) []byte {
	m := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	for y := range h {
		for x := range w {
			m.Y[y*m.YStride+x] = uint8(x*255/w/2 + (x*7^y*13)%23 + (x/9+y/7)%31*3)
		}
	}
	for i := range m.Cb {
		m.Cb[i], m.Cr[i] = uint8(i/97), uint8(128+i%m.CStride*64/m.CStride)
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, m, &jpeg.Options{Quality: 85}); err != nil {
		b.Fatal(err)
	}
	return out.Bytes()
}

func BenchmarkPrepare(b *testing.B) {
	for _, c := range []struct{ w, h, size int }{{4000, 3000, 224}, {640, 480, 64}, {128, 128, 64}} {
		file := photo(b, c.w, c.h)
		b.Run(fmt.Sprintf("%dx%d-to-%d", c.w, c.h, c.size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := pixels.Prepare(file, pixels.CLIP(c.size)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(c.w*c.h)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mpixel/s")
		})
		b.Run(fmt.Sprintf("%dx%d-standard", c.w, c.h), func(b *testing.B) {
			for b.Loop() {
				if _, err := jpeg.Decode(bytes.NewReader(file)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(c.w*c.h)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mpixel/s")
		})
	}
}

func BenchmarkNormalise(b *testing.B) {
	rgb, dst := testPicture(224, 224).RGB, make([]float32, 3*224*224)
	for b.Loop() {
		pixels.Normalise(dst, rgb, pixels.CLIP(224))
	}
	b.SetBytes(int64(len(rgb)))
}

// BenchmarkPack is what follows the decoder: colours of a whole picture.
func BenchmarkPack(b *testing.B) {
	m := image.NewNRGBA(image.Rect(0, 0, 1000, 1000))
	for i := range m.Pix {
		m.Pix[i] = uint8(i)
	}
	palette := image.NewPaletted(m.Rect, color.Palette{color.Black, color.White})
	for name, m := range map[string]image.Image{
		"NRGBA": m, "Paletted": palette,
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := pixels.Pack(m); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(1_000_000)
		})
	}
}
