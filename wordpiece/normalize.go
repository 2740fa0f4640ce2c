package wordpiece

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxWordLength is BERT's bound, in code points after normalizing: a longer
// word is unknown, or cut when the normalizer says so.
const maxWordLength = 100

// Normalizer is how text becomes words before pieces are matched. The zero
// value is Cased. Always: control and format characters and U+FFFD (so invalid
// UTF-8 too) are dropped, white space separates words, every punctuation mark
// is a word.
//
// Character classes are Unicode 8's, decompositions Unicode 12's and lower-casing
// Unicode 17's, as in the Hugging Face reference (tokenizers 0.23.3), not those
// of the Go release: over all 1,112,064 code points between two letters, Uncased
// and Cased make the reference's words. Three properties of the reference differ
// from Google's first implementation: unassigned code points are kept, sigma has
// no final form, and U+2B820 to U+2B91F are not Han.
type Normalizer struct {
	// Compose brings text to Unicode's form C first, so that two ways to write
	// one letter are one. Letters composed since Unicode 15 follow the Go release,
	// and a run of more than 30 marks gets U+034F in between (Unicode's
	// stream-safe format), which the reference does not add.
	Compose bool `json:"compose"`
	// Lower lower-cases.
	Lower bool `json:"lower"`
	// StripAccents decomposes and drops every non-spacing mark: right for
	// English; it takes the vowels out of Devanagari and the voicing out of kana.
	StripAccents bool `json:"strip_accents"`
	// SplitHan makes every Han character a word.
	SplitHan bool `json:"split_han"`
	// CutLong cuts words of more than 100 code points instead of making them
	// unknown: for scripts that do not separate words.
	CutLong bool `json:"cut_long"`
}

// Uncased is bert-base-uncased's normalizer, the one of ALBEF and the paper.
func Uncased() Normalizer {
	return Normalizer{Lower: true, StripAccents: true, SplitHan: true}
}

// Cased is that of BERT's cased vocabularies.
func Cased() Normalizer {
	return Normalizer{SplitHan: true}
}

// AnyScript loses nothing but case: for vocabularies of one's own.
func AnyScript() Normalizer {
	return Normalizer{Compose: true, Lower: true, SplitHan: true, CutLong: true}
}

// Normalize returns the words of text separated by single spaces.
func (n Normalizer) Normalize(text string) string {
	var (
		out strings.Builder
		buf buffers
	)
	for words := n.words(&buf, text); words.next(); {
		if out.Len() > 0 {
			out.WriteByte(' ')
		}
		out.Write(words.word)
	}
	return out.String()
}

// buffers are reused from text to text.
type buffers struct{ cleaned, decomposed []byte }

// words normalizes text into buf, which must not be used again before the last
// call of next.
func (n Normalizer) words(buf *buffers, text string) wordScanner {
	cleaned, ascii := n.clean(buf.cleaned[:0], text)
	if !ascii && n.StripAccents {
		buf.decomposed = appendDecomposed(buf.decomposed[:0], cleaned)
		cleaned = n.fold(cleaned[:0], buf.decomposed)
	}
	buf.cleaned = cleaned
	return wordScanner{rest: cleaned, cutLong: n.CutLong}
}

// clean appends text without control characters, with white space as ' ' and
// Han characters set apart. Lower-casing happens here unless accents are
// stripped first, as in the reference; for ASCII the order is all one.
func (n Normalizer) clean(to []byte, text string) (cleaned []byte, ascii bool) {
	ascii = true
	if n.Compose && !norm.NFC.IsNormalString(text) {
		text = norm.NFC.String(text)
	}
	for _, r := range text {
		c := classOf(r)
		switch {
		case c == control:
			continue
		case c == space:
			to = append(to, ' ')
			continue
		case r < utf8.RuneSelf:
			if n.Lower && 'A' <= r && r <= 'Z' {
				r += 'a' - 'A'
			}
			to = append(to, byte(r))
			continue
		}
		ascii = false
		switch {
		case c == han && n.SplitHan:
			to = append(to, ' ')
			to = utf8.AppendRune(to, r)
			to = append(to, ' ')
		case n.Lower && !n.StripAccents:
			to = appendLower(to, r)
		default:
			to = utf8.AppendRune(to, r)
		}
	}
	return to, ascii
}

// fold appends decomposed text without its marks, in lower case if n says so.
func (n Normalizer) fold(to, decomposed []byte) []byte {
	for at := 0; at < len(decomposed); {
		r, size := utf8.DecodeRune(decomposed[at:])
		at += size
		switch {
		case r < utf8.RuneSelf && n.Lower && 'A' <= r && r <= 'Z':
			to = append(to, byte(r)+'a'-'A')
		case r < utf8.RuneSelf:
			to = append(to, byte(r))
		case classOf(r) == mark:
		case n.Lower:
			to = appendLower(to, r)
		default:
			to = utf8.AppendRune(to, r)
		}
	}
	return to
}

// wordScanner walks the words of normalized text.
type wordScanner struct {
	rest    []byte
	word    []byte // valid until next is called again
	length  int    // of word, in code points
	cutLong bool
}

func (s *wordScanner) next() bool {
	start, at := 0, 0
	s.length = 0
	for at < len(s.rest) {
		r, size := rune(s.rest[at]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(s.rest[at:])
		}
		switch classOf(r) {
		case space:
			if s.length > 0 {
				return s.take(start, at)
			}
			start = at + size
		case punctuation:
			if s.length > 0 {
				return s.take(start, at)
			}
			s.length = 1
			return s.take(start, at+size)
		default:
			if s.cutLong && s.length == maxWordLength {
				return s.take(start, at)
			}
			s.length++
		}
		at += size
	}
	if s.length > 0 {
		return s.take(start, at)
	}
	return false
}

func (s *wordScanner) take(start, end int) bool {
	s.word, s.rest = s.rest[start:end], s.rest[end:]
	return true
}
