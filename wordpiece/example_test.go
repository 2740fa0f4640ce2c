package wordpiece_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/loopitr/loopitr/wordpiece"
)

// A vocabulary of one's own: learned from the training captions, then used on
// captions that were never seen.
func Example() {
	rules := wordpiece.Plain()
	config := wordpiece.DefaultTrainConfig(rules)
	config.Size = 32
	captions := []string{"a red car", "a red cart", "the car", "a star"}
	vocabulary, err := wordpiece.Train(slices.Values(captions), config)
	if err != nil {
		fmt.Println(err)
		return
	}
	tokenizer, err := wordpiece.New(vocabulary, rules)
	if err != nil {
		fmt.Println(err)
		return
	}
	var pieces []string
	for _, id := range tokenizer.Encode("A Red Cat!") {
		pieces = append(pieces, vocabulary.Token(id))
	}
	fmt.Println(strings.Join(pieces, " "))
	batch := tokenizer.EncodeBatch(captions)
	fmt.Println(batch.Count, "x", batch.Length)
	// Output:
	// [CLS] a red c ##a ##t [UNK] [SEP]
	// 4 x 8
}
