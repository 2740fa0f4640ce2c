package wordpiece

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/loopitr/loopitr"
)

const (
	// MaxVocabulary bounds the tokens of a vocabulary; the largest published
	// BERT vocabulary has 119,547.
	MaxVocabulary = 1 << 20
	// MaxVocabularyBytes bounds the text of a vocabulary.
	MaxVocabularyBytes = 64 << 20

	maxTokenBytes = 512
	continuation  = "##"
)

// The special tokens by name, as every BERT vocabulary has them.
const (
	PadToken       = "[PAD]"
	UnknownToken   = "[UNK]"
	ClassToken     = "[CLS]"
	SeparatorToken = "[SEP]"
	MaskToken      = "[MASK]"
)

var specialTokens = [...]string{PadToken, UnknownToken, ClassToken, SeparatorToken, MaskToken}

// Specials holds the ids of the special tokens.
type Specials struct{ Pad, Unknown, Class, Separator, Mask int32 }

// Vocabulary maps tokens to ids from 0 to Size-1. It never changes.
type Vocabulary struct {
	tokens  []string
	ids     map[string]int32
	inner   map[string]int32 // pieces inside a word, without "##"
	special Specials
	longest int // bytes of the longest token
}

// NewVocabulary gives tokens[i] the id i. The error wraps loopitr.ErrInvalid when
// a token is empty, longer than 512 bytes, not UTF-8, holds a line break or
// occurs twice, when a special token is missing, and when there are more than
// MaxVocabulary.
func NewVocabulary(tokens []string) (*Vocabulary, error) {
	if len(tokens) > MaxVocabulary {
		return nil, fmt.Errorf("vocabulary: %d tokens: more than %d: %w", len(tokens), MaxVocabulary, loopitr.ErrInvalid)
	}
	v := &Vocabulary{
		tokens: slices.Clone(tokens),
		ids:    make(map[string]int32, len(tokens)),
		inner:  make(map[string]int32),
	}
	for i, token := range v.tokens {
		if cause := tokenFault(token); cause != "" {
			return nil, fmt.Errorf("vocabulary: token %d %.40q: %s: %w", i, token, cause, loopitr.ErrInvalid)
		}
		if first, twice := v.ids[token]; twice {
			return nil, fmt.Errorf("vocabulary: token %.40q: is both %d and %d: %w", token, first, i, loopitr.ErrInvalid)
		}
		v.ids[token] = int32(i)
		if piece, ok := strings.CutPrefix(token, continuation); ok && piece != "" {
			v.inner[piece] = int32(i)
		}
		v.longest = max(v.longest, len(token))
	}
	if err := v.findSpecials(); err != nil {
		return nil, err
	}
	return v, nil
}

func tokenFault(token string) string {
	switch {
	case token == "":
		return "empty"
	case len(token) > maxTokenBytes:
		return fmt.Sprintf("%d bytes, more than %d", len(token), maxTokenBytes)
	case !utf8.ValidString(token):
		return "not UTF-8"
	case strings.Contains(token, "\n") || strings.HasSuffix(token, "\r"):
		return "holds a line break"
	}
	return ""
}

func (v *Vocabulary) findSpecials() error {
	var missing []string
	s := &v.special
	for i, to := range [...]*int32{&s.Pad, &s.Unknown, &s.Class, &s.Separator, &s.Mask} {
		id, found := v.ids[specialTokens[i]]
		if !found {
			missing = append(missing, specialTokens[i])
		}
		*to = id
	}
	if missing != nil {
		return fmt.Errorf("vocabulary of %d tokens: no %s: %w", len(v.tokens), strings.Join(missing, " "), loopitr.ErrInvalid)
	}
	return nil
}

// ReadVocabulary reads BERT's vocab.txt: one token a line, the line number from
// 0 is the id; lines end in LF or CR LF and the last may lack its end. Errors
// name the line. They wrap loopitr.ErrCorrupt when the bytes are no such file
// (an empty or overlong line, not UTF-8, over 64 MiB) and loopitr.ErrInvalid
// when it is one that cannot be used (NewVocabulary); r's own errors are passed
// on.
func ReadVocabulary(r io.Reader) (*Vocabulary, error) {
	lines := bufio.NewReaderSize(r, 1<<16)
	var tokens []string
	for read := 0; ; {
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return nil, fmt.Errorf("read vocabulary: line %d: longer than %d bytes: %w", len(tokens)+1, maxTokenBytes, loopitr.ErrCorrupt)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("read vocabulary: line %d: %w", len(tokens)+1, err)
		}
		if len(line) == 0 {
			break
		}
		if read += len(line); read > MaxVocabularyBytes || len(tokens) == MaxVocabulary {
			return nil, fmt.Errorf("read vocabulary: line %d: over %d tokens or %d bytes: %w", len(tokens)+1, MaxVocabulary, MaxVocabularyBytes, loopitr.ErrCorrupt)
		}
		token := strings.TrimRight(string(line), "\r\n")
		if cause := tokenFault(token); cause != "" {
			return nil, fmt.Errorf("read vocabulary: line %d %.40q: %s: %w", len(tokens)+1, token, cause, loopitr.ErrCorrupt)
		}
		tokens = append(tokens, token)
	}
	return NewVocabulary(tokens)
}

// WriteTo writes vocab.txt as ReadVocabulary reads it.
func (v *Vocabulary) WriteTo(w io.Writer) (int64, error) {
	var text strings.Builder
	for _, token := range v.tokens {
		text.WriteString(token)
		text.WriteByte('\n')
	}
	n, err := io.WriteString(w, text.String())
	if err != nil {
		return int64(n), fmt.Errorf("write vocabulary: %w", err)
	}
	return int64(n), nil
}

// Size is the number of tokens: the rows of the word embedding.
func (v *Vocabulary) Size() int { return len(v.tokens) }

// Specials are the ids of the special tokens.
func (v *Vocabulary) Specials() Specials { return v.special }

// Token returns the token with the id, or "" when there is none.
func (v *Vocabulary) Token(id int32) string {
	if id < 0 || int(id) >= len(v.tokens) {
		return ""
	}
	return v.tokens[id]
}

// ID returns the id of a token, "##" included, and whether there is one.
func (v *Vocabulary) ID(token string) (int32, bool) {
	id, found := v.ids[token]
	return id, found
}
