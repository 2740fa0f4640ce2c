package network_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint/safetensors"
	"github.com/loopitr/loopitr/internal/engine"
	"github.com/loopitr/loopitr/internal/simd"
	"github.com/loopitr/loopitr/loss"
	"github.com/loopitr/loopitr/network"
)

// golden is what PyTorch computed for one tiny network in float64; written by
// scripts/golden/network_golden.py.
type golden struct {
	config  network.Config
	recipe  recipe
	distill loss.DistillConfig
	order   []string // parameters in the order of the digests
	tensors map[string]engine.Tensor
	names   []string // of tensors, sorted
}

type recipe struct {
	Count   int                 `json:"count"`
	Sampler loss.Sampler        `json:"sampler"`
	Match   loss.MatchObjective `json:"match"`
	Distill struct {
		Objective loss.Objective `json:"objective"`
		Direction loss.Direction `json:"direction"`
	} `json:"distill"`
}

func readGolden(t *testing.T, path string) *golden {
	t.Helper()
	f, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	g := &golden{tensors: map[string]engine.Tensor{}}
	for key, to := range map[string]any{"config": &g.config, "recipe": &g.recipe, "distill": &g.distill, "order": &g.order} {
		if err := json.Unmarshal([]byte(f.Metadata()[key]), to); err != nil {
			t.Fatalf("%s %s: %v", path, key, err)
		}
	}
	if err := g.config.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, stored := range f.Tensors() {
		values, err := stored.Float32()
		if err != nil {
			t.Fatal(err)
		}
		x := engine.Floats(values, stored.Shape...)
		if stored.DType == "I64" {
			whole := make([]int64, len(values))
			for i, v := range values {
				whole[i] = int64(v)
			}
			x = engine.Ints(whole, stored.Shape...)
		}
		g.tensors[stored.Name] = x
		g.names = append(g.names, stored.Name)
	}
	slices.Sort(g.names)
	return g
}

// eachGolden runs a test for each stored network on each engine, and on ours at
// every level of instructions that the machine has.
func eachGolden(t *testing.T, test func(t *testing.T, g *golden, e *engine.Engine)) {
	names := []string{os.Getenv("LOOPITR_TEST_ENGINE")}
	if names[0] == "" {
		names = engine.Names()
	}
	for _, kind := range []string{"pixels", "tokens", "stem"} {
		g := readGolden(t, "testdata/golden_"+kind+".safetensors")
		for _, name := range names {
			t.Run(kind+"/"+name, func(t *testing.T) {
				e, err := engine.Open(name)
				if errors.Is(err, loopitr.ErrUnavailable) {
					t.Skip(err)
				}
				if err != nil {
					t.Fatal(err)
				}
				defer e.Close()
				for _, level := range levels(name) {
					t.Run(level.String(), func(t *testing.T) {
						defer simd.Use(level)()
						test(t, g, e)
					})
				}
			})
		}
	}
}

// levels are those at which an engine computes differently.
func levels(name string) []simd.Level {
	if name == "" || strings.HasPrefix(name, engine.Default) {
		return simd.Available()
	}
	return []simd.Level{simd.Active()}
}

// prefixed lists the stored names that begin with prefix, without it.
func (g *golden) prefixed(prefix string) []string {
	var names []string
	for _, name := range g.names {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			names = append(names, rest)
		}
	}
	return names
}

// goldenInputs are a step's inputs in order; what a case does not store is left out.
var goldenInputs = []string{"pictures", "ids", "picture_ids", "caption_ids", "masked_ids", "masked", "mask"}

func (g *golden) inputs() (specs []engine.Spec, values []engine.Tensor) {
	for _, name := range goldenInputs {
		x, stored := g.tensors["input/"+name]
		if !stored {
			continue
		}
		spec := engine.FloatInput(name, x.Shape...)
		if x.Ints() != nil {
			spec = engine.IntInput(name, x.Shape...)
		}
		specs, values = append(specs, spec), append(values, x)
	}
	return append(specs, engine.FloatInput("noise", g.tensors["input/noise"].Shape[1:]...)), append(values, g.noise(0))
}

// noise of one step.
func (g *golden) noise(step int) engine.Tensor {
	all := g.tensors["input/noise"]
	size := len(all.Floats()) / all.Shape[0]
	return engine.Floats(all.Floats()[step*size:(step+1)*size], all.Shape[1:]...)
}

