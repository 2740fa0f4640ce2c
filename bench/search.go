package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint"
	"github.com/loopitr/loopitr/index/sqlite"
	"github.com/loopitr/loopitr/infer"
	"github.com/loopitr/loopitr/internal/engine"
	"github.com/loopitr/loopitr/network"
	"github.com/loopitr/loopitr/search"
)

// search is what the command does from its start to its end: engine, model and index
// are opened anew for one query, whose 16 candidates are judged by the tokens in the
// index.
func (s *session) search() row {
	net, rows := s.at(network.Small(), 64), 10_000
	if s.Short {
		rows = 100
	}
	open := func(ctx context.Context) (work, error) {
		folder, err := os.MkdirTemp("", "loopitr-bench-")
		if err != nil {
			return nil, err
		}
		f := searched{engine: s.Engine, model: filepath.Join(folder, "model"), index: filepath.Join(folder, "index.db")}
		if err := f.save(ctx, net, rows); err != nil {
			return nil, errors.Join(err, os.RemoveAll(folder))
		}
		return local{once: f.query, end: func() error { return os.RemoveAll(folder) }}, nil
	}
	return row{
		name: rowSearch, size: fmt.Sprintf("small, %d pictures, opened anew, %d judged", rows, search.DefaultRerank),
		unit: "queries", amount: 1, offers: []offer{{name: s.Engine, bytes: modelBytes(net), open: open}},
	}
}

// searched is a model and an index of it on disk.
type searched struct{ engine, model, index string }

// save writes a network with initial weights and an index of rows pictures, all with
// the same tokens.
func (f searched) save(ctx context.Context, net network.Config, rows int) (err error) {
	vocabulary, err := vocabularyOf(net)
	if err != nil {
		return err
	}
	var words bytes.Buffer
	if _, err := vocabulary.WriteTo(&words); err != nil {
		return err
	}
	parts := checkpoint.Parts{Config: configOf(net), Vocabulary: words.Bytes()}
	initial := network.Initial(net, 1)
	for _, p := range net.Params() {
		parts.Weights = append(parts.Weights, checkpoint.Tensor{Name: p.Name, Dims: p.Shape, Values: initial[p.Name]})
	}
	if err := checkpoint.Save(f.model, parts); err != nil {
		return err
	}
	return f.open(func(m *infer.Model) (err error) {
		x, err := sqlite.Open(ctx, f.index, sqlite.Config{Fingerprint: m.Fingerprint(), Tokens: sqlite.Float16Tokens})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, x.Close()) }()
		draw, tokens := around(net.Projection), loopitr.States{Count: net.Vision.PictureTokens(), Width: net.Vision.Width}
		tokens.Values = noise(tokens.Count * tokens.Width)
		return fill(ctx, x, rows, func(e *loopitr.Entry) { e.Vector, e.States = draw(), tokens })
	})
}

// open has use work with the model, on an engine of its own.
func (f searched) open(use func(*infer.Model) error) (err error) {
	e, err := engine.Open(f.engine)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	m, err := infer.Open(f.model, e)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	return use(m)
}

func (f searched) query(ctx context.Context) error {
	return f.open(func(m *infer.Model) (err error) {
		x, err := sqlite.Open(ctx, f.index, sqlite.Config{ReadOnly: true})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, x.Close()) }()
		s, err := search.New(search.Config{Index: x, Encoder: m, Matcher: m})
		if err != nil {
			return err
		}
		r, err := s.Search(ctx, search.Text(caption(queryTokens)))
		if err == nil && r.Judged != search.DefaultRerank {
			err = fmt.Errorf("bench: %d of %d candidates were judged: %s", r.Judged, search.DefaultRerank, r.Reason)
		}
		return err
	})
}
