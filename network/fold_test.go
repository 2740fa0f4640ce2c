package network_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/loopitr/loopitr/internal/engine"
	"github.com/loopitr/loopitr/network"
)

// meeting is the sizes of captions and pictures that make pairs.
type meeting struct {
	captions, words, pictures int
	caption, picture          []int64 // nil: in order
}

// reranking is one caption with each of 16 pictures.
func reranking(words int) meeting {
	return meeting{captions: 1, words: words, pictures: 16, caption: make([]int64, 16)}
}

// inputs are states, mask and tokens, then what names rows.
func (m meeting) inputs(c network.Config) (specs []engine.Spec, values []engine.Tensor) {
	mask := make([]float32, m.captions*m.words)
	for i := range mask {
		if i%m.words <= i/m.words { // captions of one, two, three ... words
			mask[i] = 1
		}
	}
	for _, x := range []engine.Tensor{
		wave(m.captions, m.words, c.Text.Width), engine.Floats(mask, m.captions, m.words),
		wave(m.pictures, c.Vision.PictureTokens(), c.Vision.Width),
	} {
		specs, values = append(specs, engine.FloatInput(fmt.Sprint(len(specs)), x.Shape...)), append(values, x)
	}
	for _, at := range [][]int64{m.caption, m.picture} {
		if at != nil {
			specs, values = append(specs, engine.IntInput(fmt.Sprint(len(specs)), len(at))), append(values, engine.Ints(at, len(at)))
		}
	}
	return specs, values
}

func (m meeting) of(in []*Node) network.Pairs {
	p := network.Pairs{States: in[0], Mask: in[1], Tokens: in[2]}
	if m.caption != nil {
		p.Caption = in[3]
	}
	if m.picture != nil {
		p.Picture = in[len(in)-1]
	}
	return p
}

// each is the pairs with nothing shared.
func each(p network.Pairs) network.Pairs {
	rows := func(x, at *Node) *Node {
		if at == nil {
			return x
		}
		return Gather(x, InsertAxes(at, -1))
	}
	return network.Pairs{States: rows(p.States, p.Caption), Mask: rows(p.Mask, p.Caption), Tokens: rows(p.Tokens, p.Picture)}
}

// plainly judges pairs without any arrangement.
func plainly(n network.LoopITR, p network.Pairs) *Node {
	n.Fold = false
	p = each(p)
	return network.LogOdds(n.MatchLogits(n.Cross(p), p.Mask))
}

func folded(n network.LoopITR, p network.Pairs) *Node {
	n.Fold = true
	return n.Match(p)
}

