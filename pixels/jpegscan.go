package pixels

import (
	"bytes"
	"fmt"
)

// maxScans bounds the passes over a JPEG, and scansAtLimit those over one as large
// as the pixel limit. Encoders write up to about a dozen; each costs a visit to
// every block of the picture for as little as a hundred bytes of file, so that a
// small file could keep the decoder busy for hours.
const (
	maxScans     = 100
	scansAtLimit = 20
)

// checkScans counts the scans of a JPEG by its markers.
func (s source) checkScans(maxPixels int) error {
	b := s.encoded
	limit := int(min(maxScans, scansAtLimit*float64(maxPixels)/float64(s.width*s.height)))
	scans := 0
	for at := 2; ; {
		marker, payload, next := nextSegment(b, at)
		if payload == nil || marker == 0xd9 {
			return nil // damage is for the decoder to name
		}
		if marker == 0xda {
			if scans++; scans > limit {
				return fmt.Errorf("more than %d scans, the limit for %dx%d pixels", limit, s.width, s.height)
			}
		}
		at = next
	}
}

// nextSegment finds the first marker segment at or after at: stuffed bytes,
// restart markers and stray bytes are passed over. payload is nil at the end.
func nextSegment(b []byte, at int) (marker byte, payload []byte, next int) {
	for {
		i := bytes.IndexByte(b[min(at, len(b)):], 0xff)
		if i < 0 {
			return 0, nil, len(b)
		}
		at += i + 1
		if at >= len(b) {
			return 0, nil, len(b)
		}
		switch m := b[at]; {
		case m == 0xff: // fill byte
		case m == 0, m >= 0xd0 && m <= 0xd8, m == 1:
			at++
		case m == 0xd9:
			return m, b[at:at], at + 1
		default:
			if at+3 > len(b) {
				return 0, nil, len(b)
			}
			length := int(b[at+1])<<8 | int(b[at+2])
			end := min(at+1+max(length, 2), len(b))
			return m, b[min(at+3, end):end], end
		}
	}
}

const adobeMarker = 0xee

// hasAdobeMark reports an APP14 segment, without which Go refuses four components.
func hasAdobeMark(b []byte) bool {
	for at := 2; ; {
		marker, payload, next := nextSegment(b, at)
		if payload == nil || marker == 0xd9 || marker == 0xda {
			return false
		}
		if marker == adobeMarker && len(payload) >= 12 && string(payload[:5]) == "Adobe" {
			return true
		}
		at = next
	}
}

// withAdobeMark returns the JPEG with an APP14 segment that says plain CMYK, stored
// inverted: what four-component files without it turn out to be, and what Pillow
// assumes.
func withAdobeMark(b []byte) []byte {
	mark := []byte("\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00")
	return bytes.Join([][]byte{b[:2], mark, b[2:]}, nil)
}
