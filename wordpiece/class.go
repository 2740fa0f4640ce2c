package wordpiece

import "unicode/utf8"

// A class is what tokenizing does with a code point.
type class uint8

const (
	letter      class = iota // part of a word
	control                  // dropped
	space                    // ends a word
	punctuation              // a word of its own
	han                      // a word of its own, if the normalizer splits Han
	mark                     // a non-spacing mark: an accent
)

type classRange struct {
	first, last rune
	class       class
}

func classOf(r rune) class {
	if r < utf8.RuneSelf {
		return asciiClasses[r]
	}
	low, high := 0, len(classRanges)
	for low < high {
		middle := int(uint(low+high) >> 1)
		if classRanges[middle].last < r {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low < len(classRanges) && classRanges[low].first <= r {
		return classRanges[low].class
	}
	return letter
}

var asciiClasses = func() (classes [utf8.RuneSelf]class) {
	for _, c := range classRanges {
		for r := c.first; r <= c.last && r < utf8.RuneSelf; r++ {
			classes[r] = c.class
		}
	}
	return classes
}()
