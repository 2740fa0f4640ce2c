package jpeg_test

import (
	"bytes"
	"image"
	stdjpeg "image/jpeg"
	"os"
	"testing"

	"github.com/loopitr/loopitr/pixels/jpeg"
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
	if err := stdjpeg.Encode(&out, m, &stdjpeg.Options{Quality: 85}); err != nil {
		b.Fatal(err)
	}
	return out.Bytes()
}

// BenchmarkDecode compares with the standard library's decoder, without its
// conversion to RGB. JPEG names a file of one's own instead of the drawn one.
func BenchmarkDecode(b *testing.B) {
	file := photo(b, 1600, 1200)
	if name := os.Getenv("JPEG"); name != "" {
		var err error
		if file, err = os.ReadFile(name); err != nil {
			b.Fatal(err)
		}
	}
	p, err := jpeg.Open(file)
	if err != nil {
		b.Fatal(err)
	}
	pixels := float64(p.Width * p.Height)
	report := func(b *testing.B) {
		b.ReportMetric(pixels*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mpixel/s")
	}
	run := func(b *testing.B) {
		for b.Loop() {
			if _, _, _, err := decode(file, 100); err != nil {
				b.Fatal(err)
			}
		}
		report(b)
	}
	b.Run("ours", run)
	b.Run("ours-plain", func(b *testing.B) {
		defer jpeg.Generic()()
		run(b)
	})
	b.Run("standard", func(b *testing.B) {
		for b.Loop() {
			if _, err := stdjpeg.Decode(bytes.NewReader(file)); err != nil {
				b.Fatal(err)
			}
		}
		report(b)
	})
}
