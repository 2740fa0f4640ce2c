package train

import (
	"github.com/gomlx/gomlx/core/graph"

	"github.com/loopitr/loopitr/internal/engine"
	"github.com/loopitr/loopitr/loss"
	"github.com/loopitr/loopitr/network"
)

// compiled is a program to be, and where it goes.
type compiled struct {
	to   **engine.Program
	step engine.Step
}

// steps describes the programs: seven, or four where no loss asks for judgement.
func (a *accumulated) steps() []compiled {
	c, p := a.config, &a.programs
	fresh, added := c.encodeBackParts()
	var judging []compiled
	if c.Loss.Judges() {
		judging = []compiled{
			{&p.draw, engine.Step{Name: "draw", Reads: []string{network.TemperatureName}, Inputs: a.drawInputs(), Build: a.buildDraw}},
			{&p.judge, engine.Step{Name: "judge", Reads: c.parameters(), Inputs: a.judgeInputs(), Build: a.buildJudge}},
			{&p.judgeBack, engine.Step{Name: "judge backwards", Reads: c.parameters(), Replaces: prefixed(c.named(judges...)),
				Inputs: append(a.judgeInputs(), engine.FloatInput("to z", a.judge), engine.FloatInput("keep")), Build: a.buildJudgeBack}},
		}
	}
	return append(judging, []compiled{
		{&p.encode, engine.Step{Name: "encode", Reads: c.parameters(), Inputs: a.encodeInputs(), Build: a.buildEncode}},
		{&p.losses, engine.Step{Name: "losses", Reads: []string{network.TemperatureName}, Inputs: a.lossesInputs(), Build: a.buildLosses}},
		{&p.encodeBack, engine.Step{Name: "encode backwards", Reads: c.parameters(), Replaces: prefixed(append(fresh, added...)),
			Inputs: a.encodeBackInputs(), Build: a.buildEncodeBack}},
		{&p.update, engine.Step{Name: "update", Reads: prefixed(a.summed()), Replaces: c.replaced(), Inputs: []engine.Spec{
			engine.FloatInput("rate"), engine.FloatInput("correct1"), engine.FloatInput("correct2"),
			engine.FloatInput("average"), engine.FloatInput("to temperature")}, Build: a.buildUpdate}},
	}...)
}

// summed are the parameters whose gradients chunks add up: all but temperature.
func (a *accumulated) summed() []string {
	return a.config.named("vision", "text", "project", "cross", "match", "mlm")
}

func prefixed(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = gradientPrefix + name
	}
	return out
}

func (a *accumulated) encodeInputs() []engine.Spec {
	n, t := a.chunk, a.tokens
	specs := []engine.Spec{
		engine.FloatInput("pictures", append([]int{n}, a.picture...)...),
		engine.IntInput("ids", n, t), engine.FloatInput("mask", n, t), engine.IntInput("key", 3),
	}
	if a.shown > 0 {
		specs = append(specs, engine.IntInput("shown", n, a.shown))
	}
	return specs
}

// encodeNodes takes the encoders' inputs off the front of nodes.
func (a *accumulated) encodeNodes(nodes []*graph.Node) (in inputs, rest []*graph.Node) {
	in = inputs{pictures: nodes[0], ids: nodes[1], mask: nodes[2], key: nodes[3]}
	rest = nodes[4:]
	if a.shown > 0 {
		in.shown, rest = rest[0], rest[1:]
	}
	return in, rest
}

func (a *accumulated) buildEncode(weights map[string]*graph.Node, nodes []*graph.Node) (map[string]*graph.Node, []*graph.Node) {
	in, _ := a.encodeNodes(nodes)
	e := a.config.towers(a.config.net(weights, in.key), in)
	return nil, []*graph.Node{e.images, e.texts, e.tokens, e.states}
}

