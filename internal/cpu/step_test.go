package cpu_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/loopitr/loopitr/internal/cpu"
	"github.com/loopitr/loopitr/loss"
	"github.com/loopitr/loopitr/network"
)

// trainStep is a whole training step of a network on one backend: forward, the
// losses, gradients, clipping, AdamW.
type trainStep struct {
	backend    compute.Backend
	executable compute.Executable
	nodes      int
	shapes     []shapes.Shape   // of state
	state      []compute.Buffer // weights, first and second moments
	inputs     []compute.Buffer
	donate     []bool
}

func openGo(t testing.TB) compute.Backend {
	t.Helper()
	b, err := gobackend.New("ops_sequential")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Finalize)
	return b
}

func newTrainStep(t testing.TB, b compute.Backend, c network.Config, batch, tokens int) *trainStep {
	t.Helper()
	return newTrainStepOf(t, b, network.LoopITR{Config: c}, batch, tokens)
}

// newTrainStepOf takes the network's options; weights are added.
func newTrainStepOf(t testing.TB, b compute.Backend, n network.LoopITR, batch, tokens int) *trainStep {
	t.Helper()
	s, initial := compileTrainStep(t, b, n, batch, tokens), network.Initial(n.Config, 1)
	params := n.Config.Params()
	for i, shape := range s.shapes {
		values := make([]float32, shape.Size())
		if i < len(params) {
			copy(values, initial[params[i].Name])
		}
		s.state = append(s.state, buffer(t, b, values, shape))
	}
	return s
}

// compileTrainStep makes the step without its state: weights, then two moments.
func compileTrainStep(t testing.TB, b compute.Backend, n network.LoopITR, batch, tokens int) *trainStep {
	t.Helper()
	s, c := &trainStep{backend: b}, n.Config
	g := NewGraph(b, "train step")
	var weights, first, second []*Node
	n.Weights = network.Weights{}
	for kind, list := range []*[]*Node{&weights, &first, &second} {
		for _, p := range c.Params() {
			shape := shapes.Make(dtypes.Float32, p.Shape...)
			x := Parameter(g, fmt.Sprint(kind, p.Name), shape)
			*list, s.shapes = append(*list, x), append(s.shapes, shape)
			if kind == 0 {
				n.Weights[p.Name] = x
			}
		}
	}
	total := objective(n, s.feed(t, g, c, batch, tokens))
	results := adamW(weights, first, second, Gradient(total, weights...))
	s.nodes = len(g.Nodes())
	g.Compile(append(results, total)...)
	s.executable = g.Executable()
	s.donate = make([]bool, len(s.shapes)+len(s.inputs))
	for i := range s.shapes {
		s.donate[i] = true
	}
	return s
}

// stateBytes is the size of weights and moments.
func (s *trainStep) stateBytes() (n int) {
	for _, shape := range s.shapes {
		n += 4 * shape.Size()
	}
	return n
}

