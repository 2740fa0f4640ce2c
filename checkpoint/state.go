package checkpoint

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint/safetensors"
	"github.com/loopitr/loopitr/internal/durable"
)

const (
	stateFormat = 1
	// keptStates is how many states stay: the newest, and one to fall back on.
	keptStates = 2
)

var statePattern = regexp.MustCompile(`^state-(\d{12,18})\.safetensors$`)

// State is everything that exact resume needs: the tensors bit by bit, and any
// JSON value that says where training stood.
type State struct {
	Step     int64
	Progress any
	Tensors  []Tensor
}

// SaveState adds the state to the folder as the newest. The one before is kept,
// older ones and those of later steps, left by a run that was set back, are removed
// once the new one is safely on the disk.
//
// The error wraps loopitr.ErrInvalid when the state cannot be stored and
// loopitr.ErrUnavailable when the disk is full; then the folder is as it was.
func SaveState(dir string, s State) error {
	if err := saveState(dir, s); err != nil {
		return fmt.Errorf("save state %q: step %d: %w", dir, s.Step, kind(err))
	}
	return nil
}

func saveState(dir string, s State) error {
	if s.Step < 0 {
		return fmt.Errorf("step below zero: %w", loopitr.ErrInvalid)
	}
	if err := checkTensors(s.Tensors); err != nil {
		return err
	}
	progress, err := json.Marshal(s.Progress)
	if err != nil {
		return fmt.Errorf("progress: %w (%w)", err, loopitr.ErrInvalid)
	}
	tensors, err := digestValues(s.Tensors)
	if err != nil {
		return err
	}
	header := stateHeader{format: strconv.Itoa(stateFormat), step: strconv.FormatInt(s.Step, 10), progress: string(progress)}
	sources := make([]safetensors.Source, len(s.Tensors))
	for i, t := range s.Tensors {
		sources[i] = safetensors.FromFloat32(t.Name, safetensors.F32, t.Dims, t.Values)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := safetensors.WriteFile(statePath(dir, s.Step), header.metadata(tensors), sources); err != nil {
		return err
	}
	return pruneStates(dir, s.Step)
}

func statePath(dir string, step int64) string {
	return filepath.Join(dir, fmt.Sprintf("state-%012d.safetensors", step))
}

// stateHeader is a state's metadata; its digest covers the strings and the tensors.
type stateHeader struct{ format, step, progress string }

func (h stateHeader) digest(tensors string) string {
	sum := sha256.New()
	for _, part := range []string{"loopitr state", h.format, h.step, h.progress, tensors} {
		writePart(sum, []byte(part))
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func (h stateHeader) metadata(tensors string) map[string]string {
	return map[string]string{"state": h.format, "step": h.step, "progress": h.progress, "sha256": h.digest(tensors)}
}

// listStates returns the steps that have a file, newest first.
func listStates(dir string) ([]int64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var steps []int64
	for _, e := range entries {
		m := statePattern.FindStringSubmatch(e.Name())
		if m == nil {
			continue
		}
		step, err := strconv.ParseInt(m[1], 10, 64)
		if err == nil && filepath.Base(statePath(dir, step)) == e.Name() {
			steps = append(steps, step)
		}
	}
	slices.Sort(steps)
	slices.Reverse(steps)
	return steps, nil
}

func pruneStates(dir string, newest int64) error {
	steps, err := listStates(dir)
	if err != nil {
		return err
	}
	kept := 0
	for _, step := range steps {
		if step <= newest && kept < keptStates {
			kept++
			continue
		}
		err = errors.Join(err, os.Remove(statePath(dir, step)))
	}
	return errors.Join(err, durable.RemoveUnfinished(dir, "state-")) // a killed save's
}

// LoadState returns the newest undamaged state of the folder, its progress
// decoded strictly into the pointer progress. Newer states that are damaged are
// passed over and told in damaged.
//
// The error wraps loopitr.ErrNotFound when the folder holds no state,
// loopitr.ErrCorrupt when all are damaged, and loopitr.ErrInvalid when an
// undamaged one is of a newer format or of a progress that does not decode.
func LoadState(dir string, progress any) (s State, damaged []error, err error) {
	steps, err := listStates(dir)
	if err == nil && len(steps) == 0 {
		err = fmt.Errorf("no state: %w", loopitr.ErrNotFound)
	}
	if err != nil {
		return State{}, nil, fmt.Errorf("load state %q: %w", dir, kind(err))
	}
	for _, step := range steps {
		s, err := readState(dir, step, progress)
		if err == nil {
			return s, damaged, nil
		}
		err = fmt.Errorf("load state %q: step %d: %w", dir, step, kind(err))
		if !errors.Is(err, loopitr.ErrCorrupt) {
			return State{}, damaged, err
		}
		damaged = append(damaged, err)
	}
	return State{}, damaged, fmt.Errorf("load state %q: every state is damaged: %w", dir, errors.Join(damaged...))
}

func readState(dir string, step int64, progress any) (State, error) {
	f, err := safetensors.Open(statePath(dir, step))
	if err != nil {
		return State{}, err
	}
	defer f.Close()
	metadata := f.Metadata()
	header := stateHeader{format: metadata["state"], step: metadata["step"], progress: metadata["progress"]}
	tensors, err := digest(f)
	if err != nil {
		return State{}, err
	}
	if header.digest(tensors) != metadata["sha256"] || header.step != strconv.FormatInt(step, 10) {
		return State{}, fmt.Errorf("digest does not fit the content: %w", loopitr.ErrCorrupt)
	}
	if header.format != strconv.Itoa(stateFormat) {
		return State{}, fmt.Errorf("state format %q is not %d, which this loopitr reads: %w", header.format, stateFormat, loopitr.ErrInvalid)
	}
	if err := unmarshalProgress(header.progress, progress); err != nil {
		return State{}, err
	}
	s := State{Step: step, Progress: progress}
	for _, t := range f.Tensors() {
		values, err := t.Float32()
		if err != nil {
			return State{}, err
		}
		s.Tensors = append(s.Tensors, Tensor{Name: t.Name, Dims: t.Shape, Values: values})
	}
	return s, nil
}

func unmarshalProgress(raw string, into any) error {
	// The digest was right, so the state is of another program, not damaged.
	if err := unmarshalStrictly([]byte(raw), into); err != nil {
		return fmt.Errorf("progress: %v: %w", err, loopitr.ErrInvalid)
	}
	return nil
}
