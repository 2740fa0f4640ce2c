package dataset_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/dataset"
)

func TestTSVWithHeaderToleratesOtherColumns(t *testing.T) {
	dir := tree(t,
		entry{"set.tsv", "\ufeffIMAGE\tlicence\tcaption\tsplit\r\na.jpg\tCC\t two  words \ttrain\r\nb.jpg\tCC\tbee\tdev\r\n\r\na.jpg\tCC\t\"quoted\"\ttrain\r\n"},
		entry{"a.jpg", "A"}, entry{"images/b.jpg", "B"})
	s := openWith(t, dataset.Options{Path: filepath.Join(dir, "set.tsv"), Strict: true})
	sameRecords(t, s, record("a.jpg", "train", "two  words", `"quoted"`), record("b.jpg", "val", "bee"))
	samePictures(t, s, "A", "B")
}

func TestFlickrRowsNeedNoHeaderAndTakeSplitsFromFiles(t *testing.T) {
	pictures := []entry{{"a.jpg", "A"}, {"b.jpg", "B"}, {"c.jpg", "C"}}
	for name, rows := range map[string]string{
		"captions.en.tsv":        "a.jpg\t0\tone\na.jpg\t1\ttwo\nb.jpg\t0\tbee\nc.jpg\t0\tsea\n",
		"captions.tsv":           "a.jpg\t0\tCC BY\thttp://x\tone\na.jpg\t1\tCC BY\thttp://x\ttwo\nb.jpg\t0\tCC\tx\tbee\nc.jpg\t0\t\t\tsea\n",
		"Flickr8k.token.txt":     "a.jpg#0\tone\na.jpg#1\ttwo\nb.jpg#0\tbee\nc.jpg#0\tsea\n",
		"results_20130124.token": "a.jpg#0\tone\na.jpg#1\ttwo\nb.jpg#0\tbee\nc.jpg#0\tsea\n",
	} {
		t.Run(name, func(t *testing.T) {
			dir := tree(t, append(pictures, entry{name, rows}, entry{"split.train.txt", "a.jpg\n"},
				entry{"Flickr_8k.devImages.txt", "b.jpg\n"})...)
			s := openWith(t, dataset.Options{Path: filepath.Join(dir, name), Strict: true})
			sameRecords(t, s, record("a.jpg", "train", "one", "two"), record("b.jpg", "val", "bee"), record("c.jpg", "", "sea"))
		})
	}
}

func TestCSVReadsQuotesAndOtherSeparators(t *testing.T) {
	for name, text := range map[string]string{
		"comma":     "image,caption\na.jpg,\"one, \"\"two\"\"\nthree\"\nb.jpg,bee\n",
		"crlf":      "image,caption\r\na.jpg,\"one, \"\"two\"\"\r\nthree\"\r\nb.jpg,bee\r\n",
		"bar":       "image_name| comment_number| comment\na.jpg| 0|\"one, \"\"two\"\"\nthree\"\nb.jpg| 0|bee\n",
		"quoted":    "\"filename\";\"text\"\n\"a.jpg\";\"one, \"\"two\"\"\nthree\"\n\"b.jpg\";\"bee\"\n",
		"quoted,":   "\"filename\",\"text\"\n\"a.jpg\",\"one, \"\"two\"\"\nthree\"\n\"b.jpg\",\"bee\"\n",
		"semicolon": "filename;text\na.jpg;\"one, \"\"two\"\"\nthree\"\nb.jpg;bee\n",
	} {
		t.Run(name, func(t *testing.T) {
			for _, file := range []string{"set.csv", "captions.txt"} {
				dir := tree(t, entry{file, text}, entry{"a.jpg", "A"}, entry{"b.jpg", "B"})
				s := openWith(t, dataset.Options{Path: filepath.Join(dir, file), Strict: true})
				sameRecords(t, s, record("a.jpg", "", `one, "two" three`), record("b.jpg", "", "bee"))
			}
		})
	}
}

func TestAQuoteThatIsNeverClosedCostsOneRow(t *testing.T) {
	rows := "image,caption\na.jpg,one\na.jpg,\"never closed\n" + strings.Repeat("b.jpg,bee\n", 300)
	dir := tree(t, entry{"set.csv", rows}, entry{"a.jpg", "A"}, entry{"b.jpg", "B"})
	s := openWith(t, dataset.Options{Path: filepath.Join(dir, "set.csv")})
	sameSkips(t, s, map[dataset.Reason]int{dataset.BadRow: 1})
	if got := len(s.Records[1].Captions); got != 300 {
		t.Errorf("%d captions after the bad row, want 300", got)
	}
	if got, want := s.Skipped.Details[0].Where, filepath.Join(dir, "set.csv")+":3"; got != want {
		t.Errorf("skipped at %q, want %q", got, want)
	}
}

