package jpeg

import (
	"bytes"
	"errors"
)

// The markers that mean something here (ITU-T T.81, table B.1).
const (
	markerSOF0 = 0xc0 // baseline
	markerSOF1 = 0xc1 // extended sequential
	markerSOF2 = 0xc2 // progressive
	markerDHT  = 0xc4
	markerRST0 = 0xd0
	markerSOI  = 0xd8
	markerEOI  = 0xd9
	markerSOS  = 0xda
	markerDQT  = 0xdb
	markerDRI  = 0xdd
	markerAPP0 = 0xe0
	markerAPPE = 0xee
)

var errTruncated = errors.New("file is truncated")

// segments walks a file by its markers.
type segments struct {
	b  []byte
	at int
}

// next returns the next marker and what its length covers. Stray bytes, stuffed
// bytes, fill bytes and restart markers before it are passed over, as libjpeg does.
func (s *segments) next() (marker byte, payload []byte, err error) {
	for {
		i := bytes.IndexByte(s.b[s.at:], 0xff)
		if i < 0 || s.at+i+1 >= len(s.b) {
			s.at = len(s.b)
			return 0, nil, errTruncated
		}
		s.at += i + 1
		switch m := s.b[s.at]; {
		case m == 0xff: // a fill byte
		case m <= 1, m >= markerRST0 && m <= markerSOI:
			s.at++
		case m == markerEOI:
			s.at++
			return m, nil, nil
		default:
			payload, err = s.payload()
			return m, payload, err
		}
	}
}

// payload reads the segment whose marker's second byte is at s.at.
func (s *segments) payload() ([]byte, error) {
	rest := s.b[s.at+1:]
	if len(rest) < 2 {
		return nil, errTruncated
	}
	length := be16(rest)
	if length < 2 {
		return nil, errors.New("segment has no room for its own length")
	}
	if length > len(rest) {
		return nil, errTruncated
	}
	s.at += 1 + length
	return rest[2:length], nil
}

// countScans counts the scans from here on without decoding them.
func (s segments) countScans() int {
	for n := 0; ; {
		marker, _, err := s.next()
		if err != nil || marker == markerEOI {
			return n
		}
		if marker == markerSOS {
			n++
		}
	}
}

func be16(b []byte) int { return int(b[0])<<8 | int(b[1]) }
