package train_test

import (
	"testing"

	"github.com/loopitr/loopitr/dataset"
	"github.com/loopitr/loopitr/train"
	"github.com/loopitr/loopitr/wordpiece"
)

// vocabularyOf learns the words of a set as a run would.
func vocabularyOf(t *testing.T, set *dataset.Set, c train.Config) *wordpiece.Vocabulary {
	t.Helper()
	config := wordpiece.DefaultTrainConfig(c.Captions)
	config.Size = c.Vocabulary
	vocabulary, err := wordpiece.Train(func(yield func(string) bool) {
		for _, r := range set.Records {
			for _, caption := range r.Captions {
				if !yield(caption) {
					return
				}
			}
		}
	}, config)
	if err != nil {
		t.Fatal(err)
	}
	return vocabulary
}
