package pixels_test

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"runtime"
	"strings"
	"testing"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/pixels"
)

// smallMemory is what refusing a picture may allocate: buffers, not pixels.
const smallMemory = 4 << 20

func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// manyScans is a progressive JPEG whose scans are repeated n times.
func manyScans(t *testing.T, n int) []byte {
	b := readFile(t, "decode/420-progressive.jpeg")
	from := bytes.Index(b, []byte("\xff\xda"))
	scans := b[from : len(b)-2]
	return bytes.Join([][]byte{b[:from], bytes.Repeat(scans, n), b[len(b)-2:]}, nil)
}

func TestDecodeRefusesFromTheHeader(t *testing.T) {
	deflated := zeros(1 << 20)
	tile := func(width, height, w, h, blocks uint32) []byte {
		return tiffFile([]tiffEntry{
			{256, []uint32{width}}, {257, []uint32{height}}, {258, []uint32{8}}, {259, []uint32{8}}, {262, []uint32{1}},
			{322, []uint32{w}}, {323, []uint32{h}}, {324, times(0, int(blocks))}, {325, times(uint32(len(deflated)), int(blocks))},
		}, 324, deflated)
	}
	strips := tiffFile([]tiffEntry{
		{256, []uint32{1000}}, {257, []uint32{100}}, {258, []uint32{8}}, {259, []uint32{8}}, {262, []uint32{1}},
		{273, times(0, 100)}, {278, []uint32{1}}, {279, times(uint32(len(deflated)), 100)},
	}, 273, deflated)
	for name, c := range map[string]struct {
		file []byte
		says []string
	}{
		"PNG of 30,000 x 20,000":       {pngFile(30_000, 20_000, zeros(100)), []string{"30000x20000", "limit of 89478485 pixels"}},
		"PNG of 2^31-1 squared":        {pngFile(1<<31-1, 1<<31-1, zeros(100)), []string{"png"}},
		"PNG bomb within the limit":    {pngFile(9_000, 9_000, zeros(100)), []string{"truncated"}},
		"PNG one pixel high":           {pngFile(80_000, 1, zeros(100)), []string{"80000x1", "65535 for a side"}},
		"PNG without width":            {pngFile(0, 1, zeros(100)), []string{"png"}},
		"GIF canvas over the limit":    {gifFile([2]uint16{60_000, 60_000}, [2]uint16{}, [2]uint16{1, 1}), []string{"60000x60000", "limit of 89478485"}},
		"GIF frame far off the canvas": {gifFile([2]uint16{1, 1}, [2]uint16{60_000, 60_000}, [2]uint16{1, 1}), []string{"60001x60001", "limit of 89478485"}},
		"TIFF strips that overlap":     {strips, []string{"overlap"}},
		"TIFF tiles that overlap":      {tile(64, 64, 16, 16, 16), []string{"overlap"}},
		"TIFF tiles much too wide":     {tile(16, 60_000, 1024, 16, 3750), []string{"tiles of 1024x16", "overlap"}[:1]},
		"TIFF of a million tiles":      {tile(9000, 9000, 8, 8, 1125*1125), []string{"over the limit of 131072"}},
		"JPEG of a thousand scans":     {manyScans(t, 100), []string{"more than 100 scans"}},
	} {
		t.Run(name, func(t *testing.T) {
			limit := 0
			if strings.Contains(name, "much too wide") {
				limit = 16 * 60_000
			}
			var err error
			used := allocated(func() { _, _, err = pixels.Decode(c.file, limit) })
			if !errors.Is(err, loopitr.ErrInvalid) {
				t.Fatalf("error %v, want ErrInvalid", err)
			}
			for _, want := range c.says {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
			if used > smallMemory+uint64(20*len(c.file)) {
				t.Errorf("refusing %d bytes allocated %d", len(c.file), used)
			}
		})
	}
}

// A PNG that really holds what its header promises is refused all the same, and
// one that holds far more than it promises costs only what it promises.
func TestDecodeStopsAtWhatTheHeaderSays(t *testing.T) {
	bomb := pngFile(100, 100, zeros(48<<20))
	var err error
	used := allocated(func() { _, _, err = pixels.Decode(bomb, 0) })
	if !errors.Is(err, loopitr.ErrInvalid) {
		t.Errorf("error %v, want ErrInvalid", err)
	}
	if used > smallMemory {
		t.Errorf("allocated %d bytes", used)
	}
}

func TestDecodeHonoursTheLimit(t *testing.T) {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 30, 20)), nil); err != nil {
		t.Fatal(err)
	}
	if _, facts, err := pixels.Decode(b.Bytes(), 600); err != nil || facts.Width != 30 {
		t.Errorf("600 pixels at a limit of 600: %+v, %v", facts, err)
	}
	_, facts, err := pixels.Decode(b.Bytes(), 599)
	if !errors.Is(err, loopitr.ErrInvalid) || !strings.Contains(err.Error(), "30x20 pixels, over the limit of 599") {
		t.Errorf("600 pixels at a limit of 599: %v", err)
	}
	if facts.Width != 30 || facts.Height != 20 || facts.Format != "jpeg" {
		t.Errorf("facts of a refused picture: %+v", facts)
	}
}

// Near the pixel limit fewer scans are allowed, and a usual file still is.
func TestDecodeCountsScansByThePicture(t *testing.T) {
	if _, _, err := pixels.Decode(manyScans(t, 1), 90*62); err != nil {
		t.Errorf("ten scans at the limit: %v", err)
	}
	_, _, err := pixels.Decode(manyScans(t, 4), 90*62)
	if !errors.Is(err, loopitr.ErrInvalid) || !strings.Contains(err.Error(), "more than 20 scans") {
		t.Errorf("forty scans at the limit: %v", err)
	}
	if _, _, err = pixels.Decode(manyScans(t, 4), 0); err != nil && strings.Contains(err.Error(), "scans") {
		t.Errorf("forty scans far below the limit: %v", err)
	}
}

// A usual progressive file has ten scans.
func TestDecodeAllowsUsualScans(t *testing.T) {
	if _, _, err := pixels.Decode(manyScans(t, 1), 0); err != nil {
		t.Error(err)
	}
}

func TestDecodeGrowsTheCanvasOfAGIF(t *testing.T) {
	got, _, err := pixels.Decode(gifFile([2]uint16{4, 2}, [2]uint16{1, 1}, [2]uint16{5, 3}), 0)
	if err != nil {
		t.Fatal(err)
	}
	want := pixels.Image{Width: 6, Height: 4}
	for y := range 4 {
		for x := range 6 {
			if x >= 1 && y >= 1 {
				want.RGB = append(want.RGB, 10, 20, 30)
			} else {
				want.RGB = append(want.RGB, 255, 255, 255)
			}
		}
	}
	checkSame(t, got, want)
}
