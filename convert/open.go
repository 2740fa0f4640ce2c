package convert

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint/safetensors"
	"github.com/loopitr/loopitr/checkpoint/torch"
	"github.com/loopitr/loopitr/internal/durable"
)

// values is what the tensors of both formats can do.
type values interface {
	Len() int
	Float32() ([]float32, error)
	Float32At(dst []float32, first int) error
}

// tensor is one stored tensor, whichever format holds it.
type tensor struct {
	dtype  safetensors.DType
	shape  []int
	values values
}

// source is an opened file of weights, or several that are one.
type source struct {
	path    string   // as the user named it
	folder  string   // where its other files are
	files   []string // all that hold weights
	tensors map[string]tensor
	own     string // config that Export left in it
	heat    string // temperature that Export left beside a format without one
	closers []func() error
}

// ownKey is where Export keeps a model's configuration in a file.
const ownKey = "loopitr.config"

// temperatureKey is where it keeps a temperature that the format has no tensor for.
const temperatureKey = "loopitr.temperature"

// openSource opens a file, an index of files, or a folder that holds one of them.
func openSource(path string) (_ *source, err error) {
	stat, err := os.Stat(path)
	switch {
	case os.IsNotExist(err):
		return nil, fmt.Errorf("open %q: no such file: %w", path, loopitr.ErrNotFound)
	case err != nil:
		return nil, err
	}
	file := path
	if stat.IsDir() {
		if file, err = weightsIn(path); err != nil {
			return nil, err
		}
	}
	s := &source{path: path, folder: filepath.Dir(file), tensors: map[string]tensor{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if strings.HasSuffix(file, ".json") {
		err = s.addIndex(file)
	} else {
		err = s.addFile(file)
	}
	return s, err
}

func (s *source) close() error {
	var errs []error
	for _, c := range s.closers {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}

// weightFiles are the names that Hugging Face gives weights, the best first.
var weightFiles = []string{
	"model.safetensors.index.json", "model.safetensors", "pytorch_model.bin.index.json", "pytorch_model.bin",
}

// weightsIn finds the weights in a folder: by Hugging Face's names, or the only file
// with an ending of weights.
func weightsIn(folder string) (string, error) {
	for _, name := range weightFiles {
		path := filepath.Join(folder, name)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return "", err
	}
	var found []string
	for _, e := range entries {
		if slices.Contains([]string{".safetensors", ".pth", ".pt", ".bin"}, filepath.Ext(e.Name())) {
			found = append(found, e.Name())
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("open %q: no weights in the folder: %w", folder, loopitr.ErrNotFound)
	case 1:
		return filepath.Join(folder, found[0]), nil
	}
	return "", fmt.Errorf("open %q: name one of its files: %s: %w", folder, strings.Join(found, ", "), loopitr.ErrInvalid)
}

// addFile adds the tensors of one file, whose kind its first bytes tell.
func (s *source) addFile(path string) error {
	head, err := firstBytes(path)
	if err != nil {
		return err
	}
	s.files = append(s.files, path)
	if torch.Is(head) {
		f, err := torch.Open(path)
		if err != nil {
			return err
		}
		s.closers, s.own = append(s.closers, f.Close), cmp.Or(f.Text(ownKey), s.own)
		for _, t := range f.Tensors() {
			if err := s.add(path, t.Name, tensor{t.DType, t.Shape, t}); err != nil {
				return err
			}
		}
		return nil
	}
	return s.addSafetensors(path)
}

// addSafetensors reads the file in pieces instead of mapping it: what is read once
// shall not stay in memory.
func (s *source) addSafetensors(path string) error {
	opened, err := os.Open(path)
	if err != nil {
		return err
	}
	s.closers = append(s.closers, opened.Close)
	stat, err := opened.Stat()
	if err != nil {
		return err
	}
	f, err := safetensors.Read(opened, stat.Size())
	if err != nil {
		return fmt.Errorf("open %q: %w", path, err)
	}
	if metadata := f.Metadata(); metadata[ownKey] != "" {
		s.own, s.heat = metadata[ownKey], metadata[temperatureKey]
	}
	for _, t := range f.Tensors() {
		if err := s.add(path, t.Name, tensor{t.DType, t.Shape, t}); err != nil {
			return err
		}
	}
	return nil
}

func (s *source) add(path, name string, t tensor) error {
	name = oldNorm(name)
	if _, twice := s.tensors[name]; twice {
		return fmt.Errorf("open %q: tensor %q is there twice: %w", path, name, loopitr.ErrCorrupt)
	}
	s.tensors[name] = t
	return nil
}

// firstBytes refuses what is no plain file before opening it: a pipe would wait.
func firstBytes(path string) ([]byte, error) {
	stat, err := os.Stat(path)
	switch {
	case os.IsNotExist(err):
		return nil, fmt.Errorf("open %q: no such file: %w", path, loopitr.ErrNotFound)
	case err != nil:
		return nil, err
	case !stat.Mode().IsRegular():
		return nil, fmt.Errorf("open %q: not a plain file: %w", path, loopitr.ErrInvalid)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() // only read
	head := make([]byte, 9)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
		return nil, err
	}
	return head[:n], nil
}

const (
	maxIndex  = 16 << 20
	maxShards = 1000
)

// addIndex adds the files that an index of Hugging Face names: beside it, and each
// with the tensors that the index puts there, no others.
func (s *source) addIndex(path string) error {
	raw, err := durable.ReadFile(path, maxIndex)
	if err != nil {
		return err
	}
	var index struct {
		Files map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(raw, &index); err != nil {
		return fmt.Errorf("open %q: %w (%w)", path, err, loopitr.ErrCorrupt)
	}
	files := slices.Compact(slices.Sorted(maps.Values(index.Files)))
	if len(files) == 0 || len(files) > maxShards {
		return fmt.Errorf("open %q: an index of %d files: %w", path, len(files), loopitr.ErrCorrupt)
	}
	for _, file := range files {
		if file != filepath.Base(file) || !filepath.IsLocal(file) {
			return fmt.Errorf("open %q: file %q is not beside it: %w", path, file, loopitr.ErrCorrupt)
		}
		if err := s.addFile(filepath.Join(s.folder, file)); err != nil {
			return err
		}
	}
	return s.compareIndex(path, index.Files)
}

func (s *source) compareIndex(path string, files map[string]string) error {
	var wrong []string
	indexed := map[string]bool{}
	for name := range files {
		indexed[oldNorm(name)] = true
		if _, there := s.tensors[oldNorm(name)]; !there {
			wrong = append(wrong, fmt.Sprintf("%q is missing", name))
		}
	}
	for name := range s.tensors {
		if !indexed[name] {
			wrong = append(wrong, fmt.Sprintf("%q is not in the index", name))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	slices.Sort(wrong)
	return fmt.Errorf("open %q: its files do not agree with it: %s: %w", path, listed(wrong), loopitr.ErrCorrupt)
}

// maxListed bounds how many names an error lists.
const maxListed = 20

func listed(names []string) string {
	text := strings.Join(names[:min(len(names), maxListed)], ", ")
	if more := len(names) - maxListed; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
