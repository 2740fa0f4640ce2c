package dataset

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// splitsBeside reads the split files in the folder of an annotation file, one
// picture name a line: split.NAME.txt, or Flickr_8k.trainImages.txt and its
// like. It returns nil when there are none.
func splitsBeside(b *builder, annotations string) (map[string]string, error) {
	var splits map[string]string
	for _, path := range splitFilesIn(filepath.Dir(annotations)) {
		if filepath.Base(path) == filepath.Base(annotations) {
			continue
		}
		if splits == nil {
			splits = map[string]string{}
		}
		if err := readSplit(b, path, splitNameOf(path), splits); err != nil {
			return nil, err
		}
	}
	return splits, nil
}

// splitFilesIn are the split files of a folder.
func splitFilesIn(dir string) []string {
	return append(globIn(dir, "split.*.txt"), globIn(dir, "*.*Images.txt")...)
}

// splitNameOf is NAME of split.NAME.txt or *.NAMEImages.txt.
func splitNameOf(path string) string {
	parts := strings.Split(filepath.Base(path), ".")
	name := strings.TrimSuffix(parts[len(parts)-2], "Images")
	if parts[0] == "split" {
		name = strings.Join(parts[1:len(parts)-1], ".")
	}
	return cleanSplit(name)
}

func readSplit(b *builder, path, split string, splits map[string]string) error {
	f, _, err := openRegular(path)
	if err != nil {
		b.skip(spot{file: path}, reasonOf(err), err.Error())
		return nil
	}
	defer f.Close()
	in := newLines(underContext{b.ctx, f}, min(b.limits.RowBytes, 4096))
	for {
		line, oversized, err := in.next()
		if errors.Is(err, io.EOF) {
			return b.ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
		name, at := strings.TrimSpace(string(line)), spot{file: path, line: in.at}
		switch was, known := splits[name]; {
		case oversized:
			b.skip(at, OversizedInput, "picture name")
		case name == "":
		case !utf8.ValidString(name):
			b.skip(at, InvalidText, fmt.Sprintf("picture name %.80q", name))
		case known && was != split:
			b.skip(at, SeveralSplits, fmt.Sprintf("%s is in %q, and here in %q", name, was, split))
		default:
			splits[name] = split
		}
	}
}
