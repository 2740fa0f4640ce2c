package dataset

import (
	"strings"
	"unicode"
)

// oneLine is a caption on one line: line breaks, tabs and their like become
// spaces, other control characters go, the ends are trimmed. Runs of spaces stay
// as written: what a caption looks like is the model's rule; that it is one line
// is the schema's, because most formats are lines.
func oneLine(caption string) string {
	if strings.ContainsFunc(caption, breaksLine) {
		caption = strings.Map(func(r rune) rune {
			switch {
			case !breaksLine(r):
				return r
			case unicode.IsSpace(r):
				return ' '
			default:
				return -1
			}
		}, caption)
	}
	return strings.TrimSpace(caption)
}

// breaksLine reports runes that end a line or a field somewhere, or are no text.
func breaksLine(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == '\ufeff'
}

// groupText is what two captions share when they are the same caption: case and
// white space do not count.
func groupText(caption string) string {
	return strings.ToLower(strings.Join(strings.Fields(caption), " "))
}
