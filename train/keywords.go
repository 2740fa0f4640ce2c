package train

import (
	"math/rand/v2"
	"strings"

	"github.com/loopitr/loopitr/dataset"
)

// Keywords varies captions that list keywords, such as "dessert, pudding, sweet":
// in a share of the steps such a caption keeps only some of them, one or more, in any
// order. So single words are learned as well, which is how people search, and no list
// is learned by heart. A cut list keeps enough not to describe another picture of its
// batch, which would be taken for a negative.
type Keywords struct {
	Share     float64 `json:"share"`     // 0 to 1; 0 keeps captions as they are
	Separator string  `json:"separator"` // between keywords; white space beside it does not count
}

// vary cuts lists among captions, those of the pairs of a batch in their order.
// known are the keywords of each pair's picture.
func (k Keywords) vary(draw *rand.Rand, captions []string, known []map[string]bool) {
	for i, caption := range captions {
		words := k.split(caption)
		if len(words) < 2 || draw.Float64() >= k.Share {
			continue
		}
		draw.Shuffle(len(words), func(a, b int) { words[a], words[b] = words[b], words[a] })
		keep := 1 + draw.IntN(len(words))
		for keep < len(words) && describesAnother(words[:keep], i, known) {
			keep++
		}
		captions[i] = strings.Join(words[:keep], k.Separator)
	}
}

// describesAnother tells whether a picture other than i has all of words.
func describesAnother(words []string, i int, known []map[string]bool) bool {
	for j, all := range known {
		if j != i && hasAll(all, words) {
			return true
		}
	}
	return false
}

func hasAll(known map[string]bool, words []string) bool {
	for _, word := range words {
		if !known[word] {
			return false
		}
	}
	return true
}

// known are the keywords of all captions of each pair's picture.
func (k Keywords) known(pairs []dataset.Pair, records []dataset.Record) []map[string]bool {
	all := make([]map[string]bool, len(pairs))
	for i, pair := range pairs {
		all[i] = map[string]bool{}
		for _, caption := range records[pair.Picture].Captions {
			for _, word := range k.split(caption) {
				all[i][word] = true
			}
		}
	}
	return all
}

// split are the keywords of a caption, without white space around them and empty ones.
func (k Keywords) split(caption string) []string {
	var words []string
	for word := range strings.SplitSeq(caption, k.Separator) {
		if word = strings.TrimSpace(word); word != "" {
			words = append(words, word)
		}
	}
	return words
}
