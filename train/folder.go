package train

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint"
	"github.com/loopitr/loopitr/checkpoint/safetensors"
	"github.com/loopitr/loopitr/dataset"
	"github.com/loopitr/loopitr/internal/durable"
	"github.com/loopitr/loopitr/pixels"
	"github.com/loopitr/loopitr/wordpiece"
)

// folder is where a run keeps its things.
type folder struct{ model, state string }

const stateFolder = "run"

// Validate names what cannot work whatever the data: the recipe, a folder that holds
// a run, or one that holds none to resume. The errors are of Run's kinds; Run finds
// them too.
func (o Options) Validate() error {
	if _, err := settle(o); err != nil {
		return fmt.Errorf("train %q: %w", o.Dir, err)
	}
	return nil
}

// settle makes a run of its options and, where Resume says so, of its folder.
func settle(o Options) (_ *run, err error) {
	r := &run{Options: o, folder: folder{o.Dir, filepath.Join(o.Dir, stateFolder)}, steppers: map[stepKey]stepper{}}
	if r.Resume {
		err = r.readRecipe()
	} else if _, statErr := os.Stat(filepath.Join(r.folder.state, recipeFile)); statErr == nil {
		err = fmt.Errorf("the folder holds a run: resume it or choose another folder: %w", loopitr.ErrInvalid)
	}
	if err != nil {
		return nil, err
	}
	return r, r.Config.Validate()
}

// open prepares a new run, or the one in the folder where Resume says so.
func open(ctx context.Context, o Options) (_ *run, err error) {
	r, err := settle(o)
	if err != nil {
		return nil, err
	}
	if err := r.openTraining(ctx); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	if o.Validation != nil {
		if err := r.openHeld(ctx); err != nil {
			return nil, fmt.Errorf("validation: %w", err)
		}
	}
	if err := r.openState(); err != nil {
		return nil, err
	}
	if err := r.begin(); err != nil {
		return nil, err
	}
	return r, r.ready(ctx)
}

// openHeld opens the pictures to validate on.
func (r *run) openHeld(ctx context.Context) (err error) {
	r.held, err = openPictures(ctx, r.Validation, r.Config, r.skipping("validation: "))
	if err == nil {
		r.held.thin(r.Config.Validation.Pictures)
	}
	return err
}

// ready does what steps and validation need done once.
func (r *run) ready(ctx context.Context) (err error) {
	if r.Config.cached() {
		splits := map[string]*pictures{"train": r.pictures}
		if r.held != nil {
			splits["validation"] = r.held
		}
		if err := r.cacheTokens(ctx, splits); err != nil {
			return err
		}
	}
	if r.held != nil {
		r.validator, err = newValidator(r)
	}
	return err
}

// openTraining reads what there is to learn from, and its words.
func (r *run) openTraining(ctx context.Context) (err error) {
	// A batch larger than all pictures allow is refused before these are decoded.
	if _, err := r.newSampler(r.Train.Records); err != nil {
		return err
	}
	r.pictures, err = openPictures(ctx, r.Train, r.Config, r.skipping(""))
	if err != nil {
		return err
	}
	if r.begunWith != "" && r.begunWith != recordsDigest(r.pictures.records) {
		return fmt.Errorf("the training pictures or captions are not those that the run began with: %w", loopitr.ErrInvalid)
	}
	if err := r.learnVocabulary(); err != nil {
		return err
	}
	if err := r.Config.Validate(); err != nil {
		return err
	}
	if r.Config.cached() {
		// Tokens are made once, of pictures as they are; the recipe says so.
		r.Config.Augment = pixels.AugmentConfig{}
	}
	r.sampler, err = r.newSampler(r.pictures.records)
	return err
}

func (r *run) newSampler(records []dataset.Record) (*dataset.Sampler, error) {
	return dataset.NewSampler(records, dataset.SamplerConfig{Seed: r.Config.Seed, Batch: r.Config.Batch, Mode: r.Config.Sampling})
}

// skipping tells the observer of pictures that cannot be used.
func (r *run) skipping(why string) func(id string, err error) {
	return func(id string, err error) {
		r.Observe(Progress{Skipped: Skip{id, fmt.Errorf("%s%w", why, err)}})
	}
}

