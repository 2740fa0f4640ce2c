package search_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/index/sqlite"
)

const width = 16

// fake is a model whose pictures are files that begin with "PIC " and go on with
// words. A vector is the sum of its words' vectors; the match log-odds are what
// odds says, by default 4 for each shared word, less 6.
type fake struct {
	mu          sync.Mutex
	fingerprint string
	pictures    []string // every picture encoded, in order
	calls       int      // of EncodeImages
	judged      int
	onImages    func(ctx context.Context, words []string) error
	onTexts     func(ctx context.Context) error
	onMatch     func(ctx context.Context) error
	odds        func(text, picture string) float32
	rule        loopitr.ScoreRule
	noStates    bool
}

func newFake() *fake { return &fake{fingerprint: "fake-1"} }

func (f *fake) Fingerprint() string     { return f.fingerprint }
func (f *fake) Rule() loopitr.ScoreRule { return f.rule }

func (f *fake) Prepare(encoded []byte) (loopitr.Picture, loopitr.Facts, error) {
	words, found := strings.CutPrefix(string(encoded), "PIC ")
	if !found {
		return loopitr.Picture{}, loopitr.Facts{}, fmt.Errorf("no picture: %w", loopitr.ErrInvalid)
	}
	return loopitr.Picture{Pixels: []byte(words)}, loopitr.Facts{Width: len(words), Height: 1, Format: "fake"}, nil
}

func wordVector(word string) loopitr.Vector {
	seed := sha256.Sum256([]byte(word))
	r := rand.New(rand.NewChaCha8(seed))
	v := make(loopitr.Vector, width)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	return v
}

func encoding(words string) loopitr.Encoding {
	v := make(loopitr.Vector, width)
	for _, w := range strings.Fields(words) {
		for i, value := range wordVector(w) {
			v[i] += value
		}
	}
	var squares float64
	for _, value := range v {
		squares += float64(value) * float64(value)
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(squares))
	}
	// The states spell the words, so that the matcher can read them.
	s := loopitr.States{Count: 1, Width: len(words)}
	for _, b := range []byte(words) {
		s.Values = append(s.Values, float32(b))
	}
	return loopitr.Encoding{Vector: v, States: s}
}

func spelled(s loopitr.States) string {
	var b strings.Builder
	for _, v := range s.Values {
		b.WriteByte(byte(math.Round(float64(v))))
	}
	return b.String()
}

func (f *fake) EncodeTexts(ctx context.Context, captions []string) ([]loopitr.Encoding, error) {
	if f.onTexts != nil {
		if err := f.onTexts(ctx); err != nil {
			return nil, err
		}
	}
	var all []loopitr.Encoding
	for _, c := range captions {
		all = append(all, encoding(c))
	}
	return all, ctx.Err()
}

func (f *fake) EncodeImages(ctx context.Context, pictures []loopitr.Picture) ([]loopitr.Encoding, error) {
	var words []string
	var all []loopitr.Encoding
	for _, p := range pictures {
		words = append(words, string(p.Pixels))
		e := encoding(string(p.Pixels))
		if f.noStates {
			e.States = loopitr.States{}
		}
		all = append(all, e)
	}
	if f.onImages != nil {
		if err := f.onImages(ctx, words); err != nil {
			return nil, err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	f.pictures = append(f.pictures, words...)
	return all, ctx.Err()
}

func (f *fake) Match(ctx context.Context, pairs []loopitr.Pair) ([]float32, error) {
	if f.onMatch != nil {
		if err := f.onMatch(ctx); err != nil {
			return nil, err
		}
	}
	odds := f.odds
	if odds == nil {
		odds = func(text, picture string) float32 {
			z := float32(-6)
			for _, w := range strings.Fields(text) {
				if strings.Contains(picture, w) {
					z += 4
				}
			}
			return z
		}
	}
	z := make([]float32, len(pairs))
	for i, p := range pairs {
		z[i] = odds(spelled(p.Text), spelled(p.Image))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.judged += len(pairs)
	return z, ctx.Err()
}

// folder is a tree of files on disk with an index elsewhere.
type folder struct {
	t     *testing.T
	root  string
	index loopitr.Index
	model *fake
}

func newFolder(t *testing.T, files map[string]string) *folder {
	t.Helper()
	f := &folder{t: t, root: t.TempDir(), model: newFake()}
	f.index = openIndex(t, filepath.Join(t.TempDir(), "index.db"), sqlite.Config{Fingerprint: "fake-1", Tokens: sqlite.Float16Tokens})
	f.write(files)
	return f
}

func openIndex(t *testing.T, path string, c sqlite.Config) *sqlite.Index {
	t.Helper()
	x, err := sqlite.Open(t.Context(), path, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Close() })
	return x
}

func (f *folder) write(files map[string]string) {
	f.t.Helper()
	for name, content := range files {
		p := filepath.Join(f.root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			f.t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
			f.t.Fatal(err)
		}
	}
}

func (f *folder) fs() fs.FS { return os.DirFS(f.root) }

// held lists path and hash of all items.
func held(t testing.TB, x loopitr.Index) map[string]loopitr.Hash {
	t.Helper()
	items, err := x.Items(t.Context(), "", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]loopitr.Hash{}
	for _, i := range items {
		all[i.Path] = i.Hash
	}
	return all
}

func wantHeld(t testing.TB, x loopitr.Index, files map[string]string) {
	t.Helper()
	want := map[string]loopitr.Hash{}
	for name, content := range files {
		want[name] = sha256.Sum256([]byte(content))
	}
	diff(t, "items", want, held(t, x))
}

func diff(t testing.TB, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func wantKind(t testing.TB, what string, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("%s: error %v, want one that wraps %q", what, err, kind)
	}
}
