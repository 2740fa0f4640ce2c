package bench

import (
	"context"
	"errors"
	"fmt"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/infer"
	"github.com/loopitr/loopitr/internal/engine"
	"github.com/loopitr/loopitr/network"
	"github.com/loopitr/loopitr/pixels"
	"github.com/loopitr/loopitr/train"
	"github.com/loopitr/loopitr/wordpiece"
)

// at is a network for pictures of size pixels; in short mode, Nano.
func (s *session) at(net network.Config, size int) network.Config {
	if s.Short {
		return network.Nano()
	}
	net.Vision.ImageSize = size
	return net
}

// ofThree is Small with three layers in each part: the step that other engines were
// measured by before ours was built (docs/benchmarks.md).
func ofThree() network.Config {
	net := network.Small()
	net.Vision.Layers, net.Text.Layers, net.Cross.Layers = 3, 3, 3
	return net
}

func (s *session) steps() []row {
	var rows []row
	for _, r := range []struct {
		name  string
		net   network.Config
		batch int
		words int // tokens of a caption
	}{
		{"small of 3+3+3 layers", s.at(ofThree(), 64), 64, 16}, {"small", s.at(network.Small(), 64), 64, 24},
		{"base at 224 px", s.at(network.Base(), 224), 8, 24},
	} {
		c := train.Default(r.net)
		c.Batch, c.Steps, c.Average = r.batch, 1, 0 // the peers keep no average
		if s.Short {
			c.Batch = 4
		}
		// Weights, two moments and gradients; activations.
		bytes := 16*float64(parameters(r.net)) + 3e7*float64(c.Batch*r.net.Vision.Layers)
		open := func(_ context.Context, e *engine.Engine) (work, error) {
			d, err := train.NewDrill(e, c, r.words)
			if err != nil {
				return nil, err
			}
			return local{once: func(ctx context.Context) error { _, err := d.Step(ctx); return err }, end: d.Close}, nil
		}
		rows = append(rows, row{
			name: rowStep, size: fmt.Sprintf("%s, batch %d", r.name, c.Batch), unit: "pairs", amount: float64(c.Batch),
			flops: 2 * stepWork(r.net, r.words, c.Batch),
			offers: append(s.competing(offer{bytes: bytes}, open),
				s.peer(peerTorch, rowStep, map[string]any{"config": r.net, "batch": c.Batch, "words": r.words})...),
		})
	}
	return rows
}

func parameters(c network.Config) int {
	n := 0
	for _, p := range c.Params() {
		n += p.Size()
	}
	return n
}

// model is a network with initial weights, ready to encode and to match.
type model struct {
	*infer.Model
	state *engine.State
}

func newModel(e *engine.Engine, net network.Config) (*model, error) {
	var variables []engine.Variable
	initial := network.Initial(net, 1)
	for _, p := range net.Params() {
		variables = append(variables, engine.Variable{Name: p.Name, Value: engine.Floats(initial[p.Name], p.Shape...)})
	}
	state, err := e.NewState(variables)
	if err != nil {
		return nil, err
	}
	vocabulary, err := vocabularyOf(net)
	if err != nil {
		return nil, errors.Join(err, state.Close())
	}
	m, err := infer.New(infer.Parts{Config: configOf(net), Vocabulary: vocabulary, Weights: state})
	if err != nil {
		return nil, errors.Join(err, state.Close())
	}
	return &model{m, state}, nil
}

// vocabularyOf has as many tokens as the network: w5, w6, ... after the special ones.
func vocabularyOf(net network.Config) (*wordpiece.Vocabulary, error) {
	words := []string{wordpiece.PadToken, wordpiece.UnknownToken, wordpiece.ClassToken, wordpiece.SeparatorToken, wordpiece.MaskToken}
	for len(words) < net.Text.Vocabulary {
		words = append(words, fmt.Sprintf("w%d", len(words)))
	}
	return wordpiece.NewVocabulary(words)
}

func configOf(net network.Config) infer.Config {
	rules := wordpiece.Plain()
	rules.MaxTokens = min(rules.MaxTokens, net.Text.MaxTokens)
	return infer.Config{Network: net, Pixels: pixels.CLIP(net.Vision.ImageSize), Captions: rules}
}

