package infer_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"pgregory.net/rapid"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint"
	"github.com/loopitr/loopitr/checkpoint/safetensors"
	"github.com/loopitr/loopitr/infer"
	"github.com/loopitr/loopitr/internal/engine"
	"github.com/loopitr/loopitr/network"
	"github.com/loopitr/loopitr/pixels"
	"github.com/loopitr/loopitr/wordpiece"
)

// captions of different lengths, beyond one bucket.
var captions = []string{
	"a dog", "a red ball on the green grass", "two dogs", "",
	"a man on a red bicycle looks at two dogs that run after a green ball in the snow",
}

// fixture is a small network with drawn weights.
type fixture struct {
	config     infer.Config
	vocabulary *wordpiece.Vocabulary
	weights    map[string][]float32
	engine     *engine.Engine
}

func newFixture(t testing.TB, pool network.Pool) fixture {
	t.Helper()
	vocabulary, err := wordpiece.Train(slices.Values(captions), wordpiece.DefaultTrainConfig(wordpiece.Plain()))
	if err != nil {
		t.Fatal(err)
	}
	c := network.Nano()
	c.Vision.ImageSize, c.Vision.PatchSize, c.Vision.Width, c.Vision.Hidden = 12, 4, 24, 32
	c.Text.Width, c.Text.Hidden, c.Text.Vocabulary = 16, 32, vocabulary.Size()
	c.Cross.Layers, c.Cross.Pool = 2, pool
	c.InitDeviation = 0.1 // with 0.3, rounding changes z by up to 5e-5 of it, for most seeds by more than 1e-5
	rules := wordpiece.Plain()
	rules.MaxTokens = c.Text.MaxTokens
	e, err := engine.Open(os.Getenv("LOOPITR_ENGINE"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return fixture{
		config:     infer.Config{Network: c, Pixels: pixels.CLIP(c.Vision.ImageSize), Captions: rules},
		vocabulary: vocabulary, weights: network.Initial(c, 7), engine: e,
	}
}

// state puts the weights on the engine, each name with a prefix.
func (f fixture) state(t *testing.T, prefix string) *engine.State {
	t.Helper()
	var variables []engine.Variable
	for _, p := range f.config.Network.Params() {
		variables = append(variables, engine.Variable{Name: prefix + p.Name, Value: engine.Floats(f.weights[p.Name], p.Shape...)})
	}
	s, err := f.engine.NewState(variables)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (f fixture) model(t *testing.T) *infer.Model {
	t.Helper()
	m, err := infer.New(infer.Parts{Config: f.config, Vocabulary: f.vocabulary, Weights: f.state(t, "")})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// saved stores the weights and opens them.
func (f fixture) saved(t *testing.T, store safetensors.DType) *infer.Model {
	t.Helper()
	m, err := infer.Open(f.save(t, store), f.engine)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// save stores the weights in a new folder.
func (f fixture) save(t testing.TB, store safetensors.DType) string {
	t.Helper()
	var vocabulary strings.Builder
	if _, err := f.vocabulary.WriteTo(&vocabulary); err != nil {
		t.Fatal(err)
	}
	var tensors []checkpoint.Tensor
	for _, p := range f.config.Network.Params() {
		tensors = append(tensors, checkpoint.Tensor{Name: p.Name, Dims: p.Shape, Values: f.weights[p.Name]})
	}
	dir := t.TempDir()
	err := checkpoint.Save(dir, checkpoint.Parts{Config: f.config, Weights: tensors, Store: store, Vocabulary: []byte(vocabulary.String())})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// pictures are noise.
func (f fixture) pictures(count int) []loopitr.Picture {
	chance := rand.New(rand.NewPCG(1, 2))
	all := make([]loopitr.Picture, count)
	for i := range all {
		all[i].Pixels = make([]uint8, 3*f.config.Pixels.Size*f.config.Pixels.Size)
		for at := range all[i].Pixels {
			all[i].Pixels[at] = uint8(chance.IntN(256))
		}
	}
	return all
}

func encodeImages(t *testing.T, m *infer.Model, pictures ...loopitr.Picture) []loopitr.Encoding {
	t.Helper()
	encodings, err := m.EncodeImages(t.Context(), pictures)
	if err != nil {
		t.Fatal(err)
	}
	return encodings
}

func encodeTexts(t *testing.T, m *infer.Model, captions ...string) []loopitr.Encoding {
	t.Helper()
	encodings, err := m.EncodeTexts(t.Context(), captions)
	if err != nil {
		t.Fatal(err)
	}
	return encodings
}

// near compares encodings of the same things.
func near(t *testing.T, what string, got, want []loopitr.Encoding, most float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d encodings, want %d", what, len(got), len(want))
	}
	for i := range want {
		if got[i].States.Count != want[i].States.Count || got[i].States.Width != want[i].States.Width {
			t.Errorf("%s %d: states %dx%d, want %dx%d", what, i, got[i].States.Count, got[i].States.Width, want[i].States.Count, want[i].States.Width)
		}
		if d := distance(got[i].Vector, want[i].Vector); d > most {
			t.Errorf("%s %d: vectors are %g apart", what, i, d)
		}
		if d := distance(got[i].States.Values, want[i].States.Values); d > most*max(1, greatest(want[i].States.Values)) {
			t.Errorf("%s %d: states are %g apart", what, i, d)
		}
	}
}

func greatest(values []float32) float64 { return distance(values, make([]float32, len(values))) }

// distance is the largest difference.
func distance(a, b []float32) float64 {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	var most float64
	for i := range a {
		if d := math.Abs(float64(a[i]) - float64(b[i])); !(d <= most) {
			most = d
		}
	}
	return most
}

func TestBatchesAndPaddingChangeNothing(t *testing.T) {
	f := newFixture(t, network.PoolFirst)
	m := f.model(t)
	defer m.Close()
	pictures := f.pictures(5)
	together := encodeImages(t, m, pictures...)
	var alone []loopitr.Encoding
	for _, p := range pictures {
		alone = append(alone, encodeImages(t, m, p)...)
	}
	near(t, "picture", together, alone, 1e-5)
	if d := distance(together[0].Vector, together[1].Vector); d < 1e-3 {
		t.Errorf("two pictures have vectors %g apart", d)
	}

	texts := encodeTexts(t, m, captions...)
	alone = nil
	for _, c := range captions {
		alone = append(alone, encodeTexts(t, m, c)...)
	}
	near(t, "caption", texts, alone, 1e-5)
	if got := encodeImages(t, m); len(got) != 0 {
		t.Errorf("no pictures have %d encodings", len(got))
	}
}

// plainCross judges one pair as the network is written, without padding.
func (f fixture) plainCross(t *testing.T, text, image loopitr.States) float32 {
	t.Helper()
	s := f.state(t, "")
	var names []string
	for _, p := range f.config.Network.Params() {
		names = append(names, p.Name)
	}
	p, err := s.Compile(engine.Step{Name: "plain cross", Reads: names, Inputs: []engine.Spec{
		engine.FloatInput("states", 1, text.Count, text.Width), engine.FloatInput("tokens", 1, image.Count, image.Width),
	}, Build: func(weights map[string]*Node, in []*Node) (map[string]*Node, []*Node) {
		n := network.LoopITR{Config: f.config.Network, Weights: weights}
		return nil, []*Node{n.MatchLogits(n.Cross(network.Pairs{States: in[0], Tokens: in[1]}), nil)}
	}})
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.Run(t.Context(), engine.Floats(text.Values, 1, text.Count, text.Width), engine.Floats(image.Values, 1, image.Count, image.Width))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	logits := out[0].Floats()
	return logits[1] - logits[0]
}

// sameJudgement compares log-odds up to the rounding of differently ordered sums.
func sameJudgement(got, want float32) bool {
	return math.Abs(float64(got-want)) <= 1e-5*max(1, math.Abs(float64(want)))
}

func TestMatchEqualsThePlainCross(t *testing.T) {
	for _, pool := range []network.Pool{network.PoolFirst, network.PoolMean} {
		t.Run(string(pool), func(t *testing.T) {
			f := newFixture(t, pool)
			m := f.model(t)
			defer m.Close()
			images, texts := encodeImages(t, m, f.pictures(2)...), encodeTexts(t, m, captions...)
			var pairs []loopitr.Pair
			for _, text := range texts {
				for _, image := range images {
					pairs = append(pairs, loopitr.Pair{Image: image.States, Text: text.States})
				}
			}
			z, err := m.Match(t.Context(), pairs)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range []int{0, 3, len(pairs) - 1} {
				if want := f.plainCross(t, pairs[i].Text, pairs[i].Image); !sameJudgement(z[i], want) {
					t.Errorf("pair %d: z is %v, the plain cross encoder says %v", i, z[i], want)
				}
			}
			if z[0] == z[1] || z[0] == z[len(z)-1] {
				t.Errorf("z does not depend on the pair: %v", z)
			}
		})
	}
}

func TestSharedSidesChangeNothing(t *testing.T) {
	f := newFixture(t, network.PoolFirst)
	m := f.model(t)
	defer m.Close()
	images, texts := encodeImages(t, m, f.pictures(3)...), encodeTexts(t, m, captions...)
	alone := map[[2]int]float32{}
	for i, text := range texts {
		for j, image := range images {
			z, err := m.Match(t.Context(), []loopitr.Pair{{Text: text.States, Image: image.States}})
			if err != nil {
				t.Fatal(err)
			}
			alone[[2]int{i, j}] = z[0]
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		count := rapid.IntRange(1, 70).Draw(r, "pairs") // beyond the largest batch
		texts, images := texts[:rapid.IntRange(1, len(texts)).Draw(r, "texts")], images[:rapid.IntRange(1, len(images)).Draw(r, "images")]
		pairs, want := make([]loopitr.Pair, count), make([]float32, count)
		for at := range pairs {
			i, j := rapid.IntRange(0, len(texts)-1).Draw(r, "text"), rapid.IntRange(0, len(images)-1).Draw(r, "image")
			pairs[at], want[at] = loopitr.Pair{Text: texts[i].States, Image: images[j].States}, alone[[2]int{i, j}]
		}
		z, err := m.Match(t.Context(), pairs)
		if err != nil {
			r.Fatal(err)
		}
		for i := range z {
			if !sameJudgement(z[i], want[i]) {
				r.Errorf("pair %d: z is %v, of the pair alone %v", i, z[i], want[i])
			}
		}
	})
}

func TestWrongShapesAreRefused(t *testing.T) {
	f := newFixture(t, network.PoolFirst)
	m := f.model(t)
	defer m.Close()
	image, text := encodeImages(t, m, f.pictures(1)...)[0].States, encodeTexts(t, m, "a dog")[0].States
	short, wide, none, long := image, text, text, text
	short.Count--
	wide.Width++
	none.Count, none.Values = 0, nil
	long.Count = f.config.Network.Text.MaxTokens + 1
	long.Values = make([]float32, long.Count*long.Width)
	for name, pair := range map[string]loopitr.Pair{
		"picture of fewer states": {Image: short, Text: text}, "wide caption": {Image: image, Text: wide},
		"caption without states": {Image: image, Text: none}, "long caption": {Image: image, Text: long},
		"nothing": {}, "exchanged": {Image: text, Text: image},
	} {
		if _, err := m.Match(t.Context(), []loopitr.Pair{pair}); !errors.Is(err, loopitr.ErrInvalid) {
			t.Errorf("%s: %v, want invalid", name, err)
		}
	}
	for name, picture := range map[string]loopitr.Picture{
		"no pixels": {}, "too few": {Pixels: make([]uint8, 9)}, "tokens": {Tokens: image},
	} {
		if _, err := m.EncodeImages(t.Context(), []loopitr.Picture{picture}); !errors.Is(err, loopitr.ErrInvalid) {
			t.Errorf("%s: %v, want invalid", name, err)
		}
	}
	if _, _, err := m.Prepare([]byte("no picture")); !errors.Is(err, loopitr.ErrInvalid) {
		t.Errorf("prepare: %v, want invalid", err)
	}
}

func TestOpenedModelEncodesAsBeforeSaving(t *testing.T) {
	f := newFixture(t, network.PoolMean)
	before := f.model(t)
	defer before.Close()
	pictures := f.pictures(3)
	images, texts := encodeImages(t, before, pictures...), encodeTexts(t, before, captions...)
	for store, most := range map[safetensors.DType]float64{safetensors.F32: 0, safetensors.F16: 2e-2} {
		m := f.saved(t, store)
		near(t, string(store)+" picture", encodeImages(t, m, pictures...), images, most)
		near(t, string(store)+" caption", encodeTexts(t, m, captions...), texts, most)
		if m.Fingerprint() == "" {
			t.Errorf("%s: no fingerprint", store)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestPrefixedWeightsAreTheModels(t *testing.T) {
	f := newFixture(t, network.PoolFirst)
	plain := f.model(t)
	defer plain.Close()
	m, err := infer.New(infer.Parts{Config: f.config, Vocabulary: f.vocabulary, Weights: f.state(t, "average/"), Prefix: "average/"})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	near(t, "caption", encodeTexts(t, m, "a dog"), encodeTexts(t, plain, "a dog"), 0)
	if got, want := m.Rule(), plain.Rule(); got != want || got.Temperature != network.InitialTemperature {
		t.Errorf("rule is %+v, want %+v", got, want)
	}
}

func TestPartsThatDoNotFitAreRefused(t *testing.T) {
	f := newFixture(t, network.PoolFirst)
	for name, change := range map[string]func(*infer.Config){
		"vocabulary":  func(c *infer.Config) { c.Network.Text.Vocabulary++ },
		"pixels.size": func(c *infer.Config) { c.Pixels.Size++ },
		"max_tokens":  func(c *infer.Config) { c.Captions.MaxTokens = c.Network.Text.MaxTokens + 1 },
	} {
		parts := infer.Parts{Config: f.config, Vocabulary: f.vocabulary, Weights: f.state(t, "")}
		change(&parts.Config)
		if _, err := infer.New(parts); !errors.Is(err, loopitr.ErrInvalid) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v, want it named as invalid", name, err)
		}
	}
}
