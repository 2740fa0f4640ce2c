package wordpiece_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/wordpiece"
)

var presets = map[string]wordpiece.Rules{
	"albef": wordpiece.ALBEF(),
	"blip":  wordpiece.BLIP(),
	"plain": wordpiece.Plain(),
}

func TestClean(t *testing.T) {
	for _, c := range []struct{ rules, caption, want string }{
		{"albef", `A man's T-shirt and/or "hat", <PERSON>: #1!`, "a mans t shirt and or hat person 1"},
		{"blip", `A man's T-shirt and/or "hat", <PERSON>: #1!`, "a man's t-shirt and/or hat , <person> 1"},
		{"plain", " A  man's\tT-shirt\r\n\x00(Größe\u3000XL)\x85 ", "A man's T-shirt (Größe XL)"},
		{"plain", "bad \xff\xfe bytes, kept \uFFFD", "bad bytes, kept \uFFFD"},
		{"plain", "👩‍🚀 हिन्दी", "👩‍🚀 हिन्दी"},
		{"albef", strings.Repeat("go ", 40), strings.TrimSpace(strings.Repeat("go ", 30))},
		{"albef", "...", ""},
	} {
		if got := presets[c.rules].Clean(c.caption); got != c.want {
			t.Errorf("%s: Clean(%q) = %q, want %q", c.rules, c.caption, got, c.want)
		}
	}
}

func TestCleanKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		caption := captions().Draw(t, "caption")
		name := rapid.SampledFrom([]string{"albef", "blip", "plain"}).Draw(t, "rules")
		r := presets[name]
		r.MaxWords = rapid.IntRange(0, 6).Draw(t, "maxWords")
		got := r.Clean(caption)
		if words := strings.Fields(got); strings.Join(words, " ") != got || r.MaxWords > 0 && len(words) > r.MaxWords {
			t.Fatalf("%q: not words separated by single spaces, or more than %d", got, r.MaxWords)
		}
		if !utf8.ValidString(got) || strings.ContainsAny(got, r.Delete+r.Blank) && r.Delete+r.Blank != "" {
			t.Fatalf("%q: invalid, or holds what should have gone", got)
		}
		if again := r.Clean(got); again != got && !strings.Contains(got, "<person>") {
			t.Fatalf("cleaned twice: %q, then %q", got, again)
		}
	})
}

func TestRulesValidate(t *testing.T) {
	for name, r := range presets {
		if err := r.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, c := range []struct {
		want   string
		change func(*wordpiece.Rules)
	}{
		{"max_tokens 1:", func(r *wordpiece.Rules) { r.MaxTokens = 1 }},
		{"max_tokens 4097:", func(r *wordpiece.Rules) { r.MaxTokens = 4097 }},
		{"max_words -1:", func(r *wordpiece.Rules) { r.MaxWords = -1 }},
		{`delete "\xff"`, func(r *wordpiece.Rules) { r.Delete = "\xff" }},
		{"blank ", func(r *wordpiece.Rules) { r.Blank = strings.Repeat("x", 300) }},
		{`shares a character`, func(r *wordpiece.Rules) { r.Blank = "-." }},
	} {
		r := wordpiece.ALBEF()
		c.change(&r)
		if err := r.Validate(); !errors.Is(err, loopitr.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}

func TestRulesSurviveJSON(t *testing.T) {
	for name, want := range presets {
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got wordpiece.Rules
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	// The names are part of the format on disk.
	const want = `{"normalizer":{"compose":true,"lower":true,"strip_accents":false,"split_han":true,"cut_long":true},` +
		`"lower":false,"delete":"","blank":"","unwrap_person":false,"max_words":0,"max_tokens":64}`
	if got, _ := json.Marshal(wordpiece.Plain()); string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
