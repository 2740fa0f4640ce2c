package dataset

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
)

// WindowsRefuses is windowsRefuses for tests.
func WindowsRefuses(name string) bool { return windowsRefuses(name) }

// ReadBytes reads raw as Open reads a file of that name, without a disk, so that
// fuzzing is fast. Pictures are not looked for beside it.
func ReadBytes(name string, raw []byte, limits Limits) (*Set, error) {
	return ReadBytesUnder(context.Background(), name, raw, limits)
}

// ReadBytesUnder is ReadBytes with a context.
func ReadBytesUnder(ctx context.Context, name string, raw []byte, limits Limits) (*Set, error) {
	b := newBuilder(ctx, limits.withDefaults())
	b.finder = &folders{}
	in := bytes.NewReader(raw)
	var err error
	switch filepath.Ext(name) {
	case ".tsv":
		err = readTSV(b, in, name, map[string]string{"a.jpg": "test"})
	case ".csv":
		err = readCSV(b, in, name, nil)
	case ".json":
		err = readJSON(b, in, name)
	case ".jsonl":
		err = readJSONLines(b, in, name)
	case ".tar":
		err = readMembers(b, in, &shard{path: name, size: int64(len(raw))}, nil)
	case ".parquet":
		f := &parquetSource{file: in, shut: func() error { return nil }, name: name, size: int64(len(raw)), dictionaryStart: -1}
		err = f.read(b)
	default:
		panic(fmt.Sprintf("dataset: no reader of %q", name))
	}
	return &Set{Records: b.records, Skipped: b.skips, places: b.places, limit: b.limits.PictureBytes}, err
}

// ReadTranslations reads raw as captions of shards in another language.
func ReadTranslations(raw []byte, limits Limits) (map[string][]string, Skips, error) {
	b := newBuilder(context.Background(), limits.withDefaults())
	t := &translations{language: "de", builder: b}
	captions, err := t.rows(bytes.NewReader(raw), "captions.de.tsv")
	return captions, b.skips, err
}

// ReadFolderUnder reads a tree of pictures and returns what was skipped until
// then.
func ReadFolderUnder(ctx context.Context, root string) (Skips, error) {
	b := newBuilder(ctx, DefaultLimits())
	err := readFolder(b, root)
	return b.skips, err
}
