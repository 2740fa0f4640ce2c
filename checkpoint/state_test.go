package checkpoint_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint"
)

type progress struct {
	Seed uint64
	Best float64
}

func state(step int64) checkpoint.State {
	return checkpoint.State{
		Step:     step,
		Progress: progress{Seed: math.MaxUint64, Best: 0.1 + float64(step)},
		Tensors: []checkpoint.Tensor{
			{Name: "moment", Dims: []int{2, 2}, Values: []float32{1, float32(math.Copysign(0, -1)), math.SmallestNonzeroFloat32, float32(step)}},
			{Name: "scale", Dims: []int{}, Values: []float32{float32(math.Inf(1))}},
		},
	}
}

func saveStates(t *testing.T, steps ...int64) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "states")
	for _, step := range steps {
		if err := checkpoint.SaveState(dir, state(step)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func stateFile(dir string, step int64) string {
	return filepath.Join(dir, fmt.Sprintf("state-%012d.safetensors", step))
}

func checkState(t *testing.T, dir string, step int64) (damaged []error) {
	t.Helper()
	var p progress
	got, damaged, err := checkpoint.LoadState(dir, &p)
	if err != nil {
		t.Fatal(err)
	}
	want := state(step)
	if got.Step != step || p != want.Progress || got.Progress != &p {
		t.Errorf("got step %d, %v, want %d, %v", got.Step, p, step, want.Progress)
	}
	bits := cmp.Comparer(func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) })
	if diff := cmp.Diff(want.Tensors, got.Tensors, bits); diff != "" {
		t.Errorf("tensors (-want +got):\n%s", diff)
	}
	return damaged
}

func TestStateComesBackBitByBit(t *testing.T) {
	dir := saveStates(t, 7)
	if damaged := checkState(t, dir, 7); len(damaged) > 0 {
		t.Error(damaged)
	}
}

func TestNewestStatesAreKept(t *testing.T) {
	dir := saveStates(t, 1, 2, 30)
	if err := os.WriteFile(filepath.Join(dir, ".state-x.tmp"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "state-7.safetensors"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := checkpoint.SaveState(dir, state(25)); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	want := []string{"state-000000000002.safetensors", "state-000000000025.safetensors", "state-7.safetensors"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("a run set back to step 25 (-want +got):\n%s", diff)
	}
	checkState(t, dir, 25)
}

func TestDamagedStateGivesWayToTheOneBefore(t *testing.T) {
	pristine, err := os.ReadFile(stateFile(saveStates(t, 2), 2))
	if err != nil {
		t.Fatal(err)
	}
	dir := saveStates(t, 1, 2)
	spoil := func(name string, raw []byte) {
		t.Helper()
		if err := os.WriteFile(stateFile(dir, 2), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		damaged := checkState(t, dir, 1)
		if len(damaged) != 1 || !errors.Is(damaged[0], loopitr.ErrCorrupt) || !strings.Contains(damaged[0].Error(), "step 2") {
			t.Errorf("%s: told %v", name, damaged)
		}
	}
	for n := range pristine {
		spoil(fmt.Sprintf("cut after %d bytes", n), pristine[:n])
		flipped := append([]byte(nil), pristine...)
		flipped[n] ^= 1
		spoil(fmt.Sprintf("bit of byte %d", n), flipped)
	}
	other, err := os.ReadFile(stateFile(saveStates(t, 9), 9))
	if err != nil {
		t.Fatal(err)
	}
	spoil("of another step", other)
	if err := os.WriteFile(stateFile(dir, 1), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var p progress
	if _, damaged, err := checkpoint.LoadState(dir, &p); !errors.Is(err, loopitr.ErrCorrupt) || len(damaged) != 2 {
		t.Errorf("all damaged: got %v, %v", damaged, err)
	}
}

func TestStatesThatCannotBeLoaded(t *testing.T) {
	var p progress
	for _, dir := range []string{t.TempDir(), filepath.Join(t.TempDir(), "absent")} {
		if _, _, err := checkpoint.LoadState(dir, &p); !errors.Is(err, loopitr.ErrNotFound) {
			t.Errorf("no state: got %v, want ErrNotFound", err)
		}
	}
	dir := saveStates(t, 1)
	var other struct{ Seed uint64 }
	if _, _, err := checkpoint.LoadState(dir, &other); !errors.Is(err, loopitr.ErrInvalid) {
		t.Errorf("unknown field: got %v, want ErrInvalid", err)
	}
	bad := state(-1)
	if err := checkpoint.SaveState(dir, bad); !errors.Is(err, loopitr.ErrInvalid) {
		t.Errorf("step -1: got %v, want ErrInvalid", err)
	}
	bad = state(2)
	bad.Tensors[0].Dims = []int{5}
	if err := checkpoint.SaveState(dir, bad); !errors.Is(err, loopitr.ErrInvalid) {
		t.Errorf("wrong length: got %v, want ErrInvalid", err)
	}
	bad = state(2)
	bad.Progress = math.NaN()
	if err := checkpoint.SaveState(dir, bad); !errors.Is(err, loopitr.ErrInvalid) {
		t.Errorf("progress of no JSON: got %v, want ErrInvalid", err)
	}
	checkState(t, dir, 1)
}

func FuzzLoadState(f *testing.F) {
	dir := filepath.Join(f.TempDir(), "states")
	if err := checkpoint.SaveState(dir, state(1)); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(stateFile(dir, 1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:100])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		if err := os.WriteFile(stateFile(dir, 1), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		var p progress
		_, damaged, err := checkpoint.LoadState(dir, &p)
		switch {
		case err == nil && len(damaged) == 0, errors.Is(err, loopitr.ErrInvalid), errors.Is(err, loopitr.ErrCorrupt) && len(damaged) == 1:
		default:
			t.Fatalf("error of another kind: %v, %v", damaged, err)
		}
	})
}
