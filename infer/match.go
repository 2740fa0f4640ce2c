package infer

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/internal/engine"
	"github.com/loopitr/loopitr/network"
)

// Match implements loopitr.Matcher.
func (m *Model) Match(ctx context.Context, pairs []loopitr.Pair) ([]float32, error) {
	for i, p := range pairs {
		if err := m.checkPair(p); err != nil {
			return nil, fmt.Errorf("match pair %d: %w", i, err)
		}
	}
	// Captions of like length go together, so that little is padded; equal
	// lengths keep their order, so that runs stay runs.
	order := make([]int, len(pairs))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(m.matchLength(pairs[a].Text), m.matchLength(pairs[b].Text)) })
	z := make([]float32, len(pairs))
	for len(order) > 0 {
		batch := order[:min(batchRows(len(order)), len(order))]
		order = order[len(batch):]
		if err := m.match(ctx, batch, pairs, z); err != nil {
			return nil, fmt.Errorf("match: %w", err)
		}
	}
	return z, nil
}

func (m *Model) checkPair(p loopitr.Pair) error {
	c := m.config.Network
	want := loopitr.States{Count: c.Vision.PictureTokens(), Width: c.Vision.Width}
	if p.Image.Count != want.Count || p.Image.Width != want.Width || len(p.Image.Values) != want.Count*want.Width {
		return fmt.Errorf("picture has %d states of %d, want %d of %d: %w", p.Image.Count, p.Image.Width, want.Count, want.Width, loopitr.ErrInvalid)
	}
	t, width := p.Text, c.Text.Width
	if m.fromIDs() {
		width = 1
	}
	if t.Width != width || t.Count < 1 || t.Count > c.Text.MaxTokens || len(t.Values) != t.Count*t.Width {
		return fmt.Errorf("caption has %d states of %d, want 1 to %d of %d: %w", t.Count, t.Width, c.Text.MaxTokens, width, loopitr.ErrInvalid)
	}
	for _, id := range t.Values {
		if m.fromIDs() && !(id >= 0 && id < float32(c.Text.Vocabulary) && id == float32(int64(id))) {
			return fmt.Errorf("caption has token %v, want 0 to %d: %w", id, c.Text.Vocabulary-1, loopitr.ErrInvalid)
		}
	}
	return nil
}

// match fills z for the pairs in batch. A caption or picture that several pairs
// share goes to the engine once, and what it needs alone is computed once.
func (m *Model) match(ctx context.Context, batch []int, pairs []loopitr.Pair, z []float32) error {
	texts := gather(batch, func(i int) loopitr.States { return pairs[i].Text })
	images := gather(batch, func(i int) loopitr.States { return pairs[i].Image })
	rows := batchRows(len(batch))
	s := shape{"match", rows, m.matchLength(pairs[batch[len(batch)-1]].Text), texts.held(), images.held()}
	p, err := m.matchProgram(s)
	if err != nil {
		return err
	}
	states, mask := texts.padded(rows, s.tokens)
	values, _ := images.padded(rows, m.config.Network.Vision.PictureTokens())
	inputs := []engine.Tensor{m.captions(states), mask, values}
	for _, side := range []gathered{texts, images} {
		if side.held() > 0 {
			inputs = append(inputs, engine.Ints(append(side.of, make([]int64, rows-len(batch))...), rows))
		}
	}
	out, err := p.Run(ctx, inputs...)
	if err != nil {
		return err
	}
	for row, i := range batch {
		z[i] = out[0].Floats()[row]
	}
	return nil
}

// matchLength is the caption length that a graph is compiled for. The steps are
// finer than bucket's because the work grows with it for every pair.
func (m *Model) matchLength(text loopitr.States) int {
	return min((text.Count+3)/4*4, m.config.Network.Text.MaxTokens)
}

// gathered are the distinct states on one side of a batch, and which of them
// each pair has.
type gathered struct {
	states []loopitr.States
	of     []int64
}

func gather(batch []int, side func(pair int) loopitr.States) gathered {
	type key struct {
		first *float32
		count int
	}
	at := map[key]int64{}
	var g gathered
	for _, i := range batch {
		s := side(i)
		k := key{&s.Values[0], s.Count}
		if _, known := at[k]; !known {
			at[k] = int64(len(g.states))
			g.states = append(g.states, s)
		}
		g.of = append(g.of, at[k])
	}
	return g
}

// held is how many states the graph takes; 0 when no two pairs share one: then
// they stand in the pairs' order.
func (g gathered) held() int {
	if len(g.states) == len(g.of) {
		return 0
	}
	return batchRows(len(g.states))
}

// padded are the states [held,tokens,D] and their mask [held,tokens]; held 0 is rows.
func (g gathered) padded(rows, tokens int) (states, mask engine.Tensor) {
	held, width := cmp.Or(g.held(), rows), g.states[0].Width
	values, ones := make([]float32, held*tokens*width), make([]float32, held*tokens)
	for i := range held {
		count := 1 // a row that fills up the batch
		if i < len(g.states) {
			count = g.states[i].Count
			copy(values[i*tokens*width:], g.states[i].Values)
		}
		for t := range count {
			ones[i*tokens+t] = 1
		}
	}
	return engine.Floats(values, held, tokens, width), engine.Floats(ones, held, tokens)
}

// captions are captions' states as the match program takes them.
func (m *Model) captions(states engine.Tensor) engine.Tensor {
	if !m.fromIDs() {
		return states
	}
	values := states.Floats()
	ids := make([]int64, len(values))
	for i, id := range values {
		ids[i] = int64(id)
	}
	return engine.Ints(ids, states.Shape[:2]...)
}

func (m *Model) matchProgram(s shape) (*engine.Program, error) {
	c := m.config.Network
	texts, images := cmp.Or(s.texts, s.rows), cmp.Or(s.images, s.rows)
	captions := engine.FloatInput("states", texts, s.tokens, c.Text.Width)
	if m.fromIDs() {
		captions = engine.IntInput("ids", texts, s.tokens)
	}
	inputs := []engine.Spec{
		captions,
		engine.FloatInput("mask", texts, s.tokens),
		engine.FloatInput("tokens", images, c.Vision.PictureTokens(), c.Vision.Width),
	}
	if s.texts > 0 {
		inputs = append(inputs, engine.IntInput("caption", s.rows))
	}
	if s.images > 0 {
		inputs = append(inputs, engine.IntInput("picture", s.rows))
	}
	return m.program(s, inputs, func(n network.LoopITR, in []*graph.Node) []*graph.Node {
		pairs := network.Pairs{States: in[0], Mask: in[1], Tokens: in[2]}
		if m.fromIDs() {
			pairs.States, pairs.IDs = nil, in[0]
		}
		if s.texts > 0 {
			pairs.Caption = in[3]
		}
		if s.images > 0 {
			pairs.Picture = in[len(in)-1]
		}
		return []*graph.Node{n.Match(pairs)}
	})
}