// graph gives f the network of c and the meeting's pairs as nodes of a graph
// whose weights are inputs.
func (m meeting) graph(t testing.TB, c network.Config, f func(n network.LoopITR, p network.Pairs) []*Node) *engine.Program {
	t.Helper()
	e, err := engine.Open(os.Getenv("LOOPITR_TEST_ENGINE"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	var specs []engine.Spec
	for _, p := range c.Params() {
		specs = append(specs, engine.FloatInput(p.Name, p.Shape...))
	}
	weights := len(specs)
	more, _ := m.inputs(c)
	p, err := e.Compile(t.Name(), append(specs, more...), func(in []*Node) []*Node {
		n := network.LoopITR{Config: c, Weights: network.Weights{}}
		for i, spec := range specs[:weights] {
			n.Weights[spec.Name] = in[i]
		}
		return f(n, m.of(in[weights:]))
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// numbers in a node's description of what it sums over.
var contracted = regexp.MustCompile(`lhsContractingAxes=\[([0-9 ]*)\]`)

// multiplications counts the multiply-adds of all products that outputs need.
func multiplications(t testing.TB, outputs ...*Node) int {
	t.Helper()
	total, seen := 0, map[*Node]bool{}
	for len(outputs) > 0 {
		n := outputs[0]
		outputs = outputs[1:]
		if seen[n] {
			continue
		}
		seen[n] = true
		in := n.Inputs()
		outputs = append(outputs, in...)
		switch n.Type() {
		case NodeTypeDotGeneral:
			depth := 1
			found := contracted.FindStringSubmatch(n.String())
			if found == nil {
				t.Fatalf("a product without axes: %s", n)
			}
			for _, axis := range strings.Fields(found[1]) {
				var at int
				fmt.Sscan(axis, &at)
				depth *= in[0].Shape().Dim(at)
			}
			total += n.Shape().Size() * depth
		case NodeTypeFusedDense:
			total += in[0].Shape().Size() * in[1].Shape().Size() / in[0].Shape().Dim(-1)
		case NodeTypeFusedScaledDotProductAttention:
			total += 2 * in[0].Shape().Size() * in[1].Shape().Dim(2)
		}
	}
	return total
}

func TestFoldedMatchEqualsThePlainOne(t *testing.T) {
	folds := 0
	rapid.Check(t, func(r *rapid.T) {
		c := tiny().WithTokens(rapid.IntRange(1, 9).Draw(r, "tokens"), 4)
		c.Vision.Layers, c.Text.Layers = 1, 1
		c.Text.Heads = rapid.IntRange(1, 3).Draw(r, "heads")
		c.Text.Width = c.Text.Heads * rapid.IntRange(1, 8).Draw(r, "head width")
		c.Text.Hidden = 8
		c.Vision.Width, c.Vision.Heads = rapid.IntRange(1, 12).Draw(r, "vision width"), 1
		c.Cross.Layers = rapid.IntRange(1, 2).Draw(r, "layers")
		c.Cross.Pool = rapid.SampledFrom([]network.Pool{network.PoolFirst, network.PoolMean}).Draw(r, "pool")
		m := drawMeeting(r)

		var plain, cheap int
		p := m.graph(t, c, func(n network.LoopITR, p network.Pairs) []*Node {
			want, got := n.Match(p), folded(n, p)
			plain, cheap = multiplications(t, want), multiplications(t, got)
			return []*Node{plainly(n, p), want, got}
		})
		if cheap > plain {
			r.Errorf("folding costs %d multiplications where the plain form costs %d", cheap, plain)
		}
		if cheap < plain {
			folds++
		}
		var values []engine.Tensor
		weights := newSample(c).weights
		for _, param := range c.Params() {
			values = append(values, engine.Floats(weights[param.Name], param.Shape...))
		}
		_, inputs := m.inputs(c)
		out, err := p.Run(t.Context(), append(values, inputs...)...)
		if err != nil {
			r.Fatal(err)
		}
		bound := cmpopts.EquateApprox(2e-5, 1e-5+swing(r, p, out[0].Floats(), append(values, inputs...)))
		for i, got := range out[1:] {
			if diff := cmp.Diff(out[0].Floats(), got.Floats(), bound); diff != "" {
				r.Errorf("%v: %s", []string{"plain", "folded"}[i], diff)
			}
		}
	})
	if folds == 0 {
		t.Error("nothing was ever folded")
	}
}

// swing is how far the plain form's results move from want at most when every number
// that goes in is off by up to a millionth, eight roundings: no arrangement of the
// same sums is closer than that where layers of few numbers magnify.
func swing(r *rapid.T, p *engine.Program, want []float32, inputs []engine.Tensor) float64 {
	random := rand.New(rand.NewPCG(1, 2))
	most := 0.0
	for range 4 {
		nudged := slices.Clone(inputs)
		for i, in := range nudged {
			if in.Floats() == nil {
				continue
			}
			values := slices.Clone(in.Floats())
			for j, v := range values {
				if v != 1 { // what a mask lets in stays in
					values[j] *= 1 + float32(random.Float64()*2-1)*0x1p-20
				}
			}
			nudged[i] = engine.Floats(values, in.Shape...)
		}
		out, err := p.Run(context.Background(), nudged...)
		if err != nil {
			r.Fatal(err)
		}
		for i, v := range out[0].Floats() {
			most = max(most, math.Abs(float64(v-want[i])))
		}
	}
	return most
}

func drawMeeting(r *rapid.T) meeting {
	m := meeting{
		captions: rapid.IntRange(1, 4).Draw(r, "captions"), words: rapid.IntRange(1, 6).Draw(r, "words"),
		pictures: rapid.IntRange(1, 4).Draw(r, "pictures"),
	}
	pairs := rapid.IntRange(1, 5).Draw(r, "pairs")
	rows := func(what string, of int) []int64 {
		return rapid.SliceOfN(rapid.Int64Range(0, int64(of)-1), pairs, pairs).Draw(r, what)
	}
	if rapid.Bool().Draw(r, "captions in order") {
		m.captions = pairs
	} else {
		m.caption = rows("caption", m.captions)
	}
	if rapid.Bool().Draw(r, "pictures in order") {
		m.pictures = pairs
	} else {
		m.picture = rows("picture", m.pictures)
	}
	return m
}

// The figures of docs/architecture.md.
func TestBaseReranksWithAFractionOfTheWork(t *testing.T) {
	for words, want := range map[int]string{8: "4523/805", 12: "4744/1199", 16: "4964/1592", 24: "5406/2380", 32: "5849/3169", 64: "7633/6256"} {
		var plain, cheap int
		reranking(words).graph(t, network.Base(), func(n network.LoopITR, p network.Pairs) []*Node {
			plain, cheap = multiplications(t, plainly(n, p)), multiplications(t, folded(n, p))
			return []*Node{Const(p.States.Graph(), float32(0))}
		})
		const millionPairs = 16e6
		if got := fmt.Sprintf("%.0f/%.0f", float64(plain)/millionPairs, float64(cheap)/millionPairs); got != want {
			t.Errorf("%d tokens: %s million multiplications a pair, plain and arranged, want %s", words, got, want)
		}
	}
}
