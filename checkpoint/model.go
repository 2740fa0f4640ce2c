package checkpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint/safetensors"
	"github.com/loopitr/loopitr/internal/durable"
)

const (
	maxConfig     = 1 << 20
	maxVocabulary = 64 << 20
)

// envelope is config.json.
type envelope struct {
	Format  int             `json:"format"`
	Weights *stamp          `json:"weights,omitempty"`
	Config  json.RawMessage `json:"config"`
}

// Model is an open model folder: one consistent model, also when another process
// saves a new one into the folder meanwhile.
type Model struct {
	dir        string
	envelope   envelope
	vocabulary []byte
	weights    *safetensors.File
	stat       os.FileInfo // of the weights
}

// Open reads the folder's small files and checks the weights' header.
//
// The error wraps loopitr.ErrNotFound when the folder or one of its files is not
// there, loopitr.ErrInvalid when dir is no folder or its format is newer than
// Format, and loopitr.ErrCorrupt when a file is damaged.
func Open(dir string) (*Model, error) {
	m, err := openModel(dir)
	if err != nil {
		return nil, fmt.Errorf("open model %q: %w", dir, kind(err))
	}
	return m, nil
}

func openModel(dir string) (*Model, error) {
	if stat, err := os.Stat(dir); err != nil {
		return nil, err
	} else if !stat.IsDir() {
		return nil, fmt.Errorf("not a folder: %w", loopitr.ErrInvalid)
	}
	// A Save that runs beside us may exchange files between two of our reads:
	// then the paths lead elsewhere afterwards, and we look again.
	const attempts = 100
	for range attempts {
		before := look(dir)
		m, err := openFiles(dir, before)
		if before.same(look(dir)) {
			return m, err
		}
		if err == nil {
			_ = m.Close()
		}
	}
	return nil, fmt.Errorf("folder keeps changing: %w", loopitr.ErrUnavailable)
}

// sight is which file stood behind each name of modelFiles at one moment.
type sight [len(modelFiles)]struct {
	path string
	stat os.FileInfo // nil when there is none
}

// look resolves each name, preferring a committed model's files to those not yet
// replaced by them.
func look(dir string) sight {
	var s sight
	for i, name := range modelFiles {
		for _, path := range []string{filepath.Join(dir, committed, name), filepath.Join(dir, name)} {
			s[i].path = path
			if stat, err := os.Stat(path); err == nil {
				s[i].stat = stat
				break
			}
		}
	}
	return s
}

func (s sight) same(other sight) bool {
	for i := range s {
		a, b := s[i].stat, other[i].stat
		if s[i].path != other[i].path || (a == nil) != (b == nil) {
			return false
		}
		if a != nil && (!os.SameFile(a, b) || !a.ModTime().Equal(b.ModTime()) || a.Size() != b.Size()) {
			return false
		}
	}
	return true
}

func (s sight) path(name string) string {
	for i, n := range modelFiles {
		if n == name {
			return s[i].path
		}
	}
	panic("checkpoint: no such model file: " + name)
}

func openFiles(dir string, s sight) (*Model, error) {
	m := &Model{dir: dir}
	raw, err := durable.ReadFile(s.path(configFile), maxConfig)
	if err != nil {
		return nil, err
	}
	if m.envelope, err = parseEnvelope(raw); err != nil {
		return nil, fmt.Errorf("%s: %w", configFile, err)
	}
	if m.vocabulary, err = durable.ReadFile(s.path(vocabularyFile), maxVocabulary); err != nil {
		return nil, err
	}
	weights := s.path(weightsFile)
	if m.weights, err = safetensors.Open(weights); err != nil {
		return nil, err
	}
	if m.stat, err = os.Stat(weights); err != nil {
		return nil, errors.Join(err, m.weights.Close())
	}
	return m, nil
}

// parseEnvelope looks at the format number first, so that a newer format is
// called that and not an unknown field.
func parseEnvelope(raw []byte) (envelope, error) {
	var first struct {
		Format *int `json:"format"`
	}
	if err := json.Unmarshal(raw, &first); err != nil {
		return envelope{}, fmt.Errorf("%w (%w)", err, loopitr.ErrCorrupt)
	}
	switch {
	case first.Format == nil:
		return envelope{}, fmt.Errorf("no format number: not a loopitr model: %w", loopitr.ErrInvalid)
	case *first.Format > Format:
		return envelope{}, fmt.Errorf("format %d is newer than %d, which this loopitr reads: update loopitr: %w", *first.Format, Format, loopitr.ErrInvalid)
	case *first.Format < 1:
		return envelope{}, fmt.Errorf("format %d does not exist: %w", *first.Format, loopitr.ErrCorrupt)
	}
	var e envelope
	if err := unmarshalStrictly(raw, &e); err != nil {
		return envelope{}, err
	}
	if e.Config == nil {
		return envelope{}, fmt.Errorf("no %q: %w", "config", loopitr.ErrCorrupt)
	}
	return e, nil
}

// unmarshalStrictly refuses unknown fields and anything behind the value.
func unmarshalStrictly(raw []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("%w (%w)", err, loopitr.ErrCorrupt)
	}
	if _, err := dec.Token(); err != io.EOF {
		return fmt.Errorf("something follows the JSON value: %w", loopitr.ErrCorrupt)
	}
	return nil
}

// Config decodes the stored configuration into a pointer. A field that into does
// not know is an error, which wraps loopitr.ErrCorrupt.
func (m *Model) Config(into any) error {
	if err := unmarshalStrictly(m.envelope.Config, into); err != nil {
		return fmt.Errorf("open model %q: %s: %w", m.dir, configFile, err)
	}
	return nil
}

// Vocabulary returns the bytes of vocab.txt, at most 64 MiB. They must not be changed.
func (m *Model) Vocabulary() []byte { return m.vocabulary }

// Tensors describes the stored weights without reading them.
func (m *Model) Tensors() []safetensors.Tensor { return m.weights.Tensors() }

// Weights reads all weights, in the order wanted. The error wraps
// loopitr.ErrCorrupt when names, shapes or element types differ from what is
// wanted, all differences listed together, or when a value is not finite.
func (m *Model) Weights(want []Shape) ([]Tensor, error) {
	tensors, err := readTensors(m.weights, want)
	if err != nil {
		return nil, fmt.Errorf("load model %q: %w", m.dir, err)
	}
	for _, t := range tensors {
		if i, ok := safetensors.Finite(t.Values); !ok {
			return nil, fmt.Errorf("load model %q: tensor %q: value %d is %v: %w", m.dir, t.Name, i, t.Values[i], loopitr.ErrCorrupt)
		}
	}
	return tensors, nil
}

func readTensors(f *safetensors.File, want []Shape) ([]Tensor, error) {
	var have []Shape
	for _, t := range f.Tensors() {
		if !t.DType.Float() {
			return nil, fmt.Errorf("tensor %q: %s are no weights: %w", t.Name, t.DType, loopitr.ErrCorrupt)
		}
		have = append(have, Shape{Name: t.Name, Dims: t.Shape})
	}
	if err := Match(want, have); err != nil {
		return nil, err
	}
	tensors := make([]Tensor, len(want))
	for i, w := range want {
		t, _ := f.Tensor(w.Name)
		values, err := t.Float32()
		if err != nil {
			return nil, err
		}
		tensors[i] = Tensor{Name: w.Name, Dims: w.Dims, Values: values}
	}
	return tensors, nil
}

// Close releases the folder's files.
func (m *Model) Close() error { return m.weights.Close() }
