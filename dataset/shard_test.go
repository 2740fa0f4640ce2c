package dataset_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/dataset"
)

func shards(t testing.TB) string {
	return tree(t,
		entry{"train-00.tar", tarOf(t,
			entry{"noto/apple.png", "N1"}, entry{"noto/apple.txt", "red apple\nfruit\n"},
			entry{"noto/pear.v2.png", "not taken: the extension is v2.png"},
			entry{"noto/dog.json", `{"captions": ["dog", "animal"], "split": "dev"}`}, entry{"noto/dog.WebP", "N2"})},
		entry{"train-01.tar", tarOf(t,
			entry{"x/k.jpg", "N3"}, entry{"x/k.json", `{"caption": "unused", "image": "named.jpg", "width": 3}`}, entry{"x/k.txt", "kay"})},
		entry{"captions.de.tsv", "key\tcaption\nnoto/apple\troter Apfel\nnoto/apple\tObst\napple\tnot taken: the whole key has rows\nk\tKa\n"},
		entry{"captions.it.tsv", "key\tcaption\nnoto/apple\tmela\nnoto/dog\n\nx/k\tkappa\nnoto/dog\tcane\n"},
		entry{"captions.fr.tsv", "clef\tlégende\n"})
}

func TestShardsReadSamples(t *testing.T) {
	dir := shards(t)
	want := []dataset.Record{
		record("noto/apple", "train", "red apple", "fruit"), record("noto/dog", "val", "dog", "animal"), record("named.jpg", "train", "kay"),
	}
	for _, path := range []string{filepath.Join(dir, "train-{00..01}.tar"), filepath.Join(dir, "train-{00,01}.tar"), filepath.Join(dir, "*.tar"), dir} {
		s := openWith(t, dataset.Options{Path: path, Strict: true})
		sameRecords(t, s, want...)
		samePictures(t, s, "N1", "N2", "N3")
	}
}

func TestShardCaptionsInAnotherLanguage(t *testing.T) {
	dir := shards(t)
	s := openWith(t, dataset.Options{Path: dir, Language: "de"})
	sameRecords(t, s, record("noto/apple", "train", "roter Apfel", "Obst"), record("named.jpg", "train", "Ka"))
	sameSkips(t, s, map[dataset.Reason]int{dataset.NoCaption: 1})
	s = openWith(t, dataset.Options{Path: dir, Language: "it"})
	sameRecords(t, s, record("noto/apple", "train", "mela"), record("noto/dog", "val", "cane"), record("named.jpg", "train", "kappa"))
	sameSkips(t, s, map[dataset.Reason]int{dataset.BadRow: 1})
	sameRecords(t, openWith(t, dataset.Options{Path: dir, Language: "en", Split: "dev"}), record("noto/dog", "val", "dog", "animal"))

	_, err := dataset.Open(context.Background(), dataset.Options{Path: dir, Language: "xx"})
	if !errors.Is(err, loopitr.ErrNotFound) || !strings.Contains(err.Error(), "there are en, de, fr, it") {
		t.Errorf("unknown language: got %v", err)
	}
	if _, err := dataset.Open(context.Background(), dataset.Options{Path: dir, Language: "fr"}); !errors.Is(err, loopitr.ErrInvalid) {
		t.Errorf("wrong header: got %v, want ErrInvalid", err)
	}
	text := tree(t, entry{"a.tsv", "a.jpg\t0\tx\n"}, entry{"a.jpg", "A"})
	if _, err := dataset.Open(context.Background(), dataset.Options{Path: filepath.Join(text, "a.tsv"), Language: "de"}); !errors.Is(err, loopitr.ErrInvalid) {
		t.Errorf("language of a table: got %v, want ErrInvalid", err)
	}
}

// Many pictures may share a key's captions, so one key may not bring any number.
func TestTranslationsOfOneKeyAreBounded(t *testing.T) {
	file := "key\tcaption\n" + strings.Repeat("apple\tApfel\n", 1500) + "pear\tBirne\n"
	captions, skips, err := dataset.ReadTranslations([]byte(file), dataset.Limits{})
	if err != nil || len(captions["apple"]) != 1000 || len(captions["pear"]) != 1 || skips.Counts[dataset.OversizedInput] != 500 {
		t.Errorf("%d and %d captions, skipped %v, %v, want 1000 and 1 with 500 skipped", len(captions["apple"]), len(captions["pear"]), skips, err)
	}
}