func TestBadRowsAreSkippedAndCounted(t *testing.T) {
	dir := tree(t,
		entry{"set.tsv", strings.Join([]string{
			"image\tcaption\tsplit",
			"a.jpg\tgood\ttrain",
			"a.jpg\t \ttrain",                                 // empty
			"a.jpg\tbad\xff\ttrain",                           // not UTF-8
			"a.jpg\tleak\ttest",                               // in two splits
			"only one field",                                  // too few
			"../../etc/passwd\tx\t",                           // leads out
			"..\\x.jpg\tx\t",                                  // leads out
			"\tno name\t",                                     // no name
			"a\x00b.jpg\tcontrol\t",                           // control character
			"missing.jpg\tnowhere\t",                          // not there
			"folder.jpg\tfolder\t",                            // a folder
			"empty.jpg\tno bytes\t",                           // zero bytes
			"a.jpg\t" + strings.Repeat("x", 2000) + "\ttrain", // row over the limit
			"a.jpg\t" + strings.Repeat("y", 600) + "\ttrain",  // caption over the limit
		}, "\n")},
		entry{"a.jpg", "A"}, entry{"folder.jpg/x", ""}, entry{"empty.jpg", ""})
	o := dataset.Options{Path: filepath.Join(dir, "set.tsv"), Limits: dataset.Limits{RowBytes: 1000, CaptionBytes: 500, Details: 3}}
	s := openWith(t, o)
	sameRecords(t, s, record("a.jpg", "train", "good"))
	sameSkips(t, s, map[dataset.Reason]int{
		dataset.EmptyCaption: 1, dataset.InvalidText: 1, dataset.SeveralSplits: 1, dataset.BadRow: 1, dataset.UnsafeName: 4,
		dataset.MissingFile: 1, dataset.NotAFile: 1, dataset.Unreadable: 1, dataset.OversizedInput: 2,
	})
	if len(s.Skipped.Details) != 3 || s.Skipped.Total() != 13 {
		t.Errorf("%d details of %d skipped, want 3 of 13", len(s.Skipped.Details), s.Skipped.Total())
	}
	o.Strict = true
	_, err := dataset.Open(context.Background(), o)
	if !errors.Is(err, loopitr.ErrInvalid) || !strings.Contains(err.Error(), "set.tsv:3: empty caption") {
		t.Errorf("strict: got %v, want the first skipped row", err)
	}
}

func TestTablesWithoutColumnsAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"x.tsv": "a picture\tits words\n", "y.csv": "a,b\nc,d\n", "z.txt": "just text\n", "empty.tsv": "",
		"blank.tsv": "\n\n", "header.csv": "image,caption\n",
	} {
		dir := tree(t, entry{name, text})
		if _, err := dataset.Open(context.Background(), dataset.Options{Path: filepath.Join(dir, name)}); !errors.Is(err, loopitr.ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
	}
}

func TestUnknownSplitListsThoseThatExist(t *testing.T) {
	dir := tree(t, entry{"set.tsv", "image\tcaption\tsplit\na.jpg\tx\ttrain\na.jpg\ty\ttrain\nb.jpg\tz\trestval\nc.jpg\tz\t\n"},
		entry{"a.jpg", "A"}, entry{"b.jpg", "B"}, entry{"c.jpg", "C"})
	path := filepath.Join(dir, "set.tsv")
	_, err := dataset.Open(context.Background(), dataset.Options{Path: path, Split: "test"})
	want := `no split "test": there are restval (1 picture, 1 caption), train (1 picture, 2 captions); 1 picture, 1 caption without a split: `
	if !errors.Is(err, loopitr.ErrInvalid) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	s := openWith(t, dataset.Options{Path: path, Split: "train+restval"})
	sameRecords(t, s, record("a.jpg", "train", "x", "y"), record("b.jpg", "restval", "z"))
}

