package train

import (
	"strings"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/loopitr/loopitr/internal/engine"
	"github.com/loopitr/loopitr/loss"
	"github.com/loopitr/loopitr/network"
)

// Names of the loss parts in metrics and on the screen.
const (
	partContrast = "contrast"
	partMatch    = "match"
	partDistill  = "distill"
	partMasked   = "masked_tokens"
)

// figures are the places of a step's scalar results in its one output.
const (
	figureLoss = iota
	figureContrast
	figureMatch
	figureDistill
	figureMasked
	figureTemperature
	figureNorm
	figureSkipped
	figureCount
)

// inputs are a step's inputs as graph nodes, in the order of specs.
type inputs struct {
	pictures, ids, mask, picture, text, noise, key *graph.Node
	rate, correct1, correct2                       *graph.Node
	distill, hardness, average                     *graph.Node
	masked, places, hidden                         *graph.Node // only with masked-token modelling
	shown                                          *graph.Node // only where patches are left out
}

// specs describes the inputs of a step over B pairs of T tokens.
func (c Config) specs(s sizes) []engine.Spec {
	b, t := s.pairs, s.tokens
	specs := []engine.Spec{
		engine.FloatInput("pictures", append([]int{b}, s.picture...)...),
		engine.IntInput("ids", b, t), engine.FloatInput("mask", b, t),
		engine.IntInput("picture", b), engine.IntInput("text", b),
		engine.FloatInput("noise", 2, b, b), engine.IntInput("key", 3),
		engine.FloatInput("rate"), engine.FloatInput("correct1"), engine.FloatInput("correct2"),
		engine.FloatInput("distill"), engine.FloatInput("hardness"), engine.FloatInput("average"),
	}
	if c.Loss.MaskedTokens.Weight > 0 {
		specs = append(specs, c.maskedSpecs(b, t)...)
	}
	if s.shown > 0 {
		specs = append(specs, engine.IntInput("shown", b, s.shown))
	}
	return specs
}

func (c Config) inputs(nodes []*graph.Node) inputs {
	in := inputs{
		pictures: nodes[0], ids: nodes[1], mask: nodes[2], picture: nodes[3], text: nodes[4], noise: nodes[5], key: nodes[6],
		rate: nodes[7], correct1: nodes[8], correct2: nodes[9],
		distill: nodes[10], hardness: nodes[11], average: nodes[12],
	}
	rest := nodes[13:]
	if c.Loss.MaskedTokens.Weight > 0 {
		in.masked, in.places, in.hidden = rest[0], rest[1], rest[2]
		rest = rest[3:]
	}
	if len(rest) > 0 {
		in.shown = rest[0]
	}
	return in
}

// tensors are a batch as the inputs that specs describes.
func (c Config) tensors(b batch, picture []int, s stepSize) []engine.Tensor {
	n, t := b.pairs, b.tokens
	values := []engine.Tensor{
		engine.Floats(b.pictures, append([]int{n}, picture...)...),
		engine.Ints(b.ids, n, t), engine.Floats(b.mask, n, t),
		engine.Ints(b.picture, n), engine.Ints(b.text, n),
		engine.Floats(b.noise, 2, n, n), engine.Ints(b.key, 3),
		engine.Scalar(s.rate), engine.Scalar(s.correct1), engine.Scalar(s.correct2),
		engine.Scalar(s.distill), engine.Scalar(s.hardness), engine.Scalar(s.average),
	}
	if b.masked != nil {
		k := len(b.places) / n
		values = append(values, engine.Ints(b.masked, n, t), engine.Ints(b.places, n, k), engine.Floats(b.hidden, n, k))
	}
	if b.shown != nil {
		values = append(values, engine.Ints(b.shown, n, len(b.shown)/n))
	}
	return values
}

// encoded is what the two towers make of a batch.
type encoded struct {
	tokens, states *graph.Node // [B,P,D], [B,T,D]
	images, texts  *graph.Node // [B,E], of length one
}

func (c Config) towers(n network.LoopITR, in inputs) encoded {
	e := encoded{tokens: in.pictures}
	if !c.cached() {
		e.tokens = n.VisionOf(in.pictures, in.shown)
	}
	e.states = n.Text(network.Captions{IDs: in.ids, Mask: in.mask})
	e.images, e.texts = n.ProjectImage(e.tokens), n.ProjectText(e.states)
	return e
}