func TestShardSkipsWhatIsNoSample(t *testing.T) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range []tar.Header{
		{Name: "dir.jpg/", Typeflag: tar.TypeDir},
		{Name: "link.jpg", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"},
		{Name: "pipe.png", Typeflag: tar.TypeFifo},
		{Name: "../out.jpg", Typeflag: tar.TypeReg},
		{Name: "empty.jpg", Typeflag: tar.TypeReg},
	} {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	rest := tarOf(t,
		entry{"a.jpg", "A"}, entry{"a.txt", "ay"}, entry{"a.png", "second picture"},
		entry{"words.txt", "without a picture"}, entry{"mute.jpg", "without words"},
		entry{"bad.json", "{"}, entry{"bad.jpg", "B"}, entry{"huge.txt", strings.Repeat("x", 300)}, entry{"huge.jpg", "H"},
		entry{"fat.jpg", strings.Repeat("x", 300)}, entry{"fat.txt", "its words"})
	dir := tree(t, entry{"s.tar", b.String() + rest})
	s := openWith(t, dataset.Options{Path: filepath.Join(dir, "s.tar"), Limits: dataset.Limits{PictureBytes: 200, RowBytes: 200}})
	sameRecords(t, s, record("a", "", "ay"))
	samePictures(t, s, "A")
	sameSkips(t, s, map[dataset.Reason]int{
		dataset.NotAFile: 2, dataset.UnsafeName: 1, dataset.Unreadable: 1, dataset.DuplicateID: 1, dataset.MissingFile: 1,
		dataset.NoCaption: 1, dataset.BadRow: 1, dataset.OversizedInput: 2,
	})
}

func TestSameKeyInTwoShardsIsADuplicate(t *testing.T) {
	one := tarOf(t, entry{"a.jpg", "A"}, entry{"a.txt", "x"})
	dir := tree(t, entry{"0.tar", one}, entry{"1.tar", one})
	s := openWith(t, dataset.Options{Path: filepath.Join(dir, "{0..2}.tar")})
	sameRecords(t, s, record("a", "", "x"))
	sameSkips(t, s, map[dataset.Reason]int{dataset.DuplicateID: 1, dataset.MissingFile: 1})
}

func TestTruncatedShardKeepsWhatIsWhole(t *testing.T) {
	whole := tarOf(t, entry{"a.jpg", "A"}, entry{"a.txt", "x"}, entry{"b.txt", "y"}, entry{"b.jpg", strings.Repeat("B", 5000)})
	dir := tree(t, entry{"s.tar", whole[:len(whole)-4000]}, entry{"none.tar", "no tar at all"}, entry{"lie.tar", hugeMember(t)})
	s := openWith(t, dataset.Options{Path: filepath.Join(dir, "s.tar")})
	sameRecords(t, s, record("a", "", "x"))
	sameSkips(t, s, map[dataset.Reason]int{dataset.Truncated: 1, dataset.MissingFile: 1})
	for _, name := range []string{"none.tar", "lie.tar"} {
		if _, err := dataset.Open(context.Background(), dataset.Options{Path: filepath.Join(dir, name)}); err == nil {
			t.Errorf("%s was opened", name)
		}
	}
}

// hugeMember is a shard whose only member says it has a terabyte.
func hugeMember(t *testing.T) string {
	var b bytes.Buffer
	if err := tar.NewWriter(&b).WriteHeader(&tar.Header{Name: "a.jpg", Typeflag: tar.TypeReg, Size: 1 << 40, Format: tar.FormatGNU}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestShardThatChangesIsCorrupt(t *testing.T) {
	dir := tree(t, entry{"s.tar", tarOf(t, entry{"a.jpg", "A"}, entry{"a.txt", "x"})})
	s := openWith(t, dataset.Options{Path: filepath.Join(dir, "s.tar")})
	if err := os.Truncate(filepath.Join(dir, "s.tar"), 512); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Picture(0); !errors.Is(err, loopitr.ErrCorrupt) {
		t.Errorf("got %v, want ErrCorrupt", err)
	}
}

func TestPatternsAreBounded(t *testing.T) {
	for _, pattern := range []string{"{0..9999999}.tar", "{a..b}.tar", "{3..1}.tar", strings.Repeat("{0..9}", 9)} {
		if _, err := dataset.Open(context.Background(), dataset.Options{Path: pattern}); !errors.Is(err, loopitr.ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", pattern, err)
		}
	}
}

func TestZipHoldsThePictures(t *testing.T) {
	dir := tree(t,
		entry{"set.tsv", "image\tcaption\na.jpg\tay\nsub/b.jpg\tbee\n/export/share/c.jpg\tsea\nsub\\b.jpg\tslashes\nbig.jpg\tbig\ntwice.jpg\tx\ngone.jpg\tx\nfolder.jpg\tx\n"},
		entry{"p.zip", zipOf(t, entry{"Pictures/a.jpg", "A"}, entry{"sub/b.jpg", "B"}, entry{"c.jpg", "C"}, entry{"big.jpg", strings.Repeat("\x00", 1<<20)},
			entry{"x/twice.jpg", "1"}, entry{"y/twice.jpg", "2"}, entry{"folder.jpg/", ""}, entry{"../evil.jpg", "E"})},
		entry{"broken.zip", "PK\x03\x04 but no directory"})
	o := dataset.Options{Path: filepath.Join(dir, "set.tsv"), Images: filepath.Join(dir, "p.zip"), Limits: dataset.Limits{PictureBytes: 1 << 19}}
	s := openWith(t, o)
	sameRecords(t, s, record("a.jpg", "", "ay"), record("sub/b.jpg", "", "bee"), record("export/share/c.jpg", "", "sea"), record(`sub\b.jpg`, "", "slashes"))
	samePictures(t, s, "A", "B", "C", "B")
	sameSkips(t, s, map[dataset.Reason]int{dataset.OversizedInput: 1, dataset.MissingFile: 2, dataset.NotAFile: 1})

	o.Images = filepath.Join(dir, "broken.zip")
	if _, err := dataset.Open(context.Background(), o); !errors.Is(err, loopitr.ErrCorrupt) {
		t.Errorf("broken zip: got %v, want ErrCorrupt", err)
	}
	o.Images = filepath.Join(dir, "nowhere.zip")
	if _, err := dataset.Open(context.Background(), o); !errors.Is(err, loopitr.ErrNotFound) {
		t.Errorf("no zip: got %v, want ErrNotFound", err)
	}
	if _, err := dataset.Open(context.Background(), dataset.Options{Path: filepath.Join(dir, "p.zip")}); !errors.Is(err, loopitr.ErrInvalid) {
		t.Errorf("zip as data: got %v, want ErrInvalid", err)
	}
}

// A zip entry whose directory says 10 bytes and whose stream inflates to more.
func TestZipBombIsCutAtTheLimit(t *testing.T) {
	bomb := []byte(zipOf(t, entry{"a.jpg", strings.Repeat("\x00", 8<<20)}))
	at := bytes.LastIndex(bomb, []byte("PK\x01\x02"))
	copy(bomb[at+24:], []byte{10, 0, 0, 0})
	dir := tree(t, entry{"set.tsv", "a.jpg\t0\tx\n"}, entry{"p.zip", string(bomb)})
	s := openWith(t, dataset.Options{Path: filepath.Join(dir, "set.tsv"), Images: filepath.Join(dir, "p.zip"), Limits: dataset.Limits{PictureBytes: 1 << 20}})
	if picture, err := s.Picture(0); err == nil {
		t.Errorf("%d bytes came out", len(picture))
	}
}

func TestPicturesAreReadConcurrently(t *testing.T) {
	var members, zipped []entry
	var rows strings.Builder
	for _, name := range strings.Split("abcdefghij", "") {
		members = append(members, entry{name + ".jpg", strings.Repeat(name, 1000)}, entry{name + ".txt", name})
		zipped = append(zipped, entry{name + ".jpg", strings.Repeat(name, 1000)})
		rows.WriteString(name + ".jpg\t0\t" + name + "\n")
	}
	dir := tree(t, entry{"s.tar", tarOf(t, members...)}, entry{"p.zip", zipOf(t, zipped...)}, entry{"s.tsv", rows.String()})
	for _, o := range []dataset.Options{
		{Path: filepath.Join(dir, "s.tar")},
		{Path: filepath.Join(dir, "s.tsv"), Images: filepath.Join(dir, "p.zip")},
	} {
		s := openWith(t, o)
		var group sync.WaitGroup
		for worker := range 4 {
			group.Go(func() {
				for i := range s.Records {
					i = (i + worker) % len(s.Records)
					want := strings.Repeat(s.Records[i].Captions[0], 1000)
					if picture, err := s.Picture(i); err != nil || string(picture) != want {
						t.Errorf("picture %d: %v", i, err)
					}
				}
			})
		}
		group.Wait()
	}
}

func TestDamagedZipIsCorrupt(t *testing.T) {
	whole := zipOf(t, entry{"a.jpg", "A"}, entry{"b.jpg", "B"})
	end, last := strings.LastIndex(whole, "PK\x05\x06"), strings.LastIndex(whole, "PK\x01\x02")
	changed := func(at int, to byte) string { return whole[:at] + string([]byte{to}) + whole[at+1:] }
	for name, content := range map[string]string{
		"cut": whole[:end+10], "an entry too many": changed(end+10, 3), "name beyond the directory": changed(last+28, 200), "empty": "",
	} {
		dir := tree(t, entry{"s.tsv", "a.jpg\t0\tx\n"}, entry{"p.zip", content})
		_, err := dataset.Open(context.Background(), dataset.Options{Path: filepath.Join(dir, "s.tsv"), Images: filepath.Join(dir, "p.zip")})
		if !errors.Is(err, loopitr.ErrCorrupt) || !strings.Contains(err.Error(), "p.zip") {
			t.Errorf("%s: got %v, want ErrCorrupt of p.zip", name, err)
		}
	}
}

func TestSecondCaptionsOfASampleAreCounted(t *testing.T) {
	dir := tree(t, entry{"s.tar", tarOf(t, entry{"a.jpg", "A"}, entry{"a.txt", "one"}, entry{"a.TXT", "two"})})
	s := openWith(t, dataset.Options{Path: filepath.Join(dir, "s.tar")})
	sameRecords(t, s, record("a", "", "one"))
	sameSkips(t, s, map[dataset.Reason]int{dataset.DuplicateID: 1})
}
