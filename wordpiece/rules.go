package wordpiece

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/loopitr/loopitr"
)

const (
	// MaxCaptionBytes is how much of a caption is read; the rest of a longer one
	// is as if it were not there.
	MaxCaptionBytes = 1 << 16
	// MaxTokensLimit bounds Rules.MaxTokens; BERT has 512 positions.
	MaxTokensLimit = 4096

	maxWordsLimit = 1 << 16
	maxRuleLength = 256
)

// Rules is all that stands between a caption and its words: it is stored in a
// model's configuration, because other rules make other ids.
type Rules struct {
	Normalizer Normalizer `json:"normalizer"`
	// Lower lower-cases the caption before anything else.
	Lower bool `json:"lower"`
	// Delete holds the characters that vanish, Blank those that become a space.
	Delete string `json:"delete"`
	Blank  string `json:"blank"`
	// UnwrapPerson turns RefCOCO's and Flickr30k's "<person>" into "person".
	UnwrapPerson bool `json:"unwrap_person"`
	// MaxWords keeps the first words, as separated by white space; 0 keeps all.
	MaxWords int `json:"max_words"`
	// MaxTokens bounds the ids of a caption, [CLS] and [SEP] included.
	MaxTokens int `json:"max_tokens"`
}

// ALBEF is the retrieval cleaning of ALBEF, which the paper builds on
// (ALBEF's code), with its 30 tokens of evaluation.
func ALBEF() Rules {
	return Rules{
		Normalizer:   Uncased(),
		Lower:        true,
		Delete:       `,.'!?"()*#:;~`,
		Blank:        "-/",
		UnwrapPerson: true,
		MaxWords:     30,
		MaxTokens:    30,
	}
}

// BLIP is BLIP's cleaning (BLIP's code): commas, apostrophes, question
// marks, hyphens and slashes stay.
func BLIP() Rules {
	return Rules{
		Normalizer: Uncased(),
		Lower:      true,
		Blank:      `.!"()*#:;~`,
		MaxWords:   30,
		MaxTokens:  35,
	}
}

// Plain keeps everything but stray white space and control characters: for
// captions in any script, with a vocabulary learned from them.
func Plain() Rules {
	return Rules{Normalizer: AnyScript(), MaxTokens: 64}
}

// Validate returns an error wrapping loopitr.ErrInvalid that names the first
// field out of range.
func (r Rules) Validate() error {
	switch {
	case r.MaxTokens < 2 || r.MaxTokens > MaxTokensLimit:
		return fmt.Errorf("caption rules: max_tokens %d: outside 2 to %d: %w", r.MaxTokens, MaxTokensLimit, loopitr.ErrInvalid)
	case r.MaxWords < 0 || r.MaxWords > maxWordsLimit:
		return fmt.Errorf("caption rules: max_words %d: outside 0 to %d: %w", r.MaxWords, maxWordsLimit, loopitr.ErrInvalid)
	}
	for _, set := range []struct{ name, characters string }{{"delete", r.Delete}, {"blank", r.Blank}} {
		if len(set.characters) > maxRuleLength || !utf8.ValidString(set.characters) {
			return fmt.Errorf("caption rules: %s %.40q: not UTF-8 of at most %d bytes: %w", set.name, set.characters, maxRuleLength, loopitr.ErrInvalid)
		}
	}
	if strings.ContainsAny(r.Blank, r.Delete) {
		return fmt.Errorf("caption rules: blank %q: shares a character with delete %q: %w", r.Blank, r.Delete, loopitr.ErrInvalid)
	}
	return nil
}

// Clean returns the caption as the rules leave it: valid UTF-8 without control
// characters, words separated by single spaces, at most MaxWords of them.
// Cleaning twice is cleaning once, except where unwrapping leaves another
// "<person>" behind ("<<person>>").
//
// The one known difference from the Python of ALBEF and BLIP: there a lone tab
// or line break does not separate words for the count of MaxWords.
func (r Rules) Clean(caption string) string {
	caption = cut(caption)
	text := r.replace(make([]byte, 0, len(caption)), caption)
	if person := []byte("<person>"); r.UnwrapPerson && bytes.Contains(text, person) {
		text = bytes.ReplaceAll(text, person, []byte("person"))
	}
	return r.spaceWords(text)
}

// cut shortens a caption to MaxCaptionBytes without splitting a code point.
func cut(caption string) string {
	if len(caption) <= MaxCaptionBytes {
		return caption
	}
	end := MaxCaptionBytes
	for end > MaxCaptionBytes-utf8.UTFMax && !utf8.RuneStart(caption[end]) {
		end--
	}
	return caption[:end]
}

// replace lower-cases, then deletes and blanks.
func (r Rules) replace(to []byte, caption string) []byte {
	table := r.asciiTable()
	for at, c := range caption {
		switch {
		case c < utf8.RuneSelf:
			if table[c] != 0 {
				to = append(to, table[c])
			}
		case c == utf8.RuneError && !strings.HasPrefix(caption[at:], "\uFFFD"): // a byte that is not UTF-8
		case r.Lower && c == capitalDottedI:
			to = r.replace(to, lowerDottedI)
		case r.Lower:
			to = r.appendReplaced(to, lowerRune(c))
		default:
			to = r.appendReplaced(to, c)
		}
	}
	return to
}

func (r Rules) appendReplaced(to []byte, c rune) []byte {
	switch {
	case strings.ContainsRune(r.Delete, c):
		return to
	case unicode.IsSpace(c) || strings.ContainsRune(r.Blank, c):
		return append(to, ' ')
	case unicode.IsControl(c):
		return to
	}
	return utf8.AppendRune(to, c)
}

// asciiTable holds what each ASCII character becomes, 0 for nothing.
func (r Rules) asciiTable() (table [utf8.RuneSelf]byte) {
	for c := byte(' ') + 1; c < '\x7f'; c++ {
		table[c] = c
	}
	for _, c := range " \t\n\v\f\r" {
		table[c] = ' '
	}
	for _, c := range r.Blank {
		if c < utf8.RuneSelf {
			table[c] = ' '
		}
	}
	for _, c := range r.Delete {
		if c < utf8.RuneSelf {
			table[c] = 0
		}
	}
	if r.Lower {
		for c := 'A'; c <= 'Z'; c++ {
			table[c] = table[c+'a'-'A']
		}
	}
	return table
}

// spaceWords puts single spaces between the words of text, in place.
func (r Rules) spaceWords(text []byte) string {
	kept, words, inside := 0, 0, false
	for _, b := range text {
		if b == ' ' {
			inside = false
			continue
		}
		if !inside {
			if r.MaxWords > 0 && words == r.MaxWords {
				break
			}
			if words > 0 {
				text[kept] = ' '
				kept++
			}
			words++
			inside = true
		}
		text[kept] = b
		kept++
	}
	return string(text[:kept])
}
