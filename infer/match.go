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
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(m.bucket(pairs[a].Text.Count), m.bucket(pairs[b].Text.Count)) })
	z := make([]float32, len(pairs))
	for len(order) > 0 {
		rows := batchRows(len(order))
		batch := order[:min(rows, len(order))]
		order = order[len(batch):]
		if err := m.match(ctx, rows, batch, pairs, z); err != nil {
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

// match fills z for the pairs in batch. A picture that several pairs share goes
// to the engine once, and its keys and values are made once.
func (m *Model) match(ctx context.Context, rows int, batch []int, pairs []loopitr.Pair, z []float32) error {
	d, dv := pairs[batch[0]].Text.Width, m.config.Network.Vision.Width
	tokens := m.bucket(pairs[batch[len(batch)-1]].Text.Count)
	states, mask := make([]float32, rows*tokens*d), make([]float32, rows*tokens)
	picture := make([]int64, rows)
	at := map[*float32]int64{}
	var pictures []loopitr.States
	for row, i := range batch {
		text := pairs[i].Text
		copy(states[row*tokens*d:], text.Values)
		for t := range text.Count {
			mask[row*tokens+t] = 1
		}
		key := &pairs[i].Image.Values[0]
		if _, known := at[key]; !known {
			at[key] = int64(len(pictures))
			pictures = append(pictures, pairs[i].Image)
		}
		picture[row] = at[key]
	}
	for row := len(batch); row < rows; row++ {
		mask[row*tokens] = 1
	}
	count, held := m.config.Network.Vision.PictureTokens(), batchRows(len(pictures))
	values := make([]float32, held*count*dv)
	for i, p := range pictures {
		copy(values[i*count*dv:], p.Values)
	}
	p, err := m.matchProgram(rows, tokens, held)
	if err != nil {
		return err
	}
	out, err := p.Run(ctx, m.captions(states, rows, tokens), engine.Floats(mask, rows, tokens),
		engine.Floats(values, held, count, dv), engine.Ints(picture, rows))
	if err != nil {
		return err
	}
	for row, i := range batch {
		z[i] = out[0].Floats()[row]
	}
	return nil
}

// captions are rows of captions' states as the match program takes them.
func (m *Model) captions(states []float32, rows, tokens int) engine.Tensor {
	if !m.fromIDs() {
		return engine.Floats(states, rows, tokens, m.config.Network.Text.Width)
	}
	ids := make([]int64, len(states))
	for i, id := range states {
		ids[i] = int64(id)
	}
	return engine.Ints(ids, rows, tokens)
}

func (m *Model) matchProgram(rows, tokens, held int) (*engine.Program, error) {
	c := m.config.Network
	captions := engine.FloatInput("states", rows, tokens, c.Text.Width)
	if m.fromIDs() {
		captions = engine.IntInput("ids", rows, tokens)
	}
	return m.program(shape{"match", rows, tokens, held}, []engine.Spec{
		captions,
		engine.FloatInput("mask", rows, tokens),
		engine.FloatInput("tokens", held, c.Vision.PictureTokens(), c.Vision.Width),
		engine.IntInput("picture", rows),
	}, func(n network.LoopITR, in []*graph.Node) []*graph.Node {
		pairs := network.Pairs{States: in[0], Mask: in[1], Tokens: in[2], Picture: in[3]}
		if m.fromIDs() {
			pairs.States, pairs.IDs = nil, in[0]
		}
		return []*graph.Node{n.Match(pairs)}
	})
}
