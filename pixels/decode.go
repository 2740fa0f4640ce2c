package pixels

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/png"
	"io"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/pixels/jpeg"
	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"
)

// Decode turns the bytes of a JPEG, PNG, GIF (first frame), WebP (first frame),
// BMP or TIFF (first page) file into packed RGB, upright by its EXIF orientation,
// composited on white where it is transparent, and tells what the file says of
// itself. Damaged EXIF leaves facts unknown and is no error.
//
// maxPixels 0 means DefaultMaxPixels. Width x height above it, or a side above
// 65,535, is refused from the header, before any pixel is decoded; so are headers
// that promise more work than pictures need (a JPEG of hundreds of scans, a TIFF
// whose blocks overlap). Memory is at most some 30 bytes per pixel.
// Every error wraps loopitr.ErrInvalid; facts then hold what was known. encoded
// is not retained. Decode may be called concurrently.
func Decode(encoded []byte, maxPixels int) (picture Image, facts loopitr.Facts, err error) {
	if maxPixels == 0 {
		maxPixels = DefaultMaxPixels
	}
	format := sniff(encoded)
	facts.Format = string(format)
	defer func() {
		// A decoder's panic is the stranger's bytes' doing, not a broken program.
		if r := recover(); r != nil {
			picture, err = Image{}, fmt.Errorf("decode %s picture: decoder gave up: %v: %w", format, r, loopitr.ErrInvalid)
		}
	}()
	said := readEXIF(encoded, format)
	facts.Taken, facts.Camera, facts.Place = said.taken, said.camera, said.place
	source, err := inspect(encoded, format, maxPixels)
	facts.Width, facts.Height = source.width, source.height
	if err != nil {
		return Image{}, facts, fmt.Errorf("decode %spicture: %w", format.prefix(), invalid(err))
	}
	picture, err = source.decode(said.turn)
	if err != nil {
		return Image{}, facts, fmt.Errorf("decode %s picture: %w", format, invalid(plain(err)))
	}
	facts.Width, facts.Height = picture.Width, picture.Height
	return picture, facts, nil
}

// invalid makes err wrap loopitr.ErrInvalid, once.
func invalid(err error) error {
	if errors.Is(err, loopitr.ErrInvalid) {
		return err
	}
	return fmt.Errorf("%w: %w", err, loopitr.ErrInvalid)
}

// plain names the two reading errors by what they mean for a picture.
func plain(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return fmt.Errorf("file is truncated")
	}
	return err
}

// source is a picture file that passed inspection.
type source struct {
	format        format
	width, height int // of the canvas, before orientation
	encoded       []byte
	jpeg          *jpeg.Picture // of a JPEG
	maxScans      int           // of a JPEG
	faxOfBlack    bool          // a fax TIFF whose runs of white mean black
	canvas        image.Point   // where the first frame of an animation sits
}

func (s source) decode(turn orientation) (Image, error) {
	if s.format == formatJPEG {
		picture, err := s.decodeJPEG()
		return turn.apply(picture), err
	}
	read := map[format]func(io.Reader) (image.Image, error){
		formatPNG: png.Decode, formatGIF: gif.Decode,
		formatWebP: webp.Decode, formatBMP: bmp.Decode, formatTIFF: tiff.Decode,
	}[s.format]
	decoded, err := read(bytes.NewReader(s.encoded))
	if err != nil {
		return Image{}, err
	}
	if b := decoded.Bounds(); b.Empty() || b.Dx() > s.width || b.Dy() > s.height {
		return Image{}, fmt.Errorf("decoded to %dx%d pixels, the header says %dx%d", b.Dx(), b.Dy(), s.width, s.height)
	}
	picture, err := s.pack(decoded)
	if err != nil {
		return Image{}, err
	}
	return turn.apply(picture), nil
}

// decodeJPEG makes room for the pixels when the first are there: a file too short
// for its size costs nothing.
func (s source) decodeJPEG() (Image, error) {
	var out Image
	err := s.jpeg.Decode(s.maxScans, func(y int) []uint8 {
		if out.RGB == nil {
			out = newImage(s.width, s.height)
		}
		return out.RGB[3*s.width*y:]
	})
	if err != nil {
		return Image{}, err
	}
	return out, nil
}
