package wordpiece_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/wordpiece"
)

const specials = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"

func TestReadVocabulary(t *testing.T) {
	for _, c := range []struct{ name, text string }{
		{"line feeds", specials + "a\n##b\n"},
		{"no end to the last line", specials + "a\n##b"},
		{"carriage returns", strings.ReplaceAll(specials+"a\n##b\n", "\n", "\r\n")},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, err := wordpiece.ReadVocabulary(strings.NewReader(c.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(wordpiece.Specials{Unknown: 1, Class: 2, Separator: 3, Mask: 4}, v.Specials()); diff != "" {
				t.Error(diff)
			}
			if id, found := v.ID("##b"); !found || id != 6 || v.Size() != 7 || v.Token(6) != "##b" || v.Token(7) != "" || v.Token(-1) != "" {
				t.Errorf("##b is %d (%v) of %d", id, found, v.Size())
			}
			if _, found := v.ID("b"); found {
				t.Error("found b, which is only inside words")
			}
		})
	}
}

func TestReadVocabularyRefuses(t *testing.T) {
	broken := errors.New("broken disk")
	for _, c := range []struct {
		name, want string
		text       io.Reader
		kind       error
	}{
		{"an empty file", "no [PAD] [UNK] [CLS] [SEP] [MASK]", strings.NewReader(""), loopitr.ErrInvalid},
		{"missing special tokens", "no [CLS] [MASK]", strings.NewReader("[PAD]\n[UNK]\n[SEP]\na\n"), loopitr.ErrInvalid},
		{"a duplicate", `token "a": is both 5 and 6`, strings.NewReader(specials + "a\na\n"), loopitr.ErrInvalid},
		{"an empty line", "line 6", strings.NewReader(specials + "\na\n"), loopitr.ErrCorrupt},
		{"invalid UTF-8", `line 6 "\xff": not UTF-8`, strings.NewReader(specials + "\xff\n"), loopitr.ErrCorrupt},
		{"a long line", "line 6", strings.NewReader(specials + strings.Repeat("a", 513)), loopitr.ErrCorrupt},
		{"an endless line", "line 1", io.LimitReader(endless('a'), 1<<30), loopitr.ErrCorrupt},
		{"endless lines", "line 1", io.LimitReader(endless('\n'), 1<<30), loopitr.ErrCorrupt},
		{"a failing reader", "line 1", iotest.ErrReader(broken), broken},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, err := wordpiece.ReadVocabulary(c.text)
			if v != nil || !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q of kind %v", err, c.want, c.kind)
			}
		})
	}
}

type endless byte

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e)
	}
	return len(p), nil
}

func TestNewVocabularyRefuses(t *testing.T) {
	for _, bad := range []string{"", "a\nb", "a\r", "\xff", strings.Repeat("a", 513), "[PAD]"} {
		tokens := append(strings.Fields(specials), bad)
		if _, err := wordpiece.NewVocabulary(tokens); !errors.Is(err, loopitr.ErrInvalid) {
			t.Errorf("%.20q: got %v", bad, err)
		}
	}
	if _, err := wordpiece.NewVocabulary(make([]string, wordpiece.MaxVocabulary+1)); !errors.Is(err, loopitr.ErrInvalid) {
		t.Errorf("too many tokens: got %v", err)
	}
}

func TestVocabularyRoundTrip(t *testing.T) {
	want := unzip(t, "vocab.txt.gz")
	var got bytes.Buffer
	v := bertVocabulary(t)
	if n, err := v.WriteTo(&got); err != nil || n != int64(len(want)) {
		t.Fatalf("%d bytes, %v", n, err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Error("written differently from what was read")
	}
	if v.Size() != 30522 || v.Specials() != (wordpiece.Specials{Pad: 0, Unknown: 100, Class: 101, Separator: 102, Mask: 103}) {
		t.Errorf("%d tokens, %+v", v.Size(), v.Specials())
	}
}

func TestWriteVocabularyReportsAFullDisk(t *testing.T) {
	full := errors.New("no space left")
	reader, writer := io.Pipe()
	reader.CloseWithError(full)
	if _, err := bertVocabulary(t).WriteTo(writer); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
}

func FuzzReadVocabulary(f *testing.F) {
	for _, text := range []string{"", specials, specials + "a\r\n##\n##a\n#\n", specials + "\n", specials + "\xff", "\ufeff" + specials, specials + "a\ra\n", specials + "\u2028\n中\n##é"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := wordpiece.ReadVocabulary(bytes.NewReader(text))
		if err != nil {
			if !errors.Is(err, loopitr.ErrInvalid) && !errors.Is(err, loopitr.ErrCorrupt) {
				t.Fatalf("error of no kind: %v", err)
			}
			return
		}
		var written bytes.Buffer
		if _, err := v.WriteTo(&written); err != nil {
			t.Fatal(err)
		}
		again, err := wordpiece.ReadVocabulary(&written)
		if err != nil || again.Size() != v.Size() {
			t.Fatalf("what was written is not read again: %v", err)
		}
		for id := range v.Size() {
			if got, found := again.ID(v.Token(int32(id))); !found || got != int32(id) {
				t.Fatalf("%q moved from %d to %d", v.Token(int32(id)), id, got)
			}
		}
		ids := newTokenizer(t, v, plain(64)).AppendPieces(nil, string(text))
		for _, id := range ids {
			if id < 0 || int(id) >= v.Size() {
				t.Fatalf("id %d of %d", id, v.Size())
			}
		}
	})
}