// vectorInputs are images and texts of the whole batch.
func (a *accumulated) vectorInputs() []engine.Spec {
	e := a.config.Network.Projection
	return []engine.Spec{engine.FloatInput("images", a.pairs, e), engine.FloatInput("texts", a.pairs, e)}
}

func (a *accumulated) drawInputs() []engine.Spec {
	b := a.pairs
	return append(a.vectorInputs(), engine.IntInput("picture", b), engine.IntInput("text", b),
		engine.FloatInput("noise", 2, b, b), engine.FloatInput("hardness"))
}

func (a *accumulated) buildDraw(weights map[string]*graph.Node, nodes []*graph.Node) (map[string]*graph.Node, []*graph.Node) {
	in := inputs{picture: nodes[2], text: nodes[3], noise: nodes[4], hardness: nodes[5]}
	j := a.config.draw(dualOf(a.config.net(weights, nil), encoded{images: nodes[0], texts: nodes[1]}, in), in)
	captions, pictures := j.Pairs()
	return nil, []*graph.Node{captions, pictures,
		j.ForPictures.Columns, j.ForPictures.Valid, j.ForCaptions.Columns, j.ForCaptions.Valid, j.skipped()}
}

func (a *accumulated) judgeInputs() []engine.Spec {
	n, m, t := a.config.Network, a.judge, a.tokens
	return []engine.Spec{
		engine.FloatInput("states", m, t, n.Text.Width), engine.FloatInput("mask", m, t),
		engine.FloatInput("tokens", a.held, a.pictureTokens(), n.Vision.Width),
		engine.IntInput("picture", m), engine.IntInput("key", 3),
	}
}

func (a *accumulated) match(weights map[string]*graph.Node, in []*graph.Node) *graph.Node {
	return a.config.net(weights, in[4]).Match(network.Pairs{States: in[0], Mask: in[1], Tokens: in[2], Picture: in[3]})
}

func (a *accumulated) buildJudge(weights map[string]*graph.Node, nodes []*graph.Node) (map[string]*graph.Node, []*graph.Node) {
	return nil, []*graph.Node{a.match(weights, nodes)}
}

func (a *accumulated) lossesInputs() []engine.Spec {
	b, k := a.pairs, 1+a.config.Negatives.Count
	specs := append(a.vectorInputs(), engine.IntInput("picture", b), engine.IntInput("text", b))
	if !a.config.Loss.Judges() {
		return specs
	}
	return append(specs, engine.FloatInput("z", b*(2*k-1)), engine.FloatInput("distill"),
		engine.IntInput("captions for pictures", b, k), engine.FloatInput("valid for pictures", b, k),
		engine.IntInput("pictures for captions", b, k), engine.FloatInput("valid for captions", b, k))
}

func (a *accumulated) buildLosses(weights map[string]*graph.Node, nodes []*graph.Node) (map[string]*graph.Node, []*graph.Node) {
	images, texts := nodes[0], nodes[1]
	d := dualOf(a.config.net(weights, nil), encoded{images: images, texts: texts}, inputs{picture: nodes[2], text: nodes[3]})
	to := []*graph.Node{images, texts, weights[network.TemperatureName]}
	p := a.config.contrast(d)
	if a.config.Loss.Judges() {
		z := nodes[4]
		p = a.config.losses(d, judged{loss.Judged{
			ForPictures: loss.Candidates{Columns: nodes[6], Valid: nodes[7]},
			ForCaptions: loss.Candidates{Columns: nodes[8], Valid: nodes[9]},
		}}, z, nodes[5])
		to = append(to, z)
	}
	gradients := graph.Gradient(p[figureLoss], to...)
	return nil, append([]*graph.Node{figuresOf(p[:]...)}, gradients...)
}

