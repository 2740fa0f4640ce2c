package dataset_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/loopitr/loopitr/dataset"
)

// entry is a file of a fixture; archives keep the order.
type entry struct{ name, content string }

// tree writes files below a new folder and returns it.
func tree(t testing.TB, files ...entry) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range files {
		path := filepath.Join(dir, filepath.FromSlash(f.name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(f.content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func tarOf(t testing.TB, files ...entry) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := &tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.content)), Typeflag: tar.TypeReg}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(f.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zipOf(t testing.TB, files ...entry) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		entry, err := w.Create(f.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := entry.Write([]byte(f.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func openWith(t *testing.T, o dataset.Options) *dataset.Set {
	t.Helper()
	s, err := dataset.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func sameRecords(t *testing.T, s *dataset.Set, want ...dataset.Record) {
	t.Helper()
	if diff := cmp.Diff(want, s.Records, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("records (-want +got):\n%s\nskipped: %v", diff, s.Skipped.Details)
	}
}

// pictures reads every picture as text.
func pictures(t *testing.T, s *dataset.Set) []string {
	t.Helper()
	var all []string
	for i := range s.Records {
		picture, err := s.Picture(i)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(picture))
	}
	return all
}

func samePictures(t *testing.T, s *dataset.Set, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, pictures(t, s)); diff != "" {
		t.Errorf("pictures (-want +got):\n%s", diff)
	}
}

func sameSkips(t *testing.T, s *dataset.Set, want map[dataset.Reason]int) {
	t.Helper()
	if diff := cmp.Diff(want, s.Skipped.Counts, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("skipped (-want +got):\n%s\n%v", diff, s.Skipped.Details)
	}
}

func record(id, split string, captions ...string) dataset.Record {
	return dataset.Record{ID: id, Split: split, Captions: captions}
}
