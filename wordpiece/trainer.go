package wordpiece

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/loopitr/loopitr"
)

// TrainConfig says how large a vocabulary to learn and from what.
type TrainConfig struct {
	// Rules clean and split the captions, as they will when the vocabulary is used.
	Rules Rules
	// Size is the most tokens to learn, special tokens included.
	Size int
	// MinFrequency is how often two pieces must stand together to become one.
	MinFrequency int
	// Alphabet is the most characters to keep; the rarest are dropped, and so
	// are the words that hold them.
	Alphabet int
}

// DefaultTrainConfig suits a few thousand to a few hundred thousand captions.
func DefaultTrainConfig(rules Rules) TrainConfig {
	return TrainConfig{Rules: rules, Size: 8192, MinFrequency: 2, Alphabet: 1000}
}

// Validate returns an error wrapping loopitr.ErrInvalid that names the first
// field out of range.
func (c TrainConfig) Validate() error {
	switch {
	case c.Size < len(specialTokens)+1 || c.Size > MaxVocabulary:
		return fmt.Errorf("train vocabulary: size %d: outside %d to %d: %w", c.Size, len(specialTokens)+1, MaxVocabulary, loopitr.ErrInvalid)
	case c.MinFrequency < 1:
		return fmt.Errorf("train vocabulary: minimum frequency %d: below 1: %w", c.MinFrequency, loopitr.ErrInvalid)
	case c.Alphabet < 1:
		return fmt.Errorf("train vocabulary: alphabet of %d: below 1: %w", c.Alphabet, loopitr.ErrInvalid)
	}
	return c.Rules.Validate()
}

// Train learns a vocabulary from captions: the special tokens as ids 0 to 4, the
// alphabet in code point order, then the merged pieces as they were found.
//
// A piece is made by joining the two that most often stand together, again and
// again: byte-pair counting, as Hugging Face's WordPieceTrainer does it, not the
// likelihood ratio count(ab)/(count(a)·count(b)) that WordPiece is often
// described with. The ratio is highest for pieces that occur once and together,
// so on the few captions of a data set of one's own it spends the vocabulary on
// the rarest words, and common words stay in pieces. Ties go to the lower ids,
// so the result depends on the captions' words and their counts alone.
//
// Every word of the captions whose characters are all in the alphabet, and every
// other word spelled with those that were seen inside words, is tokenized
// without [UNK]. The vocabulary is smaller than Size when no pair is frequent
// enough. No word at all is an error wrapping loopitr.ErrInvalid.
func Train(captions iter.Seq[string], c TrainConfig) (*Vocabulary, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	words := countWords(captions, c.Rules)
	if len(words) == 0 {
		return nil, fmt.Errorf("train vocabulary: captions hold no words: %w", loopitr.ErrInvalid)
	}
	m := newMerger(words, chooseAlphabet(words, c))
	m.run(c)
	return NewVocabulary(m.tokens)
}

// counted is a distinct word and how often it occurs.
type counted struct {
	word  string
	count int64
}

// countWords returns the distinct words that can be tokenized at all, sorted.
func countWords(captions iter.Seq[string], rules Rules) []counted {
	var buf buffers
	counts := make(map[string]*int64)
	for caption := range captions {
		for words := rules.Normalizer.words(&buf, rules.Clean(caption)); words.next(); {
			if words.length > maxWordLength {
				continue
			}
			if n := counts[string(words.word)]; n != nil {
				*n++
				continue
			}
			one := int64(1)
			counts[string(words.word)] = &one
		}
	}
	found := make([]counted, 0, len(counts))
	for word, n := range maps.All(counts) {
		found = append(found, counted{word, *n})
	}
	slices.SortFunc(found, func(a, b counted) int { return cmp.Compare(a.word, b.word) })
	return found
}

// character is a code point of the alphabet.
type character struct {
	r     rune
	count int64
	// inside is set when it occurs in a word of several: it then needs its "##"
	// form beside its plain one, even if it was never seen there.
	inside bool
}

func (c character) forms() int {
	if c.inside {
		return 2
	}
	return 1
}

// chooseAlphabet returns the most frequent characters, as many as the
// configuration allows and their forms have room for, in code point order.
func chooseAlphabet(words []counted, c TrainConfig) []character {
	seen := make(map[rune]character)
	for _, w := range words {
		several := 0
		for range w.word {
			several++
		}
		for _, r := range w.word {
			was := seen[r]
			seen[r] = character{r, was.count + w.count, was.inside || several > 1}
		}
	}
	characters := slices.SortedFunc(maps.Values(seen), func(a, b character) int {
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.r, b.r))
	})
	room := c.Size - len(specialTokens)
	for i, ch := range characters {
		if i == c.Alphabet || ch.forms() > room {
			characters = characters[:i]
			break
		}
		room -= ch.forms()
	}
	slices.SortFunc(characters, func(a, b character) int { return cmp.Compare(a.r, b.r) })
	return characters
}
