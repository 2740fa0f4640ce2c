package train

import (
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/loopitr/loopitr/loss"
	"github.com/loopitr/loopitr/wordpiece"
)

func TestChooseIsAscendingAndEven(t *testing.T) {
	draw := rand.New(rand.NewPCG(1, 2))
	var seen [5]int
	for range 10_000 {
		chosen := choose(draw, nil, 2, 5)
		if len(chosen) != 2 || chosen[0] >= chosen[1] {
			t.Fatalf("chosen %v", chosen)
		}
		seen[chosen[0]]++
		seen[chosen[1]]++
	}
	for at, count := range seen {
		if count < 3800 || count > 4200 { // 4000 of 10,000, deviation 49
			t.Errorf("%d is chosen %d times of 10,000, want 4000", at, count)
		}
	}
}

func TestMaskHidesAShareOfEachCaption(t *testing.T) {
	vocabulary, err := wordpiece.NewVocabulary([]string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b"})
	if err != nil {
		t.Fatal(err)
	}
	tokenizer, err := wordpiece.New(vocabulary, wordpiece.Rules{MaxTokens: 16})
	if err != nil {
		t.Fatal(err)
	}
	hide := loss.MaskedTokensConfig{Weight: 1, Share: 0.3}
	b := &batcher{tokenizer: tokenizer, hide: hide}
	captions := []string{"", "a", "a b a", "a b a b a b a b a b", "a a a a a a a a a a a a a a a a a a a a"}
	want := []int{0, 1, 1, 3, 4}
	rapid.Check(t, func(t *rapid.T) {
		b.seed = rapid.Uint64().Draw(t, "seed")
		out := batch{pairs: len(captions)}
		b.tokenize(&out, captions)
		k := len(out.places) / out.pairs
		for i, count := range want {
			row, changed := i*out.tokens, map[int]bool{}
			for j := range k {
				at := row + int(out.places[i*k+j])
				if (out.hidden[i*k+j] == 1) != (j < count) {
					t.Fatalf("caption %q hides %v, want %d", captions[i], out.hidden[i*k:(i+1)*k], count)
				}
				if j < count {
					changed[at] = true
				}
			}
			if len(changed) != count {
				t.Errorf("caption %q hides the places %v", captions[i], out.places[i*k:(i+1)*k])
			}
			for at := row; at < row+out.tokens; at++ {
				id := out.ids[at]
				if changed[at] && id < 5 {
					t.Errorf("caption %q hides special token %d", captions[i], id)
				}
				if !changed[at] && out.masked[at] != id {
					t.Errorf("caption %q, place %d: %d became %d unasked", captions[i], at-row, id, out.masked[at])
				}
			}
		}
	})
}
