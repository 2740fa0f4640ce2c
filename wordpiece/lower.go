package wordpiece

import (
	"unicode"
	"unicode/utf8"
)

// lateCapitals are the capitals that Unicode 16 and 17 added and Go's tables
// lack until they reach 17: with them a text has the same ids in every Go
// release and in the reference.
var lateCapitals = [...]struct {
	first, last rune
	delta       rune
}{
	{0x1c89, 0x1c89, 1},
	{0xa7cb, 0xa7cb, 0x264 - 0xa7cb},
	{0xa7cc, 0xa7cc, 1},
	{0xa7ce, 0xa7ce, 1},
	{0xa7d2, 0xa7d2, 1},
	{0xa7d4, 0xa7d4, 1},
	{0xa7da, 0xa7da, 1},
	{0xa7dc, 0xa7dc, 0x19b - 0xa7dc},
	{0x10d50, 0x10d65, 0x20},
	{0x16ea0, 0x16eb8, 0x1b},
}

// The only letter whose lower case is two code points.
const (
	capitalDottedI = 'İ'
	lowerDottedI   = "i\u0307"
)

// appendLower appends r in lower case. A capital sigma becomes σ wherever it
// stands, as in the reference; the final form would need the word around it.
func appendLower(text []byte, r rune) []byte {
	if r == capitalDottedI {
		return append(text, lowerDottedI...)
	}
	return utf8.AppendRune(text, lowerRune(r))
}

// lowerRune is appendLower for all letters but capitalDottedI.
func lowerRune(r rune) rune {
	if r >= lateCapitals[0].first {
		for _, c := range lateCapitals {
			if c.first <= r && r <= c.last {
				return r + c.delta
			}
		}
	}
	return unicode.ToLower(r)
}
