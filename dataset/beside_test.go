package dataset_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loopitr/loopitr/checkpoint/safetensors"
	"github.com/loopitr/loopitr/dataset"
)

// listed converts the set to a list at path.
func listed(t *testing.T, o dataset.Options, path string) dataset.Converted {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	done, err := dataset.Convert(t.Context(), openWith(t, o), dataset.ConvertConfig{Format: dataset.JSONL, Path: path})
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func TestListAboveItsPicturesNamesThemByPath(t *testing.T) {
	dir := tree(t, entry{"set/s.tsv", "a.jpg\t0\tone\nfar/b.jpg\t0\tbee\nc\t0\tsea\n"},
		entry{"set/a.jpg", "A"}, entry{"set/images/b.jpg", "B"}, entry{"set/images/c.png", "C"}, entry{"a.jpg", "another"})
	out := filepath.Join(dir, "s.jsonl")
	if done := listed(t, dataset.Options{Path: filepath.Join(dir, "set", "s.tsv")}, out); !cmp.Equal(done, dataset.Converted{}) {
		t.Errorf("got %+v, want nothing left to say", done)
	}
	s := openWith(t, dataset.Options{Path: out, Strict: true})
	sameRecords(t, s, record("set/a.jpg", "", "one"), record("set/images/b.jpg", "", "bee"), record("set/images/c.png", "", "sea"))
	samePictures(t, s, "A", "B", "C")
}

func TestListBesideItsPicturesKeepsTheirNames(t *testing.T) {
	dir := tree(t, entry{"lists/s.tsv", "a\t0\tone\nfar/b.jpg\t0\tbee\n"}, entry{"set/images/a.jpg", "A"}, entry{"set/b.jpg", "B"},
		entry{"set/s.tsv", "a\t0\tone\nfar/b.jpg\t0\tbee\n"})
	out := filepath.Join(dir, "set", "s.jsonl")
	for name, o := range map[string]dataset.Options{
		"from there":      {Path: filepath.Join(dir, "set", "s.tsv")},
		"from a relative": {Path: relative(t, filepath.Join(dir, "set", "s.tsv"))},
	} {
		t.Run(name, func(t *testing.T) {
			if done := listed(t, o, out); !cmp.Equal(done, dataset.Converted{}) {
				t.Errorf("got %+v, want nothing left to say", done)
			}
			sameRecords(t, openWith(t, dataset.Options{Path: out, Strict: true}), record("a", "", "one"), record("far/b.jpg", "", "bee"))
		})
	}
}

func relative(t *testing.T, path string) string {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	path, err = filepath.Rel(here, path)
	if err != nil {
		t.Skip(err) // another drive
	}
	return path
}

// A list cannot lead out of its folder, nor into an archive.
func TestListApartFromItsPicturesSaysHowToOpenIt(t *testing.T) {
	rows := "a.jpg\t0\tone\nx/b.jpg\t0\tbee\n"
	dir := tree(t, entry{"set/s.tsv", rows}, entry{"set/images/a.jpg", "A"}, entry{"set/images/x/b.jpg", "B"},
		entry{"zip/s.tsv", rows}, entry{"zip/p.zip", zipOf(t, entry{"a.jpg", "A"}, entry{"b.jpg", "B"})},
		entry{"above/s.tsv", rows}, entry{"above/a.jpg", "A"}, entry{"above/images/x/b.jpg", "B"},
		entry{"s.tar", tarOf(t, entry{"a.jpg", "A"}, entry{"a.txt", "one"})}, entry{"out/a.jpg", "another"})
	in := func(path ...string) string { return filepath.Join(append([]string{dir}, path...)...) }
	for name, c := range map[string]struct {
		from dataset.Options
		want dataset.Converted
	}{
		"folder":       {dataset.Options{Path: in("set", "s.tsv")}, dataset.Converted{Images: in("set", "images")}},
		"named folder": {dataset.Options{Path: in("zip", "s.tsv"), Images: in("set", "images")}, dataset.Converted{Images: in("set", "images")}},
		"zip":          {dataset.Options{Path: in("zip", "s.tsv"), Images: in("zip", "p.zip")}, dataset.Converted{Images: in("zip", "p.zip")}},
		"two roots":    {dataset.Options{Path: in("above", "s.tsv")}, dataset.Converted{Apart: true}},
		"shard":        {dataset.Options{Path: in("s.tar")}, dataset.Converted{Apart: true}},
	} {
		t.Run(name, func(t *testing.T) {
			out := in("out", "s.jsonl")
			got := listed(t, c.from, out)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("converted (-want +got):\n%s", diff)
			}
			if got.Images == "" {
				return
			}
			s := openWith(t, dataset.Options{Path: out, Images: got.Images, Strict: true})
			sameRecords(t, s, record("a.jpg", "", "one"), record("x/b.jpg", "", "bee"))
			samePictures(t, s, "A", "B")
		})
	}
}