func (a *accumulated) buildJudgeBack(variables map[string]*graph.Node, nodes []*graph.Node) (map[string]*graph.Node, []*graph.Node) {
	z, toZ, keep := a.match(variables, nodes), nodes[5], nodes[6]
	total := graph.ReduceAllSum(graph.Mul(z, toZ))
	names := a.config.named(judges...)
	gradients := graph.Gradient(total, append(nodesOf(variables, names), nodes[0], nodes[2])...)
	return accumulate(variables, names, gradients, keep), gradients[len(names):]
}

func nodesOf(variables map[string]*graph.Node, names []string) []*graph.Node {
	var nodes []*graph.Node
	for _, name := range names {
		nodes = append(nodes, variables[name])
	}
	return nodes
}

// accumulate adds gradients to those of the chunks before, or begins with them
// where keep is 0. A nil keep adds.
func accumulate(variables map[string]*graph.Node, names []string, gradients []*graph.Node, keep *graph.Node) map[string]*graph.Node {
	sums := map[string]*graph.Node{}
	for i, name := range names {
		before := variables[gradientPrefix+name]
		if keep != nil {
			// Chosen, not multiplied: what an interrupted step left may not be finite.
			kept := graph.BroadcastToShape(graph.GreaterThan(keep, graph.ConstAs(keep, 0.5)), before.Shape())
			before = graph.Where(kept, before, graph.ZerosLike(before))
		}
		sums[gradientPrefix+name] = graph.Add(before, gradients[i])
	}
	return sums
}

func (a *accumulated) encodeBackInputs() []engine.Spec {
	specs := a.encodeInputs()
	for at, dims := range a.encodedDims(a.chunk) {
		specs = append(specs, engine.FloatInput([]string{"to images", "to texts", "to tokens", "to states"}[at], dims...))
	}
	specs = append(specs, engine.FloatInput("keep"))
	if a.config.Loss.MaskedTokens.Weight > 0 {
		specs = append(specs, a.config.maskedSpecs(a.chunk, a.tokens)...)
		specs = append(specs, engine.FloatInput("share"))
	}
	return specs
}

func (a *accumulated) buildEncodeBack(variables map[string]*graph.Node, nodes []*graph.Node) (map[string]*graph.Node, []*graph.Node) {
	in, rest := a.encodeNodes(nodes)
	gradients, keep := rest[:4], rest[4]
	n := a.config.net(variables, in.key)
	e := a.config.towers(n, in)
	total := graph.ScalarZero(keep.Graph(), keep.DType())
	for i, made := range []*graph.Node{e.images, e.texts, e.tokens, e.states} {
		total = graph.Add(total, graph.ReduceAllSum(graph.Mul(made, gradients[i])))
	}
	masked := graph.ScalarZero(keep.Graph(), keep.DType())
	if len(rest) > 5 {
		in.masked, in.places, in.hidden = rest[5], rest[6], rest[7]
		masked = graph.Mul(maskedTokens(n, in, e), rest[8])
		total = graph.Add(total, graph.MulScalar(masked, a.config.Loss.MaskedTokens.Weight))
	}
	fresh, added := a.config.encodeBackParts()
	found := graph.Gradient(total, nodesOf(variables, append(fresh, added...))...)
	sums := accumulate(variables, fresh, found, keep)
	for name, sum := range accumulate(variables, added, found[len(fresh):], nil) {
		sums[name] = sum
	}
	return sums, []*graph.Node{masked}
}

func (a *accumulated) buildUpdate(variables map[string]*graph.Node, nodes []*graph.Node) (map[string]*graph.Node, []*graph.Node) {
	in := inputs{rate: nodes[0], correct1: nodes[1], correct2: nodes[2], average: nodes[3]}
	var gradients []*graph.Node
	for _, p := range a.config.taught() {
		g := variables[gradientPrefix+p.Name]
		if p.Name == network.TemperatureName {
			g = nodes[4]
		}
		gradients = append(gradients, g)
	}
	replaced, norm := a.config.update(variables, gradients, in)
	return replaced, []*graph.Node{figuresOf(a.config.net(variables, nil).Temperature(), norm)}
}