func buffer(t testing.TB, b compute.Backend, flat any, shape shapes.Shape) compute.Buffer {
	t.Helper()
	r, err := b.BufferFromFlatData(0, flat, shape)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// feed makes the inputs: pictures, ids, mask, noise.
func (s *trainStep) feed(t testing.TB, g *Graph, c network.Config, batch, tokens int) []*Node {
	rng := rand.New(rand.NewPCG(1, 2))
	size := c.Vision.ImageSize
	pictures := make([]float32, batch*size*size*3)
	for i := range pictures {
		pictures[i] = float32(rng.NormFloat64())
	}
	ids, mask, noise := make([]int64, batch*tokens), make([]float32, batch*tokens), make([]float32, 2*batch*batch)
	for i := range ids {
		if i%tokens < 3+i/tokens%(tokens-3) {
			ids[i], mask[i] = int64(rng.IntN(c.Text.Vocabulary)), 1
		}
	}
	for i := range noise {
		noise[i] = float32(-math.Log(-math.Log(rng.Float64())))
	}
	var nodes []*Node
	for i, in := range []struct {
		flat  any
		shape shapes.Shape
	}{
		{pictures, shapes.Make(dtypes.Float32, batch, size, size, 3)},
		{ids, shapes.Make(dtypes.Int64, batch, tokens)},
		{mask, shapes.Make(dtypes.Float32, batch, tokens)},
		{noise, shapes.Make(dtypes.Float32, 2, batch, batch)},
	} {
		nodes = append(nodes, Parameter(g, fmt.Sprint("input", i), in.shape))
		s.inputs = append(s.inputs, buffer(t, s.backend, in.flat, in.shape))
	}
	return nodes
}

func objective(n network.LoopITR, in []*Node) *Node {
	pictures, ids, mask, noise := in[0], in[1], in[2], in[3]
	b := ids.Shape().Dim(0)
	tokens, states := n.Vision(pictures), n.Text(network.Captions{IDs: ids, Mask: mask})
	similarity := Div(Einsum("ie,je->ij", n.ProjectImage(tokens), n.ProjectText(states)), n.Temperature())
	own := Iota(similarity.Graph(), shapes.Make(dtypes.Int64, b), 0)
	same := loss.SameGroup(own, own)
	side := func(s *Node, i int) loss.Candidates {
		return loss.HardNegatives(loss.DefaultNegatives(), loss.Search{
			Similarity: s, Same: same, Noise: Reshape(Slice(noise, AxisRange(i, i+1)), b, b)})
	}
	turned := Transpose(similarity, 0, 1)
	judged := loss.Judged{ForPictures: side(similarity, 0), ForCaptions: side(turned, 1)}
	captions, chosen := judged.Pairs()
	at := InsertAxes(captions, -1)
	zp, zc := judged.Deal(n.Match(network.Pairs{
		States: Gather(states, at), Mask: Gather(mask, at), Tokens: tokens, Picture: chosen}))
	p := loss.Side{Dual: judged.ForPictures.Of(similarity), Cross: zp, Valid: judged.ForPictures.Valid}
	q := loss.Side{Dual: judged.ForCaptions.Of(turned), Cross: zc, Valid: judged.ForCaptions.Valid}
	config := loss.Default()
	total := Add(loss.Contrast(similarity, same).Loss, loss.Match(config.Match, p, q))
	return Add(total, loss.Distill(config.Distill, p, q))
}

// adamW is the optimizer's update with clipping at norm one.
func adamW(weights, first, second, gradients []*Node) []*Node {
	var sum *Node
	for _, g := range gradients {
		square := ReduceAllSum(Square(g))
		if sum == nil {
			sum = square
		} else {
			sum = Add(sum, square)
		}
	}
	scale := MinScalar(Inverse(AddScalar(Sqrt(sum), 1e-6)), 1.0)
	var w, m, v []*Node
	for i, g := range gradients {
		g = Mul(g, scale)
		m = append(m, Add(MulScalar(first[i], 0.9), MulScalar(g, 0.1)))
		v = append(v, Add(MulScalar(second[i], 0.98), MulScalar(Square(g), 0.02)))
		move := Div(MulScalar(m[i], 1e-3), AddScalar(Sqrt(v[i]), 1e-8))
		w = append(w, Sub(Sub(weights[i], MulScalar(weights[i], 1e-5)), move))
	}
	return append(append(w, m...), v...)
}

// run takes one step and returns the loss.
func (s *trainStep) run(t testing.TB) float32 {
	t.Helper()
	out, err := s.executable.Execute(append(append([]compute.Buffer{}, s.state...), s.inputs...), s.donate, 0)
	if err != nil {
		t.Fatal(err)
	}
	copy(s.state, out)
	var total [1]float32
	last := out[len(out)-1]
	if err := last.ToFlatData(total[:]); err != nil {
		t.Fatal(err)
	}
	if err := last.Finalize(); err != nil {
		t.Fatal(err)
	}
	return total[0]
}

// values reads the whole state.
func (s *trainStep) values(t testing.TB) [][]float32 {
	t.Helper()
	all := make([][]float32, len(s.state))
	for i, b := range s.state {
		shape, err := b.Shape()
		if err != nil {
			t.Fatal(err)
		}
		all[i] = make([]float32, shape.Size())
		if err := b.ToFlatData(all[i]); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func tiny() network.Config {
	c := network.Nano()
	c.Vision.ImageSize, c.Vision.Width, c.Vision.Hidden = 16, 16, 64
	c.Text.Width, c.Text.Hidden, c.Projection = 16, 64, 8
	return c
}

func TestTrainingStepAgreesWithGo(t *testing.T) { eachLevel(t, trainingStepAgreesWithGo) }

func trainingStepAgreesWithGo(t *testing.T) {
	ours, theirs := newTrainStep(t, open(t, "threads=2"), tiny(), 6, 7), newTrainStep(t, openGo(t), tiny(), 6, 7)
	// Gradients that are all but zero have their sign decided by rounding, and
	// AdamW's first step moves by sign: moments are compared, not weights.
	params := len(ours.state) / 3
	for step := range 2 {
		got, want := ours.run(t), theirs.run(t)
		if math.Abs(float64(got-want)) > 1e-5*math.Abs(float64(want)) {
			t.Fatalf("step %d: loss %v, want %v", step, got, want)
		}
		if step > 0 {
			break
		}
		g, w := ours.values(t), theirs.values(t)
		for i := params; i < 2*params; i++ {
			near(t, fmt.Sprintf("moment %d", i), g[i], w[i], 2e-5)
		}
	}
}

// near compares within tolerance of the greatest value.
func near(t *testing.T, what string, got, want []float32, tolerance float64) {
	t.Helper()
	greatest := 0.0
	for _, v := range want {
		greatest = max(greatest, math.Abs(float64(v)))
	}
	for j := range want {
		if d := math.Abs(float64(got[j] - want[j])); !(d <= tolerance*greatest+1e-8) {
			t.Errorf("%s[%d] = %v, want %v (greatest %v)", what, j, got[j], want[j], greatest)
			return
		}
	}
}

func TestSameBitsForAnyThreads(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for _, products := range []string{"float32", "bf16"} {
			t.Run(products, func(t *testing.T) { sameBitsForAnyThreads(t, products) })
		}
	})
}

func sameBitsForAnyThreads(t *testing.T, products string) {
	var first [][]float32
	for _, threads := range []int{1, 2, 4} {
		s := newTrainStep(t, open(t, fmt.Sprintf("threads=%d,products=%s", threads, products)), network.Nano(), 9, 8)
		for range 2 {
			s.run(t)
		}
		got := s.values(t)
		if first == nil {
			first = got
			continue
		}
		for i := range got {
			for j := range got[i] {
				if math.Float32bits(got[i][j]) != math.Float32bits(first[i][j]) {
					t.Fatalf("threads=%d: state %d[%d] = %v, with one thread %v", threads, i, j, got[i][j], first[i][j])
				}
			}
		}
	}
}

// BenchmarkStep is a training step at 64 px, 192 wide, 3+3+3 layers, batch 64: one
// that other engines were measured by before this one was built.
func BenchmarkStep(b *testing.B) {
	c := network.Small()
	c.Vision.Layers, c.Text.Layers, c.Cross.Layers = 3, 3, 3
	for _, config := range []string{"threads=1", fmt.Sprintf("threads=%d", runtime.GOMAXPROCS(0))} {
		b.Run(config, func(b *testing.B) {
			s := newTrainStep(b, open(b, config), c, 64, 16)
			s.run(b)
			for b.Loop() {
				s.run(b)
			}
			b.ReportMetric(64*float64(b.N)/b.Elapsed().Seconds(), "pairs/s")
			arena, live := s.executable.(*cpu.Executable).MemoryPlan()
			b.ReportMetric(float64(arena)/1e6, "arena-MB")
			b.ReportMetric(float64(arena)/float64(live), "arena/live")
			b.ReportMetric(float64(s.nodes), "nodes")
		})
	}
}

// TestRoundedProducts: products=bf16 changes a step by what rounding explains.
func TestRoundedProducts(t *testing.T) {
	exact, rounded := newTrainStep(t, open(t, "threads=2"), tiny(), 6, 7), newTrainStep(t, open(t, "threads=2,products=bf16"), tiny(), 6, 7)
	want, got := exact.run(t), rounded.run(t)
	if got == want || math.Abs(float64(got-want)) > 1e-2*math.Abs(float64(want)) {
		t.Errorf("loss %v with rounded products, %v with exact ones", got, want)
	}
}

// BenchmarkStepOverhead is what a step costs beside its work: two thousand chains
// of one tiny node each.
func BenchmarkStepOverhead(b *testing.B) {
	const steps = 2000
	backend := open(b, "threads=2")
	e := compile(b, backend, [][]int{{4, 3}}, func(f compute.Function, v []compute.Value) []compute.Value {
		m := must(b)
		x := v[0]
		for range steps / 2 {
			// A transpose is no part of a tile program: each step stands alone.
			x = m(f.Neg(m(f.Transpose(x, 1, 0))))
		}
		return []compute.Value{x}
	})
	x := buffer(b, backend, make([]float32, 12), shapes.Make(dtypes.Float32, 4, 3))
	for b.Loop() {
		out, err := e.Execute([]compute.Buffer{x}, nil, 0)
		if err != nil {
			b.Fatal(err)
		}
		if err := out[0].Finalize(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/steps, "ns/step")
}

// TestRematerializedStep: blocks computed again for the gradient give the same
// loss and gradients with less memory. Barriers keep the two makings apart.
func TestRematerializedStep(t *testing.T) {
	b := open(t, "threads=2")
	kept := newTrainStep(t, b, network.Nano(), 16, 8)
	again := newTrainStepOf(t, b, network.LoopITR{Config: network.Nano(), Rematerialize: true}, 16, 8)
	if want, got := kept.run(t), again.run(t); got != want {
		t.Errorf("loss %v, with everything kept %v", got, want)
	}
	params := len(kept.state) / 3
	g, w := again.values(t), kept.values(t)
	for i := params; i < 2*params; i++ {
		near(t, fmt.Sprintf("moment %d", i), g[i], w[i], 1e-5)
	}
	more, _ := kept.executable.(*cpu.Executable).MemoryPlan()
	less, _ := again.executable.(*cpu.Executable).MemoryPlan()
	if less >= more*9/10 {
		t.Errorf("arena of %d bytes, with everything kept %d", less, more)
	}
}