// learnVocabulary makes the vocabulary of a new run and fits the network to it.
func (r *run) learnVocabulary() (err error) {
	switch {
	case r.vocabulary != nil: // resumed
	case r.Vocabulary != nil:
		r.vocabulary = r.Vocabulary
	default:
		config := wordpiece.DefaultTrainConfig(r.Config.Captions)
		config.Size = r.Config.Vocabulary
		r.vocabulary, err = wordpiece.Train(func(yield func(string) bool) {
			for _, record := range r.pictures.records {
				for _, caption := range record.Captions {
					if !yield(caption) {
						return
					}
				}
			}
		}, config)
		if err != nil {
			return err
		}
	}
	r.Config.Network.Text.Vocabulary = r.vocabulary.Size()
	return nil
}

// openState puts the run's state on the engine. A new run writes its first state
// and, last of all, its recipe.
func (r *run) openState() (err error) {
	var tensors []checkpoint.Tensor
	if r.Resume {
		tensors, err = r.loadState()
	} else {
		tensors, err = r.Config.fresh(r.Initial)
	}
	if err != nil {
		return err
	}
	if err := checkpoint.Match(r.Config.variables(), shapesOf(tensors)); err != nil {
		return err
	}
	r.state, err = upload(r.Engine, append(tensors, r.Config.accumulators()...))
	return err
}

// begin makes the folder one that Resume can go on with.
func (r *run) begin() error {
	if r.Resume {
		if err := durable.RemoveUnfinished(r.folder.state, ""); err != nil {
			return err
		}
		if r.prolonged {
			return r.writeRecipe()
		}
		return nil
	}
	if err := os.MkdirAll(r.folder.state, 0o755); err != nil {
		return err
	}
	// A run that was removed by its recipe may have left measures.
	if err := rewindMetrics(r.folder.state, progress{Step: -1}); err != nil {
		return err
	}
	if err := r.writeVocabulary(); err != nil {
		return err
	}
	if err := r.save(); err != nil {
		return err
	}
	return r.writeRecipe()
}

func shapesOf(tensors []checkpoint.Tensor) []checkpoint.Shape {
	shapes := make([]checkpoint.Shape, len(tensors))
	for i, t := range tensors {
		shapes[i] = checkpoint.Shape{Name: t.Name, Dims: t.Dims}
	}
	return shapes
}

func (r *run) loadState() ([]checkpoint.Tensor, error) {
	state, damaged, err := checkpoint.LoadState(r.folder.state, &r.at)
	for _, d := range damaged {
		r.Observe(Progress{Note: d.Error()})
	}
	if err != nil {
		return nil, err
	}
	if err := r.at.check(state.Step); err != nil {
		return nil, err
	}
	r.Observe(Progress{Note: fmt.Sprintf("resuming at step %d", r.at.Step)})
	return state.Tensors, rewindMetrics(r.folder.state, r.at)
}

// save makes the present moment the one that a resume starts from.
func (r *run) save() error {
	tensors, err := download(r.state, r.Config.variables())
	if err != nil {
		return err
	}
	for _, t := range tensors {
		if at, finite := safetensors.Finite(t.Values); !finite {
			return fmt.Errorf("step %d: place %d of %s is %v: try a lower learning rate or longer warm-up", r.at.Step, at, t.Name, t.Values[at])
		}
	}
	err = checkpoint.SaveState(r.folder.state, checkpoint.State{Step: r.at.Step, Progress: r.at, Tensors: tensors})
	if err != nil {
		return err
	}
	r.saved = time.Now()
	if time.Since(r.plotted) < plotEvery {
		return nil
	}
	r.plotted = time.Now()
	return Plot(r.folder.state)
}

// plotEvery keeps drawing, some tenths of a second, out of frequent saves.
const plotEvery = 30 * time.Second

func (r *run) close() error {
	var errs []error
	if r.validator != nil {
		errs = append(errs, r.validator.close())
	}
	for _, s := range r.steppers {
		errs = append(errs, s.close())
	}
	if r.state != nil {
		errs = append(errs, r.state.Close())
	}
	return errors.Join(append(errs, r.pictures.close(), r.held.close())...)
}

func newAugmenter(c Config) (*pixels.Augmenter, error) {
	return pixels.NewAugmenter(c.Pixels, c.Augment)
}