// Copies that an earlier conversion wrote do as well as the pictures.
func TestListBesideCopiesIsReadThere(t *testing.T) {
	dir := tree(t, entry{"s.tar", tarOf(t, entry{"a.jpg", "A"}, entry{"a.txt", "one"})}, entry{"out/images/a.jpg", "A"})
	out := filepath.Join(dir, "out", "s.jsonl")
	if done := listed(t, dataset.Options{Path: filepath.Join(dir, "s.tar")}, out); !cmp.Equal(done, dataset.Converted{}) {
		t.Errorf("got %+v, want nothing left to say", done)
	}
	samePictures(t, openWith(t, dataset.Options{Path: out, Strict: true}), "A")
}

// Two names of one file would become one picture.
func TestListKeepsNamesThatShareAFile(t *testing.T) {
	dir := tree(t, entry{"set/s.tsv", "x/a.jpg\t0\tone\ny/a.jpg\t0\ttwo\n"}, entry{"set/a.jpg", "A"})
	out := filepath.Join(dir, "s.jsonl")
	done := listed(t, dataset.Options{Path: filepath.Join(dir, "set", "s.tsv")}, out)
	if want := filepath.Join(dir, "set"); done.Images != want {
		t.Errorf("got %+v, want images in %s", done, want)
	}
	s := openWith(t, dataset.Options{Path: out, Images: done.Images, Strict: true})
	sameRecords(t, s, record("x/a.jpg", "", "one"), record("y/a.jpg", "", "two"))
}

// Tokens are found by the ends of names, so that longer names keep theirs; with
// tokens, names stay, because not every path ends in the name.
func TestListOfPicturesWithTokensKeepsThem(t *testing.T) {
	dir := tree(t, entry{"set/s.tsv", "far/a.jpg\t0\tone\nb.jpg\t0\tbee\n"}, entry{"set/a.jpg", "A"}, entry{"set/b.jpg", "B"})
	tokens, from, out := filepath.Join(dir, "x.safetensors"), filepath.Join(dir, "set", "s.tsv"), filepath.Join(dir, "s.jsonl")
	if err := dataset.WriteTokens(tokens, writer(safetensors.F32, "far/a.jpg", "b.jpg", "unused")); err != nil {
		t.Fatal(err)
	}
	listed(t, dataset.Options{Path: from}, out)
	sameRecords(t, openWith(t, dataset.Options{Path: out, Tokens: tokens}), record("set/b.jpg", "", "bee"))

	images := filepath.Join(dir, "set")
	for _, c := range []struct {
		from dataset.Options
		want dataset.Converted
	}{{dataset.Options{Path: from, Tokens: tokens}, dataset.Converted{}},
		{dataset.Options{Path: from, Tokens: tokens, Images: images}, dataset.Converted{Images: images}}} {
		if diff := cmp.Diff(c.want, listed(t, c.from, out)); diff != "" {
			t.Errorf("converted (-want +got):\n%s", diff)
		}
		s := openWith(t, dataset.Options{Path: out, Tokens: tokens, Strict: true})
		sameRecords(t, s, record("far/a.jpg", "", "one"), record("b.jpg", "", "bee"))
	}
}
