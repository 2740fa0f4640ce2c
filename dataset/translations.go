package dataset

import (
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"

	"github.com/loopitr/loopitr"
)

// translations are the captions of shards in another language: a file
// captions.LANGUAGE.tsv in the shard's folder with the header key<TAB>caption, one
// caption a row, several rows a key.
type translations struct {
	language string
	builder  *builder // counts unusable rows
	byFolder map[string]map[string][]string
}

// newTranslations returns nil for the language that the shards themselves hold.
func newTranslations(language string, b *builder) (*translations, error) {
	if language == "" || language == "en" {
		return nil, nil
	}
	return &translations{language: language, builder: b, byFolder: map[string]map[string][]string{}}, nil
}

// of returns the captions of one sample, by its key or by the key's last element,
// which several pictures of one thing may share; none when the file has neither.
func (t *translations) of(shard, key string) ([]string, error) {
	dir := filepath.Dir(shard)
	captions, read := t.byFolder[dir]
	if !read {
		var err error
		if captions, err = t.read(dir); err != nil {
			return nil, err
		}
		t.byFolder[dir] = captions
	}
	if own, ok := captions[key]; ok {
		return own, nil
	}
	return captions[path.Base(key)], nil
}

func (t *translations) read(dir string) (map[string][]string, error) {
	path := filepath.Join(dir, "captions."+t.language+".tsv")
	f, _, err := openRegular(path)
	if err != nil {
		if errors.Is(err, loopitr.ErrNotFound) {
			return nil, fmt.Errorf("no captions in language %q: %s: %w", t.language, listLanguages(dir), loopitr.ErrNotFound)
		}
		return nil, err
	}
	defer f.Close()
	return t.rows(f, path)
}

// mostTranslations bounds the captions of one key: all pictures of a key share them,
// so a file could ask for the product of both.
const mostTranslations = 1000

// rows reads the rows of a file of captions.
func (t *translations) rows(f io.Reader, path string) (map[string][]string, error) {
	captions := map[string][]string{}
	b := t.builder
	in := newLines(underContext{b.ctx, f}, b.limits.RowBytes)
	for {
		line, oversized, err := in.next()
		if errors.Is(err, io.EOF) {
			return captions, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		key, caption, ok := strings.Cut(string(line), "\t")
		at := spot{file: path, line: in.at}
		if in.at == 1 {
			if key != "key" || caption != "caption" {
				return nil, fmt.Errorf("read %s: header %.80q, key<TAB>caption is expected: %w", path, line, loopitr.ErrInvalid)
			}
			continue
		}
		switch {
		case oversized:
			b.skip(at, OversizedInput, fmt.Sprintf("row over %d bytes", in.limit))
		case ok && len(captions[key]) >= mostTranslations:
			b.skip(at, OversizedInput, fmt.Sprintf("%.80q has more than %d captions", key, mostTranslations))
		case ok:
			captions[key] = append(captions[key], caption)
		case strings.TrimSpace(key) != "":
			b.skip(at, BadRow, "no tab after the key")
		}
	}
}

func listLanguages(dir string) string {
	found := []string{"en"}
	for _, path := range globIn(dir, "captions.*.tsv") {
		name := strings.TrimPrefix(strings.TrimSuffix(filepath.Base(path), ".tsv"), "captions.")
		if name != "en" {
			found = append(found, name)
		}
	}
	return "there are " + strings.Join(found, ", ")
}
