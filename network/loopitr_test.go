package network_test

import (
	"math"
	"os"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"github.com/loopitr/loopitr/internal/engine"
	"github.com/loopitr/loopitr/network"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var near = cmpopts.EquateApprox(2e-5, 1e-5)

// tiny is Nano cut down further: 16 px in four patches, 16 wide.
func tiny() network.Config {
	c := network.Nano()
	c.Vision.ImageSize, c.Vision.Width, c.Vision.Hidden = 16, 16, 64
	c.Text.Width, c.Text.Hidden, c.Projection = 16, 64, 8
	c.InitDeviation = 0.02
	return c
}

// sample is a network with inputs for it: three pairs, the captions padded.
type sample struct {
	config  network.Config
	weights map[string][]float32
	ids     engine.Tensor
	mask    engine.Tensor
	images  engine.Tensor
}

func newSample(c network.Config) sample {
	s := sample{config: c, weights: network.Initial(c, 5)}
	// Larger than initial weights, so that what is compared is not near zero.
	for _, w := range s.weights {
		for i := range w {
			w[i] = w[i]*3 + 0.01*float32(i%3-1)
		}
	}
	s.weights[network.TemperatureName][0] = 0.07
	s.ids = engine.Ints([]int64{2, 5, 7, 9, 3, 2, 8, 3, 0, 0, 2, 4, 6, 3, 0}, 3, 5)
	s.mask = engine.Floats([]float32{1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0}, 3, 5)
	shape := []int{3, c.Vision.ImageSize, c.Vision.ImageSize, 3}
	if c.Vision.Input == network.Tokens {
		shape = []int{3, c.Vision.Tokens, c.Vision.Features}
	}
	s.images = wave(shape...)
	return s
}

// wave is a tensor of unlike numbers around zero.
func wave(shape ...int) engine.Tensor {
	n := 1
	for _, d := range shape {
		n *= d
	}
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(math.Sin(float64(i*i%997) + float64(i)/7))
	}
	return engine.Floats(values, shape...)
}

type inputs struct{ ids, mask, images *Node }

// run builds and runs a graph of the sample's network on the default engine.
func (s sample) run(t *testing.T, build func(n network.LoopITR, in inputs) []*Node) []engine.Tensor {
	t.Helper()
	outputs, err := s.try(t, build)
	if err != nil {
		t.Fatal(err)
	}
	return outputs
}

func (s sample) try(t *testing.T, build func(n network.LoopITR, in inputs) []*Node) ([]engine.Tensor, error) {
	t.Helper()
	e, err := engine.Open(os.Getenv("LOOPITR_TEST_ENGINE"))
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	var variables []engine.Variable
	var names []string
	for _, p := range s.config.Params() {
		if w := s.weights[p.Name]; w != nil {
			names = append(names, p.Name)
			variables = append(variables, engine.Variable{Name: p.Name, Value: engine.Floats(w, p.Shape...)})
		}
	}
	state, err := e.NewState(variables)
	if err != nil {
		t.Fatal(err)
	}
	p, err := state.Compile(engine.Step{
		Name: "test", Reads: names,
		Inputs: []engine.Spec{
			engine.IntInput("ids", s.ids.Shape...), engine.FloatInput("mask", s.mask.Shape...), engine.FloatInput("images", s.images.Shape...),
		},
		Build: func(v map[string]*Node, in []*Node) (map[string]*Node, []*Node) {
			return nil, build(network.LoopITR{Config: s.config, Weights: v}, inputs{in[0], in[1], in[2]})
		},
	})
	if err != nil {
		return nil, err
	}
	return p.Run(t.Context(), s.ids, s.mask, s.images)
}

func (in inputs) captions() network.Captions { return network.Captions{IDs: in.ids, Mask: in.mask} }

// everything is each result of the network for the sample's pairs.
func everything(n network.LoopITR, in inputs) []*Node {
	tokens, states := n.Vision(in.images), n.Text(in.captions())
	pairs := network.Pairs{States: states, Mask: in.mask, Tokens: tokens}
	return []*Node{
		tokens, n.ProjectImage(tokens), n.ProjectText(states),
		n.MatchLogits(n.Cross(pairs), in.mask), n.Match(pairs),
	}
}

