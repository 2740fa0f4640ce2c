package wordpiece_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loopitr/loopitr/wordpiece"
)

func TestTrainMergesWhatTheReferenceMerges(t *testing.T) {
	var reference struct {
		Counts map[string]int
		Merged []string
	}
	golden(t, "train.json.gz", &reference)
	captions := func(yield func(string) bool) {
		for word, n := range maps.All(reference.Counts) {
			for range n {
				if !yield(word) {
					return
				}
			}
		}
	}
	c := wordpiece.DefaultTrainConfig(wordpiece.Rules{MaxTokens: 64})
	c.Size, c.MinFrequency = 200, 1
	v, err := wordpiece.Train(captions, c)
	if err != nil {
		t.Fatal(err)
	}
	var merged []string
	for id := range v.Size() {
		token := v.Token(int32(id))
		piece := strings.TrimPrefix(token, "##")
		if !strings.HasPrefix(token, "[") && len([]rune(piece)) > 1 {
			merged = append(merged, token)
		}
	}
	n := min(len(merged), len(reference.Merged))
	if n < 100 {
		t.Fatalf("%d merges: too few to compare", n)
	}
	if diff := cmp.Diff(reference.Merged[:n], merged[:n]); diff != "" {
		t.Error(diff)
	}
}
