package wordpiece_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/loopitr/loopitr/wordpiece"
)

// Everything compared here was written by scripts/golden/wordpiece.py.

func unzip(t testing.TB, name string) []byte {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func golden(t testing.TB, name string, to any) {
	t.Helper()
	if err := json.Unmarshal(unzip(t, name), to); err != nil {
		t.Fatal(err)
	}
}

func bertVocabulary(t testing.TB) *wordpiece.Vocabulary {
	t.Helper()
	v, err := wordpiece.ReadVocabulary(bytes.NewReader(unzip(t, "vocab.txt.gz")))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func newTokenizer(t testing.TB, v *wordpiece.Vocabulary, rules wordpiece.Rules) *wordpiece.Tokenizer {
	t.Helper()
	tokenizer, err := wordpiece.New(v, rules)
	if err != nil {
		t.Fatal(err)
	}
	return tokenizer
}

var normalizers = map[string]wordpiece.Normalizer{
	"uncased":  wordpiece.Uncased(),
	"cased":    wordpiece.Cased(),
	"composed": {Compose: true, Lower: true, SplitHan: true},
	"stripped": {StripAccents: true},
}

var manyMarks = regexp.MustCompile(`\pM{31}`)

func TestIDsAreTheReferencesForAwkwardStrings(t *testing.T) {
	var cases []struct {
		Text  string
		IDs   []int32
		Words map[string]uint32
	}
	golden(t, "strings.json.gz", &cases)
	if len(cases) < 2000 {
		t.Fatalf("%d strings: the golden file is cut", len(cases))
	}
	tokenizer := newTokenizer(t, bertVocabulary(t), wordpiece.ALBEF())
	for _, c := range cases {
		if got := tokenizer.AppendPieces([]int32{}, c.Text); !slices.Equal(got, c.IDs) {
			t.Errorf("AppendPieces(%q)\n got %v\nwant %v", c.Text, got, c.IDs)
		}
		for name, n := range normalizers {
			if n.Compose && manyMarks.MatchString(c.Text) {
				continue // documented at Normalizer.Compose
			}
			if got := n.Normalize(c.Text); crc32.ChecksumIEEE([]byte(got)) != c.Words[name] {
				t.Errorf("%s: Normalize(%q) = %q: not the reference's words", name, c.Text, got)
			}
		}
	}
}

func TestEveryCodePointIsAsInTheReference(t *testing.T) {
	var sums map[string][]uint32
	golden(t, "points.json.gz", &sums)
	for name, n := range normalizers {
		if len(sums[name]) != 0x110000/1024 {
			t.Fatalf("%s: %d blocks", name, len(sums[name]))
		}
		for block, want := range sums[name] {
			var text strings.Builder
			for r := rune(block * 1024); r < rune(block+1)*1024; r++ {
				if utf8.ValidRune(r) {
					text.WriteString("x" + string(r) + "y ")
				}
			}
			if got := crc32.ChecksumIEEE([]byte(n.Normalize(text.String()))); got != want {
				t.Errorf("%s: U+%04X to U+%04X: not the reference's words", name, block*1024, block*1024+1023)
			}
		}
	}
}

func TestRulesCleanAsTheirPapersCode(t *testing.T) {
	var cases []struct{ Caption, ALBEF, BLIP string }
	golden(t, "rules.json.gz", &cases)
	for _, c := range cases {
		if diff := cmp.Diff(c.ALBEF, wordpiece.ALBEF().Clean(c.Caption)); diff != "" {
			t.Errorf("ALBEF %q: %s", c.Caption, diff)
		}
		if diff := cmp.Diff(c.BLIP, wordpiece.BLIP().Clean(c.Caption)); diff != "" {
			t.Errorf("BLIP %q: %s", c.Caption, diff)
		}
	}
}
