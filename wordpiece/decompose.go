package wordpiece

import (
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// lateDecompositions are the letters with a decomposition that Unicode 13 and
// 16 added. They stay whole, as in the reference, so that a text has the same
// ids whichever Unicode version golang.org/x/text has for a Go release.
var lateDecompositions = [...]struct{ first, last rune }{
	{0x105c9, 0x105c9},
	{0x105e4, 0x105e4},
	{0x11383, 0x11385}, // 0x11384 is unassigned
	{0x1138e, 0x1138e},
	{0x11391, 0x11391},
	{0x113c5, 0x113c8}, // 0x113c6 is unassigned
	{0x11938, 0x11938},
	{0x16121, 0x16128},
	{0x16d68, 0x16d6a},
}

func decomposesLate(r rune) bool {
	if r < lateDecompositions[0].first {
		return false
	}
	for _, late := range lateDecompositions {
		if late.first <= r && r <= late.last {
			return true
		}
	}
	return false
}

// appendDecomposed appends text in Unicode's form D.
func appendDecomposed(to, text []byte) []byte {
	start := 0
	for at := 0; at < len(text); {
		if text[at] < 0xf0 { // not the first byte of a code point above U+FFFF
			at++
			continue
		}
		r, size := utf8.DecodeRune(text[at:])
		if decomposesLate(r) {
			// Bytes, because Append would look back at a letter kept whole before.
			to = append(to, norm.NFD.Bytes(text[start:at])...)
			to = append(to, text[at:at+size]...)
			start = at + size
		}
		at += size
	}
	if start == 0 {
		return norm.NFD.Append(to, text...)
	}
	return append(to, norm.NFD.Bytes(text[start:])...)
}
