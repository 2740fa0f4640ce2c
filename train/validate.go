package train

import (
	"context"
	"errors"
	"fmt"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/eval"
	"github.com/loopitr/loopitr/infer"
	"github.com/loopitr/loopitr/recall"
)

// validator measures the run's weights on the validation split as they change.
type validator struct {
	model   *infer.Model
	encoder loopitr.Encoder // the model, or one that knows its pictures' tokens
	frozen  *frozenEncoder
	split   eval.Split
	config  eval.Config
}

func newValidator(r *run) (*validator, error) {
	prefix := ""
	if r.Config.Average > 0 {
		prefix = averagePrefix
	}
	model, err := infer.New(infer.Parts{Config: r.modelConfig(), Vocabulary: r.vocabulary, Weights: r.state, Prefix: prefix})
	if err != nil {
		return nil, fmt.Errorf("validation: %w", err)
	}
	v := &validator{
		model: model, encoder: model,
		split: eval.Split{Records: r.held.records, Picture: r.held.prepared},
		config: eval.Config{
			Rerank: r.Config.Validation.Rerank, Bootstrap: recall.Bootstrap{Resamples: -1},
			Progress: func(stage eval.Stage, done, total int) {
				r.Observe(Progress{Stage: "validation: " + string(stage), Done: done, Total: total})
			},
		},
	}
	if !r.Config.cached() {
		return v, nil
	}
	if v.frozen, err = r.newFrozenEncoder(model, prefix); err != nil {
		return nil, errors.Join(fmt.Errorf("validation: %w", err), model.Close())
	}
	v.encoder = v.frozen
	return v, nil
}

func (v *validator) close() error {
	if v.frozen != nil {
		return errors.Join(v.frozen.project.Close(), v.model.Close())
	}
	return v.model.Close()
}

// validate measures, and keeps the model if it is the best so far: by the sum of
// the dual encoder's and the re-ranked recalls, since a product needs both.
func (r *run) validate(ctx context.Context) error {
	found, err := r.validator.measure(ctx)
	if err != nil {
		return err
	}
	found.Best = r.at.Best == nil || found.DualSum+found.RerankedSum > r.at.Best.DualSum+r.at.Best.RerankedSum
	if found.Best {
		if err := r.keep(found); err != nil {
			return err
		}
		r.at.Best = found
	}
	r.at.Validated = r.at.Step
	m := r.measure()
	m.Validation = found
	r.Observe(Progress{Measure: m})
	// A state that knows of the best model may not be older than that model.
	return errors.Join(appendMeasure(r.folder.state, m), r.save())
}

func (v *validator) measure(ctx context.Context) (*ValidationMeasure, error) {
	scores, err := eval.Measure(ctx, eval.Model{Encoder: v.encoder, Matcher: v.model}, v.split, v.config)
	if err != nil {
		return nil, fmt.Errorf("validation: %w", err)
	}
	dual, err := scores.Report(eval.Order{}, v.config.Bootstrap)
	if err != nil {
		return nil, err
	}
	weight, err := scores.ChooseWeight()
	if err != nil {
		return nil, err
	}
	reranked, err := scores.Report(eval.Order{Rerank: v.config.Rerank, Weight: weight}, v.config.Bootstrap)
	if err != nil {
		return nil, err
	}
	return &ValidationMeasure{
		DualSum: dual.RSum, RerankedSum: reranked.RSum, ScoreWeight: weight,
		DualR1:      [2]float64{dual.ImageToText.R1, dual.TextToImage.R1},
		DualR10:     [2]float64{dual.ImageToText.R10, dual.TextToImage.R10},
		RerankedR1:  [2]float64{reranked.ImageToText.R1, reranked.TextToImage.R1},
		RerankedR10: [2]float64{reranked.ImageToText.R10, reranked.TextToImage.R10},
	}, nil
}