// caption has so many tokens, [CLS] and [SEP] among them.
func caption(tokens int) string {
	var text string
	for i := range tokens - 2 {
		text += fmt.Sprintf("w%d ", 5+i)
	}
	return text
}

func (m *model) close() error { return errors.Join(m.Model.Close(), m.state.Close()) }

// modelBytes is about what a model takes while it is opened.
func modelBytes(c network.Config) float64 { return 12*float64(parameters(c)) + 5e8 }

// encodeBatch is how many pictures or captions are encoded at a time.
const encodeBatch = 16

// captionTokens is the caption length of the text encoder's row.
const captionTokens = 16

func (s *session) encodings() []row {
	net := s.at(network.Base(), 224)
	images := func(_ context.Context, e *engine.Engine) (work, error) {
		m, err := newModel(e, net)
		if err != nil {
			return nil, err
		}
		pictures := make([]loopitr.Picture, encodeBatch)
		for i := range pictures {
			pictures[i].Pixels = make([]uint8, 3*net.Vision.ImageSize*net.Vision.ImageSize)
			for at := range pictures[i].Pixels {
				pictures[i].Pixels[at] = uint8(at * (i + 7))
			}
		}
		return local{once: func(ctx context.Context) error { _, err := m.EncodeImages(ctx, pictures); return err }, end: m.close}, nil
	}
	texts := func(_ context.Context, e *engine.Engine) (work, error) {
		m, err := newModel(e, net)
		if err != nil {
			return nil, err
		}
		captions := make([]string, encodeBatch)
		for i := range captions {
			captions[i] = caption(captionTokens)
		}
		return local{once: func(ctx context.Context) error { _, err := m.EncodeTexts(ctx, captions); return err }, end: m.close}, nil
	}
	bytes := modelBytes(net)
	return []row{
		{
			name: rowImages, size: fmt.Sprintf("base at %d px, batch %d", net.Vision.ImageSize, encodeBatch),
			unit: "pictures", amount: encodeBatch, flops: 2 * encodeBatch * visionWork(net.Vision),
			offers: append(s.competing(offer{bytes: bytes}, images),
				s.peer(peerTorch, rowImages, map[string]any{"config": net, "batch": encodeBatch})...),
		}, {
			name: rowTexts, size: fmt.Sprintf("base, %d tokens, batch %d", captionTokens, encodeBatch),
			unit: "captions", amount: encodeBatch, flops: 2 * encodeBatch * textWork(net.Text, captionTokens),
			offers: append(s.competing(offer{bytes: bytes}, texts),
				s.peer(peerTorch, rowTexts, map[string]any{"config": net, "batch": encodeBatch, "words": captionTokens})...),
		},
	}
}

// The re-ranking row: a query of so many tokens against so many pictures.
const (
	queryTokens   = 8
	queryPictures = 16
)

// rerank is one query against pictures whose tokens are cached. The peer in
// PyTorch is the plain cross encoder: each pair by itself, in one batch.
func (s *session) rerank() row {
	net := s.at(network.Base(), 384)
	open := func(ctx context.Context, e *engine.Engine) (work, error) {
		m, err := newModel(e, net)
		if err != nil {
			return nil, err
		}
		text, err := m.EncodeTexts(ctx, []string{caption(queryTokens)})
		if err != nil {
			return nil, errors.Join(err, m.close())
		}
		pairs := make([]loopitr.Pair, queryPictures)
		for i := range pairs {
			count, width := net.Vision.PictureTokens(), net.Vision.Width
			pairs[i] = loopitr.Pair{Text: text[0].States, Image: loopitr.States{Count: count, Width: width, Values: noise(count * width)}}
		}
		return local{once: func(ctx context.Context) error { _, err := m.Match(ctx, pairs); return err }, end: m.close}, nil
	}
	arranged := offer{flops: 2 * queryPictures * arrangedWork(net, queryTokens, queryPictures), bytes: modelBytes(net)}
	return row{
		name: rowRerank, size: fmt.Sprintf("base at %d px, %d tokens, %d pictures", net.Vision.ImageSize, queryTokens, queryPictures),
		unit: "pairs", amount: queryPictures, flops: 2 * queryPictures * crossWork(net, queryTokens, 1),
		offers: append(s.competing(arranged, open),
			s.peer(peerTorch, rowRerank, map[string]any{"config": net, "batch": queryPictures, "words": queryTokens})...),
	}
}