func TestOneLostRecordIsNoPlural(t *testing.T) {
	dir := tree(t, entry{"set.tsv", "a.jpg\t0\tone\n"})
	_, err := dataset.Open(context.Background(), dataset.Options{Path: filepath.Join(dir, "set.tsv")})
	if want := "the pictures of 1 record beside it"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestSplitOfASetWithoutSplitsSaysSo(t *testing.T) {
	dir := tree(t, entry{"set.tsv", "a.jpg\t0\tone\na.jpg\t1\ttwo\n"}, entry{"a.jpg", "A"})
	_, err := dataset.Open(context.Background(), dataset.Options{Path: filepath.Join(dir, "set.tsv"), Split: "train"})
	want := `no split "train": the data states no splits (1 picture, 2 captions): `
	if !errors.Is(err, dataset.ErrNoSplits) || !errors.Is(err, loopitr.ErrInvalid) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestPictureInTwoSplitFilesKeepsTheFirst(t *testing.T) {
	dir := tree(t, entry{"c.tsv", "a.jpg\t0\tone\n"}, entry{"a.jpg", "A"},
		entry{"split.test.txt", "a.jpg\n"}, entry{"split.train.txt", "a.jpg\n"})
	s := openWith(t, dataset.Options{Path: filepath.Join(dir, "c.tsv")})
	sameRecords(t, s, record("a.jpg", "test", "one"))
	sameSkips(t, s, map[dataset.Reason]int{dataset.SeveralSplits: 1})
}

// A space before ".." is trimmed from the name, and must not hide it.
func TestNameThatLeadsOutBehindASpaceIsRefused(t *testing.T) {
	dir := tree(t, entry{"set/s.tsv", "image\tcaption\na.jpg\tay\n ..\\secret.jpg\tx\n../secret.jpg \tx\n\u00a0../secret.jpg\tx\n"},
		entry{"secret.jpg", "S"}, entry{"set/a.jpg", "A"})
	s := openWith(t, dataset.Options{Path: filepath.Join(dir, "set", "s.tsv")})
	sameRecords(t, s, record("a.jpg", "", "ay"))
	sameSkips(t, s, map[dataset.Reason]int{dataset.UnsafeName: 3})
}

func TestOversizedRowBehindAnOpenQuoteIsCounted(t *testing.T) {
	rows := "image,caption\na.jpg,\"never closed\na.jpg," + strings.Repeat("x", 400) + "\na.jpg,one\n../b.jpg,leads out\n"
	dir := tree(t, entry{"set.csv", rows}, entry{"a.jpg", "A"})
	s := openWith(t, dataset.Options{Path: filepath.Join(dir, "set.csv"), Limits: dataset.Limits{RowBytes: 300}})
	sameRecords(t, s, record("a.jpg", "", "one"))
	var lines []string
	for _, skip := range s.Skipped.Details {
		lines = append(lines, fmt.Sprint(strings.TrimPrefix(skip.Where, filepath.Join(dir, "set.csv")), " ", skip.Reason))
	}
	if diff := cmp.Diff([]string{":2 bad row", ":3 oversized", ":5 unsafe name"}, lines); diff != "" {
		t.Errorf("skipped (-want +got):\n%s", diff)
	}
}

func TestQuotesInsideUnquotedFieldsAreText(t *testing.T) {
	rows := "image_name| comment_number| comment\na.jpg| 0| a \"b\" c\na.jpg| 1| a 6\" pipe\na.jpg| 2| \"b\" first\na.jpg| 3|\"quoted | \"\"\"\n"
	dir := tree(t, entry{"results.csv", rows}, entry{"a.jpg", "A"})
	s := openWith(t, dataset.Options{Path: filepath.Join(dir, "results.csv"), Strict: true})
	sameRecords(t, s, record("a.jpg", "", `a "b" c`, `a 6" pipe`, `"b" first`, `quoted | "`))
}

// One pattern may stand for tables of several folders, each with its pictures.
func TestEachTableOfAPatternLooksForPicturesBesideItself(t *testing.T) {
	dir := tree(t,
		entry{"a/s.tsv", "one.jpg\t0\tone\nsame.jpg\t0\tof a\n"}, entry{"a/one.jpg", "1"}, entry{"a/same.jpg", "A"},
		entry{"b/s.tsv", "two.jpg\t0\ttwo\nsame.jpg\t0\tof b\n"}, entry{"b/images/two.jpg", "2"}, entry{"b/same.jpg", "B"})
	s := openWith(t, dataset.Options{Path: filepath.Join(dir, "{a,b}", "s.tsv")})
	sameRecords(t, s, record("one.jpg", "", "one"), record("same.jpg", "", "of a"), record("two.jpg", "", "two"))
	samePictures(t, s, "1", "A", "2")
	sameSkips(t, s, map[dataset.Reason]int{dataset.DuplicateID: 1})

	s = openWith(t, dataset.Options{Path: filepath.Join(dir, "{a,b}", "s.tsv"), Images: filepath.Join(dir, "a")})
	sameRecords(t, s, record("one.jpg", "", "one"), record("same.jpg", "", "of a", "of b"))
	samePictures(t, s, "1", "A")
	sameSkips(t, s, map[dataset.Reason]int{dataset.MissingFile: 1})
}
