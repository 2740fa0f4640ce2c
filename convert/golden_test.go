package convert_test

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint"
	"github.com/loopitr/loopitr/checkpoint/safetensors"
	"github.com/loopitr/loopitr/convert"
	"github.com/loopitr/loopitr/infer"
	"github.com/loopitr/loopitr/internal/engine"
	"github.com/loopitr/loopitr/internal/simd"
	"github.com/loopitr/loopitr/network"
)

// tolerance is how far an output may be from what the original computes in float64.
const tolerance = 1e-4

// golden is one folder of testdata, made by scripts/golden/convert.py.
type golden struct {
	dir  string
	told struct {
		Kind        convert.Kind `json:"kind"`
		VisionHeads int          `json:"vision_heads"`
		TextHeads   int          `json:"text_heads"`
		Layers      int          `json:"layers"`
		Captions    []string     `json:"captions"`
		Cleaned     []string     `json:"cleaned"`
	}
	tensors map[string]engine.Tensor // by run/input/name and run/output/name
}

// cases are all folders of testdata.
func cases(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if _, err := os.Stat(filepath.Join("testdata", e.Name(), "golden.safetensors")); err == nil {
			names = append(names, e.Name())
		}
	}
	if len(names) < 10 {
		t.Fatalf("only %v in testdata", names)
	}
	return names
}

func readGolden(t *testing.T, name string) *golden {
	t.Helper()
	g := &golden{dir: filepath.Join("testdata", name), tensors: map[string]engine.Tensor{}}
	f, err := safetensors.Open(filepath.Join(g.dir, "golden.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := json.Unmarshal([]byte(f.Metadata()["case"]), &g.told); err != nil {
		t.Fatal(err)
	}
	for _, stored := range f.Tensors() {
		values, err := stored.Float32()
		if err != nil {
			t.Fatal(err)
		}
		x := engine.Floats(values, stored.Shape...)
		if stored.DType == safetensors.I64 {
			whole := make([]int64, len(values))
			for i, v := range values {
				whole[i] = int64(v)
			}
			x = engine.Ints(whole, stored.Shape...)
		}
		g.tensors[stored.Name] = x
	}
	return g
}

// source is the path to import: the folder, or the one file of PyTorch in it.
func (g *golden) source(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(g.dir, "*.pth"))
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 1 {
		return found[0]
	}
	return g.dir
}

// config imports the case, a tower into a small network.
func (g *golden) config() convert.Config {
	c := convert.Config{VisionHeads: g.told.VisionHeads, TextHeads: g.told.TextHeads}
	switch g.told.Kind {
	case convert.BERT:
		c.Around = convert.Around{Network: network.Nano(), TextLayers: g.told.Layers, CrossLayers: 1}
	case convert.ViT:
		c.Around = convert.Around{Network: network.Nano()}
		c.Vocabulary, _ = os.ReadFile(filepath.Join(g.dir, "vocab.txt"))
	}
	return c
}

func (g *golden) importTo(t *testing.T, c convert.Config) (dir string, r convert.Report) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "model")
	r, err := convert.Import(t.Context(), g.source(t), dir, c)
	if err != nil {
		t.Fatal(err)
	}
	if r.Kind != g.told.Kind {
		t.Fatalf("recognised as %s, want %s", r.Kind, g.told.Kind)
	}
	return dir, r
}

// runs are the case's sets of inputs.
func (g *golden) runs() []string {
	var names []string
	for name := range g.tensors {
		if run, _, _ := strings.Cut(name, "/"); run != "captions" && !slices.Contains(names, run) {
			names = append(names, run)
		}
	}
	slices.Sort(names)
	return names
}

// eachEngine runs a test on every engine that this binary can open, and on ours at
// every level of instructions that the machine has.
func eachEngine(t *testing.T, test func(t *testing.T, e *engine.Engine)) {
	for _, name := range engine.Names() {
		t.Run(name, func(t *testing.T) {
			e, err := engine.Open(name)
			if errors.Is(err, loopitr.ErrUnavailable) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			if name != engine.Default {
				test(t, e)
				return
			}
			for _, level := range simd.Available() {
				t.Run(level.String(), func(t *testing.T) {
					defer simd.Use(level)()
					test(t, e)
				})
			}
		})
	}
}

