package dataset_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/dataset"
)

// outputs are a path for each format that a set is opened from again.
var outputs = map[dataset.Format]string{
	dataset.JSONL: "test.jsonl", dataset.TSV: "test.tsv", dataset.CSV: "test.csv", dataset.Karpathy: "dataset_test.json",
	dataset.Flickr: "captions.txt", dataset.WebDataset: "test",
}

func convert(t testing.TB, s *dataset.Set, config dataset.ConvertConfig) dataset.Skips {
	t.Helper()
	done, err := dataset.Convert(context.Background(), s, config)
	if err != nil {
		t.Fatal(err)
	}
	return done.Skipped
}

func TestConvertIsLossless(t *testing.T) {
	root := t.TempDir()
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		dir := filepath.Join(root, fmt.Sprint(run))
		if err := os.Mkdir(dir, 0o755); err != nil {
			rt.Fatal(err)
		}
		first := drawSet(t, rt, filepath.Join(dir, "first.tar"))
		defer first.Close()
		format := rapid.SampledFrom([]dataset.Format{dataset.JSONL, dataset.TSV, dataset.CSV, dataset.Karpathy, dataset.Flickr, dataset.WebDataset}).Draw(rt, "format")
		path := filepath.Join(dir, "out", outputs[format])
		if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
			rt.Fatal(err)
		}
		done, err := dataset.Convert(context.Background(), first, dataset.ConvertConfig{Format: format, Path: path, Pictures: true, ShardBytes: 4000})
		if format == dataset.Flickr && errors.Is(err, loopitr.ErrInvalid) {
			rt.Skip(err)
		}
		if err != nil {
			rt.Fatal(err)
		}
		if runtime.GOOS == "windows" && done.Skipped.Total() == len(first.Records) {
			rt.Skip("Windows refuses all names")
		}
		second, err := dataset.Open(context.Background(), dataset.Options{Path: path, Strict: true})
		if err != nil {
			rt.Fatal(err)
		}
		defer second.Close()
		sameSets(rt, first, second, done.Skipped)
	})
}

// sameSets wants all of a set in another, but for pictures whose names the system
// refuses; each must have been listed.
func sameSets(rt *rapid.T, first, second *dataset.Set, skipped dataset.Skips) {
	i := 0
	for at, r := range first.Records {
		if there := i < len(second.Records) && second.Records[i].ID == r.ID; !there && runtime.GOOS == "windows" && dataset.WindowsRefuses(r.ID) {
			continue
		} else if !there {
			rt.Fatalf("%q is not there, of %v; skipped: %v", r.ID, second.Records, skipped.Details)
		}
		if diff := cmp.Diff(r, second.Records[i]); diff != "" {
			rt.Fatalf("record %d (-want +got):\n%s", i, diff)
		}
		want, err := first.Picture(at)
		if err != nil {
			rt.Fatal(err)
		}
		if got, err := second.Picture(i); err != nil || string(got) != string(want) {
			rt.Fatalf("picture %d: %q, %v, want %q", i, got, err, want)
		}
		i++
	}
	if i != len(second.Records) || i+skipped.Total() != len(first.Records) {
		rt.Fatalf("%d of %d records, skipped: %v", i, len(first.Records), skipped)
	}
}

