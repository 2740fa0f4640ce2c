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
	"github.com/loopitr/loopitr/pixels"
)

// Prepare decodes a picture file and fits it to the network; see
// loopitr.Preparer. A network over foreign tokens cannot read files.
func (m *Model) Prepare(encoded []byte) (loopitr.Picture, loopitr.Facts, error) {
	if m.config.Network.Vision.Input != network.Pixels {
		return loopitr.Picture{}, loopitr.Facts{}, fmt.Errorf(
			"prepare picture: this model reads tokens of another network, not pictures; give it a token file: %w", loopitr.ErrInvalid)
	}
	rgb, facts, err := pixels.Prepare(encoded, m.config.Pixels)
	return loopitr.Picture{Pixels: rgb}, facts, err
}

// EncodeTexts implements loopitr.Encoder.
func (m *Model) EncodeTexts(ctx context.Context, captions []string) ([]loopitr.Encoding, error) {
	ids := make([][]int32, len(captions))
	for i, c := range captions {
		ids[i] = m.tokenizer.Encode(c)
	}
	// Captions of like length go together, so that little is padded.
	order := make([]int, len(captions))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(len(ids[a]), len(ids[b])) })
	encodings := make([]loopitr.Encoding, len(captions))
	for len(order) > 0 {
		batch := order[:min(batchRows(len(order)), len(order))]
		order = order[len(batch):]
		if err := m.encodeTexts(ctx, batch, ids, encodings); err != nil {
			return nil, fmt.Errorf("encode captions: %w", err)
		}
	}
	return encodings, nil
}

func (m *Model) encodeTexts(ctx context.Context, batch []int, ids [][]int32, to []loopitr.Encoding) error {
	rows, longest := batchRows(len(batch)), len(ids[batch[len(batch)-1]])
	tokens := m.bucket(longest)
	padded, mask := make([]int64, rows*tokens), make([]float32, rows*tokens)
	for row, i := range batch {
		for at, id := range ids[i] {
			padded[row*tokens+at], mask[row*tokens+at] = int64(id), 1
		}
	}
	for row := len(batch); row < rows; row++ {
		mask[row*tokens] = 1
	}
	p, err := m.program(shape{kind: "texts", rows: rows, tokens: tokens},
		[]engine.Spec{engine.IntInput("ids", rows, tokens), engine.FloatInput("mask", rows, tokens)},
		func(n network.LoopITR, in []*graph.Node) []*graph.Node {
			states := n.Text(network.Captions{IDs: in[0], Mask: in[1]})
			return []*graph.Node{n.ProjectText(states), states}
		})
	if err != nil {
		return err
	}
	out, err := p.Run(ctx, engine.Ints(padded, rows, tokens), engine.Floats(mask, rows, tokens))
	if err != nil {
		return err
	}
	for row, i := range batch {
		to[i] = encodingOf(out, row, len(ids[i]))
		if m.fromIDs() {
			to[i].States = idStates(ids[i])
		}
	}
	return nil
}

// fromIDs tells whether the cross encoder starts from token ids.
func (m *Model) fromIDs() bool { return m.config.Network.Cross.From == network.FromIDs }

// idStates are what a cross encoder that starts from token ids is given of a
// caption: its ids, one number each. float32 holds ids below 2^24 exactly, and
// wordpiece.MaxVocabulary is 2^20.
func idStates(ids []int32) loopitr.States {
	s := loopitr.States{Count: len(ids), Width: 1, Values: make([]float32, len(ids))}
	for i, id := range ids {
		s.Values[i] = float32(id)
	}
	return s
}

// encodingOf copies one row of a program's vectors [B,E] and states [B,T,D],
// without padding.
func encodingOf(out []engine.Tensor, row, count int) loopitr.Encoding {
	e, t, d := out[0].Shape[1], out[1].Shape[1], out[1].Shape[2]
	states := out[1].Floats()[row*t*d:]
	return loopitr.Encoding{
		Vector: slices.Clone(out[0].Floats()[row*e : (row+1)*e]),
		States: loopitr.States{Count: count, Width: d, Values: slices.Clone(states[:count*d])},
	}
}

// bucket is the caption length that a graph is compiled for.
func (m *Model) bucket(length int) int {
	return min((length+7)/8*8, m.config.Network.Text.MaxTokens)
}

// EncodeImages implements loopitr.Encoder.
func (m *Model) EncodeImages(ctx context.Context, pictures []loopitr.Picture) ([]loopitr.Encoding, error) {
	for i, p := range pictures {
		if err := m.checkPicture(p); err != nil {
			return nil, fmt.Errorf("encode picture %d: %w", i, err)
		}
	}
	encodings := make([]loopitr.Encoding, 0, len(pictures))
	for len(pictures) > 0 {
		rows := batchRows(len(pictures))
		batch := pictures[:min(rows, len(pictures))]
		pictures = pictures[len(batch):]
		encoded, err := m.encodeImages(ctx, rows, batch)
		if err != nil {
			return nil, fmt.Errorf("encode pictures: %w", err)
		}
		encodings = append(encodings, encoded...)
	}
	return encodings, nil
}

func (m *Model) checkPicture(p loopitr.Picture) error {
	v := m.config.Network.Vision
	switch {
	case v.Input == network.Tokens && (p.Tokens.Count != v.Tokens || p.Tokens.Width != v.Features || len(p.Tokens.Values) != v.Tokens*v.Features):
		return fmt.Errorf("%d tokens of %d features, the network takes %d of %d: %w",
			p.Tokens.Count, p.Tokens.Width, v.Tokens, v.Features, loopitr.ErrInvalid)
	case v.Input == network.Pixels && len(p.Pixels) != 3*v.ImageSize*v.ImageSize:
		return fmt.Errorf("%d bytes, the network takes %dx%d RGB: %w", len(p.Pixels), v.ImageSize, v.ImageSize, loopitr.ErrInvalid)
	}
	return nil
}

func (m *Model) encodeImages(ctx context.Context, rows int, batch []loopitr.Picture) ([]loopitr.Encoding, error) {
	v := m.config.Network.Vision
	dims := []int{rows, v.ImageSize, v.ImageSize, 3}
	if v.Input == network.Tokens {
		dims = []int{rows, v.Tokens, v.Features}
	}
	one := 1
	for _, d := range dims[1:] {
		one *= d
	}
	values := make([]float32, rows*one)
	for row, p := range batch {
		to := values[row*one : (row+1)*one]
		if v.Input == network.Tokens {
			copy(to, p.Tokens.Values)
		} else {
			pixels.Normalise(to, p.Pixels, m.config.Pixels)
		}
	}
	p, err := m.program(shape{kind: "images", rows: rows}, []engine.Spec{engine.FloatInput("pictures", dims...)},
		func(n network.LoopITR, in []*graph.Node) []*graph.Node {
			tokens := n.Vision(in[0])
			return []*graph.Node{n.ProjectImage(tokens), tokens}
		})
	if err != nil {
		return nil, err
	}
	out, err := p.Run(ctx, engine.Floats(values, dims...))
	if err != nil {
		return nil, err
	}
	encodings := make([]loopitr.Encoding, len(batch))
	for row := range batch {
		encodings[row] = encodingOf(out, row, v.PictureTokens())
	}
	return encodings, nil
}
