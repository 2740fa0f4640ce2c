package dataset_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/dataset"
)

// The files and what must come out of them are of scripts/golden/dataset_parquet.py.
func TestParquetOfPyarrowIsReadInEveryForm(t *testing.T) {
	files, err := filepath.Glob("testdata/parquet/*.parquet")
	if err != nil || len(files) != 6 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	var want []dataset.Record
	var bytes []string
	for i := range 12 {
		if i == 5 {
			continue
		}
		r := record(fmt.Sprintf("%02d.jpg", i), "train")
		if i > 9 {
			r.Split = "test"
		}
		for c := range i%3 + 1 {
			r.Captions = append(r.Captions, fmt.Sprintf("caption %d of %d", c, i))
		}
		want = append(want, r)
		bytes = append(bytes, strings.Repeat(fmt.Sprintf("picture %d ", i), i+1))
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			s := openWith(t, dataset.Options{Path: file})
			if strings.Contains(file, "gzip_plain") {
				// Without statistics a missing picture shows when it is read.
				if _, err := s.Picture(5); !errors.Is(err, loopitr.ErrNotFound) {
					t.Errorf("row without picture: got %v", err)
				}
				return
			}
			sameRecords(t, s, want...)
			samePictures(t, s, bytes...)
			sameSkips(t, s, map[dataset.Reason]int{dataset.MissingFile: 1})
		})
	}
}

type parquetRow struct {
	Image    []byte `parquet:"image,snappy,dict"`
	Caption0 string `parquet:"caption_0,delta"`
	Caption1 string `parquet:"caption_1,optional,zstd"`
}

type plainRow struct {
	Image   []byte `parquet:"image"`
	Caption string `parquet:"caption"`
}

