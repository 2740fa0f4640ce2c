package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/search"
)

func TestParseQuery(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("a b.jpg", []byte("bytes"), 0o644); err != nil {
		t.Fatal(err)
	}
	picture := []byte("bytes")
	text := func(weight float32, text string) loopitr.Part { return loopitr.Part{Weight: weight, Text: text} }
	for name, c := range map[string]struct {
		args []string
		want []loopitr.Part
	}{
		"words":            {[]string{"a", "red", "apple"}, []loopitr.Part{text(1, "a red apple")}},
		"one argument":     {[]string{`beach +0.5 "at night" -0.3 "people"`}, []loopitr.Part{text(1, "beach"), text(0.5, "at night"), text(-0.3, "people")}},
		"as shells leave":  {[]string{"beach", "+0.5", "at night", " -0.3", "people"}, []loopitr.Part{text(1, "beach"), text(0.5, "at night"), text(-0.3, "people")}},
		"unquoted":         {[]string{"+.5", "at", "night", "-", "people"}, []loopitr.Part{text(0.5, "at night"), text(-1, "people")}},
		"quotes typed":     {[]string{"+2", `"at`, `night"`}, []loopitr.Part{text(2, "at night")}},
		"picture":          {[]string{"./a b.jpg"}, []loopitr.Part{{Weight: 1, Picture: picture}}},
		"weighted picture": {[]string{"dog", "-2", "./a b.jpg", "snow"}, []loopitr.Part{text(1, "dog"), {Weight: -2, Picture: picture}, text(1, "snow")}},
		"item":             {[]string{"+1", "item:x/y z.png"}, []loopitr.Part{{Weight: 1, Item: "x/y z.png"}}},
		"item alone":       {[]string{"item:x/y.png"}, []loopitr.Part{{Weight: 1, Item: "x/y.png"}}},
		"words and item":   {[]string{"a", "dog", "item:y.png", "-1", "snow"}, []loopitr.Part{text(1, "a dog"), {Weight: 1, Item: "y.png"}, text(-1, "snow")}},
		"item first":       {[]string{`item:"y z.png" -0.5 "snow"`}, []loopitr.Part{{Weight: 1, Item: "y z.png"}, text(-0.5, "snow")}},
		"quotes inside":    {[]string{"+1", `a "b" \c`}, []loopitr.Part{text(1, `a "b" \c`)}},
		"signs in words":   {[]string{"c++", "-", "a-b", "4-5"}, []loopitr.Part{text(1, "c++"), text(-1, "a-b 4-5")}},
	} {
		got, err := parseQuery(c.args)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestParseQueryRefuses(t *testing.T) {
	for _, args := range [][]string{{}, {" "}, {"a", "+"}, {"+", "-", "a"}, {"+0", "a"}, {"./absent.png"}, {"+1", "picture:/"}, {"+1", "item:"}} {
		if _, err := parseQuery(args); !errors.Is(err, loopitr.ErrInvalid) && !errors.Is(err, loopitr.ErrNotFound) {
			t.Errorf("%q: got %v", args, err)
		}
	}
}

func TestGuardWeights(t *testing.T) {
	root := newRoot(streams{strings.NewReader(""), io.Discard, io.Discard})
	got := guardWeights(root, []string{"search", "-k", "3", "-0.3", "a", `-2 "b" c`, "--json", "-", "--where=-ext:x", "-q", "-1", "--rerank", "-1", "-k", "-2", "--engine", "-3"})
	want := []string{"search", "-k", "3", " -0.3", "a", ` -2 "b" c`, "--json", "-", "--where=-ext:x", "-q", " -1", "--rerank", "-1", "-k", "-2", "--engine", "-3"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if other := guardWeights(root, []string{"eval", "--bootstrap", "-1"}); other[2] != "-1" {
		t.Errorf("eval: %q", other)
	}
}

// Every key of a filter is in the help of those who take one.
func TestFilterHelpNamesEveryKey(t *testing.T) {
	for _, key := range strings.Split(search.FilterKeys, ", ") {
		if !strings.Contains(filterHelp, key+":") {
			t.Errorf("no example of %q", key)
		}
	}
}

func TestShellQuote(t *testing.T) {
	for in, want := range map[string]string{
		"plain-1.tar": "plain-1.tar", "a b": "'a b'", "": "''", "it's": `'it'\''s'`, "{00..01}.tar": "'{00..01}.tar'", "$x": "'$x'",
	} {
		if got := quoteFor("linux", in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
	for in, want := range map[string]string{
		"plain-1.tar": "plain-1.tar", `C:\a\b.jpg`: `C:\a\b.jpg`, `C:\a b`: `"C:\a b"`, "": `""`, "it's": `"it's"`, `{"a":1}`: `"{\"a\":1}"`, "a,b": `"a,b"`,
	} {
		if got := quoteFor("windows", in); got != want {
			t.Errorf("on Windows %q: %s, want %s", in, got, want)
		}
	}
}

func TestRemarkMovesWithItsFolder(t *testing.T) {
	dir := t.TempDir()
	inside := filepath.Join(dir, ".loopitr", "index.db")
	made := newRemark(filepath.Join(dir, "model"), dir, inside)
	moved := filepath.Join(t.TempDir(), ".loopitr", "index.db")
	if got, want := readRemark(made, moved).Folder, filepath.Dir(filepath.Dir(moved)); got != want {
		t.Errorf("inside: %s, want %s", got, want)
	}
	outside := newRemark("model", dir, filepath.Join(t.TempDir(), "index.db"))
	if got := readRemark(outside, moved).Folder; got != dir {
		t.Errorf("outside: %s, want %s", got, dir)
	}
	if got := readRemark("a folder", moved); got != (remark{}) {
		t.Errorf("foreign remark: %v", got)
	}
}
