package eval_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/dataset"
	"github.com/loopitr/loopitr/eval"
)

// fake is a model of tables: every picture and caption has its vector, every pair
// its log-odds. States carry nothing but a position. Captions are written
// "position text".
type fake struct {
	images, texts []loopitr.Vector
	z             func(caption, picture int) float32
	rule          loopitr.ScoreRule

	mu                    sync.Mutex
	encoded               int // pictures
	calls                 [][][2]int
	shortTexts, shortZ    bool
	failEncode, failMatch error
}

func states(i int) loopitr.States {
	return loopitr.States{Count: 1, Width: 2, Values: []float32{float32(i), 1}}
}

func (f *fake) EncodeTexts(_ context.Context, captions []string) ([]loopitr.Encoding, error) {
	var out []loopitr.Encoding
	for _, c := range captions {
		i := len(c) - len(strings.TrimLeft(c, " "))
		out = append(out, loopitr.Encoding{Vector: f.texts[i], States: states(i)})
	}
	if f.shortTexts {
		out = out[1:]
	}
	return out, f.failEncode
}

func (f *fake) EncodeImages(ctx context.Context, pictures []loopitr.Picture) ([]loopitr.Encoding, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.encoded += len(pictures)
	var out []loopitr.Encoding
	for _, p := range pictures {
		i := int(p.Tokens.Values[0])
		out = append(out, loopitr.Encoding{Vector: f.images[i], States: states(i)})
	}
	return out, nil
}

func (f *fake) Fingerprint() string { return "fake" }

func (f *fake) Match(_ context.Context, pairs []loopitr.Pair) ([]float32, error) {
	var z []float32
	var call [][2]int
	for _, p := range pairs {
		c, i := int(p.Text.Values[0]), int(p.Image.Values[0])
		call = append(call, [2]int{c, i})
		z = append(z, f.z(c, i))
	}
	f.calls = append(f.calls, call)
	if f.shortZ {
		z = z[1:]
	}
	return z, f.failMatch
}

func (f *fake) Rule() loopitr.ScoreRule { return f.rule }

func (f *fake) model() eval.Model { return eval.Model{Encoder: f, Matcher: f} }

// split gives picture i as many captions as counts says.
func split(counts []int, text func(caption int) string) eval.Split {
	s := eval.Split{Picture: func(i int) (loopitr.Picture, error) { return loopitr.Picture{Tokens: states(i)}, nil }}
	c := 0
	for i, n := range counts {
		r := dataset.Record{ID: fmt.Sprint("picture ", i)}
		for range n {
			r.Captions = append(r.Captions, strings.Repeat(" ", c)+text(c))
			c++
		}
		s.Records = append(s.Records, r)
	}
	return s
}

func distinct(caption int) string { return fmt.Sprint("caption ", caption) }

// aligned is a model of n pictures with one caption each whose dual encoder puts
// each right partner second, behind that of the neighbour, and whose cross encoder
// knows.
func aligned(n int) *fake {
	f := &fake{rule: loopitr.ScoreRule{Temperature: 0.1}}
	for i := range n {
		image, text := make(loopitr.Vector, n), make(loopitr.Vector, n)
		image[i] = 1
		text[i], text[(i+1)%n] = 0.6, 0.8
		f.images, f.texts = append(f.images, image), append(f.texts, text)
	}
	f.z = func(c, p int) float32 {
		if c == p {
			return 4
		}
		return -4
	}
	return f
}

func ones(n int) []int { return slices.Repeat([]int{1}, n) }
