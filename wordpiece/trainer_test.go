package wordpiece_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/wordpiece"
)

func trainConfig(size int) wordpiece.TrainConfig {
	c := wordpiece.DefaultTrainConfig(wordpiece.Plain())
	c.Size = size
	return c
}

func tokens(v *wordpiece.Vocabulary) []string {
	var all []string
	for id := range v.Size() {
		all = append(all, v.Token(int32(id)))
	}
	return all
}

func TestTrainByHand(t *testing.T) {
	// Pairs at first: a+b 3, b+c 2, b+d 1. After ab: ab+c 2, ab+d 1.
	v, err := wordpiece.Train(slices.Values([]string{"abc ABC, abd", "e"}), trainConfig(100))
	if err != nil {
		t.Fatal(err)
	}
	want := append(strings.Fields(specials),
		",", "a", "##a", "b", "##b", "c", "##c", "d", "##d", "e", // the comma and e stand alone only
		"ab", "abc", // abd is below the minimum frequency
	)
	if diff := cmp.Diff(want, tokens(v)); diff != "" {
		t.Error(diff)
	}
}

func TestTrainDropsTheRarestCharactersFirst(t *testing.T) {
	// a stands 8 times, 猫 5, b 3, c and d once. Letters take two forms, 猫 one.
	// The pairs a+a and a+b stand 3 times each: the one with the lower ids wins.
	texts := []string{"aaab aaab aab cd 猫 猫 猫 猫 猫"}
	for _, c := range []struct {
		name           string
		size, alphabet int
		want           []string
	}{
		{"beyond the alphabet, with their words", 100, 2, []string{"a", "##a", "猫"}},
		{"beyond the size", 10, 100, []string{"a", "##a", "b", "##b", "猫"}},
		{"one token is left for merging", 11, 100, []string{"a", "##a", "b", "##b", "猫", "aa"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := trainConfig(c.size)
			config.Alphabet = c.alphabet
			v, err := wordpiece.Train(slices.Values(texts), config)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, tokens(v)[5:]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTrainRefuses(t *testing.T) {
	for _, c := range []struct {
		want   string
		texts  []string
		change func(*wordpiece.TrainConfig)
	}{
		{"no words", nil, func(*wordpiece.TrainConfig) {}},
		{"no words", []string{"", " \t", "\xff", strings.Repeat("\u200b", 9)}, func(*wordpiece.TrainConfig) {}},
		{"size 5", []string{"a"}, func(c *wordpiece.TrainConfig) { c.Size = 5 }},
		{"size 2000000", []string{"a"}, func(c *wordpiece.TrainConfig) { c.Size = 2000000 }},
		{"minimum frequency 0", []string{"a"}, func(c *wordpiece.TrainConfig) { c.MinFrequency = 0 }},
		{"alphabet of 0", []string{"a"}, func(c *wordpiece.TrainConfig) { c.Alphabet = 0 }},
		{"max_tokens 0", []string{"a"}, func(c *wordpiece.TrainConfig) { c.Rules.MaxTokens = 0 }},
	} {
		config := trainConfig(100)
		c.change(&config)
		if _, err := wordpiece.Train(slices.Values(c.texts), config); !errors.Is(err, loopitr.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}

// checkTrained fails unless v has the size and can spell and give back every
// word of the texts.
func checkTrained(t interface{ Fatalf(string, ...any) }, v *wordpiece.Vocabulary, c wordpiece.TrainConfig, texts []string) {
	rules := c.Rules
	rules.MaxTokens = wordpiece.MaxTokensLimit
	tokenizer, err := wordpiece.New(v, rules)
	if err != nil {
		t.Fatalf("%v", err)
	}
	if v.Size() > c.Size {
		t.Fatalf("%d tokens, more than %d", v.Size(), c.Size)
	}
	for _, text := range texts {
		words := rules.Normalizer.Normalize(rules.Clean(text))
		known := !strings.ContainsFunc(strings.ReplaceAll(words, " ", ""), func(r rune) bool {
			_, found := v.ID(string(r))
			return !found
		})
		ids := tokenizer.Encode(text)
		if !known {
			continue
		}
		if slices.Contains(ids, v.Specials().Unknown) {
			t.Fatalf("%q of known characters is %v", text, ids)
		}
		if got := tokenizer.Decode(ids); got != words {
			t.Fatalf("%q comes back as %q", words, got)
		}
	}
}

func TestTrainSpellsItsCaptions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(captions(), 1, 12).Draw(t, "captions")
		c := trainConfig(rapid.IntRange(6, 120).Draw(t, "size"))
		c.MinFrequency = rapid.IntRange(1, 3).Draw(t, "minFrequency")
		c.Alphabet = rapid.IntRange(1, 60).Draw(t, "alphabet")
		if rapid.Bool().Draw(t, "uncased") {
			c.Rules.Normalizer = wordpiece.Uncased()
		}
		v, err := wordpiece.Train(slices.Values(texts), c)
		if err != nil {
			if !strings.Contains(err.Error(), "no words") {
				t.Fatalf("%v", err)
			}
			return
		}
		checkTrained(t, v, c, texts)
	})
}

func TestTrainDependsOnTheWordsAlone(t *testing.T) {
	texts := zipf(2000, 500)
	first, err := wordpiece.Train(slices.Values(texts), trainConfig(400))
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 5 {
		random.Shuffle(len(texts), func(i, j int) { texts[i], texts[j] = texts[j], texts[i] })
		again, err := wordpiece.Train(slices.Values(texts), trainConfig(400))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tokens(first), tokens(again)); diff != "" {
			t.Fatal(diff)
		}
	}
}

// zipf makes captions of ten words out of a lexicon whose n-th word is n times
// rarer than its first.
func zipf(captions, lexicon int) []string {
	random := rand.New(rand.NewPCG(3, 4))
	words := make([]string, lexicon)
	for i := range words {
		for range 2 + random.IntN(8) {
			words[i] += string("etaoinshrdlucmfwypvbgkjqxz"[min(random.IntN(26), random.IntN(26))])
		}
	}
	rank := rand.NewZipf(random, 1.1, 2, uint64(lexicon-1))
	texts := make([]string, captions)
	for i := range texts {
		var caption []string
		for range 10 {
			caption = append(caption, words[rank.Uint64()])
		}
		texts[i] = strings.Join(caption, " ")
	}
	return texts
}

func FuzzTrain(f *testing.F) {
	f.Add("a dog\nA DOG runs\n中国 猫\nहिन्दी", uint16(60), byte(1), byte(40))
	f.Add("", uint16(6), byte(2), byte(1))
	f.Add("aaaa aaa aa a abab ##a [MASK]\n\xff\x00", uint16(300), byte(1), byte(200))
	f.Fuzz(func(t *testing.T, text string, size uint16, minFrequency, alphabet byte) {
		c := trainConfig(int(size))
		c.MinFrequency, c.Alphabet = int(minFrequency), int(alphabet)
		if len(text) > 4096 {
			text = text[:4096]
		}
		texts := strings.Split(text, "\n")
		v, err := wordpiece.Train(slices.Values(texts), c)
		if err != nil {
			if !errors.Is(err, loopitr.ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		checkTrained(t, v, c, texts)
	})
}

func BenchmarkTrain(b *testing.B) {
	run := func(name string, texts []string) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := wordpiece.Train(slices.Values(texts), trainConfig(8192)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*len(texts))/b.Elapsed().Seconds(), "captions/s")
		})
	}
	run(fmt.Sprintf("zipf=%d", 100_000), zipf(100_000, 40_000))
	if table, err := os.ReadFile(filepath.Join("..", "..", "shared", "data", "flickr8k", "captions.en.tsv")); err == nil {
		var texts []string
		for line := range strings.Lines(string(table)) {
			texts = append(texts, line[strings.LastIndexByte(line, '\t')+1:])
		}
		run(fmt.Sprintf("flickr8k=%d", len(texts)), texts)
	}
}

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
