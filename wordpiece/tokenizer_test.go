package wordpiece_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/loopitr/loopitr/wordpiece"
)

// small is a vocabulary to check by hand; ids count from 0.
func small(t testing.TB) *wordpiece.Vocabulary {
	t.Helper()
	v, err := wordpiece.NewVocabulary([]string{
		"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", // 0 to 4
		"a", "un", "##aff", "##able", "unaff", "##a", "dog", "##s", "[", "sep", "]", "猫", // 5 to 16
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func plain(longest int) wordpiece.Rules {
	r := wordpiece.Plain()
	r.Normalizer, r.MaxTokens = wordpiece.Uncased(), longest
	return r
}

func TestEncode(t *testing.T) {
	for _, c := range []struct {
		name, caption string
		maxTokens     int
		want          []int32
	}{
		{"nothing", "", 8, []int32{2, 3}},
		{"only white space", " \n\t ", 8, []int32{2, 3}},
		{"whole words", "A dog", 8, []int32{2, 5, 11, 3}},
		{"the longest piece wins", "unaffable", 8, []int32{2, 9, 8, 3}},
		{"pieces inside a word", "dogs unaffa", 8, []int32{2, 11, 12, 9, 10, 3}},
		{"a word that cannot be finished is one unknown", "unaffx a", 8, []int32{2, 1, 5, 3}},
		{"an inner piece does not start a word", "able", 8, []int32{2, 1, 3}},
		{"a special token in text is text", "[SEP]", 8, []int32{2, 13, 14, 15, 3}},
		{"han is split", "a猫猫dogs", 8, []int32{2, 5, 16, 16, 11, 12, 3}},
		{"accents and case", "À DÓGS", 8, []int32{2, 5, 11, 12, 3}},
		{"invalid UTF-8 is dropped", "d\xffo\xc3g", 8, []int32{2, 11, 3}},
		{"just fits", "a a a", 5, []int32{2, 5, 5, 5, 3}},
		{"truncated, separator kept", "a a a a", 5, []int32{2, 5, 5, 5, 3}},
		{"truncated inside a word", "a dogs", 4, []int32{2, 5, 11, 3}},
		{"truncated inside an unknown word", "a dogsx", 4, []int32{2, 5, 1, 3}},
		{"room for nothing", "a", 2, []int32{2, 3}},
		{"100 code points are a word", strings.Repeat("é", 100), 8, []int32{2, 1, 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := newTokenizer(t, small(t), plain(c.maxTokens)).Encode(c.caption)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWordsOver100CodePointsAreUnknownOrCut(t *testing.T) {
	v, err := wordpiece.NewVocabulary([]string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##a"})
	if err != nil {
		t.Fatal(err)
	}
	rules := plain(256)
	text := strings.Repeat("a", 101)
	if got := newTokenizer(t, v, rules).AppendPieces(nil, text); !slices.Equal(got, []int32{1}) {
		t.Errorf("got %v, want one [UNK]", got)
	}
	rules.Normalizer.CutLong = true
	got := newTokenizer(t, v, rules).AppendPieces(nil, text)
	want := append([]int32{5}, slices.Repeat([]int32{6}, 99)...)
	if diff := cmp.Diff(append(want, 5), got); diff != "" {
		t.Error(diff)
	}
}

func TestLettersComposedLateStayWhole(t *testing.T) {
	const late = "\U00011938" // Unicode 13; so does the reference
	if got := wordpiece.Uncased().Normalize("É" + late + "\u0301é" + late + "\u0301"); got != "e"+late+"e"+late {
		t.Errorf("got %+q", got)
	}
}

func TestDecode(t *testing.T) {
	tokenizer := newTokenizer(t, small(t), plain(8))
	for _, c := range []struct {
		want string
		ids  []int32
	}{
		{"", nil},
		{"a dogs", []int32{2, 5, 11, 12, 3, 0, 0}},
		{"unaffable [UNK] a", []int32{9, 8, 1, 5}},
		{"[UNK] [UNK]", []int32{-1, 17}},
		{"s", []int32{12}},
	} {
		if got := tokenizer.Decode(c.ids); got != c.want {
			t.Errorf("Decode(%v) = %q, want %q", c.ids, got, c.want)
		}
	}
}

func TestNewRefusesBadRules(t *testing.T) {
	if _, err := wordpiece.New(small(t), wordpiece.Rules{}); err == nil {
		t.Error("no error for zero rules")
	}
}

func TestAVeryLongCaptionIsReadUpToTheLimit(t *testing.T) {
	tokenizer := newTokenizer(t, small(t), plain(8))
	caption := strings.Repeat(" ", wordpiece.MaxCaptionBytes) + "dog"
	if got := tokenizer.Encode(caption); !slices.Equal(got, []int32{2, 3}) {
		t.Errorf("got %v: the word beyond the limit was read", got)
	}
	caption = strings.Repeat("猫", wordpiece.MaxCaptionBytes/3+1) // the limit falls inside a character
	if got := wordpiece.Plain().Clean(caption); !utf8.ValidString(got) || len(got) > wordpiece.MaxCaptionBytes {
		t.Errorf("%d bytes, valid %v", len(got), utf8.ValidString(got))
	}
}

// captions draws strings that mix words, scripts, marks, controls and bytes that
// are not UTF-8.
func captions() *rapid.Generator[string] {
	part := rapid.OneOf(
		rapid.StringN(0, 12, -1),
		rapid.StringMatching(`[a-zA-Z]{1,8}`),
		rapid.SampledFrom([]string{" ", "  ", "\n", "a", "dogs", "un", "[MASK]", "<person>", "é", "e\u0301", "İ", "ß", "中国", "한국", "हिन्दी", "👩‍🚀", "\u200d", "\xff\xc3", "\x00", ".", "-", "'"}),
	)
	return rapid.Map(rapid.SliceOfN(part, 0, 12), func(parts []string) string { return strings.Join(parts, "") })
}

func TestEncodeKeepsItsBounds(t *testing.T) {
	v := bertVocabulary(t)
	full := newTokenizer(t, v, plain(4096))
	special := v.Specials()
	rapid.Check(t, func(t *rapid.T) {
		caption := captions().Draw(t, "caption")
		maxTokens := rapid.IntRange(2, 40).Draw(t, "maxTokens")
		tokenizer, err := wordpiece.New(v, plain(maxTokens))
		if err != nil {
			t.Fatal(err)
		}
		whole, got := full.Encode(caption), tokenizer.Encode(caption)
		if want := min(len(whole), maxTokens); len(got) != want {
			t.Fatalf("%d ids, want %d", len(got), want)
		}
		last := len(got) - 1
		if got[0] != special.Class || got[last] != special.Separator {
			t.Fatalf("%v: not between [CLS] and [SEP]", got)
		}
		if !slices.Equal(got[:last], whole[:last]) {
			t.Fatalf("%v: not the start of %v", got, whole)
		}
		for _, id := range got[1:last] {
			if id < 0 || int(id) >= v.Size() || id == special.Class || id == special.Separator || id == special.Pad || id == special.Mask {
				t.Fatalf("%v: holds %d", got, id)
			}
		}
	})
}

func TestTokenizerIsSafeForConcurrentUse(t *testing.T) {
	tokenizer := newTokenizer(t, bertVocabulary(t), plain(30))
	texts := []string{"a man riding a wave", "ein Hündchen läuft", "一只猫", "привет мир"}
	var group sync.WaitGroup
	for _, text := range texts {
		want := tokenizer.Encode(text)
		group.Go(func() {
			for range 200 {
				if got := tokenizer.Encode(text); !slices.Equal(got, want) {
					t.Errorf("%q: got %v, want %v", text, got, want)
					return
				}
			}
		})
	}
	group.Wait()
}

func FuzzEncode(f *testing.F) {
	for _, text := range []string{"", "A man's dog.", "naïve 中国 👩‍🚀", "[SEP] ##s <person>", "\xff\x00\u200d", "e\u0301\u0316 İ 한", strings.Repeat("a", 101)} {
		f.Add(text, byte(30), byte(0))
	}
	v := bertVocabulary(f)
	rules := []wordpiece.Rules{wordpiece.ALBEF(), wordpiece.BLIP(), wordpiece.Plain(), {Normalizer: wordpiece.Cased()}}
	f.Fuzz(func(t *testing.T, text string, longest, which byte) {
		r := rules[int(which)%len(rules)]
		r.MaxTokens = 2 + int(longest)
		tokenizer := newTokenizer(t, v, r)
		ids := tokenizer.Encode(text)
		if len(ids) < 2 || len(ids) > r.MaxTokens {
			t.Fatalf("%d ids", len(ids))
		}
		for _, id := range append(tokenizer.AppendPieces(nil, text), ids...) {
			if id < 0 || int(id) >= v.Size() {
				t.Fatalf("id %d outside the vocabulary", id)
			}
		}
		if words := r.Normalizer.Normalize(text); !utf8.ValidString(words) {
			t.Fatalf("normalized to invalid UTF-8 %q", words)
		}
		if decoded := tokenizer.Decode(ids); !utf8.ValidString(decoded) {
			t.Fatalf("decoded to invalid UTF-8 %q", decoded)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	v := bertVocabulary(b)
	for _, c := range []struct{ name, caption string }{
		{"english", "A young man in a red t-shirt is riding his skateboard down the steps, near the library."},
		{"accents", "Un garçon à vélo traverse la forêt enneigée près d'une église très âgée."},
		{"han", "一个穿着红色衬衫的年轻人正在公园里遛狗，旁边有一棵大树。"},
	} {
		b.Run(c.name, func(b *testing.B) {
			tokenizer := newTokenizer(b, v, wordpiece.ALBEF())
			b.ReportAllocs()
			b.SetBytes(int64(len(c.caption)))
			for b.Loop() {
				tokenizer.Encode(c.caption)
			}
		})
	}
}
