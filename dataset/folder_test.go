package dataset_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/dataset"
)

func TestFolderPairsPicturesWithTextBesideThem(t *testing.T) {
	dir := tree(t,
		entry{"b.PNG", "B"}, entry{"b.txt", "one\r\n\r\n two \n"},
		entry{"train/a.jpg", "A"}, entry{"train/a.txt", "ay"},
		entry{"validation/deep/er/c.webp", "C"}, entry{"validation/deep/er/c.txt", "sea"},
		entry{".hidden/d.jpg", "D"}, entry{"._b.PNG", "x"}, entry{"notes.md", "x"}, entry{"train/lonely.txt", "x"})
	s := openWith(t, dataset.Options{Path: dir, Strict: true})
	sameRecords(t, s, record("b.PNG", "", "one", "two"), record("train/a.jpg", "train", "ay"),
		record("validation/deep/er/c.webp", "val", "sea"))
	samePictures(t, s, "B", "A", "C")
}

func TestFolderSkipsWhatIsNoPicture(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("making links needs a right there, and Wine makes folders of them")
	}
	dir := tree(t,
		entry{"good.jpg", "G"}, entry{"good.txt", "good"}, entry{"alone.jpg", "A"},
		entry{"folder.jpg/in.jpg", "I"}, entry{"folder.jpg/in.txt", "inside"},
		entry{"empty.jpg", ""}, entry{"empty.txt", "x"}, entry{"big.jpg", strings.Repeat("x", 99)}, entry{"big.txt", "x"},
		entry{"blank.jpg", "B"}, entry{"blank.txt", "\n\n"}, entry{"long.jpg", "L"}, entry{"long.txt", strings.Repeat("x\n", 99)})
	for _, l := range [][2]string{{"self.jpg", "self.jpg"}, {"nowhere.jpg", "gone"}, {"loop", "."}, {"again", "folder.jpg"}} {
		if err := os.Symlink(l[1], filepath.Join(dir, l[0])); err != nil {
			t.Skipf("no symbolic links here: %v", err)
		}
	}
	o := dataset.Options{Path: dir, Limits: dataset.Limits{PictureBytes: 50, RowBytes: 100}}
	s := openWith(t, o)
	sameRecords(t, s, record("again/in.jpg", "", "inside"), record("good.jpg", "", "good"))
	sameSkips(t, s, map[dataset.Reason]int{
		dataset.NoCaption: 2, dataset.NotAFile: 1, dataset.Unreadable: 1, dataset.OversizedInput: 2,
		dataset.SymlinkLoop: 3, dataset.MissingFile: 1,
	})
}

func TestUnreadableFilesAreSkipped(t *testing.T) {
	if os.Getuid() <= 0 {
		t.Skip("the superuser reads everything, on Linux another test takes that right away; Windows has other permissions")
	}
	skipsUnreadable(t)
}

func skipsUnreadable(t *testing.T) {
	t.Helper()
	dir := tree(t, entry{"a.jpg", "A"}, entry{"a.txt", "x"}, entry{"b.jpg", "B"}, entry{"b.txt", "x"}, entry{"c.jpg", "C"}, entry{"c.txt", "x"})
	for _, name := range []string{"a.jpg", "c.txt"} {
		if err := os.Chmod(filepath.Join(dir, name), 0); err != nil {
			t.Fatal(err)
		}
	}
	s := openWith(t, dataset.Options{Path: dir})
	sameRecords(t, s, record("b.jpg", "", "x"))
	sameSkips(t, s, map[dataset.Reason]int{dataset.Unreadable: 2})
}

