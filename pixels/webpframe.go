package pixels

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"

	"golang.org/x/image/webp"
)

const (
	webpAnimated   = 1 << 1 // flag of the VP8X chunk
	webpHasAlpha   = 1 << 4
	webpFrameBytes = 16 // of an ANMF chunk before the frame's own chunks
)

// inspectWebP reads the size. The decoder knows no animation, so an animated
// file's first frame is re-wrapped as a still picture of its own.
func (s *source) inspectWebP() error {
	animated, err := s.firstWebPFrame()
	if err != nil || animated {
		return err
	}
	c, err := webp.DecodeConfig(bytes.NewReader(s.encoded))
	if err != nil {
		return err
	}
	s.width, s.height = c.Width, c.Height
	return nil
}

// firstWebPFrame sets encoded, canvas and size where the file is animated.
func (s *source) firstWebPFrame() (animated bool, err error) {
	id, header, rest := nextChunk(s.encoded[12:])
	if id != "VP8X" || len(header) != 10 || header[0]&webpAnimated == 0 {
		return false, nil
	}
	s.width, s.height = le24(header[4:])+1, le24(header[7:])+1
	for {
		var frame []byte
		id, frame, rest = nextChunk(rest)
		switch {
		case id == "":
			return true, errors.New("file holds no frame")
		case id != "ANMF":
		case len(frame) < webpFrameBytes:
			return true, errors.New("file is truncated")
		default:
			s.canvas = image.Point{X: 2 * le24(frame), Y: 2 * le24(frame[3:])}
			w, h := le24(frame[6:])+1, le24(frame[9:])+1
			if s.canvas.X+w > s.width || s.canvas.Y+h > s.height {
				return true, fmt.Errorf("frame of %dx%d at %v leaves the canvas of %dx%d", w, h, s.canvas, s.width, s.height)
			}
			s.encoded = stillWebP(frame[6:12], frame[webpFrameBytes:])
			return true, nil
		}
	}
}

// stillWebP wraps a frame's chunks; size is its width and height less one, three
// bytes each.
func stillWebP(size, chunks []byte) []byte {
	var flags byte
	if id, _, _ := nextChunk(chunks); id == "ALPH" {
		flags = webpHasAlpha
	}
	b := []byte("RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00")
	b = append(b, flags, 0, 0, 0)
	b = append(b, size...)
	b = append(b, chunks...)
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
	return b
}

// nextChunk splits off the first chunk; id is "" at the end. A length beyond the
// file is cut to it.
func nextChunk(b []byte) (id string, payload, rest []byte) {
	if len(b) < 8 {
		return "", nil, nil
	}
	n := min(uint64(binary.LittleEndian.Uint32(b[4:])), uint64(len(b)-8))
	end := min(8+n+n&1, uint64(len(b)))
	return string(b[:4]), b[8 : 8+n], b[end:]
}

func le24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }
