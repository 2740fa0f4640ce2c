package jpeg_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/pixels/jpeg"
)

// maxTestPixels keeps what damage makes of a size cheap.
const maxTestPixels = 1 << 16

// checkOutcome decodes with and without assembly and checks that both give the
// same: a picture of all rows, or an error of the right kind.
func checkOutcome(t *testing.T, file []byte) {
	t.Helper()
	p, err := jpeg.Open(file)
	if err != nil {
		if !errors.Is(err, loopitr.ErrInvalid) {
			t.Errorf("error %v does not wrap ErrInvalid", err)
		}
		return
	}
	if p.Width*p.Height > maxTestPixels {
		return
	}
	const maxScans = 12
	fast, _, _, fastErr := decode(file, maxScans)
	restore := jpeg.Generic()
	plain, _, _, plainErr := decode(file, maxScans)
	restore()
	if (fastErr == nil) != (plainErr == nil) || fastErr != nil && fastErr.Error() != plainErr.Error() {
		t.Fatalf("error %v with assembly, %v without", fastErr, plainErr)
	}
	if fastErr != nil && !errors.Is(fastErr, loopitr.ErrInvalid) {
		t.Errorf("error %v does not wrap ErrInvalid", fastErr)
	}
	if fastErr == nil && !bytes.Equal(fast, plain) {
		t.Error("pixels differ with and without assembly")
	}
}

func FuzzDecode(f *testing.F) {
	for i, c := range readGolden(f) {
		if i%3 == 0 || strings.HasPrefix(c.Name, "hand-") {
			f.Add(c.file)
		}
	}
	f.Fuzz(checkOutcome)
}

// Every golden file cut short is an error: the end mark is missing at least, and
// Pillow refuses that too.
func TestDecodeRefusesTruncatedFiles(t *testing.T) {
	for _, c := range readGolden(t) {
		step := 1 + len(c.file)/40
		for n := len(c.file) - 1; n >= 0; n -= step {
			if _, _, _, err := decode(c.file[:n], 100); !errors.Is(err, loopitr.ErrInvalid) {
				t.Fatalf("%s, %d of %d bytes: error %v, want ErrInvalid", c.Name, n, len(c.file), err)
			}
		}
	}
}

func TestDecodeOfDamagedFiles(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for _, c := range readGolden(t) {
		for range 12 {
			damaged := bytes.Clone(c.file)
			for range 1 + random.IntN(4) {
				damaged[random.IntN(len(damaged))] = byte(random.Uint32())
			}
			checkOutcome(t, damaged)
		}
	}
}

// replaced is the file with the first occurrence of old exchanged.
func replaced(t *testing.T, file []byte, old, new string) []byte {
	t.Helper()
	if !bytes.Contains(file, []byte(old)) {
		t.Fatalf("file lacks %x", old)
	}
	return bytes.Replace(file, []byte(old), []byte(new), 1)
}

// repeated has everything from the first scan to the end mark n times.
func repeated(file []byte, n int) []byte {
	from := bytes.Index(file, []byte("\xff\xda"))
	return bytes.Join([][]byte{file[:from], bytes.Repeat(file[from:len(file)-2], n), file[len(file)-2:]}, nil)
}

