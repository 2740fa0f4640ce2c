package pixels

import (
	"bytes"
	"errors"
	"fmt"
)

type format string

const (
	formatJPEG format = "jpeg"
	formatPNG  format = "png"
	formatGIF  format = "gif"
	formatWebP format = "webp"
	formatBMP  format = "bmp"
	formatTIFF format = "tiff"
)

func (f format) prefix() string {
	if f == "" {
		return ""
	}
	return string(f) + " "
}

// sniff tells the format from the first bytes alone: names lie. It is "" for
// anything that Decode cannot read.
func sniff(b []byte) format {
	has := func(magic string) bool { return len(b) >= len(magic) && string(b[:len(magic)]) == magic }
	switch {
	case has("\xff\xd8"):
		return formatJPEG
	case has("\x89PNG\r\n\x1a\n"):
		return formatPNG
	case has("GIF87a"), has("GIF89a"):
		return formatGIF
	case has("RIFF") && len(b) >= 12 && string(b[8:12]) == "WEBP":
		return formatWebP
	case has("BM"):
		return formatBMP
	case has("II*\x00"), has("MM\x00*"):
		return formatTIFF
	}
	return ""
}

// unknown says why bytes that sniff knows not are refused.
func unknown(b []byte) error {
	const known = "want JPEG, PNG, GIF, WebP, BMP or TIFF"
	if len(b) == 0 {
		return errors.New("file is empty")
	}
	if len(b) >= 12 && string(b[4:8]) == "ftyp" {
		return fmt.Errorf("format %q (HEIF or AVIF family) is not supported: %s", bytes.TrimSpace(b[8:12]), known)
	}
	if len(b) > 8 {
		b = b[:8]
	}
	return fmt.Errorf("unknown format, first bytes %q: %s", b, known)
}
