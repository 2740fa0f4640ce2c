package dataset_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loopitr/loopitr/dataset"
)

// shared returns a folder of measuring data outside the repository, or skips.
func shared(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join("..", "..", "shared", "data", name)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("%s is not beside the repository", name)
	}
	return dir
}

func TestFlickr8kHasItsOfficialSplits(t *testing.T) {
	dir := shared(t, "flickr8k")
	for split, want := range map[string]dataset.Count{
		"":      {Pictures: 8091, Captions: 40455},
		"train": {Pictures: 6000, Captions: 30000},
		"dev":   {Pictures: 1000, Captions: 5000},
		"test":  {Pictures: 1000, Captions: 5000},
	} {
		s := openWith(t, dataset.Options{
			Path:   filepath.Join(dir, "captions.en.tsv"),
			Images: filepath.Join(dir, "images-128.zip"),
			Tokens: filepath.Join(dir, "mobilenetv2-7x7.safetensors"),
			Split:  split, Strict: true,
		})
		if got := dataset.CountOf(s.Records); got != want {
			t.Errorf("split %q: got %+v, want %+v", split, got, want)
		}
		count, width := s.TokenShape()
		if diff := cmp.Diff([2]int{49, 192}, [2]int{count, width}); diff != "" {
			t.Errorf("token shape (-want +got):\n%s", diff)
		}
		tokens := make([]float32, count*width)
		for _, i := range []int{0, len(s.Records) - 1} {
			if picture, err := s.Picture(i); err != nil || string(picture[:2]) != "\xff\xd8" {
				t.Errorf("picture %d: %v, %d bytes", i, err, len(picture))
			}
			if err := s.Tokens(i, tokens); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestCOCOSampleOpensWithItsPictures(t *testing.T) {
	dir := shared(t, "coco")
	s := openWith(t, dataset.Options{Path: filepath.Join(dir, "captions.tsv"), Strict: true})
	if got, want := dataset.CountOf(s.Records), (dataset.Count{Pictures: 82, Captions: 410}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got, want := s.Records[0].Captions[1], "Patio furniture is set up near the water."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for i := range s.Records {
		if _, err := s.Picture(i); err != nil {
			t.Error(err)
		}
	}
}
