package train

import (
	"math"
	"math/rand/v2"
	"strings"
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

func TestWordsAreLeftOutInOrder(t *testing.T) {
	vocabulary, err := wordpiece.NewVocabulary([]string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "c", "d", "e", "f"})
	if err != nil {
		t.Fatal(err)
	}
	tokenizer, err := wordpiece.New(vocabulary, wordpiece.Rules{MaxTokens: 16})
	if err != nil {
		t.Fatal(err)
	}
	special := vocabulary.Specials()
	b := &batcher{tokenizer: tokenizer, words: Words{Drop: 0.25}}
	captions := []string{"", "a", "a b", "a b c d e f"}
	kept := make([]int, len(captions))
	const steps = 10_000
	for step := range int64(steps) {
		out := batch{step: step, pairs: len(captions)}
		b.tokenize(&out, captions)
		for i, caption := range captions {
			row, mask := out.ids[i*out.tokens:(i+1)*out.tokens], out.mask[i*out.tokens:(i+1)*out.tokens]
			words := out.words(i)
			kept[i] += words
			want := min(1, len(caption))
			if words < want || row[0] != int64(special.Class) || row[1+words] != int64(special.Separator) {
				t.Fatalf("step %d: %q became %v", step, caption, row)
			}
			for at, id := range row {
				inside := at < words+2
				if (mask[at] == 1) != inside || !inside && id != int64(special.Pad) || at > 1 && at <= words && id <= row[at-1] {
					t.Fatalf("step %d: %q became %v, mask %v", step, caption, row, mask)
				}
			}
		}
	}
	// One word, drawn evenly, stays; each other one with a chance of 3 in 4.
	for i, want := range []float64{0, 1, 1.75, 4.75} {
		if got := float64(kept[i]) / steps; math.Abs(got-want) > 0.05 { // deviation of the last 0.010
			t.Errorf("%q keeps %.2f words, want %v", captions[i], got, want)
		}
	}
}

// BERT's shares (Devlin 2019): of the words that are hidden 80 % become [MASK], 10 %
// any of the tokens, each as likely, and 10 % stay.
func TestMaskHidesByTheSharesOfBERT(t *testing.T) {
	const words, steps = 60, 1500
	tokens := strings.Fields("[PAD] [UNK] [CLS] [SEP] [MASK] a b c d e f g h i j k l m n o")
	vocabulary, err := wordpiece.NewVocabulary(tokens)
	if err != nil {
		t.Fatal(err)
	}
	tokenizer, err := wordpiece.New(vocabulary, wordpiece.Rules{MaxTokens: words + 2})
	if err != nil {
		t.Fatal(err)
	}
	b := &batcher{seed: 1, tokenizer: tokenizer, hide: loss.MaskedTokensConfig{Weight: 1, Share: 0.5}}
	counts, hidden := make([]int, len(tokens)), 0
	for step := range steps {
		out := batch{pairs: 1, step: int64(step)}
		b.tokenize(&out, []string{strings.Repeat("a ", words)})
		for i, at := range out.places {
			if out.hidden[i] == 1 {
				counts[out.masked[at]]++
				hidden++
			}
		}
	}
	for id, token := range tokens {
		want := 0.1 / float64(len(tokens))
		switch token {
		case "[MASK]":
			want += 0.8
		case "a":
			want += 0.1
		}
		got, deviation := float64(counts[id])/float64(hidden), math.Sqrt(want*(1-want)/float64(hidden))
		if math.Abs(got-want) > 5*deviation { // of a binomial: one seed in 10^5 fails
			t.Errorf("%s is in place of %.4f of %d hidden words, want %.4f and at most %.4f off", token, got, hidden, want, 5*deviation)
		}
	}
}