func variants() map[string]network.Config {
	mean := tiny()
	mean.Cross.Pool = network.PoolMean
	mean.Cross.Layers = 2
	unlike := tiny() // towers of different widths
	unlike.Text.Width, unlike.Text.Heads, unlike.Text.Hidden = 24, 3, 40
	return map[string]network.Config{
		"pixels": tiny(), "tokens": tiny().WithTokens(7, 12), "mean": mean, "unlike widths": unlike,
	}
}

func TestShapes(t *testing.T) {
	for name, c := range variants() {
		got := newSample(c).run(t, everything)
		var shapes [][]int
		for _, o := range got {
			shapes = append(shapes, o.Shape)
		}
		want := [][]int{{3, c.Vision.PictureTokens(), c.Vision.Width}, {3, c.Projection}, {3, c.Projection}, {3, 2}, {3}}
		if diff := cmp.Diff(want, shapes); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		for _, vectors := range got[1:3] {
			var square float64
			for _, v := range vectors.Floats()[:c.Projection] {
				square += float64(v) * float64(v)
			}
			if math.Abs(square-1) > 1e-5 {
				t.Errorf("%s: vector has squared length %v", name, square)
			}
		}
	}
}

// allBut lists 0..count-1 without one of them, as one row for each picture.
func allBut(g *Graph, pictures, count, without int) *Node {
	var row []int64
	for i := range count {
		if i != without {
			row = append(row, int64(i))
		}
	}
	return BroadcastToDims(Const(g, [][]int64{row}), pictures, len(row))
}

