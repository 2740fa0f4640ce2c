package dataset_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/dataset"
)

var jsonPictures = []entry{{"a.jpg", "A"}, {"b.jpg", "B"}, {"val2014/c.jpg", "C"}}

func jsonFile(t *testing.T, name, text string) string {
	t.Helper()
	return filepath.Join(tree(t, append(jsonPictures, entry{name, text})...), name)
}

func TestJSONFormatsReadTheSame(t *testing.T) {
	for format, f := range map[string]struct{ name, text string }{
		"Karpathy": {"dataset_coco.json", `{"dataset": "coco", "images": [
			{"filename": "a.jpg", "imgid": 0, "split": "train", "sentids": [0, 1], "sentences": [
				{"tokens": ["one"], "raw": "one", "imgid": 0, "sentid": 0}, {"tokens": ["two", "words"], "imgid": 0, "sentid": 1}]},
			{"filename": "c.jpg", "filepath": "val2014", "cocoid": 7, "split": "restval", "sentences": [{"raw": "sea \u00e9"}]}]}`},
		"list": {"flickr.json", `[{"image": "a.jpg", "caption": "one", "image_id": 3, "split": "train"},
			{"image": "a.jpg", "caption": "two words", "image_id": 3, "split": "train"},
			{"image": "val2014/c.jpg", "caption": ["sea é"], "split": "restval"}]`},
		"lines": {"x.jsonl", `{"image": "a.jpg", "captions": ["one", "two words"], "split": "train"}` + "\n\n" +
			`{"file_name": "/export/data/val2014/c.jpg/../../val2014/c.jpg", "text": "refused"}` + "\n" +
			`{"file_name": "val2014/c.jpg", "text": "sea é", "split": "restval"}` + "\r\n"},
		"lines in .json": {"x.json", `{"image": {"path": "a.jpg", "bytes": null}, "caption": ["one", "two words"], "split": "train"}` + "\n" +
			`{"image": "val2014/c.jpg", "caption": "sea é", "split": "restval"}` + "\n"},
	} {
		t.Run(format, func(t *testing.T) {
			s := openWith(t, dataset.Options{Path: jsonFile(t, f.name, f.text)})
			sameRecords(t, s, record("a.jpg", "train", "one", "two words"), record("val2014/c.jpg", "restval", "sea é"))
			samePictures(t, s, "A", "C")
		})
	}
}

func TestCOCOJoinsAnnotationsWithImages(t *testing.T) {
	for order, text := range map[string]string{
		"images first": `{"info": {"year": 2014}, "images": [{"id": 1, "file_name": "b.jpg", "license": 2}, {"id": 2, "file_name": "a.jpg"}, {"id": 1, "file_name": "c.jpg"},
			{"id": 3, "file_name": "val2014/c.jpg"}], "annotations": [{"image_id": 2, "id": 9, "caption": "one"}, {"image_id": 1, "id": 8, "caption": "bee\n"},
			{"image_id": 2, "id": 7, "caption": "two"}, {"image_id": 99, "caption": "nobody's"}, {"image_id": 2, "caption": ""}, {"image_id": 2}, 7]}`,
		"annotations first": `{"annotations": [{"image_id": "2", "caption": "one"}, {"image_id": 1, "caption": "bee"}, {"image_id": 2, "caption": "two"},
			{"image_id": 99, "caption": "x"}, {"caption": "x"}, {"image_id": 1, "caption": " "}, []], "licenses": [[{"]": "}"}]],
			"images": [{"id": 1, "file_name": "b.jpg"}, {"id": "2", "file_name": "a.jpg"}, {"id": 3, "file_name": "val2014/c.jpg"}, {"id": 3, "file_name": "x.jpg"}]}`,
	} {
		t.Run(order, func(t *testing.T) {
			s := openWith(t, dataset.Options{Path: jsonFile(t, "captions_val2014.json", text)})
			sameRecords(t, s, record("b.jpg", "val", "bee"), record("a.jpg", "val", "one", "two"))
			sameSkips(t, s, map[dataset.Reason]int{dataset.DuplicateID: 1, dataset.BadRow: 3, dataset.EmptyCaption: 1, dataset.NoCaption: 1})
		})
	}
}

