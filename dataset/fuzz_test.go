package dataset_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/dataset"
)

// small are limits under which a fuzzed input can take no noticeable memory.
var small = dataset.Limits{PictureBytes: 1 << 16, RowBytes: 1 << 12, CaptionBytes: 1 << 10, Records: 1000, Details: 10}

// fuzzFile reads raw as a file of that name and checks what every set promises.
func fuzzFile(f *testing.F, name string) {
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := dataset.ReadBytes(name, raw, small)
		checkSkips(t, s.Skipped)
		if err != nil {
			return
		}
		checkRecords(t, s)
		if name != "x.parquet" {
			return
		}
		for i := range s.Records {
			if picture, err := s.Picture(i); err == nil && int64(len(picture)) > small.PictureBytes {
				t.Fatalf("picture %d has %d bytes", i, len(picture))
			}
		}
	})
}

func checkSkips(t *testing.T, skipped dataset.Skips) {
	t.Helper()
	if len(skipped.Details) > small.Details || len(skipped.Details) > skipped.Total() {
		t.Fatalf("%d details of %d skipped", len(skipped.Details), skipped.Total())
	}
	for _, skip := range skipped.Details {
		if line := skip.String(); strings.ContainsFunc(line, unicode.IsControl) || !utf8.ValidString(line) {
			t.Fatalf("skipped line %q", line)
		}
	}
}

func checkRecords(t *testing.T, s *dataset.Set) {
	t.Helper()
	ids := map[string]bool{}
	for i, r := range s.Records {
		if r.ID == "" || ids[r.ID] || !oneLineOfText(r.ID) || strings.Contains("/"+r.ID+"/", "/../") || len(r.Captions) == 0 || !oneLineOfText(r.Split) {
			t.Fatalf("record %d is %+q", i, r)
		}
		ids[r.ID] = true
		for _, caption := range r.Captions {
			if !oneLineOfText(caption) || strings.TrimSpace(caption) == "" || len(caption) > small.CaptionBytes {
				t.Fatalf("record %d has caption %q", i, caption)
			}
		}
	}
}

func oneLineOfText(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

func FuzzTSV(f *testing.F) {
	f.Add([]byte("image\tcaption\tsplit\na.jpg\tx\ttrain\n../a\ty\n"))
	f.Add([]byte("a.jpg\t0\tlicence\tone\r\na.jpg\t1\t\ttwo\n"))
	f.Add([]byte("a.jpg#0\tone\na.jpg#1\t\xff\n"))
	fuzzFile(f, "x.tsv")
}

func FuzzCSV(f *testing.F) {
	f.Add([]byte("image,caption\na.jpg,\"one\n\"\"two\"\"\"\na.jpg,\"open\n"))
	f.Add([]byte("image_name| comment_number| comment\na.jpg| 0| x\n"))
	fuzzFile(f, "x.csv")
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`[{"image": "a.jpg", "caption": ["x", {"raw": "y"}], "split": "dev"}, 7, {"image": "../a"}]`))
	f.Add([]byte(`{"images": [{"filename": "a.jpg", "filepath": "d", "split": "train", "sentences": [{"raw": "x"}, {"tokens": ["y"]}]}]}`))
	f.Add([]byte(`{"annotations": [{"image_id": 1, "caption": "x"}], "images": [{"id": 1, "file_name": "a.jpg"}], "info": {"]": "}\""}}`))
	fuzzFile(f, "x.json")
}

func FuzzJSONLines(f *testing.F) {
	f.Add([]byte(`{"image": "a.jpg", "caption": "x"}` + "\n" + `{"file_name": "a.jpg", "texts": ["\ud800", "\u0000"]}` + "\nnull\n"))
	fuzzFile(f, "x.jsonl")
}

func FuzzShard(f *testing.F) {
	f.Add([]byte(tarOf(f, entry{"d/a.jpg", "A"}, entry{"d/a.txt", "x\ny"}, entry{"d/b.png", "B"}, entry{"d/b.json", `{"caption": "x", "image": "n", "split": "val"}`})))
	fuzzFile(f, "x.tar")
}

func FuzzParquet(f *testing.F) {
	files, err := filepath.Glob("testdata/parquet/*.parquet")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	fuzzFile(f, "x.parquet")
}

func FuzzZip(f *testing.F) {
	f.Add([]byte(zipOf(f, entry{"a.jpg", "A"}, entry{"d/b.jpg", strings.Repeat("b", 100)})))
	dir := f.TempDir()
	rows := filepath.Join(dir, "x.tsv")
	if err := os.WriteFile(rows, []byte("a.jpg\t0\tx\nb.jpg\t0\ty\n"), 0o644); err != nil {
		f.Fatal(err)
	}
	path := filepath.Join(dir, "p.zip")
	f.Fuzz(func(t *testing.T, raw []byte) {
		if err := os.WriteFile(path, raw, 0o644); err != nil {
			t.Fatal(err)
		}
		s, err := dataset.Open(context.Background(), dataset.Options{Path: rows, Images: path, Limits: small})
		if err != nil {
			return
		}
		defer s.Close()
		for i := range s.Records {
			if picture, err := s.Picture(i); err == nil && int64(len(picture)) > small.PictureBytes {
				t.Fatalf("picture %d has %d bytes", i, len(picture))
			}
		}
	})
}

