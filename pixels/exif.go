package pixels

import (
	"bytes"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/bep/imagemeta"
	"github.com/loopitr/loopitr"
)

// maxCamera bounds the stored camera name, in bytes.
const maxCamera = 128

// said is what the EXIF block says.
type said struct {
	turn   orientation
	taken  time.Time
	camera string
	place  *loopitr.Place
}

// readEXIF reads the tags that Facts needs. Damage ends the reading; what was
// read until then counts.
func readEXIF(encoded []byte, f format) said {
	kind, ok := map[format]imagemeta.ImageFormat{
		formatJPEG: imagemeta.JPEG, formatPNG: imagemeta.PNG,
		formatWebP: imagemeta.WebP, formatTIFF: imagemeta.TIFF,
	}[f]
	if !ok {
		return said{}
	}
	tags := map[string]any{}
	_, _ = imagemeta.Decode(imagemeta.Options{
		R: bytes.NewReader(encoded), ImageFormat: kind, Sources: imagemeta.EXIF,
		ShouldHandleTag: func(t imagemeta.TagInfo) bool {
			return wantedTags[t.Tag] && strings.HasPrefix(t.Namespace, "IFD0")
		},
		HandleTag: func(t imagemeta.TagInfo) error {
			if _, seen := tags[t.Tag]; !seen {
				tags[t.Tag] = t.Value
			}
			return nil
		},
	})
	return said{
		turn:   orientationOf(tags["Orientation"]),
		taken:  takenOf(tags),
		camera: cameraOf(text(tags["Make"]), text(tags["Model"])),
		place:  placeOf(tags),
	}
}

var wantedTags = map[string]bool{
	"Orientation": true, "Make": true, "Model": true,
	"DateTimeOriginal": true, "DateTimeDigitized": true, "CreateDate": true, "DateTime": true, "ModifyDate": true,
	"OffsetTimeOriginal": true, "OffsetTime": true,
	"GPSLatitude": true, "GPSLatitudeRef": true, "GPSLongitude": true, "GPSLongitudeRef": true,
}

func orientationOf(v any) orientation {
	switch v := v.(type) {
	case uint16:
		return orientation(v)
	case uint32:
		return orientation(v % 16)
	case uint8:
		return orientation(v)
	case int32:
		return orientation(v % 16)
	}
	return 1
}

// takenOf prefers when the picture was taken over when the file was made. EXIF
// has no time zone unless the offset tag is there; UTC is assumed, so that the
// same file says the same everywhere.
func takenOf(tags map[string]any) time.Time {
	for _, name := range []string{"DateTimeOriginal", "CreateDate", "DateTimeDigitized", "DateTime", "ModifyDate"} {
		s := text(tags[name])
		if s == "" {
			continue
		}
		offset := text(tags["OffsetTimeOriginal"])
		if offset == "" {
			offset = text(tags["OffsetTime"])
		}
		if t, err := time.Parse("2006:01:02 15:04:05-07:00", s+offset); err == nil {
			return t
		}
		if t, err := time.Parse("2006:01:02 15:04:05", s); err == nil {
			return t
		}
	}
	return time.Time{}
}

// cameraOf joins make and model, saying the make once: models often begin with it.
func cameraOf(maker, model string) string {
	name := strings.TrimSpace(maker + " " + model)
	if maker != "" && strings.HasPrefix(strings.ToLower(model), strings.ToLower(maker)) {
		name = model
	}
	if len(name) > maxCamera {
		name = name[:maxCamera]
		for !utf8.ValidString(name) {
			name = name[:len(name)-1]
		}
	}
	return name
}

// placeOf is nil unless both coordinates are there and on the globe; exactly 0, 0
// is what devices without a fix write.
func placeOf(tags map[string]any) *loopitr.Place {
	latitude, ok := tags["GPSLatitude"].(float64)
	longitude, has := tags["GPSLongitude"].(float64)
	if !ok || !has || math.IsNaN(latitude) || math.IsNaN(longitude) {
		return nil
	}
	if strings.HasPrefix(text(tags["GPSLatitudeRef"]), "S") {
		latitude = -latitude
	}
	if strings.HasPrefix(text(tags["GPSLongitudeRef"]), "W") {
		longitude = -longitude
	}
	if math.Abs(latitude) > 90 || math.Abs(longitude) > 180 || (latitude == 0 && longitude == 0) {
		return nil
	}
	return &loopitr.Place{Latitude: latitude, Longitude: longitude}
}

// text is a tag's string without padding, control characters and broken UTF-8.
func text(v any) string {
	s, ok := v.(string)
	if !ok {
		return ""
	}
	if end := strings.IndexByte(s, 0); end >= 0 {
		s = s[:end]
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	return strings.TrimSpace(s)
}
