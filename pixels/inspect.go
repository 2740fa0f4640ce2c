package pixels

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"

	"github.com/loopitr/loopitr/pixels/jpeg"
	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// maxSide is the longest side of a picture: JPEG's and GIF's own limit. Longer
// ones exist only to make the resize's first pass expensive.
const maxSide = 65_535

// maxScans bounds the passes over a JPEG, and scansAtLimit those over one as large
// as the pixel limit. Encoders write up to about a dozen; each costs a visit to
// every block of the picture for as little as a hundred bytes of file, so that a
// small file could keep the decoder busy for hours.
const (
	maxScans     = 100
	scansAtLimit = 20
)

// inspect reads the header, checks it against the limits and says how the picture
// will be decoded. Nothing of the picture's size is allocated here.
func inspect(encoded []byte, f format, maxPixels int) (source, error) {
	s := source{format: f, encoded: encoded}
	if f == "" {
		return s, unknown(encoded)
	}
	var err error
	switch f {
	case formatJPEG:
		err = s.inspectJPEG()
	case formatGIF:
		err = s.inspectGIF()
	case formatWebP:
		err = s.inspectWebP()
	default:
		err = s.inspectStill(f)
	}
	if err != nil {
		return s, plain(err)
	}
	if err := checkSize(s.width, s.height, maxPixels); err != nil {
		return s, err
	}
	switch f {
	case formatJPEG:
		s.maxScans = int(min(maxScans, scansAtLimit*float64(maxPixels)/float64(s.width*s.height)))
	case formatTIFF:
		return s, s.inspectTIFF(maxPixels)
	case formatPNG, formatBMP:
		return s, s.checkLength()
	}
	return s, nil
}

func (s *source) inspectJPEG() (err error) {
	if s.jpeg, err = jpeg.Open(s.encoded); err == nil {
		s.width, s.height = s.jpeg.Width, s.jpeg.Height
	}
	return err
}

func (s *source) inspectStill(f format) error {
	readConfig := map[format]func(io.Reader) (image.Config, error){
		formatPNG: png.DecodeConfig, formatBMP: bmp.DecodeConfig, formatTIFF: tiff.DecodeConfig,
	}[f]
	c, err := readConfig(bytes.NewReader(s.encoded))
	if err != nil {
		return err
	}
	s.width, s.height = c.Width, c.Height
	return nil
}

func checkSize(width, height, maxPixels int) error {
	if width <= 0 || height <= 0 {
		return fmt.Errorf("picture is %dx%d pixels: no side may be empty", width, height)
	}
	// Divided, not multiplied: the product may overflow.
	if width > maxPixels/height {
		return fmt.Errorf("picture is %dx%d pixels, over the limit of %d pixels", width, height, maxPixels)
	}
	if width > maxSide || height > maxSide {
		return fmt.Errorf("picture is %dx%d pixels, over the limit of %d for a side", width, height, maxSide)
	}
	return nil
}

// checkLength refuses a picture whose file is too short to hold its pixels,
// before they are allocated. Deflate expands at most 1032 times; one bit per
// pixel is the least that PNG and BMP have.
func (s source) checkLength() error {
	need := s.width * s.height / 8
	if s.format == formatPNG {
		need /= 1032
	}
	if len(s.encoded) < need {
		return errors.New("file is truncated")
	}
	return nil
}

// inspectGIF finds the first frame. Where it sticks out of the canvas the canvas
// grows, as Pillow and the browsers do it, by rewriting a copy of the header.
func (s *source) inspectGIF() error {
	b := s.encoded
	if len(b) < 13 {
		return io.ErrUnexpectedEOF
	}
	s.width, s.height = le16(b[6:]), le16(b[8:])
	frame, err := firstGIFFrame(b)
	if err != nil {
		return err
	}
	right, bottom := le16(frame)+le16(frame[4:]), le16(frame[2:])+le16(frame[6:])
	if right <= s.width && bottom <= s.height {
		return nil
	}
	s.width, s.height = max(s.width, right), max(s.height, bottom)
	if s.width > maxSide || s.height > maxSide {
		return nil // the caller refuses it, with the sizes
	}
	s.encoded = bytes.Clone(b)
	copy(s.encoded[6:10], []byte{byte(s.width), byte(s.width >> 8), byte(s.height), byte(s.height >> 8)})
	return nil
}

// firstGIFFrame returns the bytes of the first image descriptor: left, top, width
// and height, two bytes each.
func firstGIFFrame(b []byte) ([]byte, error) {
	at := 13
	if b[10]&0x80 != 0 {
		at += 3 << (1 + b[10]&7)
	}
	for at < len(b) {
		switch b[at] {
		case 0x2c:
			if at+9 > len(b) {
				return nil, io.ErrUnexpectedEOF
			}
			return b[at+1 : min(at+10, len(b))], nil
		case 0x21:
			for at += 2; at < len(b) && b[at] != 0; at += 1 + int(b[at]) {
			}
			at++
		case 0x3b:
			return nil, errors.New("file holds no frame")
		default:
			return nil, fmt.Errorf("unknown block %#02x at byte %d", b[at], at)
		}
	}
	return nil, io.ErrUnexpectedEOF
}

func le16(b []byte) int { return int(b[0]) | int(b[1])<<8 }