func TestWindowsRefusesNames(t *testing.T) {
	for name, want := range map[string]bool{
		"a.jpg": false, "a/b c.jpg": false, " a.jpg": false, "console.jpg": false, "com10.png": false, "COM.png": false, ".jpg": false, "äß/語.png": false,
		"a?.png": true, "a:b.png": true, "a*b": true, `a\b.png`: true, "a|b": true, `"a"`: true, "<a>": true, "a\x01.png": true,
		"a.": true, "a./b.png": true, "a /b.png": true, "con": true, "CON.png": true, "x/nul .tar.png": true, "Lpt¹.png": true, "conin$": true,
	} {
		if got := dataset.WindowsRefuses(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

// Where a disk does not tell case, one of two pictures is left out, not written over.
func TestConvertNeverWritesOneOfItsPicturesOverAnother(t *testing.T) {
	dir := tree(t, entry{"s.tar", tarOf(t, entry{"0.jpg", "A"}, entry{"0.json", `{"image": "a.jpg", "captions": ["one"]}`},
		entry{"1.jpg", "B"}, entry{"1.json", `{"image": "A.jpg", "captions": ["two"]}`})})
	s := openWith(t, dataset.Options{Path: filepath.Join(dir, "s.tar")})
	skips := convert(t, s, dataset.ConvertConfig{Format: dataset.TSV, Path: filepath.Join(dir, "out.tsv"), Pictures: true})
	files, err := os.ReadDir(filepath.Join(dir, "images"))
	if err != nil || len(files)+skips.Counts[dataset.UnsafeName] != 2 {
		t.Errorf("%v, %v, %v", files, skips, err)
	}
	again := openWith(t, dataset.Options{Path: filepath.Join(dir, "out.tsv")})
	samePictures(t, again, []string{"A", "B"}[:len(files)]...)
}

// drawSet writes a shard of any names, captions and splits that JSON can carry.
func drawSet(t *testing.T, rt *rapid.T, path string) *dataset.Set {
	var members []entry
	for i := range rapid.IntRange(1, 6).Draw(rt, "pictures") {
		sidecar, err := json.Marshal(map[string]any{
			"image":    fmt.Sprintf("%d-", i) + rapid.StringN(0, 12, 60).Draw(rt, "name") + rapid.SampledFrom([]string{"", ".jpg", ".PNG", "#3"}).Draw(rt, "extension"),
			"captions": rapid.SliceOfN(rapid.String(), 1, 4).Draw(rt, "captions"),
			"split":    rapid.OneOf(rapid.SampledFrom([]string{"", "train", "dev", "test", "restval"}), rapid.StringN(0, 5, 20)).Draw(rt, "split"),
		})
		if err != nil {
			rt.Fatal(err)
		}
		members = append(members, entry{fmt.Sprintf("%d.png", i), rapid.SampledFrom([]string{"\x89PNG", "II*\x00", "RIFF....WEBPVP8", "GIF8"}).Draw(rt, "magic") + fmt.Sprint(i)},
			entry{fmt.Sprintf("%d.json", i), string(sidecar)})
	}
	if err := os.WriteFile(path, []byte(tarOf(t, members...)), 0o644); err != nil {
		rt.Fatal(err)
	}
	s, err := dataset.Open(context.Background(), dataset.Options{Path: path})
	if err != nil {
		rt.Skip(err)
	}
	return s
}

func TestConvertListsPicturesThatCannotBeRead(t *testing.T) {
	dir := tree(t, entry{"s.tsv", "a.jpg\t0\tone\nb.jpg\t0\tbee\n"}, entry{"a.jpg", "A"}, entry{"b.jpg", "B"})
	s := openWith(t, dataset.Options{Path: filepath.Join(dir, "s.tsv")})
	if err := os.Remove(filepath.Join(dir, "a.jpg")); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "shards")
	var told [][2]int
	skips := convert(t, s, dataset.ConvertConfig{
		Format: dataset.WebDataset, Path: out, Progress: func(done, total int) { told = append(told, [2]int{done, total}) },
	})
	if diff := cmp.Diff([][2]int{{1, 2}, {2, 2}}, told); diff != "" {
		t.Errorf("progress: %s", diff)
	}
	if skips.Counts[dataset.MissingFile] != 1 || skips.Details[0].Where != "a.jpg" {
		t.Errorf("skipped %+v, want a.jpg", skips)
	}
	sameRecords(t, openWith(t, dataset.Options{Path: out}), record("b.jpg", "", "bee"))
}

func TestConvertKeepsPicturesOfLikeNamesApart(t *testing.T) {
	dir := tree(t, entry{"s.tar", tarOf(t,
		entry{"a.png", "\x89PNG one"}, entry{"a.txt", "one"}, entry{"b.jpg", "two"}, entry{"b.json", `{"caption": "two", "image": "a.jpg"}`},
		entry{"c.png", "three"}, entry{"c.json", `{"caption": "three", "image": "a.png"}`}, entry{"d.png", "four"}, entry{"d.txt", "four"})})
	s := openWith(t, dataset.Options{Path: filepath.Join(dir, "s.tar")})
	out := filepath.Join(t.TempDir(), "x.jsonl")
	convert(t, s, dataset.ConvertConfig{Format: dataset.JSONL, Path: out, Pictures: true})
	again := openWith(t, dataset.Options{Path: out, Strict: true})
	sameRecords(t, again, s.Records...)
	samePictures(t, again, "\x89PNG one", "two", "three", "four")
}

func TestConvertRefusesAFolderWhosePicturesHideItsOwn(t *testing.T) {
	dir := tree(t, entry{"s.tar", tarOf(t, entry{"a.png", "A"}, entry{"a.txt", "ay"})}, entry{"same/a.jpg", "A"}, entry{"other/a.jpg", "B"})
	s := openWith(t, dataset.Options{Path: filepath.Join(dir, "s.tar")})
	convert(t, s, dataset.ConvertConfig{Format: dataset.TSV, Path: filepath.Join(dir, "same", "x.tsv"), Pictures: true})
	_, err := dataset.Convert(context.Background(), s, dataset.ConvertConfig{Format: dataset.TSV, Path: filepath.Join(dir, "other", "x.tsv"), Pictures: true})
	if !errors.Is(err, loopitr.ErrInvalid) || !strings.Contains(err.Error(), "a.jpg is there already") {
		t.Errorf("got %v, want ErrInvalid that names a.jpg", err)
	}
}

func TestConvertRefusesWhatCannotBeReadBack(t *testing.T) {
	dir := tree(t, entry{"s.tsv", "image\tcaption\tsplit\na.jpg\tone\tx/y\n"}, entry{"a.jpg", "A"}, entry{"there/old.tar", "x"}, entry{"there/split.x.txt", "x"})
	s := openWith(t, dataset.Options{Path: filepath.Join(dir, "s.tsv")})
	for name, config := range map[string]dataset.ConvertConfig{
		"format":        {Format: "xml", Path: "x"},
		"no path":       {Format: dataset.TSV},
		"shards there":  {Format: dataset.WebDataset, Path: filepath.Join(dir, "there")},
		"splits there":  {Format: dataset.Flickr, Path: filepath.Join(dir, "there", "x.txt")},
		"name of split": {Format: dataset.Flickr, Path: filepath.Join(dir, "x.txt")},
	} {
		if _, err := dataset.Convert(context.Background(), s, config); !errors.Is(err, loopitr.ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := dataset.Convert(ctx, s, dataset.ConvertConfig{Format: dataset.TSV, Path: filepath.Join(dir, "y.tsv")}); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: got %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "y.tsv")); err == nil {
		t.Error("a file was written after the context ended")
	}
}

// Lists of splits of the classic kind would state the splits of what is written.
func TestConvertToFlickrRefusesAFolderWithSplitLists(t *testing.T) {
	dir := tree(t, entry{"s.jsonl", `{"image": "a.jpg", "caption": "x"}` + "\n"}, entry{"a.jpg", "A"}, entry{"Flickr_8k.trainImages.txt", "a.jpg\n"})
	s := openWith(t, dataset.Options{Path: filepath.Join(dir, "s.jsonl")})
	_, err := dataset.Convert(context.Background(), s, dataset.ConvertConfig{Format: dataset.Flickr, Path: filepath.Join(dir, "x.txt")})
	if !errors.Is(err, loopitr.ErrInvalid) {
		t.Errorf("got %v, want ErrInvalid", err)
	}
}

func TestCheckFindsWhatSpoilsASet(t *testing.T) {
	dir := tree(t,
		entry{"s.tsv", strings.Join([]string{"image\tcaption\tsplit", "a.jpg\tone\ttrain", "a.jpg\tOne \ttrain", "b.jpg\tbee\ttrain", "c.jpg\tone\ttest",
			"d.jpg\tdee\ttest", "e.jpg\t\ttest", "e.jpg\tee\ttest", "gone.jpg\tx\ttest"}, "\n")},
		entry{"a.jpg", "same"}, entry{"b.jpg", "same"}, entry{"c.jpg", "same"}, entry{"d.jpg", "broken"}, entry{"e.jpg", "E"})
	s := openWith(t, dataset.Options{Path: filepath.Join(dir, "s.tsv")})
	decode := func(encoded []byte) error {
		if string(encoded) == "broken" {
			return errors.New("no picture")
		}
		return nil
	}
	f, err := dataset.Check(context.Background(), s, dataset.CheckConfig{Decode: decode, Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{
		"pictures": f.Pictures, "captions": f.Captions, "skipped": f.Skipped.Total(), "undecodable": f.Undecodable.Count,
		"repeated": f.RepeatedCaptions.Count, "shared captions": f.SharedCaptions.Count,
		"duplicates": f.DuplicatePictures.Count, "shared pictures": f.SharedPictures.Count,
	}
	want := map[string]int{"pictures": 5, "captions": 6, "skipped": 2, "undecodable": 1, "repeated": 1, "shared captions": 1, "duplicates": 1, "shared pictures": 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s\n%+v", diff, f)
	}
	if want := "c.jpg (test) is a.jpg (train), sha256 "; !strings.HasPrefix(f.SharedPictures.Details[0], want) {
		t.Errorf("got %q, want %q", f.SharedPictures.Details[0], want)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := dataset.Check(ctx, s, dataset.CheckConfig{}); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: got %v", err)
	}
}

func TestStatsCountByHand(t *testing.T) {
	got := dataset.StatsOf([]dataset.Record{
		record("a", "train", "A red apple, red!", "Fruit"), record("b", "train", "été"), record("c", "test", "fruit"),
	}, 2)
	want := dataset.Stats{
		Count:              dataset.Count{Pictures: 3, Captions: 4},
		Splits:             []dataset.SplitCount{{Split: "test", Count: dataset.Count{Pictures: 1, Captions: 1}}, {Split: "train", Count: dataset.Count{Pictures: 2, Captions: 3}}},
		CaptionsPerPicture: []dataset.Bin{{Value: 1, Count: 2}, {Value: 2, Count: 1}},
		WordsPerCaption:    []dataset.Bin{{Value: 1, Count: 3}, {Value: 4, Count: 1}},
		LongestCaption:     17, Texts: 3, Vocabulary: 5,
		Words: []dataset.WordCount{{Word: "fruit", Count: 2}, {Word: "red", Count: 2}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("stats (-want +got):\n%s", diff)
	}
}

func TestSplitDependsOnTheNameAlone(t *testing.T) {
	records := numbered(make([]int, 4000)...)
	f := dataset.Fractions{Train: 0.8, Val: 0.1, Test: 0.1, Seed: 7}
	all, err := dataset.Split(records, f)
	if err != nil {
		t.Fatal(err)
	}
	some, err := dataset.Split(records[1000:1100], f)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(all[1000:1100], some); diff != "" {
		t.Errorf("fewer records changed splits (-all +some):\n%s", diff)
	}
	counts := map[string]int{}
	for _, r := range all {
		counts[r.Split]++
	}
	// Five standard deviations of 4000 draws are 127 and 95.
	if counts["train"] < 3073 || counts["train"] > 3327 || counts["val"] < 305 || counts["val"] > 495 {
		t.Errorf("shares of 4000: %v", counts)
	}
	f.Seed = 8
	if other, _ := dataset.Split(records, f); cmp.Equal(all, other) {
		t.Error("another seed gives the same splits")
	}
	only, err := dataset.Split(records, dataset.Fractions{Train: 1})
	if err != nil || only[3].Split != "train" {
		t.Errorf("all to train: %v, %v", only[3], err)
	}
	for _, bad := range []dataset.Fractions{{}, {Train: 0.5}, {Train: 1.5, Val: -0.5}} {
		if _, err := dataset.Split(records, bad); !errors.Is(err, loopitr.ErrInvalid) {
			t.Errorf("%+v: got %v, want ErrInvalid", bad, err)
		}
	}
}

// What could not be read back is listed, not lost.
func TestConvertListsWhatNoRowHolds(t *testing.T) {
	dir := t.TempDir()
	var rows strings.Builder
	rows.WriteString("image\tcaption\n")
	for i := range 70 {
		fmt.Fprintf(&rows, "many.jpg\t%d %s\n", i, strings.Repeat("é", 8000))
	}
	rows.WriteString("few.jpg\ta dog\n")
	path := filepath.Join(dir, "first.tsv")
	for name, content := range map[string]string{path: rows.String(), filepath.Join(dir, "many.jpg"): "\xff\xd8", filepath.Join(dir, "few.jpg"): "\xff\xd8"} {
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	first, err := dataset.Open(context.Background(), dataset.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if n := len(first.Records); n != 2 {
		t.Fatalf("%d records", n)
	}
	for format, lost := range map[dataset.Format]int{
		dataset.JSONL: 1, dataset.Karpathy: 1, dataset.WebDataset: 1, dataset.TSV: 0, dataset.CSV: 0,
	} {
		out := filepath.Join(t.TempDir(), outputs[format])
		skips := convert(t, first, dataset.ConvertConfig{Format: format, Path: out, Pictures: true})
		if got := skips.Counts[dataset.OversizedInput]; got != lost {
			t.Errorf("%s: %d listed, want %d", format, got, lost)
		}
		second, err := dataset.Open(context.Background(), dataset.Options{Path: out})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(second.Records); n != 2-lost {
			t.Errorf("%s: %d records read back, want %d", format, n, 2-lost)
		}
		second.Close()
	}
}