func TestDecodeNamesWhatIsWrong(t *testing.T) {
	plain, progressive := named(t, "hand-420-41x39"), named(t, "photo-progressive")
	frame := func(to string) []byte { return replaced(t, plain, "\xff\xc0", to) }
	for says, file := range map[string][]byte{
		"begin with a start mark":                  []byte("GIF89a"),
		"file is truncated":                        plain[:100],
		"no frame before the first scan":           replaced(t, plain, "\xff\xc0", "\xff\xef"),
		"lossless JPEG is not supported":           frame("\xff\xc3"),
		"hierarchical JPEG is not supported":       frame("\xff\xc5"),
		"arithmetic coding is not supported":       frame("\xff\xc9"),
		"12 bits a sample are not supported":       replaced(t, plain, "\xff\xc0\x00\x11\x08", "\xff\xc0\x00\x11\x0c"),
		"2 components are not supported":           replaced(t, plain, "\x00\x29\x03", "\x00\x29\x02"),
		"component 0 is sampled 5x2: want 1 to 4":  replaced(t, plain, "\x01\x22\x00", "\x01\x52\x00"),
		"fractions are not supported":              replaced(t, replaced(t, plain, "\x01\x22\x00", "\x01\x32\x00"), "\x02\x11\x00", "\x02\x21\x00"),
		"quantisation table 3 is missing":          replaced(t, plain, "\x01\x22\x00", "\x01\x22\x03"),
		"huffman table of a scan is missing":       replaced(t, plain, "\x01\x00\x02\x00\x03\x00\x00\x3f", "\x01\x11\x02\x00\x03\x00\x00\x3f"),
		"scan names unknown component 9":           replaced(t, plain, "\x01\x00\x02\x00\x03\x00\x00\x3f", "\x01\x00\x09\x00\x03\x00\x00\x3f"),
		"scan names a component twice":             replaced(t, plain, "\x01\x00\x02\x00\x03\x00\x00\x3f", "\x01\x00\x01\x00\x03\x00\x00\x3f"),
		"no side may be empty":                     replaced(t, plain, "\x00\x27\x00\x29", "\x00\x00\x00\x29"),
		"scan lacks a restart marker":              replaced(t, named(t, "hand-restart"), "\xff\xd0", "\xff\xd3"),
		"more than 20 scans (50), the limit for":   repeated(progressive, 5),
		"scan from precision 5 to 3":               replaced(t, progressive, "\x03\x10\x00\x00\x01", "\x03\x10\x00\x00\x53"),
		"file is truncated: invalid input":         plain[:len(plain)-2],
		"huffman table has more codes than bits":   replaced(t, plain, "\x00\x00\x00\x00\x00\x00\x00\x0c", "\x00\x00\x0c\x00\x00\x00\x00\x00"),
		"huffman table 4 of class 0: want 0 to 3":  replaced(t, plain, "\xff\xc4\x00\x1f\x00", "\xff\xc4\x00\x1f\x04"),
		"quantisation table 9 of 1 bytes":          replaced(t, plain, "\xff\xdb\x00\x43\x00", "\xff\xdb\x00\x43\x09"),
		"restart interval without a number":        replaced(t, plain, "\xff\xdb\x00\x43\x00", "\xff\xdd\x00\x02\xff\xdb\x00\x43\x00"),
		"segment has no room for its own length":   replaced(t, plain, "\xff\xdb\x00\x43", "\xff\xdb\x00\x01"),
		"uses quantisation table 4: want 0 to 3":   replaced(t, plain, "\x01\x22\x00", "\x01\x22\x04"),
		"scan header does not fit the frame":       replaced(t, plain, "\x03\x01\x00\x02\x00\x03\x00\x00\x3f", "\x04\x01\x00\x02\x00\x03\x00\x00\x3f"),
		"uses huffman tables 5 and 0: want 0 to 3": replaced(t, plain, "\x01\x00\x02\x00\x03\x00\x00\x3f", "\x01\x50\x02\x00\x03\x00\x00\x3f"),
		"more than one frame":                      replaced(t, plain, "\xff\xda", "\xff\xc0\x00\x08\x08\x00\x01\x00\x01\x01\xff\xda"),
		"file holds no scan":                       replaced(t, plain, "\xff\xda", "\xff\xd9"),
		"bits match no huffman code":               append(bytes.Clone(plain[:bytes.Index(plain, []byte("\x00\x3f\x00"))+3]), bytes.Repeat([]byte("\xff\x00"), 200)...),
	} {
		if _, _, _, err := decode(file, 20); !errors.Is(err, loopitr.ErrInvalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("error %v, want ErrInvalid that says %q", err, says)
		}
	}
}

// allocated is what f allocates, in bytes.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A header may promise 65,535 x 65,535 pixels: nothing of that size is allocated
// for a file too short to fill it, in one scan or many.
func TestDecodeOfHugePromisesAllocatesLittle(t *testing.T) {
	for name, size := range map[string]string{
		"hand-420-41x39": "\x00\x27\x00\x29", "hand-420-41x39-separate": "\x00\x27\x00\x29", "photo-progressive": "\x00\x6b\x00\x95",
	} {
		file := replaced(t, named(t, name), size, "\xff\xff\xff\xff")
		var err error
		used := allocated(func() {
			p, e := jpeg.Open(file)
			if e != nil {
				t.Fatalf("%s: %v", name, e)
			}
			err = p.Decode(100, func(int) []uint8 { t.Fatal("a row was asked for"); return nil })
		})
		if !errors.Is(err, loopitr.ErrInvalid) || !strings.Contains(err.Error(), "truncated") {
			t.Errorf("%s: error %v, want truncated", name, err)
		}
		if used > 1<<20 {
			t.Errorf("%s: refusing %d bytes allocated %d", name, len(file), used)
		}
	}
}

// What libjpeg passes over: fill bytes, stray bytes between segments, comments,
// and anything behind the end mark.
func TestDecodePassesOverStrayBytes(t *testing.T) {
	plain := named(t, "hand-420-41x39")
	want, _, _, err := decode(plain, 1)
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{
		"fill bytes":     replaced(t, plain, "\xff\xda", "\xff\xff\xff\xff\xda"),
		"stray bytes":    replaced(t, plain, "\xff\xda", "stray\xff\xda"),
		"comment":        replaced(t, plain, "\xff\xda", "\xff\xfe\x00\x04hi\xff\xda"),
		"behind the end": append(bytes.Clone(plain), "\xff\xd8\xff and more"...),
		"before the end": append(bytes.Clone(plain[:len(plain)-2]), "more\x00\xff\xd9"...),
	} {
		got, _, _, err := decode(file, 1)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: error %v, same pixels %v", name, err, bytes.Equal(got, want))
		}
	}
}
