package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/dataset"
	"github.com/loopitr/loopitr/internal/engine"
	"github.com/loopitr/loopitr/wordpiece"
)

// Options say what to train on what.
type Options struct {
	Config Config
	// Dir is the run's folder. A new run refuses a folder that holds one.
	Dir string
	// Resume continues the run in Dir with the recipe it has; of Config only what
	// ends the run is read.
	Resume bool
	// Train and Validation are the splits; without Validation the last weights
	// are kept.
	Train, Validation *dataset.Set
	Engine            *engine.Engine
	// Vocabulary, where given, is used instead of learning one.
	Vocabulary *wordpiece.Vocabulary
	// Initial weights by name; nil draws them.
	Initial map[string][]float32
	// Origin says in the model's card where Initial is from.
	Origin string
	// Observe hears of progress, from the goroutine that runs. It may be nil.
	Observe func(Progress)
}

// Progress is what Options.Observe hears.
type Progress struct {
	Measure Measure
	Steps   int           // planned; 0 as long as only time says when the run ends
	Left    time.Duration // estimate
	Note    string        // one line of news, with a zero Measure
	Skipped Skip          // a picture that cannot be used, with a zero Measure
	// Stage, with a zero Measure, is what goes on between steps, such as a part of a
	// validation, and how much of it is done.
	Stage       string
	Done, Total int
}

// Skip is a picture that is left out, and why.
type Skip struct {
	Path string
	Err  error
}

// Result is what a run came to.
type Result struct {
	Measure
	Best *ValidationMeasure // nil without validation
}

// Run trains until the recipe's end, and keeps the best model in the run's folder.
// Outcomes: nil when the run reached its end; ctx's error when it was stopped,
// with everything saved for Resume; an error wrapping loopitr.ErrInvalid when
// recipe, data or folder cannot work, before anything is written; and
// loopitr.ErrUnavailable when the disk is full, with the last good state in place.
// A loss that is not finite stops the run and names the step; the state before it
// is kept.
func Run(ctx context.Context, o Options) (_ Result, err error) {
	if o.Observe == nil {
		o.Observe = func(Progress) {}
	}
	r, err := open(ctx, o)
	if err != nil {
		return Result{}, fmt.Errorf("train %q: %w", o.Dir, kind(err))
	}
	defer func() { err = errors.Join(err, r.close()) }()
	if err := r.loop(ctx); err != nil {
		return r.result(), fmt.Errorf("train %q: %w", o.Dir, kind(err))
	}
	return r.result(), nil
}

// run is a training in progress.
type run struct {
	Options
	folder     folder
	vocabulary *wordpiece.Vocabulary
	pictures   *pictures
	held       *pictures // for validation; nil without
	sampler    *dataset.Sampler
	validator  *validator // nil without validation
	state      *engine.State
	steppers   map[stepKey]stepper
	at         progress
	window     window
	saved      time.Time
	plotted    time.Time
	prolonged  bool   // resumed with another end
	begunWith  string // digest of the records that a resumed run began with
}

// progress is where a run stands; it is saved with the state.
type progress struct {
	Step    int64              `json:"step"` // steps done
	Pairs   int64              `json:"pairs"`
	Seconds float64            `json:"seconds"`
	Best    *ValidationMeasure `json:"best,omitempty"`
	// Alone is how many steps, from the first, the dual encoder took alone.
	Alone int64 `json:"alone,omitempty"`
	// Validated is the step after which the run last measured itself.
	Validated int64 `json:"validated,omitempty"`
}

// check refuses what no run can have saved at that step: the digest of a state says
// that it is whole, not who made it.
func (p progress) check(step int64) error {
	if p.Step != step || p.Pairs < 0 || p.Seconds < 0 || p.Alone < 0 || p.Alone > step || p.Validated < 0 || p.Validated > step {
		return fmt.Errorf("state of step %d: %d steps done, %d alone, %d pairs, %v seconds, validated after %d: impossible: %w",
			step, p.Step, p.Alone, p.Pairs, p.Seconds, p.Validated, loopitr.ErrCorrupt)
	}
	return nil
}

func (r *run) result() Result {
	return Result{Measure: r.measure(), Best: r.at.Best}
}

func (r *run) measure() Measure {
	return Measure{Step: int(r.at.Step), Pairs: r.at.Pairs, Seconds: r.at.Seconds}
}

// steps is how many steps the run has, math.MaxInt64 while only time ends it.
func (r *run) steps() int64 {
	switch c := r.Config; {
	case c.Steps > 0:
		return int64(c.Steps)
	case c.Epochs > 0:
		return int64(math.Ceil(c.Epochs * float64(r.sampler.Steps())))
	}
	return math.MaxInt64
}

// done is the share of the run that is behind it.
func (r *run) done() float64 {
	if r.Config.For > 0 {
		return r.at.Seconds / r.Config.For.Seconds()
	}
	return float64(r.at.Step) / float64(r.steps())
}

func (r *run) loop(ctx context.Context) error {
	batchers, err := r.batchers()
	if err != nil {
		return err
	}
	feeder := feed(ctx, r.at.Step, batchers)
	defer feeder.close()
	r.saved = time.Now()
	r.window.reset()
	for r.done() < 1 {
		// Here, not after the step: a run may have been stopped between the two.
		if r.due() {
			if err := r.validate(ctx); err != nil {
				return r.stop(ctx, err)
			}
		}
		started := time.Now()
		b, err := feeder.next(ctx)
		if err == nil {
			err = r.step(ctx, b)
		}
		if err != nil {
			return r.stop(ctx, err)
		}
		spent := time.Since(started).Seconds()
		r.at.Seconds += spent
		r.window.seconds += spent
		if err := r.between(); err != nil {
			return err
		}
	}
	return r.finish(ctx)
}

