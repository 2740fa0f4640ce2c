package train

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint"
	"github.com/loopitr/loopitr/dataset"
	"github.com/loopitr/loopitr/internal/engine"
	"github.com/loopitr/loopitr/pixels"
	"github.com/loopitr/loopitr/wordpiece"
)

// folder is where a run keeps its things.
type folder struct{ model, state string }

const (
	stateFolder    = "run"
	recipeFile     = "run.json"
	vocabularyFile = "vocab.txt"
	recipeFormat   = 1
)

// recipe is run.json.
type recipe struct {
	Format int    `json:"format"`
	Config Config `json:"config"`
}

// open prepares a new run, or the one in the folder where Resume says so.
func open(ctx context.Context, o Options) (_ *run, err error) {
	r := &run{Options: o, folder: folder{o.Dir, filepath.Join(o.Dir, stateFolder)}, programs: map[int]*engine.Program{}}
	if r.Resume {
		err = r.readRecipe()
	} else if _, statErr := os.Stat(filepath.Join(r.folder.state, recipeFile)); statErr == nil {
		err = fmt.Errorf("the folder holds a run: resume it or choose another folder: %w", loopitr.ErrInvalid)
	}
	if err != nil {
		return nil, err
	}
	r.pictures, err = openPictures(ctx, o.Train, r.Config, func(id string, err error) {
		o.Observe(Progress{Note: fmt.Sprintf("skipping %s: %v", id, err)})
	})
	if err != nil {
		return nil, err
	}
	if err := r.learnVocabulary(); err != nil {
		return nil, err
	}
	if err := r.Config.Validate(); err != nil {
		return nil, err
	}
	r.sampler, err = dataset.NewSampler(r.pictures.records, dataset.SamplerConfig{
		Seed: r.Config.Seed, Batch: r.Config.Batch, Mode: r.Config.Sampling})
	if err != nil {
		return nil, err
	}
	if err := r.openState(); err != nil {
		return nil, err
	}
	if o.Validation != nil {
		if r.validator, err = newValidator(ctx, r); err != nil {
			return nil, errors.Join(err, r.close())
		}
	}
	return r, nil
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

func (r *run) openState() (err error) {
	var tensors []checkpoint.Tensor
	if r.Resume {
		if tensors, err = r.loadState(); err != nil {
			return err
		}
	} else {
		tensors = r.Config.fresh(r.Initial)
		if err := r.writeRecipe(); err != nil {
			return err
		}
	}
	if err := checkpoint.Match(r.Config.variables(), shapesOf(tensors)); err != nil {
		return err
	}
	r.state, err = upload(r.Engine, tensors)
	if err != nil || r.Resume {
		return err
	}
	return r.save()
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
	r.Observe(Progress{Note: fmt.Sprintf("resuming at step %d", r.at.Step)})
	return state.Tensors, rewindMetrics(r.folder.state, int(r.at.Step))
}

// save makes the present moment the one that a resume starts from.
func (r *run) save() error {
	tensors, err := download(r.state, r.Config.variables())
	if err != nil {
		return err
	}
	err = checkpoint.SaveState(r.folder.state, checkpoint.State{Step: r.at.Step, Progress: r.at, Tensors: tensors})
	if err != nil {
		return err
	}
	r.saved = time.Now()
	return Plot(r.folder.state)
}

func (r *run) writeRecipe() error {
	if err := os.MkdirAll(r.folder.state, 0o755); err != nil {
		return err
	}
	var vocabulary bytes.Buffer
	if _, err := r.vocabulary.WriteTo(&vocabulary); err != nil {
		return err
	}
	content, err := json.MarshalIndent(recipe{recipeFormat, r.Config}, "", "  ")
	if err != nil {
		return err
	}
	// The recipe comes last: a folder with one is a run that can be resumed.
	if err := os.WriteFile(filepath.Join(r.folder.state, vocabularyFile), vocabulary.Bytes(), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.folder.state, recipeFile), append(content, '\n'), 0o644)
}

// readRecipe takes the recipe and vocabulary of the folder's run, and from the
// given Config only when to end, how often to save and to validate.
func (r *run) readRecipe() error {
	given := r.Config
	content, err := os.ReadFile(filepath.Join(r.folder.state, recipeFile))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("no run to resume in this folder: %w", loopitr.ErrNotFound)
	}
	if err != nil {
		return err
	}
	var stored recipe
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&stored); err != nil {
		return fmt.Errorf("%s: %w: %w", recipeFile, err, loopitr.ErrCorrupt)
	}
	if stored.Format != recipeFormat {
		return fmt.Errorf("%s: format %d, this loopitr reads %d: %w", recipeFile, stored.Format, recipeFormat, loopitr.ErrInvalid)
	}
	r.Config = stored.Config
	if given.Steps > 0 || given.Epochs > 0 || given.For > 0 {
		r.Config.Steps, r.Config.Epochs, r.Config.For = given.Steps, given.Epochs, given.For
	}
	vocabulary, err := os.ReadFile(filepath.Join(r.folder.state, vocabularyFile))
	if err != nil {
		return err
	}
	r.vocabulary, err = wordpiece.ReadVocabulary(bytes.NewReader(vocabulary))
	return err
}

func (r *run) close() error {
	var errs []error
	if r.validator != nil {
		errs = append(errs, r.validator.close())
	}
	for _, p := range r.programs {
		errs = append(errs, p.Close())
	}
	if r.state != nil {
		errs = append(errs, r.state.Close())
	}
	return errors.Join(slices.DeleteFunc(errs, func(err error) bool { return err == nil })...)
}

func newAugmenter(c Config) (*pixels.Augmenter, error) {
	return pixels.NewAugmenter(c.Pixels, c.Augment)
}
