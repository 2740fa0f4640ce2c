package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/loopitr/loopitr/dataset"
	"github.com/loopitr/loopitr/demo"
	"github.com/loopitr/loopitr/internal/durable"
)

// unpack writes a folder of the binary's files to disk, those that are not there
// as they should be.
func unpack(from, to string) error {
	inside, err := fs.Sub(demo.Files(), from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	return fs.WalkDir(inside, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(inside, path)
		if err != nil {
			return err
		}
		return place(filepath.Join(to, filepath.FromSlash(path)), content)
	})
}

// place makes a file hold content; one that does already is not touched.
func place(path string, content []byte) error {
	if there, err := os.ReadFile(path); err == nil && bytes.Equal(there, content) {
		return nil
	}
	return durable.WriteBytes(path, content)
}

// writePictures makes a file of each picture, named after its first caption.
func writePictures(ctx context.Context, set *dataset.Set, folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	used := map[string]bool{}
	for i, record := range set.Records {
		if err := ctx.Err(); err != nil {
			return err
		}
		picture, err := set.Picture(i)
		if err != nil {
			return err
		}
		name := slug(record.Captions[0])
		for n := 2; used[name]; n++ {
			name = fmt.Sprintf("%s-%d", slug(record.Captions[0]), n)
		}
		used[name] = true
		if err := place(filepath.Join(folder, name+filepath.Ext(set.File(i))), picture); err != nil {
			return err
		}
	}
	return nil
}

// slug is a caption as a file name: "flag: Japan" becomes "flag-japan".
func slug(caption string) string {
	words := strings.FieldsFunc(strings.ToLower(caption), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	name := strings.Join(words, "-")
	if len(name) > 60 {
		name = strings.ToValidUTF8(name[:60], "")
	}
	if name == "" {
		return "picture"
	}
	return name
}
