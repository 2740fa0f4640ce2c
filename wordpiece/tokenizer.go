package wordpiece

import (
	"strings"
	"sync"
	"unicode/utf8"
)

// Tokenizer turns captions into ids by one vocabulary and one set of rules. It
// may be used concurrently.
type Tokenizer struct {
	vocabulary *Vocabulary
	rules      Rules
	pool       sync.Pool // of *buffers
}

// New returns a tokenizer, or the error of rules.Validate. The vocabulary is
// retained.
func New(vocabulary *Vocabulary, rules Rules) (*Tokenizer, error) {
	if err := rules.Validate(); err != nil {
		return nil, err
	}
	t := &Tokenizer{vocabulary: vocabulary, rules: rules}
	t.pool.New = func() any { return new(buffers) }
	return t, nil
}

// Vocabulary is the one given to New.
func (t *Tokenizer) Vocabulary() *Vocabulary { return t.vocabulary }

// Rules are those given to New.
func (t *Tokenizer) Rules() Rules { return t.rules }

// Encode cleans the caption and returns [CLS], its pieces, [SEP]: at least 2 and
// at most Rules.MaxTokens ids. A longer caption loses its end, never its [SEP].
// An empty caption is [CLS] [SEP].
func (t *Tokenizer) Encode(caption string) []int32 {
	return t.append(make([]int32, 0, 32), caption)
}

func (t *Tokenizer) append(ids []int32, caption string) []int32 {
	special := t.vocabulary.special
	limit := len(ids) + t.rules.MaxTokens - 1
	ids = append(ids, special.Class)
	ids = t.appendPieces(ids, t.rules.Clean(caption), limit)
	return append(ids, special.Separator)
}

// AppendPieces appends the ids of text as it stands: not cleaned, without
// special tokens, not truncated. This is what matches the reference tokenizer
// for any string.
func (t *Tokenizer) AppendPieces(ids []int32, text string) []int32 {
	const unlimited = int(^uint(0) >> 1)
	return t.appendPieces(ids, text, unlimited)
}

// appendPieces stops when ids has limit elements.
func (t *Tokenizer) appendPieces(ids []int32, text string, limit int) []int32 {
	buf := t.pool.Get().(*buffers)
	defer t.pool.Put(buf)
	for words := t.rules.Normalizer.words(buf, text); len(ids) < limit && words.next(); {
		ids = t.vocabulary.appendWord(ids, words.word, words.length)
	}
	return ids[:min(len(ids), limit)]
}

// appendWord appends the pieces of one normalized word of length code points:
// the longest token that starts it, then the longest "##" token that goes on,
// and so forth; [UNK] for the whole word when one is lacking.
func (v *Vocabulary) appendWord(ids []int32, word []byte, length int) []int32 {
	if length > maxWordLength {
		return append(ids, v.special.Unknown)
	}
	kept := len(ids)
	for pieces := v.ids; len(word) > 0; pieces = v.inner {
		id, size := longestPiece(pieces, word[:min(len(word), v.longest)])
		if size == 0 {
			return append(ids[:kept], v.special.Unknown)
		}
		ids = append(ids, id)
		word = word[size:]
	}
	return ids
}

func longestPiece(pieces map[string]int32, word []byte) (id int32, size int) {
	for end := len(word); end > 0; {
		if id, found := pieces[string(word[:end])]; found {
			return id, end
		}
		for end--; end > 0 && !utf8.RuneStart(word[end]); end-- {
		}
	}
	return 0, 0
}

// Decode returns the words that ids stand for, separated by spaces: pieces
// joined, special tokens other than [UNK] left out, ids outside the vocabulary
// as [UNK].
func (t *Tokenizer) Decode(ids []int32) string {
	v := t.vocabulary
	var text strings.Builder
	for _, id := range ids {
		switch id {
		case v.special.Pad, v.special.Class, v.special.Separator, v.special.Mask:
			continue
		}
		token := v.Token(id)
		if token == "" {
			token = UnknownToken
		}
		piece, inner := strings.CutPrefix(token, continuation)
		if text.Len() > 0 && (!inner || piece == "") {
			text.WriteByte(' ')
			piece = token
		}
		text.WriteString(piece)
	}
	return text.String()
}