// A picture whose captions cannot be used is one skipped input, not two.
func TestCaptionFileThatIsNoneCountsOnce(t *testing.T) {
	dir := tree(t, entry{"a.jpg", "A"}, entry{"a.txt/x", "a folder"}, entry{"b.jpg", "B"}, entry{"b.txt", strings.Repeat("x", 99)},
		entry{"c.jpg", "C"}, entry{"c.txt", "sea"})
	s := openWith(t, dataset.Options{Path: dir, Limits: dataset.Limits{RowBytes: 50}})
	sameRecords(t, s, record("c.jpg", "", "sea"))
	sameSkips(t, s, map[dataset.Reason]int{dataset.NotAFile: 1, dataset.OversizedInput: 1})
	want := fmt.Sprintf("skipping %s: oversized: %s: 99 bytes, limit 50", filepath.Join(dir, "b.jpg"), filepath.Join(dir, "b.txt"))
	if got := s.Skipped.Details[1].String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Each bad caption counts once, and the picture that is left without any not again.
func TestCaptionsThatAreNoTextCountOnce(t *testing.T) {
	files := []entry{{"a.jpg", "A"}, {"a.txt", "\xff"}, {"b.jpg", "B"}, {"b.txt", "bee\n\xff\n"}, {"c.jpg", "C"}, {"c.txt", "\xff\n\xfe\n"}}
	for name, dir := range map[string]string{"folder": tree(t, files...), "shard": tree(t, entry{"s.tar", tarOf(t, files...)})} {
		t.Run(name, func(t *testing.T) {
			s := openWith(t, dataset.Options{Path: dir})
			if len(s.Records) != 1 || len(s.Records[0].Captions) != 1 {
				t.Errorf("got %+v, want b with one caption", s.Records)
			}
			sameSkips(t, s, map[dataset.Reason]int{dataset.InvalidText: 4})
		})
	}
}

func TestEmptyFolderSaysWhatWasLookedFor(t *testing.T) {
	_, err := dataset.Open(context.Background(), dataset.Options{Path: t.TempDir()})
	if !errors.Is(err, loopitr.ErrInvalid) || !strings.Contains(err.Error(), "looked for pictures with captions") {
		t.Errorf("got %v", err)
	}
}

func TestMissingPathIsNotFound(t *testing.T) {
	for _, path := range []string{"nowhere", "nowhere/{00..03}.tar", "nowhere/*.tar"} {
		if _, err := dataset.Open(context.Background(), dataset.Options{Path: path}); !errors.Is(err, loopitr.ErrNotFound) {
			t.Errorf("%s: got %v, want ErrNotFound", path, err)
		}
	}
}

func TestPictureThatVanishesIsAnErrorOfItsOwn(t *testing.T) {
	dir := tree(t, entry{"a.jpg", "A"}, entry{"a.txt", "x"})
	s := openWith(t, dataset.Options{Path: dir})
	if err := os.Remove(filepath.Join(dir, "a.jpg")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Picture(0); !errors.Is(err, loopitr.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}

func TestOpenEndsWithItsContext(t *testing.T) {
	dir := tree(t, entry{"a.tsv", "a.jpg\t0\tx\n"}, entry{"a.jpg", "A"})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := dataset.Open(ctx, dataset.Options{Path: filepath.Join(dir, "a.tsv")}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestMetadataFileOfAFolderIsRead(t *testing.T) {
	dir := tree(t, entry{"metadata.jsonl", `{"file_name": "a.jpg", "text": "one"}` + "\n"}, entry{"a.jpg", "A"}, entry{"b.jpg", "B"})
	s := openWith(t, dataset.Options{Path: dir, Strict: true})
	sameRecords(t, s, record("a.jpg", "", "one"))
}

func TestOptionsNameTheWrongField(t *testing.T) {
	for want, o := range map[string]dataset.Options{
		"path": {}, "language": {Path: "x", Language: "../de"}, "row bytes": {Path: "x", Limits: dataset.Limits{RowBytes: -1}},
	} {
		if err := o.Validate(); !errors.Is(err, loopitr.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want one about %s", err, want)
		}
	}
}

// A file where the name has a folder, or a folder's name that no file system
// holds, says nothing about the other places to look in.
func TestPathThatCannotBeIsNotTheEndOfLooking(t *testing.T) {
	long := strings.Repeat("l", 300)
	dir := tree(t, entry{"s.tsv", "a/b.jpg\t0\tbee\n" + long + "/c.jpg\t0\tsea\na/gone.jpg\t0\tx\n"},
		entry{"a", "a file"}, entry{"images/a/b.jpg", "B"}, entry{"c.jpg", "C"})
	s := openWith(t, dataset.Options{Path: filepath.Join(dir, "s.tsv")})
	sameRecords(t, s, record("a/b.jpg", "", "bee"), record(long+"/c.jpg", "", "sea"))
	samePictures(t, s, "B", "C")
	sameSkips(t, s, map[dataset.Reason]int{dataset.MissingFile: 1})
}

// Rows that cannot be used are not added, and reading them ends with the context
// all the same.
func TestReadingBadRowsEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for name, text := range map[string]string{
		"x.tsv": "image\tcaption\nbad\n", "x.csv": "image,caption\nbad\n", "x.jsonl": "bad\n", "x.json": "[7, 7]", "y.json": `{"images": [7], "info": 7}`,
	} {
		if _, err := dataset.ReadBytesUnder(ctx, name, []byte(text), dataset.Limits{}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want the context's error", name, err)
		}
	}
	skips, err := dataset.ReadFolderUnder(ctx, tree(t, entry{"a.jpg", "without words"}))
	if !errors.Is(err, context.Canceled) || skips.Total() > 0 {
		t.Errorf("folder: got %v and %v, want the context's error", skips, err)
	}
}
