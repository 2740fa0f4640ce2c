package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint/safetensors"
)

const (
	// Format is the number of the model folder's format that this package writes.
	Format = 1

	configFile     = "config.json"
	weightsFile    = "model.safetensors"
	vocabularyFile = "vocab.txt"
	cardFile       = "README.md"

	// staging holds a model that is being written, committed one that is complete
	// and whose files are being moved into place.
	staging   = ".staging"
	committed = ".commit"
)

// modelFiles is the order in which files move into place.
var modelFiles = [...]string{weightsFile, vocabularyFile, cardFile, configFile}

// Parts is what a model folder is made of.
type Parts struct {
	Config     any               // stored as JSON, read back strictly
	Weights    []Tensor          // finite
	Lazy       []Lazy            // instead of Weights, where those would fill the memory
	Store      safetensors.DType // F32 when empty; F16 and BF16 halve the file
	Vocabulary []byte            // vocab.txt as it is
	Card       string            // README.md; a one-line one when empty
}

// Lazy is a tensor whose values, finite ones, are made when they are written and
// then let go.
type Lazy struct {
	Name string
	Dims []int
	Read func() ([]float32, error)
}

// source writes the tensor as safetensors wants it.
func (l Lazy) source(store safetensors.DType) safetensors.Source {
	return safetensors.Source{Name: l.Name, DType: store, Shape: l.Dims, Write: func(w io.Writer) error {
		values, err := l.Read()
		if err != nil {
			return err
		}
		if i, ok := safetensors.Finite(values); !ok {
			return fmt.Errorf("value %d is %v: %w", i, values[i], loopitr.ErrInvalid)
		}
		return safetensors.FromFloat32(l.Name, store, l.Dims, values).Write(w)
	}}
}

// Validate names the part that cannot be saved. The error wraps loopitr.ErrInvalid.
func (p Parts) Validate() error {
	switch {
	case p.Config == nil:
		return fmt.Errorf("no configuration: %w", loopitr.ErrInvalid)
	case len(p.Weights) > 0 && len(p.Lazy) > 0:
		return fmt.Errorf("weights are given twice: %w", loopitr.ErrInvalid)
	case len(p.Weights) == 0 && len(p.Lazy) == 0:
		return fmt.Errorf("no weights: %w", loopitr.ErrInvalid)
	case len(p.Vocabulary) == 0:
		return fmt.Errorf("no vocabulary: %w", loopitr.ErrInvalid)
	case p.Store != "" && (!p.Store.Float() || p.Store == safetensors.F64):
		return fmt.Errorf("weights cannot be stored as %q: %w", p.Store, loopitr.ErrInvalid)
	}
	if err := checkTensors(p.Weights); err != nil {
		return err
	}
	for _, t := range p.Weights {
		if i, ok := safetensors.Finite(t.Values); !ok {
			return fmt.Errorf("tensor %q: value %d is %v: %w", t.Name, i, t.Values[i], loopitr.ErrInvalid)
		}
	}
	return nil
}

// Save makes dir the model of these parts. Other files in dir are left alone.
// Stopped at any moment by a kill, a full disk or a failing power supply, dir
// opens as the model it was before or as the new one, completely.
//
// The error wraps loopitr.ErrInvalid when parts are unusable (then nothing was
// touched) and loopitr.ErrUnavailable when the disk is full. Only one Save at a
// time may write to a folder; Open may run beside it.
func Save(dir string, p Parts) error {
	if err := save(realDisk{}, dir, p); err != nil {
		return fmt.Errorf("save model %q: %w", dir, kind(err))
	}
	return nil
}

func save(d disk, dir string, p Parts) error {
	if err := p.Validate(); err != nil {
		return err
	}
	if err := d.mkdir(dir); err != nil {
		return err
	}
	if err := d.sync(filepath.Dir(dir)); err != nil {
		return err
	}
	// A predecessor may have been killed between commit and the last move.
	if err := moveIntoPlace(d, dir); err != nil {
		return err
	}
	stage := filepath.Join(dir, staging)
	if err := d.removeAll(stage); err != nil {
		return err
	}
	if err := writeParts(d, stage, p); err != nil {
		return errors.Join(err, d.removeAll(stage))
	}
	// The one moment at which the new model replaces the old: from here on Open
	// prefers the files in the committed folder.
	if err := d.rename(stage, filepath.Join(dir, committed)); err != nil {
		return errors.Join(err, d.removeAll(stage))
	}
	if err := d.sync(dir); err != nil {
		return err
	}
	return moveIntoPlace(d, dir)
}

func moveIntoPlace(d disk, dir string) error {
	from := filepath.Join(dir, committed)
	if _, err := os.Stat(from); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for _, name := range modelFiles {
		err := d.rename(filepath.Join(from, name), filepath.Join(dir, name))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if err := d.sync(dir); err != nil {
		return err
	}
	return d.removeAll(from)
}

func writeParts(d disk, stage string, p Parts) error {
	if err := d.mkdir(stage); err != nil {
		return err
	}
	weights := filepath.Join(stage, weightsFile)
	err := d.write(weights, func(w io.Writer) error { return writeWeights(w, p) })
	if err != nil {
		return err
	}
	stamp, err := makeStamp(weights)
	if err != nil {
		return err
	}
	value, err := json.Marshal(p.Config)
	if err != nil {
		return fmt.Errorf("configuration: %w (%w)", err, loopitr.ErrInvalid)
	}
	config, err := json.MarshalIndent(envelope{Format: Format, Weights: &stamp, Config: value}, "", "  ")
	if err != nil {
		return err
	}
	card := p.Card
	if card == "" {
		card = "A loopitr model: see config.json.\n"
	}
	for name, content := range map[string][]byte{
		configFile: append(config, '\n'), vocabularyFile: p.Vocabulary, cardFile: []byte(card),
	} {
		err := d.write(filepath.Join(stage, name), func(w io.Writer) error {
			_, err := w.Write(content)
			return err
		})
		if err != nil {
			return err
		}
	}
	return d.sync(stage)
}

func writeWeights(w io.Writer, p Parts) error {
	store := p.Store
	if store == "" {
		store = safetensors.F32
	}
	sources := make([]safetensors.Source, len(p.Weights))
	for i, t := range p.Weights {
		sources[i] = safetensors.FromFloat32(t.Name, store, t.Dims, t.Values)
	}
	for _, l := range p.Lazy {
		sources = append(sources, l.source(store))
	}
	safetensors.Sort(sources)
	// "pt" tells other tools that the element order is the usual one.
	return safetensors.Write(w, map[string]string{"format": "pt"}, sources)
}