// stop saves what a run that was asked to stop has done.
func (r *run) stop(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return errors.Join(ctx.Err(), r.save())
}

// step takes one step and adds its figures to the window.
func (r *run) step(ctx context.Context, b batch) error {
	c, alone := r.Config, r.alone()
	if alone {
		c, b.masked = c.contrastOnly(), nil
	}
	stepper, err := r.stepper(b, c)
	if err != nil {
		return err
	}
	size := r.Config.stepSize(b.step, r.at.Alone, r.done())
	figures, err := stepper.step(ctx, b, size)
	if err != nil {
		return err
	}
	if err := finite(b.step, figures); err != nil {
		return err
	}
	r.at.Step++
	if alone {
		r.at.Alone = r.at.Step
	}
	r.at.Pairs += int64(b.pairs)
	r.window.add(figures, size, b.pairs)
	return nil
}

// alone tells whether the dual encoder takes this step alone. A run that is prolonged
// when the loop has begun does not go back.
func (r *run) alone() bool {
	return r.done() < r.Config.Alone && r.at.Alone == r.at.Step
}

// finite refuses a step that spoiled the weights.
func finite(step int64, figures []float32) error {
	for figure, name := range map[int]string{figureLoss: "loss", figureNorm: "gradient's norm"} {
		if v := float64(figures[figure]); math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("step %d: the %s is %v: try a lower learning rate or longer warm-up", step, name, v)
		}
	}
	return nil
}

// stepper computes the steps of batches of one shape.
type stepper interface {
	// step replaces the weights and returns the figures. When ctx ends before the
	// update, weights and moments are as they were.
	step(ctx context.Context, b batch, s stepSize) (figures []float32, err error)
	close() error
}

// stepKey is what compiled steps of one run differ in.
type stepKey struct {
	pairs, tokens, shown int
	judges               bool
}

// stepper is the compiled step for a batch's shape by the recipe c.
func (r *run) stepper(b batch, c Config) (stepper, error) {
	key := stepKey{pairs: b.pairs, tokens: b.tokens, shown: len(b.shown) / b.pairs, judges: c.Loss.Judges()}
	if s := r.steppers[key]; s != nil {
		return s, nil
	}
	s, err := c.newStepper(r.state, sizes{pairs: key.pairs, tokens: key.tokens, shown: key.shown, picture: r.pictures.shape()})
	if err == nil {
		r.steppers[key] = s
	}
	return s, err
}

// between does what is due after a step: report, save.
func (r *run) between() error {
	const reportEvery = 10
	if r.at.Step%reportEvery == 0 {
		if err := r.report(); err != nil {
			return err
		}
	}
	if time.Since(r.saved) >= time.Duration(r.Config.SaveEvery) {
		return r.save()
	}
	return nil
}

// due tells whether the run is to measure itself where it stands.
func (r *run) due() bool {
	every := int64(r.Config.Validation.Every)
	if every == 0 {
		every = int64(r.sampler.Steps())
	}
	return r.validator != nil && r.at.Step > 0 && r.at.Step%every == 0 && r.at.Validated != r.at.Step
}

// report writes the window's means to the metrics and to the observer.
func (r *run) report() error {
	if r.window.steps == 0 {
		return nil
	}
	m := r.measure()
	m.Train = r.window.measure()
	r.window.reset()
	if err := appendMeasure(r.folder.state, m); err != nil {
		return err
	}
	p := Progress{Measure: m}
	if steps := r.steps(); steps < math.MaxInt64 {
		p.Steps = int(steps)
	}
	if done := r.done(); done > 0 {
		p.Left = time.Duration(r.at.Seconds * (1 - done) / done * float64(time.Second))
	}
	r.Observe(p)
	return nil
}

// finish validates and saves the end of a run.
func (r *run) finish(ctx context.Context) error {
	if err := r.report(); err != nil {
		return err
	}
	if r.validator != nil {
		if r.at.Validated != r.at.Step {
			if err := r.validate(ctx); err != nil {
				return r.stop(ctx, err)
			}
		}
	} else if err := r.keep(nil); err != nil {
		return err
	}
	if err := r.save(); err != nil {
		return err
	}
	return Plot(r.folder.state)
}

// batchers are one for each goroutine that makes batches.
func (r *run) batchers() ([]*batcher, error) {
	tokenizer, err := wordpiece.New(r.vocabulary, r.Config.Captions)
	if err != nil {
		return nil, err
	}
	var all []*batcher
	for range feeders {
		b := &batcher{
			seed: r.Config.Seed, sampler: r.sampler, pictures: r.pictures, tokenizer: tokenizer,
			hide: r.Config.Loss.MaskedTokens, patches: r.Config.Patches, words: r.Config.Words, all: r.Config.Network.Vision.PictureTokens() - 1,
		}
		if !r.pictures.seenAsTokens() {
			if b.augmenter, err = newAugmenter(r.Config); err != nil {
				return nil, err
			}
		}
		all = append(all, b)
	}
	return all, nil
}

// feeders is how many goroutines make batches: enough to keep ahead of any
// engine of this repository on pictures of up to 224 pixels.
const feeders = 2