func TestShowingAllPatchesChangesNothing(t *testing.T) {
	for name, c := range variants() {
		got := newSample(c).run(t, func(n network.LoopITR, in inputs) []*Node {
			all := allBut(in.images.Graph(), 3, c.Vision.PictureTokens()-1, -1)
			return []*Node{n.Vision(in.images), n.VisionOf(in.images, all)}
		})
		if diff := cmp.Diff(got[0].Floats(), got[1].Floats(), near); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestOnlyShownPatchesMatter(t *testing.T) {
	c := tiny().WithTokens(7, 12)
	s := newSample(c)
	partly := func(n network.LoopITR, in inputs) []*Node {
		return []*Node{n.VisionOf(in.images, allBut(in.images.Graph(), 3, 7, 4))}
	}
	want := s.run(t, partly)[0]
	if diff := cmp.Diff([]int{3, 7, c.Vision.Width}, want.Shape); diff != "" {
		t.Fatal(diff)
	}
	for token := range 7 {
		feature := &s.images.Floats()[(7+token)*12] // of the second picture
		before := *feature
		*feature += 1
		same := cmp.Equal(want.Floats(), s.run(t, partly)[0].Floats())
		if same != (token == 4) {
			t.Errorf("token %d: changes nothing: %v", token, same)
		}
		*feature = before
	}
}

func TestPaddingChangesNothing(t *testing.T) {
	for name, c := range variants() {
		s := newSample(c)
		want := s.run(t, everything)
		for i, m := range s.mask.Floats() {
			if m == 0 {
				s.ids.Ints()[i] = 11 // another word where nobody looks
			}
		}
		got := s.run(t, everything)
		for i := range want {
			if diff := cmp.Diff(want[i].Floats(), got[i].Floats()); diff != "" {
				t.Errorf("%s, output %d: %s", name, i, diff)
			}
		}
		s.mask.Floats()[4] = 0 // and hiding a real word does change something
		if cmp.Equal(want[4].Floats(), s.run(t, everything)[4].Floats(), near) {
			t.Errorf("%s: the mask is not read", name)
		}
	}
}

func TestDroppedPaddingChangesNothing(t *testing.T) {
	s := newSample(tiny())
	want := s.run(t, everything)[4].Floats()[1]
	s.ids, s.mask = engine.Ints(s.ids.Ints()[5:8], 1, 3), engine.Floats([]float32{1, 1, 1}, 1, 3)
	pixels := len(s.images.Floats()) / 3
	s.images = engine.Floats(s.images.Floats()[pixels:2*pixels], 1, 16, 16, 3)
	got := s.run(t, func(n network.LoopITR, in inputs) []*Node {
		in.mask = nil
		return everything(n, in)
	})
	if diff := cmp.Diff(want, got[4].Floats()[0], near); diff != "" {
		t.Error(diff)
	}
}

func TestPermutedBatchPermutesResults(t *testing.T) {
	for name, c := range variants() {
		s := newSample(c)
		plain := s.run(t, everything)
		turned := s.run(t, func(n network.LoopITR, in inputs) []*Node {
			turn := func(x *Node) *Node {
				return Concatenate([]*Node{SliceAxis(x, 0, AxisRange(1, 3)), SliceAxis(x, 0, AxisRange(0, 1))}, 0)
			}
			return everything(n, inputs{turn(in.ids), turn(in.mask), turn(in.images)})
		})
		for i := range plain {
			row := len(plain[i].Floats()) / 3
			want := append(append([]float32{}, plain[i].Floats()[row:]...), plain[i].Floats()[:row]...)
			if diff := cmp.Diff(want, turned[i].Floats(), near); diff != "" {
				t.Errorf("%s, output %d: %s", name, i, diff)
			}
		}
	}
}

func TestMissingWeightIsNamed(t *testing.T) {
	s := newSample(tiny())
	delete(s.weights, "cross/block_00/cross_attention/key/bias")
	_, err := s.try(t, everything)
	if err == nil || !strings.Contains(err.Error(), `"cross/block_00/cross_attention/key/bias" is missing`) {
		t.Error(err)
	}
	s = newSample(tiny())
	_, err = s.try(t, func(n network.LoopITR, in inputs) []*Node {
		n.Weights["vision/cls"] = n.Weights["vision/position"]
		return everything(n, in)
	})
	if err == nil || !strings.Contains(err.Error(), `"vision/cls" has shape [5 16], want [16]`) {
		t.Error(err)
	}
}

func TestWrongInputsAreNamed(t *testing.T) {
	for what, build := range map[string]func(n network.LoopITR, in inputs) []*Node{
		"vision input": func(n network.LoopITR, in inputs) []*Node { return []*Node{n.Vision(in.mask)} },
		"caption ids":  func(n network.LoopITR, in inputs) []*Node { return []*Node{n.Text(network.Captions{IDs: in.mask})} },
		"caption mask": func(n network.LoopITR, in inputs) []*Node {
			return []*Node{n.Text(network.Captions{IDs: in.ids, Mask: in.images})}
		},
		"pair states": func(n network.LoopITR, in inputs) []*Node {
			return []*Node{n.Cross(network.Pairs{States: in.images, Tokens: in.images})}
		},
		"pair pictures": func(n network.LoopITR, in inputs) []*Node {
			return []*Node{n.Cross(network.Pairs{States: n.Text(in.captions()), Tokens: n.Vision(in.images), Picture: in.ids})}
		},
		"dropout key": func(n network.LoopITR, in inputs) []*Node {
			n.Noise = network.NewNoise(in.ids)
			return everything(n, in)
		},
	} {
		_, err := newSample(tiny()).try(t, build)
		if err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// No setting is ignored.
func TestEverySettingMatters(t *testing.T) {
	for field, change := range map[string]func(*network.Config){
		"vision epsilon": func(c *network.Config) { c.Vision.LayerNormEpsilon = 0.3 },
		"text epsilon":   func(c *network.Config) { c.Text.LayerNormEpsilon = 0.3 },
		"vision heads":   func(c *network.Config) { c.Vision.Heads = 4 },
		"text heads":     func(c *network.Config) { c.Text.Heads = 4 },
		"pool":           func(c *network.Config) { c.Cross.Pool = network.PoolMean },
	} {
		s := newSample(tiny())
		want := s.run(t, everything)[4].Floats()
		change(&s.config)
		if got := s.run(t, everything)[4].Floats(); cmp.Equal(got, want, near) {
			t.Errorf("%s changes nothing", field)
		}
	}
}
