package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/loopitr/loopitr"
)

// mostFiles bounds what a pattern may stand for.
const mostFiles = 100_000

// layout is how one file or folder is read.
type layout int

const (
	unknownLayout layout = iota
	pictureFolder
	tarShard
	parquetFile
	jsonFile
	jsonLines
	csvTable
	tsvTable
)

// input is one file or folder to read.
type input struct {
	path   string
	layout layout
	beside string // the folder in which its pictures are looked for
}

// inputs finds what Options.Path stands for.
func inputs(b *builder, path string) (found []input, err error) {
	paths := []string{path}
	if _, err := os.Stat(path); err != nil {
		if paths, err = expand(path); err != nil {
			return nil, err
		}
	}
	for _, p := range paths {
		facts, err := os.Stat(p)
		switch {
		case err != nil && len(paths) == 1:
			return nil, kind(err)
		case err != nil:
			b.skip(spot{file: p}, reasonOf(kind(err)), "")
			continue
		}
		if facts.IsDir() {
			more, err := folderInputs(p)
			if err != nil {
				return nil, err
			}
			found = append(found, more...)
			continue
		}
		f, err := layoutOf(p)
		if err != nil {
			return nil, err
		}
		found = append(found, input{path: p, layout: f, beside: filepath.Dir(p)})
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("none of the %d files of the pattern, %s to %s: %w", len(paths), paths[0], paths[len(paths)-1], loopitr.ErrNotFound)
	}
	return found, nil
}

// folderInputs decides what a folder is: its metadata file, its shards, its
// Parquet files (also in data/), or a tree of pictures.
func folderInputs(dir string) ([]input, error) {
	for _, metadata := range []input{{"metadata.jsonl", jsonLines, dir}, {"metadata.csv", csvTable, dir}} {
		metadata.path = filepath.Join(dir, metadata.path)
		if facts, err := os.Stat(metadata.path); err == nil && facts.Mode().IsRegular() {
			return []input{metadata}, nil
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, kind(err)
	}
	for _, e := range entries {
		if !e.IsDir() && isPicture(e.Name()) {
			return []input{{path: dir, layout: pictureFolder, beside: dir}}, nil
		}
	}
	for _, pattern := range []string{"*.tar", "*.parquet", filepath.Join("data", "*.parquet")} {
		files := globIn(dir, pattern)
		if len(files) == 0 {
			continue
		}
		f := parquetFile
		if strings.HasSuffix(pattern, ".tar") {
			f = tarShard
		}
		found := make([]input, len(files))
		for i, file := range files {
			found[i] = input{path: file, layout: f, beside: dir}
		}
		return found, nil
	}
	return []input{{path: dir, layout: pictureFolder, beside: dir}}, nil
}

// globIn matches below dir, whose own name is no pattern.
func globIn(dir, pattern string) []string {
	sub, last := filepath.Split(pattern)
	entries, err := os.ReadDir(filepath.Join(dir, sub))
	if err != nil {
		return nil
	}
	var found []string
	for _, e := range entries {
		if ok, _ := filepath.Match(last, e.Name()); ok && !e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			found = append(found, filepath.Join(dir, sub, e.Name()))
		}
	}
	sort.Strings(found)
	return found
}

// layoutOf tells a file's layout by its first bytes, then by its name.
func layoutOf(path string) (layout, error) {
	f, _, err := openRegular(path)
	if err != nil {
		return unknownLayout, err
	}
	defer f.Close()
	head := make([]byte, 64<<10)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return unknownLayout, fmt.Errorf("read %s: %w", path, err)
	}
	head = head[:n]
	switch {
	case n == 0:
		return unknownLayout, fmt.Errorf("read %s: the file is empty: %w", path, loopitr.ErrInvalid)
	case bytes.HasPrefix(head, []byte("PAR1")):
		return parquetFile, nil
	case n > 262 && string(head[257:262]) == "ustar":
		return tarShard, nil
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return unknownLayout, fmt.Errorf("read %s: a zip holds pictures, not captions: name it as the images and the captions as the data: %w", path, loopitr.ErrInvalid)
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}), bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return unknownLayout, fmt.Errorf("read %s: the file is compressed: unpack it first, shards are read at random: %w", path, loopitr.ErrInvalid)
	}
	return textLayout(path, bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), " \t\r\n"))
}

// textLayout tells the layout of a file that begins with text.
func textLayout(path string, text []byte) (layout, error) {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".tar":
		return tarShard, nil
	case ".parquet":
		return unknownLayout, fmt.Errorf("read %s: not a Parquet file: %w", path, loopitr.ErrCorrupt)
	case ".jsonl", ".ndjson":
		return jsonLines, nil
	case ".csv":
		return csvTable, nil
	case ".tsv", ".txt", ".token", ".tab":
		if firstLineIsCSV(text) {
			return csvTable, nil
		}
		return tsvTable, nil
	case ".json":
		if !firstLineIsRow(text) {
			return jsonFile, nil
		}
		return jsonLines, nil
	}
	switch {
	case firstLineIsRow(text):
		return jsonLines, nil
	case len(text) > 0 && (text[0] == '[' || text[0] == '{'):
		return jsonFile, nil
	}
	return unknownLayout, fmt.Errorf("read %s: unknown format: a folder, .tar, .json, .jsonl, .csv, .tsv, .txt or .parquet is expected: %w", path, loopitr.ErrInvalid)
}

// readInputs reads every input into the builder.
func readInputs(b *builder, o Options, found []input) error {
	captions, err := newTranslations(o.Language, b)
	if err != nil {
		return err
	}
	look, err := newLookout(o, b)
	if err != nil {
		return err
	}
	for _, in := range found {
		if captions != nil && in.layout != tarShard {
			return fmt.Errorf("read %s: captions in language %q: only tar shards have them in files beside: %w", in.path, o.Language, loopitr.ErrInvalid)
		}
		b.inferred, b.finder = "", look.finder(in.beside)
		if in.layout != pictureFolder {
			b.inferred = splitOfFile(in.path)
		}
		if err := readInput(b, in, captions); err != nil {
			return err
		}
	}
	return b.ctx.Err()
}

func readInput(b *builder, in input, captions *translations) error {
	switch in.layout {
	case pictureFolder:
		return readFolder(b, in.path)
	case tarShard:
		return readShard(b, in.path, captions)
	case parquetFile:
		return readParquet(b, in.path)
	}
	f, _, err := openRegular(in.path)
	if err != nil {
		return err
	}
	defer f.Close()
	switch in.layout {
	case jsonFile:
		return readJSON(b, f, in.path)
	case jsonLines:
		return readJSONLines(b, f, in.path)
	}
	splits, err := splitsBeside(b, in.path)
	if err != nil {
		return err
	}
	if in.layout == csvTable {
		return readCSV(b, f, in.path, splits)
	}
	return readTSV(b, f, in.path, splits)
}