// state holds the case's weights.
func (g *golden) state(t *testing.T, e *engine.Engine, extra ...engine.Variable) *engine.State {
	t.Helper()
	variables := extra
	for _, p := range g.config.Params() {
		w, stored := g.tensors["weight/"+p.Name]
		if !stored || fmt.Sprint(w.Shape) != fmt.Sprint(p.Shape) {
			t.Fatalf("golden weight %s has shape %v, want %v", p.Name, w.Shape, p.Shape)
		}
		variables = append(variables, engine.Variable{Name: p.Name, Value: w})
	}
	s, err := e.NewState(variables)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (g *golden) params() []string {
	var names []string
	for _, p := range g.config.Params() {
		names = append(names, p.Name)
	}
	return names
}

// batch is one golden batch in a graph.
type batch struct {
	g   *golden
	net network.LoopITR
	in  map[string]*Node

	tokens, states, images, texts, cosine, similarity, same *Node
}

func (g *golden) batch(weights map[string]*Node, nodes []*Node) *batch {
	specs, _ := g.inputs()
	b := &batch{g: g, net: network.LoopITR{Config: g.config, Weights: weights}, in: map[string]*Node{}}
	for i, spec := range specs {
		b.in[spec.Name] = nodes[i]
	}
	b.tokens, b.states = b.net.Vision(b.in["pictures"]), b.net.Text(network.Captions{IDs: b.in["ids"], Mask: b.in["mask"]})
	b.images, b.texts = b.net.ProjectImage(b.tokens), b.net.ProjectText(b.states)
	b.cosine = Einsum("ie,je->ij", b.images, b.texts)
	b.similarity = Div(b.cosine, b.net.Temperature())
	b.same = loss.SameGroup(b.in["picture_ids"], b.in["caption_ids"])
	return b
}

// outputs are the forward results by their stored names.
func (b *batch) outputs() map[string]*Node {
	cross := b.net.Cross(network.Pairs{States: b.states, Mask: b.in["mask"], Tokens: b.tokens})
	return map[string]*Node{
		"tokens": b.tokens, "images": b.images, "texts": b.texts, "cosine": b.cosine,
		"states": b.states, "cross": cross, "match": b.net.MatchLogits(cross, b.in["mask"]),
	}
}

// sides draws negatives and judges them.
func (b *batch) sides(sampler loss.Sampler) (pictures, captions loss.Side) {
	c := loss.NegativesConfig{Count: b.g.recipe.Count, Sampler: sampler}
	n := b.similarity.Shape().Dim(0)
	noise := func(side int) *Node { return Reshape(Slice(b.in["noise"], AxisRange(side, side+1)), n, n) }
	turned := Transpose(b.similarity, 0, 1)
	judged := loss.Judged{
		ForPictures: loss.HardNegatives(c, loss.Search{Similarity: b.similarity, Same: b.same, Noise: noise(0)}),
		ForCaptions: loss.HardNegatives(c, loss.Search{Similarity: turned, Same: b.same, Noise: noise(1)}),
	}
	at, picture := judged.Pairs()
	pairs := network.Pairs{States: Gather(b.states, InsertAxes(at, -1)), Tokens: b.tokens, Picture: picture}
	if mask := b.in["mask"]; mask != nil {
		pairs.Mask = Gather(mask, InsertAxes(at, -1))
	}
	zPictures, zCaptions := judged.Deal(b.net.Match(pairs))
	pictures = loss.Side{Dual: judged.ForPictures.Of(b.similarity), Cross: zPictures, Valid: judged.ForPictures.Valid}
	captions = loss.Side{Dual: judged.ForCaptions.Of(turned), Cross: zCaptions, Valid: judged.ForCaptions.Valid}
	return pictures, captions
}

func (b *batch) maskedTokens() *Node {
	states := b.net.Text(network.Captions{IDs: b.in["masked_ids"], Mask: b.in["mask"]})
	seen := b.net.Cross(network.Pairs{States: states, Mask: b.in["mask"], Tokens: b.tokens})
	return loss.MaskedTokens(b.net.TokenLogits(seen), b.in["ids"], b.in["masked"])
}

// loss builds the loss that was stored under name, such as "distill rank both taught top".
func (b *batch) loss(t *testing.T, name string) *Node {
	words := strings.Fields(name)
	switch words[0] {
	case "contrast":
		return loss.Contrast(b.similarity, b.same).Loss
	case "masked_tokens":
		return b.maskedTokens()
	case "match":
		pictures, captions := b.sides(loss.Sampler(words[2]))
		return loss.Match(loss.MatchConfig{Objective: loss.MatchObjective(words[1])}, pictures, captions)
	case "distill":
		c := b.g.distill
		c.Objective, c.Direction, c.TeacherGradient = loss.Objective(words[1]), loss.Direction(words[2]), words[3] == "taught"
		pictures, captions := b.sides(loss.Sampler(words[4]))
		return loss.Distill(c, pictures, captions)
	}
	t.Fatalf("unknown loss %q", name)
	return nil
}

// total is the objective of the golden steps.
func (b *batch) total() *Node {
	r := b.g.recipe
	pictures, captions := b.sides(r.Sampler)
	c := b.g.distill
	c.Objective, c.Direction = r.Distill.Objective, r.Distill.Direction
	total := Add(loss.Contrast(b.similarity, b.same).Loss, loss.Match(loss.MatchConfig{Objective: r.Match}, pictures, captions))
	total = Add(total, MulScalar(loss.Distill(c, pictures, captions), 0.5))
	if b.g.config.Text.MaskedModeling {
		total = Add(total, MulScalar(b.maskedTokens(), 0.7))
	}
	return total
}

// evaluate runs a graph of the case's batch once.
func (g *golden) evaluate(t *testing.T, e *engine.Engine, build func(b *batch) []*Node) []engine.Tensor {
	t.Helper()
	s := g.state(t, e)
	specs, values := g.inputs()
	p, err := s.Compile(engine.Step{Name: t.Name(), Reads: g.params(), Inputs: specs, Build: func(v map[string]*Node, in []*Node) (map[string]*Node, []*Node) {
		return nil, build(g.batch(v, in))
	}})
	if err != nil {
		t.Fatal(err)
	}
	outputs, err := p.Run(t.Context(), values...)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	return outputs
}

// agree reports the worst place where got leaves want by more than the share of
// want's largest magnitude.
func agree(t *testing.T, what string, got, want []float32, share float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d values, want %d", what, len(got), len(want))
		return
	}
	var most, worst float64
	at := 0
	for i := range want {
		most = max(most, math.Abs(float64(want[i])))
		d := math.Abs(float64(got[i]) - float64(want[i]))
		if !(d <= worst) {
			worst, at = d, i
		}
	}
	if !(worst <= share*(most+1e-3)) {
		t.Errorf("%s: place %d is %v, want %v (largest %v)", what, at, got[at], want[at], most)
	}
}