// Every output of every imported network is what the original's is, at several
// resolutions, with padded captions and without.
func TestImportsComputeWhatTheOriginalsDo(t *testing.T) {
	for _, name := range cases(t) {
		g := readGolden(t, name)
		for _, run := range g.runs() {
			t.Run(name+"/"+run, func(t *testing.T) {
				c := g.config()
				size, _, _ := strings.Cut(run, "_")
				if n, err := strconv.Atoi(size); err == nil {
					c.ImageSize = n
				}
				dir, r := g.importTo(t, c)
				weights := loadWeights(t, dir, r.Model.Network)
				eachEngine(t, func(t *testing.T, e *engine.Engine) { g.compare(t, e, run, r.Model.Network, weights) })
			})
		}
	}
}

func loadWeights(t *testing.T, dir string, n network.Config) []checkpoint.Tensor {
	t.Helper()
	m, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	weights, err := m.Weights(infer.Shapes(n))
	if err != nil {
		t.Fatal(err)
	}
	return weights
}

// forward evaluates a graph of the network with these weights once.
func forward(t *testing.T, e *engine.Engine, n network.Config, weights []checkpoint.Tensor, inputs map[string]engine.Tensor, build func(n network.LoopITR, in map[string]*graph.Node) []*graph.Node) []engine.Tensor {
	t.Helper()
	var variables []engine.Variable
	var names, inputNames []string
	for _, w := range weights {
		variables = append(variables, engine.Variable{Name: w.Name, Value: engine.Floats(w.Values, w.Dims...)})
		names = append(names, w.Name)
	}
	s, err := e.NewState(variables)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var specs []engine.Spec
	var values []engine.Tensor
	for name, x := range inputs {
		spec := engine.FloatInput(name, x.Shape...)
		if x.Ints() != nil {
			spec = engine.IntInput(name, x.Shape...)
		}
		inputNames, specs, values = append(inputNames, name), append(specs, spec), append(values, x)
	}
	p, err := s.Compile(engine.Step{Name: "golden", Reads: names, Inputs: specs, Build: func(w map[string]*graph.Node, in []*graph.Node) (map[string]*graph.Node, []*graph.Node) {
		nodes := map[string]*graph.Node{}
		for i, name := range inputNames {
			nodes[name] = in[i]
		}
		return nil, build(network.LoopITR{Config: n, Weights: w}, nodes)
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	out, err := p.Run(t.Context(), values...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (g *golden) compare(t *testing.T, e *engine.Engine, run string, n network.Config, weights []checkpoint.Tensor) {
	inputs := map[string]engine.Tensor{}
	var wanted []string
	for name, x := range g.tensors {
		if in, found := strings.CutPrefix(name, run+"/input/"); found {
			inputs[in] = x
		} else if out, found := strings.CutPrefix(name, run+"/output/"); found {
			wanted = append(wanted, out)
		}
	}
	out := forward(t, e, n, weights, inputs, func(n network.LoopITR, in map[string]*graph.Node) []*graph.Node {
		made := outputs(n, in)
		var nodes []*graph.Node
		for _, name := range wanted {
			nodes = append(nodes, made[name])
		}
		return nodes
	})
	for i, name := range wanted {
		want := g.tensors[run+"/output/"+name]
		near(t, name, out[i].Floats(), want.Floats(), g.cared(name, inputs["mask"], want.Shape))
	}
}

// outputs are what can be computed of the inputs there are.
func outputs(n network.LoopITR, in map[string]*graph.Node) map[string]*graph.Node {
	made := map[string]*graph.Node{}
	if x := in["pictures"]; x != nil {
		made["tokens"] = n.Vision(x)
		made["images"] = n.ProjectImage(made["tokens"])
	}
	if ids := in["ids"]; ids != nil {
		made["states"] = n.Text(network.Captions{IDs: ids, Mask: in["mask"]})
		made["texts"] = n.ProjectText(made["states"])
	}
	if made["tokens"] != nil && made["states"] != nil {
		made["cosine"] = graph.Einsum("ie,je->ij", made["images"], made["texts"])
		pairs := network.Pairs{States: made["states"], IDs: in["ids"], Mask: in["mask"], Tokens: made["tokens"]}
		made["match"] = n.MatchLogits(n.CrossFirst(pairs), nil)
	}
	return made
}

// cared tells which values mean something: states of padding do not.
func (g *golden) cared(name string, mask engine.Tensor, shape []int) func(i int) bool {
	if name != "states" || mask.Floats() == nil {
		return func(int) bool { return true }
	}
	width := shape[len(shape)-1]
	return func(i int) bool { return mask.Floats()[i/width] == 1 }
}

// near reports the worst value.
func near(t *testing.T, what string, got, want []float32, cared func(i int) bool) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	worst, at := 0.0, 0
	for i := range want {
		if d := math.Abs(float64(got[i]) - float64(want[i])); cared(i) && !(d <= worst) {
			worst, at = d, i
		}
	}
	if !(worst <= tolerance) {
		t.Errorf("%s: value %d is %v, want %v", what, at, got[at], want[at])
	}
}

// Captions go through cleaning, vocabulary, [ENC] and buckets to what the original
// makes of them.
func TestImportedModelsReadCaptions(t *testing.T) {
	e, err := engine.Open("")
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for _, name := range cases(t) {
		g := readGolden(t, name)
		if len(g.told.Captions) == 0 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			dir, r := g.importTo(t, g.config())
			for i, c := range g.told.Captions {
				if got := r.Model.Captions.Clean(c); got != g.told.Cleaned[i] {
					t.Errorf("caption %q is read as %q, want %q", c, got, g.told.Cleaned[i])
				}
			}
			m, err := infer.Open(dir, e)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			g.readCaptions(t, m)
		})
	}
}

func (g *golden) readCaptions(t *testing.T, m *infer.Model) {
	rgb := g.tensors["captions/input/rgb"].Floats()
	count, size := len(g.told.Captions), m.Config().Pixels.Size
	pictures := make([]loopitr.Picture, count)
	for i := range pictures {
		pictures[i].Pixels = make([]uint8, 3*size*size)
		for at := range pictures[i].Pixels { // stored [B,3,S,S]
			pixel, channel := at/3, at%3
			pictures[i].Pixels[at] = uint8(rgb[(i*3+channel)*size*size+pixel])
		}
	}
	texts, err := m.EncodeTexts(t.Context(), g.told.Captions)
	if err != nil {
		t.Fatal(err)
	}
	images, err := m.EncodeImages(t.Context(), pictures)
	if err != nil {
		t.Fatal(err)
	}
	var vectors []float32
	pairs := make([]loopitr.Pair, count)
	for i := range texts {
		vectors = append(vectors, texts[i].Vector...)
		pairs[i] = loopitr.Pair{Text: texts[i].States, Image: images[i].States}
	}
	z, err := m.Match(t.Context(), pairs)
	if err != nil {
		t.Fatal(err)
	}
	logits := g.tensors["captions/output/match"].Floats()
	odds := make([]float32, count)
	for i := range odds {
		odds[i] = logits[2*i+1] - logits[2*i]
	}
	all := func(int) bool { return true }
	near(t, "texts", vectors, g.tensors["captions/output/texts"].Floats(), all)
	near(t, "match", z, odds, all)
	if m.Config().Network.Cross.From == network.FromIDs {
		for _, id := range []float32{-1, 0.5, float32(m.Config().Network.Text.Vocabulary), float32(math.NaN())} {
			wrong := pairs[0]
			wrong.Text = loopitr.States{Count: 1, Width: 1, Values: []float32{id}}
			if _, err := m.Match(t.Context(), []loopitr.Pair{wrong}); !errors.Is(err, loopitr.ErrInvalid) {
				t.Errorf("token %v: %v", id, err)
			}
		}
	}
}
