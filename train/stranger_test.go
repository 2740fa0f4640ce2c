package train_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint"
	"github.com/loopitr/loopitr/train"
)

// A state may be whole and still not one that a run saved.
func TestStatesOfImpossibleProgressAreRefused(t *testing.T) {
	set, e := sixteen(t), openEngine(t)
	o := train.Options{Config: tiny(2), Dir: t.TempDir(), Train: set, Engine: e}
	if _, err := train.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	o.Config, o.Resume = train.Config{Steps: 4}, true
	for field, value := range map[string]any{"step": -5, "pairs": -1, "seconds": -1, "alone": 3, "validated": 1 << 60} {
		var progress map[string]any
		s, _, err := checkpoint.LoadState(filepath.Join(o.Dir, "run"), &progress)
		if err != nil {
			t.Fatal(err)
		}
		had := progress[field]
		progress[field] = value
		s.Progress = progress
		if err := checkpoint.SaveState(filepath.Join(o.Dir, "run"), s); err != nil {
			t.Fatal(err)
		}
		if _, err := train.Run(t.Context(), o); !errors.Is(err, loopitr.ErrCorrupt) {
			t.Errorf("%s of %v: %v, want corrupt", field, value, err)
		}
		if progress[field] = had; had == nil {
			delete(progress, field)
		}
		if err := checkpoint.SaveState(filepath.Join(o.Dir, "run"), s); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := train.Run(t.Context(), o); err != nil {
		t.Errorf("the run as it was: %v", err)
	}
}

// FuzzStored reads a recipe: an error of a kind, or one that Validate judges.
func FuzzStored(f *testing.F) {
	dir := f.TempDir()
	state := filepath.Join(dir, "run")
	if err := os.Mkdir(state, 0o755); err != nil {
		f.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(state, "vocab.txt"), []byte("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n"), 0o644); err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"format": 1, "config": {"network": {"vision": {"layers": 1}}, "batch": 8, "for": "10m", "save_every": "1m"}, "records": "x"}`))
	f.Add([]byte(`{"format": 2}`))
	f.Add([]byte(`{"format": 1, "config": {"sampling": 7}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if err := os.WriteFile(filepath.Join(state, "run.json"), raw, 0o644); err != nil {
			t.Fatal(err)
		}
		c, _, err := train.Stored(dir)
		if err == nil {
			err = c.Validate()
		}
		if err != nil && !errors.Is(err, loopitr.ErrInvalid) && !errors.Is(err, loopitr.ErrCorrupt) {
			t.Fatalf("error of no kind: %v", err)
		}
	})
}

// FuzzMetrics reads and draws measures.
func FuzzMetrics(f *testing.F) {
	dir := f.TempDir()
	f.Add([]byte(`{"step":1,"pairs":64,"seconds":1,"train":{"loss":1,"parts":{"match":0.5}}}` + "\n" + `{"step":2,"pairs":128,"validation":{"dual_r1":[1,2]}}` + "\n" + `{"ste`))
	f.Add([]byte(`{"pairs":1,"train":{"loss":1e308}}` + "\n" + `{"pairs":9000000000000000000,"train":{"loss":-1e308}}` + "\n"))
	f.Add([]byte(`{"pairs":1,"train":{"loss":1e-320}}` + "\n" + `{"pairs":2,"train":{"loss":0,"parts":{"\u0000\ud800":3}}}` + "\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if err := os.WriteFile(filepath.Join(dir, "metrics.jsonl"), raw, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := train.ReadMetrics(dir); err != nil {
			t.Fatal(err)
		}
		if err := train.Plot(dir); err != nil {
			t.Logf("not drawn: %v", err)
		}
	})
}
