package jpeg_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/loopitr/loopitr/pixels/jpeg"
)

// golden is one file of testdata and what Pillow decodes it to
// (scripts/golden/jpeg.py).
type golden struct {
	Name                       string
	From, Bytes, Width, Height int
	SHA256                     string
	file                       []byte
}

func readGolden(t testing.TB) []golden {
	t.Helper()
	files, err := os.ReadFile("testdata/files.bin")
	if err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadFile("testdata/cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var read struct{ Cases []golden }
	if err := json.Unmarshal(list, &read); err != nil {
		t.Fatal(err)
	}
	if len(read.Cases) < 100 {
		t.Fatalf("only %d golden files", len(read.Cases))
	}
	for i := range read.Cases {
		c := &read.Cases[i]
		c.file = files[c.From:][:c.Bytes:c.Bytes]
	}
	return read.Cases
}

// named is the golden file of that name.
func named(t testing.TB, name string) []byte {
	t.Helper()
	for _, c := range readGolden(t) {
		if c.Name == name {
			return c.file
		}
	}
	t.Fatalf("no golden file %q", name)
	return nil
}

// decode decodes a whole file to packed RGB.
func decode(file []byte, maxScans int) (rgb []uint8, width, height int, err error) {
	p, err := jpeg.Open(file)
	if err != nil {
		return nil, 0, 0, err
	}
	rgb = make([]uint8, 3*p.Width*p.Height)
	err = p.Decode(maxScans, func(y int) []uint8 { return rgb[3*p.Width*y:] })
	return rgb, p.Width, p.Height, err
}

func TestDecodeEqualsPillow(t *testing.T) {
	check := func(t *testing.T) {
		for _, c := range readGolden(t) {
			rgb, width, height, err := decode(c.file, 100)
			if err != nil {
				t.Errorf("%s: %v", c.Name, err)
				continue
			}
			sum := sha256.Sum256(rgb)
			if got := hex.EncodeToString(sum[:]); width != c.Width || height != c.Height || got != c.SHA256 {
				t.Errorf("%s: %dx%d pixels of digest %s, want %dx%d of %s", c.Name, width, height, got, c.Width, c.Height, c.SHA256)
			}
		}
	}
	t.Run("plain Go", func(t *testing.T) {
		defer jpeg.Generic()()
		check(t)
	})
	t.Run("AVX2", func(t *testing.T) {
		if !jpeg.HasAVX2() {
			t.Skip("no AVX2 here")
		}
		check(t)
	})
}