// objective is the loop of the paper in one graph: contrast teaches the dual
// encoder, which draws hard negatives, on which match teaches the cross encoder,
// whose judgement distill gives back to the dual encoder. It returns the total
// and the figures up to figureMasked, and the share of rows without a negative.
func (c Config) objective(n network.LoopITR, in inputs, e encoded) (p parts, skipped *graph.Node) {
	d := dualOf(n, e, in)
	if c.Loss.Judges() {
		judged := c.draw(d, in)
		z := n.Match(c.pairsOf(judged, e, in))
		p, skipped = c.losses(d, judged, z, in.distill), judged.skipped()
	} else {
		p, skipped = c.contrast(d), graph.ScalarZero(in.mask.Graph(), in.mask.DType())
	}
	if in.masked != nil {
		p[figureMasked] = maskedTokens(n, in, e)
		p[figureLoss] = graph.Add(p[figureLoss], graph.MulScalar(p[figureMasked], c.Loss.MaskedTokens.Weight))
	}
	return p, skipped
}

// dual is how the dual encoder sees a batch.
type dual struct {
	similarity *graph.Node // [B,B], cosine over temperature
	same       *graph.Node // [B,B], who may not be a negative
}

func dualOf(n network.LoopITR, e encoded, in inputs) dual {
	return dual{
		similarity: graph.Div(graph.Einsum("ie,je->ij", e.images, e.texts), n.Temperature()),
		same:       loss.SameGroup(in.picture, in.text),
	}
}

// judged are the candidates of a batch.
type judged struct{ loss.Judged }

// draw chooses hard negatives by the dual encoder's similarities.
func (c Config) draw(d dual, in inputs) judged {
	b := d.similarity.Shape().Dim(0)
	side := func(similarity *graph.Node, side int) loss.Candidates {
		noise := graph.Reshape(graph.Slice(in.noise, graph.AxisRange(side, side+1)), b, b)
		return loss.HardNegatives(c.Negatives, loss.Search{Similarity: similarity, Same: d.same, Noise: noise, Hardness: in.hardness})
	}
	return judged{loss.Judged{ForPictures: side(d.similarity, 0), ForCaptions: side(graph.Transpose(d.similarity, 0, 1), 1)}}
}

// skipped is the share of rows that have no negative.
func (j judged) skipped() *graph.Node {
	rows := 2 * j.ForPictures.Columns.Shape().Dim(0)
	return graph.DivScalar(graph.Add(j.ForPictures.Skipped, j.ForCaptions.Skipped), float64(rows))
}

// parts are the losses in the order of the figures.
type parts [figureMasked + 1]*graph.Node

// losses are those that need the whole batch: all but masked tokens, which are 0.
// z [N] is what the cross encoder says of the candidates.
func (c Config) losses(d dual, j judged, z, distill *graph.Node) (p parts) {
	zPictures, zCaptions := j.Deal(z)
	pictures := loss.Side{Dual: j.ForPictures.Of(d.similarity), Cross: zPictures, Valid: j.ForPictures.Valid}
	captions := loss.Side{Dual: j.ForCaptions.Of(graph.Transpose(d.similarity, 0, 1)), Cross: zCaptions, Valid: j.ForCaptions.Valid}
	p = c.contrast(d)
	p[figureMatch] = loss.Match(c.Loss.Match, pictures, captions)
	p[figureDistill] = loss.Distill(c.Loss.Distill, pictures, captions)
	p[figureLoss] = graph.Add(graph.Mul(p[figureDistill], distill),
		graph.Add(p[figureLoss], graph.MulScalar(p[figureMatch], c.Loss.Match.Weight)))
	return p
}

// contrast are the losses of the dual encoder alone; the others are 0.
func (c Config) contrast(d dual) (p parts) {
	for i := range p {
		p[i] = graph.ScalarZero(d.similarity.Graph(), d.similarity.DType())
	}
	p[figureContrast] = loss.Contrast(d.similarity, d.same).Loss
	p[figureLoss] = graph.MulScalar(p[figureContrast], c.Loss.Contrast.Weight)
	return p
}

// pairsOf gathers what the cross encoder is to judge. Pictures are not copied:
// their keys and values are made once each.
func (c Config) pairsOf(judged judged, e encoded, in inputs) network.Pairs {
	captions, pictures := judged.Pairs()
	at := graph.InsertAxes(captions, -1)
	pairs := network.Pairs{Mask: graph.Gather(in.mask, at), Tokens: e.tokens, Picture: pictures}
	if c.Network.Cross.From == network.FromIDs {
		pairs.IDs = graph.Gather(in.ids, at)
	} else {
		pairs.States = graph.Gather(e.states, at)
	}
	return pairs
}

// maskedSpecs describes what masked-token modelling takes besides a step's batch.
func (c Config) maskedSpecs(pairs, tokens int) []engine.Spec {
	k := c.Loss.MaskedTokens.Most(tokens)
	return []engine.Spec{engine.IntInput("masked", pairs, tokens), engine.IntInput("places", pairs, k), engine.FloatInput("hidden", pairs, k)}
}

