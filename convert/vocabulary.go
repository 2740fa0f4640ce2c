package convert

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/internal/durable"
	"github.com/loopitr/loopitr/network"
	"github.com/loopitr/loopitr/wordpiece"
)

// BLIP's tokenizer appends these to BERT's vocabulary, in this order (BLIP's code).
const (
	decodeToken = "[DEC]"
	encodeToken = "[ENC]"
)

// maxUnnamed bounds how many rows of a word embedding a vocabulary may leave
// without a token: published models pad to a multiple of at most 1024.
const maxUnnamed = 1024

// readVocabulary finds the vocabulary of an embedding of so many rows.
func (i *importer) readVocabulary(rows int) error {
	raw := i.config.Vocabulary
	if raw == nil {
		var err error
		if raw, err = i.source.vocabulary(); err != nil {
			return err
		}
	}
	vocabulary, err := wordpiece.ReadVocabulary(bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("import %q: %w", i.source.path, err)
	}
	tokens, err := i.fill(vocabulary, rows)
	if err != nil {
		return fmt.Errorf("import %q: %w", i.source.path, err)
	}
	if len(tokens) == 0 {
		i.vocabulary = raw // as it is, to the byte
		return nil
	}
	all := make([]string, 0, rows)
	for id := range vocabulary.Size() {
		all = append(all, vocabulary.Token(int32(id)))
	}
	if vocabulary, err = wordpiece.NewVocabulary(append(all, tokens...)); err != nil {
		return fmt.Errorf("import %q: %w", i.source.path, err)
	}
	var text bytes.Buffer
	_, err = vocabulary.WriteTo(&text)
	i.vocabulary = text.Bytes()
	return err
}

// fill names the rows that a vocabulary leaves without a token: BLIP's own two,
// others by names that no caption can have.
func (i *importer) fill(v *wordpiece.Vocabulary, rows int) (tokens []string, err error) {
	left := rows - v.Size()
	if left < 0 || left > maxUnnamed {
		return nil, fmt.Errorf("a vocabulary of %d tokens for an embedding of %d: %w", v.Size(), rows, loopitr.ErrInvalid)
	}
	if i.layout.from == network.FromIDs {
		for _, token := range []string{decodeToken, encodeToken} {
			if _, there := v.ID(token); !there && left > 0 {
				tokens, left = append(tokens, token), left-1
			}
		}
	}
	i.report.Rows = left
	for n := range left {
		tokens = append(tokens, fmt.Sprintf("[unnamed row %d]", n))
	}
	return tokens, nil
}

// vocabulary reads vocab.txt or tokenizer.json beside the weights.
func (s *source) vocabulary() ([]byte, error) {
	raw, err := durable.ReadFile(filepath.Join(s.folder, "vocab.txt"), wordpiece.MaxVocabularyBytes)
	if err == nil || !errors.Is(err, loopitr.ErrNotFound) {
		return raw, err
	}
	raw, err = durable.ReadFile(filepath.Join(s.folder, "tokenizer.json"), wordpiece.MaxVocabularyBytes)
	if errors.Is(err, loopitr.ErrNotFound) {
		return nil, fmt.Errorf("import %q: no vocab.txt beside it: give the vocabulary it was trained with, such as that of bert-base-uncased: %w",
			s.path, loopitr.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	text, err := wordPieces(raw)
	if err != nil {
		return nil, fmt.Errorf("import %q: tokenizer.json: %w", s.path, err)
	}
	return text, nil
}

// wordPieces makes vocab.txt of Hugging Face's tokenizer.json.
func wordPieces(raw []byte) ([]byte, error) {
	var stored struct {
		Model struct {
			Type  string         `json:"type"`
			Vocab map[string]int `json:"vocab"`
		} `json:"model"`
	}
	if err := json.Unmarshal(raw, &stored); err != nil {
		return nil, fmt.Errorf("%w (%w)", err, loopitr.ErrCorrupt)
	}
	if stored.Model.Type != "WordPiece" {
		return nil, fmt.Errorf("model %q is not WordPiece: %w", stored.Model.Type, loopitr.ErrInvalid)
	}
	tokens := make([]string, len(stored.Model.Vocab))
	for token, id := range stored.Model.Vocab {
		if id < 0 || id >= len(tokens) || tokens[id] != "" {
			return nil, fmt.Errorf("token %.40q has id %d of %d: %w", token, id, len(tokens), loopitr.ErrCorrupt)
		}
		tokens[id] = token
	}
	vocabulary, err := wordpiece.NewVocabulary(tokens)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	_, err = vocabulary.WriteTo(&text)
	return text.Bytes(), err
}
