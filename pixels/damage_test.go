package pixels_test

import (
	"errors"
	"math/rand/v2"
	"path"
	"strings"
	"testing"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/pixels"
)

func TestDecodeNamesWhatIsNoPicture(t *testing.T) {
	for name, c := range map[string]struct{ file, says string }{
		"nothing":   {"", "file is empty"},
		"text":      {"<html>hello", `first bytes "<html>he"`},
		"HEIC":      {"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", `"heic"`},
		"JPEG mark": {"\xff\xd8", "truncated"},
		"PNG mark":  {"\x89PNG\r\n\x1a\n", "truncated"},
		"GIF mark":  {"GIF89a", "truncated"},
		"BMP mark":  {"BM", "truncated"},
		"TIFF mark": {"II*\x00", "truncated"},
		"RIFF mark": {"RIFF\x04\x00\x00\x00WEBP", "webp"},
	} {
		_, _, err := pixels.Decode([]byte(c.file), 0)
		if !errors.Is(err, loopitr.ErrInvalid) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want ErrInvalid that says %q", name, err, c.says)
		}
	}
}

// Every golden file cut short at many places: an error or, where only the end
// mark is missing, a picture; never a panic.
func TestDecodeOfTruncatedFiles(t *testing.T) {
	for _, c := range readGolden(t).Decode {
		t.Run(path.Base(c.File), func(t *testing.T) {
			whole := readFile(t, c.File)
			for n := 0; n < len(whole); n += 1 + len(whole)/60 {
				checkOutcome(t, whole[:n])
			}
			if _, _, err := pixels.Decode(whole[:len(whole)/3], 0); !errors.Is(err, loopitr.ErrInvalid) {
				t.Errorf("a third of the file: error %v, want ErrInvalid", err)
			}
		})
	}
}

func TestDecodeOfDamagedFiles(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, c := range readGolden(t).Decode {
		whole := readFile(t, c.File)
		for range 40 {
			damaged := append([]byte(nil), whole...)
			for range 1 + random.IntN(4) {
				damaged[random.IntN(len(damaged))] = byte(random.Uint32())
			}
			checkOutcome(t, damaged)
		}
	}
}

// checkOutcome decodes under a low limit and checks that there is either a valid
// picture or an ErrInvalid.
func checkOutcome(t *testing.T, file []byte) {
	t.Helper()
	got, facts, err := pixels.Decode(file, 1<<18)
	if err != nil {
		if !errors.Is(err, loopitr.ErrInvalid) {
			t.Errorf("error %v does not wrap ErrInvalid", err)
		}
		if got.RGB != nil {
			t.Error("an error came with pixels")
		}
		return
	}
	if err := got.Validate(); err != nil {
		t.Error(err)
	}
	if got.Width*got.Height > 1<<18 || facts.Width != got.Width || facts.Height != got.Height {
		t.Errorf("%dx%d pixels, facts say %dx%d", got.Width, got.Height, facts.Width, facts.Height)
	}
}

func FuzzDecode(f *testing.F) {
	for _, c := range readGolden(f).Decode {
		f.Add(readFile(f, c.File))
	}
	for _, c := range readGolden(f).EXIF {
		f.Add(readFile(f, c.File))
	}
	f.Add(gifFile([2]uint16{4, 2}, [2]uint16{1, 1}, [2]uint16{5, 3}))
	f.Fuzz(func(t *testing.T, file []byte) { checkOutcome(t, file) })
}