func parquetOf(t testing.TB, rows any, options ...parquet.WriterOption) string {
	t.Helper()
	var b bytes.Buffer
	var err error
	switch rows := rows.(type) {
	case []parquetRow:
		err = parquet.Write(&b, rows, options...)
	case []plainRow:
		err = parquet.Write(&b, rows, options...)
	case []pathRow:
		err = parquet.Write(&b, rows, options...)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

type pathRow struct {
	Image   string `parquet:"image"`
	Caption string `parquet:"caption"`
}

func TestParquetNumberedCaptionsAndManyPages(t *testing.T) {
	var rows []parquetRow
	for i := range 500 {
		rows = append(rows, parquetRow{[]byte(strings.Repeat("x", i%50) + fmt.Sprint(i)), fmt.Sprint("one ", i), ""})
	}
	rows[7].Caption1 = "second"
	text := parquetOf(t, rows, parquet.PageBufferSize(700), parquet.MaxRowsPerRowGroup(170), parquet.DataPageVersion(1))
	dir := tree(t, entry{"train-00000-of-00001.parquet", text})
	s := openWith(t, dataset.Options{Path: dir, Strict: true})
	if len(s.Records) != 500 {
		t.Fatalf("%d records, want 500", len(s.Records))
	}
	if got, want := s.Records[7], record("train-00000-of-00001.parquet#7", "train", "one 7", "second"); got.ID != want.ID || got.Split != want.Split || len(got.Captions) != 2 {
		t.Errorf("got %+v, want %+v", got, want)
	}
	var group sync.WaitGroup
	for worker := range 3 {
		group.Go(func() {
			for i := worker; i < 500; i += 3 {
				if got, err := s.Picture(i); err != nil || string(got) != string(rows[i].Image) {
					t.Errorf("picture %d: %q, %v", i, got, err)
				}
			}
		})
	}
	group.Wait()
}

func TestParquetOfNamesFindsFilesBeside(t *testing.T) {
	text := parquetOf(t, []pathRow{{"a.jpg", "one"}, {"a.jpg", "two"}, {"b.jpg", "gone"}})
	s := openWith(t, dataset.Options{Path: filepath.Join(tree(t, entry{"x.parquet", text}, entry{"a.jpg", "A"}), "x.parquet")})
	sameRecords(t, s, record("a.jpg", "", "one", "two"))
	samePictures(t, s, "A")
	sameSkips(t, s, map[dataset.Reason]int{dataset.MissingFile: 1})
}

func TestDamagedParquetIsAnError(t *testing.T) {
	whole, err := os.ReadFile("testdata/parquet/snappy.parquet")
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole)
	for i := 4; i < 600; i++ {
		flipped[i] ^= 0x55
	}
	long := bytes.Clone(whole)
	copy(long[len(long)-8:], "\xff\xff\xff\x7f")
	type other struct{ A, B string }
	var b bytes.Buffer
	if err := parquet.Write(&b, []other{{"x", "y"}}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		content []byte
		want    error
	}{
		"cut":             {whole[:len(whole)/2], loopitr.ErrCorrupt},
		"only the magic":  {[]byte("PAR1"), loopitr.ErrCorrupt},
		"damaged pages":   {flipped, loopitr.ErrCorrupt},
		"footer too long": {long, loopitr.ErrCorrupt},
		"other columns":   {b.Bytes(), loopitr.ErrInvalid},
		"no parquet":      {[]byte("text"), loopitr.ErrCorrupt},
	} {
		path := filepath.Join(tree(t, entry{"x.parquet", string(c.content)}), "x.parquet")
		if _, err := dataset.Open(context.Background(), dataset.Options{Path: path}); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

func TestOversizedParquetPictureIsRefused(t *testing.T) {
	text := parquetOf(t, []parquetRow{{[]byte(strings.Repeat("x", 3000)), "big", ""}, {[]byte("small"), "small", ""}})
	path := filepath.Join(tree(t, entry{"x.parquet", text}), "x.parquet")
	s := openWith(t, dataset.Options{Path: path, Limits: dataset.Limits{PictureBytes: 2000}})
	if _, err := s.Picture(0); !errors.Is(err, loopitr.ErrInvalid) {
		t.Errorf("picture over the limit: got %v, want ErrInvalid", err)
	}
	if got, err := s.Picture(1); err != nil || string(got) != "small" {
		t.Errorf("its neighbour: %q, %v", got, err)
	}
	tight := openWith(t, dataset.Options{Path: path, Limits: dataset.Limits{PictureBytes: 100}})
	if _, err := tight.Picture(1); !errors.Is(err, loopitr.ErrInvalid) {
		t.Errorf("dictionary over the limit: got %v, want ErrInvalid", err)
	}

	text = parquetOf(t, []plainRow{{[]byte(strings.Repeat("x", 3000)), "big"}, {[]byte("small"), "small"}}, parquet.MaxRowsPerRowGroup(1))
	path = filepath.Join(tree(t, entry{"x.parquet", text}), "x.parquet")
	s = openWith(t, dataset.Options{Path: path, Limits: dataset.Limits{PictureBytes: 100}})
	sameRecords(t, s, record("x.parquet#1", "", "small"))
	samePictures(t, s, "small")
	sameSkips(t, s, map[dataset.Reason]int{dataset.OversizedInput: 1})
}

// A footer may state a thousand million row groups in ten bytes.
func TestParquetFooterThatLiesTakesNoMemory(t *testing.T) {
	for name, footer := range map[string]string{
		"list":            "\x29\xfc\x80\x80\x80\x80\x04\x00",
		"list of lists":   "\x29\xf9\x80\x80\x80\x80\x04\x00",
		"map":             "\x2b\x80\x80\x80\x80\x04\x88\x00",
		"text":            "\x28\x80\x80\x80\x80\x04\x00",
		"many structures": "\x29\xfc\x80\x80\x02" + strings.Repeat("\x00", 1<<15) + "\x00",
		"deep":            strings.Repeat("\x1c", 5000),
		"unknown type":    "\x1f\x00",
		"no end":          "\x18\x01",
	} {
		text := "PAR1" + footer + string([]byte{byte(len(footer)), byte(len(footer) >> 8), 0, 0}) + "PAR1"
		path := filepath.Join(tree(t, entry{"x.parquet", text}), "x.parquet")
		if _, err := dataset.Open(context.Background(), dataset.Options{Path: path}); !errors.Is(err, loopitr.ErrCorrupt) {
			t.Errorf("%s: got %v, want ErrCorrupt", name, err)
		}
	}
}

// A dictionary of one caption may stand for it in any number of rows.
func TestParquetThatUnpacksWithoutEndIsRefused(t *testing.T) {
	type sameRow struct {
		Image   string `parquet:"image,dict"`
		Caption string `parquet:"caption,dict,zstd"`
	}
	rows := make([]sameRow, 20_000)
	for i := range rows {
		rows[i] = sameRow{"a.jpg", strings.Repeat("x", 4000)}
	}
	var b bytes.Buffer
	if err := parquet.Write(&b, rows); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(tree(t, entry{"x.parquet", b.String()}, entry{"a.jpg", "A"}), "x.parquet")
	o := dataset.Options{Path: path, Limits: dataset.Limits{RowBytes: 1 << 14}}
	if _, err := dataset.Open(context.Background(), o); !errors.Is(err, loopitr.ErrInvalid) || !strings.Contains(err.Error(), "unpacks") {
		t.Errorf("%d bytes became 80 MB: got %v, want ErrInvalid", b.Len(), err)
	}
	if s := openWith(t, dataset.Options{Path: path}); len(s.Records[0].Captions) != 20_000 {
		t.Errorf("%d captions under the default limits, want 20000", len(s.Records[0].Captions))
	}
}

func TestNamelessRowsOfTwoFilesOfOneNameAreNotOnePicture(t *testing.T) {
	dir := tree(t, entry{"a/x.parquet", parquetOf(t, []plainRow{{[]byte("A"), "ay"}})}, entry{"b/x.parquet", parquetOf(t, []plainRow{{[]byte("B"), "bee"}})})
	s := openWith(t, dataset.Options{Path: filepath.Join(dir, "{a,b}", "x.parquet")})
	sameRecords(t, s, record("x.parquet#0", "", "ay"))
	sameSkips(t, s, map[dataset.Reason]int{dataset.DuplicateID: 1})
}