// Every caption that is dropped counts, in the order of the file.
func TestCOCOCountsEachCaptionOfAnUnknownImage(t *testing.T) {
	text := `{"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [{"image_id": 99, "caption": "one"}, {"image_id": 1, "caption": "ay"},
		{"image_id": 5, "caption": "two"}, {"image_id": 99, "caption": "three"}]}`
	path := jsonFile(t, "captions.json", text)
	s := openWith(t, dataset.Options{Path: path})
	sameRecords(t, s, record("a.jpg", "", "ay"))
	sameSkips(t, s, map[dataset.Reason]int{dataset.BadRow: 3})
	var lines []string
	for _, skip := range s.Skipped.Details {
		lines = append(lines, strings.TrimPrefix(skip.String(), "skipping "+path+" "))
	}
	want := []string{`annotation 1: bad row: image_id "99" is of no image`, `annotation 3: bad row: image_id "5" is of no image`,
		`annotation 4: bad row: image_id "99" is of no image`}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("skipped (-want +got):\n%s", diff)
	}
}

func TestBadElementsAreSkipped(t *testing.T) {
	rows := []string{
		`{"image": "a.jpg", "caption": ["good", "bad ` + "\xff" + `", 7, null, {"raw": "object"}, {"tokens": 3}]}`,
		`{"image": "a.jpg", "caption": ["second list of the same picture"]}`,
		`{"image": "b.jpg"}`, `{"caption": "x"}`, `{"image": "b.jpg", "caption": {"x": 1}}`, `[1]`, `"text"`, `{"image": "b.jpg", "caption": "x",}`,
		`{"image": "../b.jpg", "caption": "x"}`, `{"image": "b` + "\xff" + `.jpg", "caption": "x"}`, `{"image": "b.jpg", "caption": "` + strings.Repeat("x", 300) + `"}`,
		`{"image": "b.jpg", "caption": "ok", "split": 7}`,
	}
	want := map[dataset.Reason]int{
		dataset.InvalidText: 1, dataset.EmptyCaption: 2, dataset.DuplicateID: 1, dataset.BadRow: 6, dataset.UnsafeName: 2, dataset.OversizedInput: 1,
	}
	for name, text := range map[string]string{"x.json": "[" + strings.Join(rows, ",") + "]", "x.jsonl": strings.Join(rows, "\n")} {
		s := openWith(t, dataset.Options{Path: jsonFile(t, name, text), Limits: dataset.Limits{RowBytes: 256}})
		sameRecords(t, s, record("a.jpg", "", "good", "7", "object"), record("b.jpg", "7", "ok"))
		sameSkips(t, s, want)
	}
}

func TestTextThatIsNoJSONIsAnError(t *testing.T) {
	for _, text := range []string{
		`[{"image": "a.jpg", "caption": "x"}`, `[{"image": "a.jpg", "caption": "x}]`, `[1 2]`, `[,]`, `{"images" [`, `{"images": 3}`, `{"images": [}`,
		`{3: 4}`, `{}`, `[]`, `7`, ` `, `{"images": [], "annotations": []}`, strings.Repeat("[", 1<<20),
		`[{"image": "a.jpg", "caption": "x"}] [{"image": "b.jpg", "caption": "lost"}]`,
		`{"images": [{"filename": "a.jpg", "sentences": ["x"]}]}` + "\n" + `{"images": [{"filename": "b.jpg", "sentences": ["lost"]}]}`,
	} {
		_, err := dataset.Open(context.Background(), dataset.Options{Path: jsonFile(t, "x.json", text)})
		if !errors.Is(err, loopitr.ErrInvalid) {
			t.Errorf("%.40s: got %v, want ErrInvalid", text, err)
		}
	}
}