// maskedTokens is masked-language modelling through the picture: the hidden words
// are to be read off it. Only they are predicted: over a vocabulary of thousands,
// predicting every place would cost as much as the cross encoder.
func maskedTokens(n network.LoopITR, in inputs, e encoded) *graph.Node {
	pairs := network.Pairs{IDs: in.masked, Mask: in.mask, Tokens: e.tokens}
	if n.Config.Cross.From == network.FromStates {
		pairs.States = n.Text(network.Captions{IDs: in.masked, Mask: in.mask})
	}
	seen := n.Cross(pairs)
	at := flatPlaces(in.places, in.ids)
	ids := graph.Reshape(in.ids, in.ids.Shape().Size())
	states := graph.Reshape(seen, in.ids.Shape().Size(), seen.Shape().Dim(-1))
	return loss.MaskedTokens(n.TokenLogits(graph.Gather(states, at)), graph.Gather(ids, at), in.hidden)
}

// flatPlaces [B,K,1] are places [B,K] within the rows of ids [B,T] as places in
// all of ids.
func flatPlaces(places, ids *graph.Node) *graph.Node {
	rows := graph.MulScalar(graph.Iota(places.Graph(), places.Shape(), 0), float64(ids.Shape().Dim(1)))
	return graph.InsertAxes(graph.Add(places, rows), -1)
}

// stepSize holds what changes from step to step besides the batch.
type stepSize struct{ rate, correct1, correct2, distill, hardness, average float32 }

// stepSize is that of a step after so many that the dual encoder took alone, when
// progress of the run is behind it.
func (c Config) stepSize(step, alone int64, progress float64) stepSize {
	s := c.Optimizer.stepSize(int(step), c.Optimizer.Rate(int(step), progress))
	distill := c.Loss.Distill.Weight
	judging := step - alone
	if warm := c.Loss.Distill.WarmupSteps; judging < int64(warm) {
		distill *= float64(judging) / float64(warm)
	}
	// The average follows quickly at first, so that it forgets the initial weights.
	average := max(1-c.Average, 9/(10+float64(step)))
	return stepSize{
		rate: s[0], correct1: s[1], correct2: s[2],
		distill: float32(distill), hardness: c.Hardness.at(judging), average: float32(average),
	}
}

// net is the network as training runs it; a nil key drops nothing.
func (c Config) net(weights map[string]*graph.Node, key *graph.Node) network.LoopITR {
	n := network.LoopITR{Config: c.Network, Weights: weights, Rematerialize: c.Rematerialize}
	if key != nil && c.Network.Dropout > 0 {
		n.Noise = network.NewNoise(key)
	}
	return n
}

// build makes the graph of one whole step: forward, gradients, update.
func (c Config) build(variables map[string]*graph.Node, nodes []*graph.Node) (map[string]*graph.Node, []*graph.Node) {
	in := c.inputs(nodes)
	n := c.net(variables, in.key)
	p, skipped := c.objective(n, in, c.towers(n, in))
	var weights []*graph.Node
	for _, p := range c.taught() {
		weights = append(weights, variables[p.Name])
	}
	replaced, norm := c.update(variables, graph.Gradient(p[figureLoss], weights...), in)
	return replaced, []*graph.Node{figuresOf(append(p[:], n.Temperature(), norm, skipped)...)}
}

// figuresOf lines scalars up to one vector.
func figuresOf(scalars ...*graph.Node) *graph.Node {
	line := make([]*graph.Node, len(scalars))
	for i, s := range scalars {
		line[i] = graph.Reshape(s, 1)
	}
	return graph.Concatenate(line, 0)
}

// update takes one AdamW step for every trained parameter.
func (c Config) update(variables map[string]*graph.Node, gradients []*graph.Node, in inputs) (map[string]*graph.Node, *graph.Node) {
	gradients, norm := c.Optimizer.clip(gradients)
	replaced := map[string]*graph.Node{}
	size := []*graph.Node{in.rate, in.correct1, in.correct2}
	for i, p := range c.taught() {
		old := moments{variables[p.Name], variables[firstPrefix+p.Name], variables[secondPrefix+p.Name]}
		next := c.Optimizer.adamW(old, gradients[i], size, c.Optimizer.factor(p.Name))
		if p.Name == network.TemperatureName {
			next.value = network.ClampTemperature(next.value)
		}
		replaced[p.Name], replaced[firstPrefix+p.Name], replaced[secondPrefix+p.Name] = next.value, next.first, next.second
		if c.Average > 0 {
			average := variables[averagePrefix+p.Name]
			replaced[averagePrefix+p.Name] = graph.Add(average, graph.Mul(graph.Sub(next.value, average), in.average))
		}
	}
	return replaced, norm
}

// factor is what multiplies the learning rate of a parameter.
func (o Optimizer) factor(name string) float64 {
	switch part, _, _ := strings.Cut(name, "/"); part {
	case "vision":
		return o.Rates.Vision
	case "text":
		return o.Rates.Text
	case "cross", "match", "mlm":
		return o.Rates.Cross
	}
	return o.Rates.Heads
}
