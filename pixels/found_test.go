package pixels_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/pixels"
)

// found lists the pictures that match a pattern below a folder that `go env`
// names, and skips where they are not: nothing is fetched for a test.
func found(t *testing.T, variable, pattern string) []string {
	t.Helper()
	out, err := exec.Command("go", "env", variable).Output()
	if err != nil {
		t.Skipf("go env: %v", err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), pattern))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skipf("no files at %s/%s", variable, pattern)
	}
	return files
}

// broken says by its name that a file is not meant to be decoded.
func broken(file string) bool {
	base := filepath.Base(file)
	if base == "invalid-palette.png" {
		return false // its missing colours are read as black
	}
	return strings.Contains(base, "invalid-") || base == "0x0.tiff" || base == "0x1.tiff" || base == "1x0.tiff"
}

func TestDecodeOfFoundPictures(t *testing.T) {
	for _, place := range []struct{ variable, pattern string }{
		{"GOROOT", "src/image/testdata/*.*"},
		{"GOROOT", "src/image/png/testdata/*.png"},
		{"GOROOT", "src/image/png/testdata/pngsuite/*.png"},
		{"GOMODCACHE", "golang.org/x/image@*/testdata/*.*"},
		{"GOMODCACHE", "golang.org/x/image@*/tiff/testdata/*.tiff"},
		{"GOMODCACHE", "github.com/disintegration/imaging@v1.6.2/testdata/*.*"},
	} {
		t.Run(place.pattern, func(t *testing.T) {
			for _, file := range found(t, place.variable, place.pattern) {
				if strings.HasSuffix(file, ".bz2") {
					continue
				}
				b, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				picture, _, err := pixels.Decode(b, 0)
				switch {
				case broken(file):
					if !errors.Is(err, loopitr.ErrInvalid) {
						t.Errorf("%s: error %v, want ErrInvalid", file, err)
					}
				case err != nil:
					t.Errorf("%s: %v", file, err)
				default:
					if err := picture.Validate(); err != nil {
						t.Errorf("%s: %v", file, err)
					}
				}
			}
		})
	}
}

// The same scene stored in many ways: the mean difference is what JPEG and
// palettes lose, far from what a wrong channel order or inversion gives.
func TestDecodeAgreesAcrossEncodings(t *testing.T) {
	files := found(t, "GOROOT", "src/image/testdata/video-001.*")
	read := func(file string) pixels.Image {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m, _, err := pixels.Decode(b, 0)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		return m
	}
	folder := filepath.Dir(files[0])
	photo, inks := read(filepath.Join(folder, "video-001.png")), read(filepath.Join(folder, "video-001.cmyk.png"))
	for _, file := range files {
		if strings.Contains(file, "truncated") {
			continue
		}
		got, want := read(file), photo
		if strings.Contains(file, "cmyk") {
			want = inks // its own scene: inks cannot show all of the other's colours
		}
		if got.Width != want.Width || got.Height != want.Height {
			t.Errorf("%s: %dx%d pixels, want %dx%d", file, got.Width, got.Height, want.Width, want.Height)
			continue
		}
		if d := meanDifference(got, want); d > 9 {
			t.Errorf("%s: mean difference %.1f", file, d)
		}
	}
}

func meanDifference(a, b pixels.Image) float64 {
	sum := 0
	for i := range a.RGB {
		d := int(a.RGB[i]) - int(b.RGB[i])
		sum += max(d, -d)
	}
	return float64(sum) / float64(len(a.RGB))
}

func TestDecodeTurnsFoundPictures(t *testing.T) {
	var upright pixels.Image
	for i, file := range found(t, "GOMODCACHE", "github.com/disintegration/imaging@v1.6.2/testdata/orientation_*.jpg") {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := pixels.Decode(b, 0)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if i == 0 {
			upright = got
		}
		if got.Width != upright.Width || got.Height != upright.Height || meanDifference(got, upright) > 3 {
			t.Errorf("%s differs from the upright picture", file)
		}
	}
}

// Camera files cut off after their EXIF block: no picture, yet their facts.
func TestDecodeReadsFoundEXIF(t *testing.T) {
	files := found(t, "GOMODCACHE", "github.com/rwcarlsen/goexif@*/exif/samples/*.jpg")
	cameras, dates, places := 0, 0, 0
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, facts, err := pixels.Decode(b, 0)
		if err != nil && !errors.Is(err, loopitr.ErrInvalid) {
			t.Errorf("%s: %v", file, err)
		}
		if facts.Camera != "" {
			cameras++
		}
		if !facts.Taken.IsZero() {
			dates++
		}
		if facts.Place != nil {
			places++
		}
	}
	if cameras < len(files)/2 || dates < len(files)/2 || places < 3 {
		t.Errorf("of %d files %d told their camera, %d their date, %d their place", len(files), cameras, dates, places)
	}
}
