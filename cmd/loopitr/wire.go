package main

import (
	"errors"
	"fmt"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/dataset"
	"github.com/loopitr/loopitr/eval"
	"github.com/loopitr/loopitr/infer"
	"github.com/loopitr/loopitr/internal/engine"
	"github.com/loopitr/loopitr/network"
)

// model is an opened model and the engine it runs on.
type model struct {
	*infer.Model
	engine *engine.Engine
}

func (g *global) openModel(dir string) (*model, error) {
	if dir == "" {
		return nil, fmt.Errorf("%w: which model? give --model DIR", errUsage)
	}
	e, err := engine.Open(g.engine)
	if err != nil {
		return nil, err
	}
	m, err := infer.Open(dir, e)
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return &model{m, e}, nil
}

// Close frees the model and its engine.
func (m *model) Close() error { return errors.Join(m.Model.Close(), m.engine.Close()) }

// split is a set as this model measures it.
func (m *model) split(set *dataset.Set) (eval.Split, error) {
	s := eval.Split{Records: set.Records}
	count, width := set.TokenShape()
	v := m.Config().Network.Vision
	switch {
	case v.Input == network.Pixels && count == 0:
		s.Picture = func(record int) (loopitr.Picture, error) {
			encoded, err := set.Picture(record)
			if err != nil {
				return loopitr.Picture{}, err
			}
			picture, _, err := m.Prepare(encoded)
			return picture, err
		}
	case v.Input == network.Pixels:
		return s, fmt.Errorf("the model takes pictures: leave --tokens away: %w", loopitr.ErrInvalid)
	case count == 0:
		return s, fmt.Errorf("the model takes %d tokens of %d features in place of pictures: give --tokens FILE: %w", v.Tokens, v.Features, loopitr.ErrInvalid)
	case count != v.Tokens || width != v.Features:
		return s, fmt.Errorf("the model takes %d tokens of %d features, --tokens has %d of %d: %w", v.Tokens, v.Features, count, width, loopitr.ErrInvalid)
	default:
		s.Picture = func(record int) (loopitr.Picture, error) {
			tokens := loopitr.States{Count: count, Width: width, Values: make([]float32, count*width)}
			return loopitr.Picture{Tokens: tokens}, set.Tokens(record, tokens.Values)
		}
	}
	return s, nil
}