// FuzzTranslations reads captions in another language: rows are bounded, and what
// cannot be used is counted.
func FuzzTranslations(f *testing.F) {
	f.Add([]byte("key\tcaption\na\tein Apfel\na\tObst\nno tab\n\n\tno key\n"))
	f.Add([]byte("\ufeffkey\tcaption\r\n\xff\t\xff\x00\r\n" + strings.Repeat("x", small.RowBytes+9) + "\n"))
	f.Add([]byte("key\tCaption\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		captions, skips, err := dataset.ReadTranslations(raw, small)
		if err != nil {
			if !errors.Is(err, loopitr.ErrInvalid) || len(captions) > 0 {
				t.Fatalf("%d keys with error %v", len(captions), err)
			}
			return
		}
		used := 0
		for key, all := range captions {
			used += len(all)
			for _, caption := range all {
				if len(key)+len(caption) > small.RowBytes+1 {
					t.Fatalf("row of %d bytes", len(key)+len(caption))
				}
			}
		}
		if lines := bytes.Count(raw, []byte("\n")) + 1; used+skips.Total() > lines {
			t.Fatalf("%d rows used and %d skipped of %d", used, skips.Total(), lines)
		}
	})
}

// fuzzOpen opens path under the small limits and checks what every set promises.
func fuzzOpen(t *testing.T, path string) *dataset.Set {
	t.Helper()
	s, err := dataset.Open(context.Background(), dataset.Options{Path: path, Limits: small})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	checkSkips(t, s.Skipped)
	checkRecords(t, s)
	return s
}

// FuzzSplitLists reads Flickr's lists of the pictures of a split. Each record is in
// the first list that names it, and what the lists hold beside that changes nothing.
func FuzzSplitLists(f *testing.F) {
	f.Add([]byte("a.jpg\n"), []byte("\ufeffb.jpg\r\n a.jpg \n\n"))
	f.Add([]byte("\xff\n"+strings.Repeat("x", 5000)+"\nb.jpg"), []byte("../a.jpg\nb.jpg\x00\n"))
	dir := tree(f, entry{"captions.tsv", "a.jpg\t0\tone\nb.jpg\t0\ttwo\n"}, entry{"a.jpg", "A"}, entry{"b.jpg", "B"})
	f.Fuzz(func(t *testing.T, test, train []byte) {
		want := map[string]string{}
		for split, list := range map[string][]byte{"train": train, "test": test} {
			if err := os.WriteFile(filepath.Join(dir, "split."+split+".txt"), list, 0o644); err != nil {
				t.Fatal(err)
			}
			for _, line := range strings.SplitAfter(strings.TrimPrefix(string(list), "\ufeff"), "\n") {
				// The limit leaves room for the line's end.
				if name := strings.TrimSpace(line); len(line) <= small.RowBytes+2 && want[name] != "test" {
					want[name] = split
				}
			}
		}
		for _, r := range fuzzOpen(t, filepath.Join(dir, "captions.tsv")).Records {
			if r.Split != want[r.ID] {
				t.Fatalf("%s is in split %q, want %q", r.ID, r.Split, want[r.ID])
			}
		}
	})
}

// FuzzFolder reads the text file beside a picture: each line is a caption or is
// counted, and the picture beside it is none of its business.
func FuzzFolder(f *testing.F) {
	f.Add([]byte("one\r\n\r\n two \n"))
	f.Add([]byte("\ufeff\xff\n\x00\n\u2028\n" + strings.Repeat("x", 2000)))
	f.Add([]byte(strings.Repeat("x\n", small.RowBytes)))
	dir := tree(f, entry{"a.jpg", "A"}, entry{"b.jpg", "B"}, entry{"b.txt", "bee"})
	f.Fuzz(func(t *testing.T, raw []byte) {
		if err := os.WriteFile(filepath.Join(dir, "a.txt"), raw, 0o644); err != nil {
			t.Fatal(err)
		}
		s := fuzzOpen(t, dir)
		lines, captions := 0, 0
		for _, line := range strings.Split(strings.TrimPrefix(string(raw), "\ufeff"), "\n") {
			if strings.TrimSpace(line) != "" {
				lines++
			}
		}
		if lines == 0 || len(raw) > small.RowBytes {
			lines = 1 // the file as a whole
		}
		for _, r := range s.Records {
			captions += len(r.Captions)
		}
		if captions+s.Skipped.Total() != lines+1 || !slices.ContainsFunc(s.Records, func(r dataset.Record) bool { return r.ID == "b.jpg" }) {
			t.Fatalf("%d captions and skipped %v, want %d together, and b.jpg among the %d pictures", captions, s.Skipped, lines+1, len(s.Records))
		}
	})
}
