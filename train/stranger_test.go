package train_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
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

// A folder that is not ours may hold files of any length, and pipes.
func TestFilesOfARunAreBounded(t *testing.T) {
	dir := t.TempDir()
	state := filepath.Join(dir, "run")
	files := map[string]int64{"run.json": 1 << 20, "vocab.txt": 64 << 20, "metrics.jsonl": 64 << 20}
	lay := func(name, content string, size int64) {
		t.Helper()
		path := filepath.Join(state, name)
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, size); err != nil { // sparse: no bytes are written
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(state, 0o755); err != nil {
		t.Fatal(err)
	}
	content := map[string]string{"run.json": `{"format": 1}`, "vocab.txt": "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n", "metrics.jsonl": `{"step":1,"train":{"loss":1}}` + "\n"}
	whole := func() {
		for name, text := range content {
			lay(name, text, int64(len(text)))
		}
	}
	read := func() error {
		_, _, err := train.Stored(dir)
		_, also := train.ReadMetrics(state)
		return errors.Join(err, also)
	}
	for name, limit := range files {
		whole()
		if err := read(); err != nil {
			t.Fatal(err)
		}
		lay(name, content[name], limit+1)
		want := fmt.Sprintf("%q: %d bytes, more than the limit of %d", filepath.Join(state, name), limit+1, limit)
		if err := read(); !errors.Is(err, loopitr.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
		if err := os.Remove(filepath.Join(state, name)); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(filepath.Join(state, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := read(); !errors.Is(err, loopitr.ErrInvalid) || !strings.Contains(err.Error(), name+`": not a plain file`) {
			t.Errorf("%s is a folder: got %v, want invalid", name, err)
		}
		if err := os.Remove(filepath.Join(state, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// A run goes on when its measures have filled what is read back of them.
func TestMeasuresEndAtTheLimit(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "metrics.jsonl")
	line := `{"step":1,"pairs":1,"seconds":1,"train":{"loss":1}}` + "\n"
	if err := os.WriteFile(path, []byte(line), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 64<<20-10); err != nil {
		t.Fatal(err)
	}
	if err := train.AppendMeasure(dir, train.Measure{Step: 2}); err != nil {
		t.Fatal(err)
	}
	measures, err := train.ReadMetrics(dir)
	if err != nil || len(measures) != 1 {
		t.Errorf("%d measures, %v, want the one that fits", len(measures), err)
	}
}

// Parts have any number of names in a stranger's measures; a drawing has 32 curves.
func TestDrawingsHaveFewCurves(t *testing.T) {
	drawn := func(parts int) []byte {
		dir := t.TempDir()
		m := train.Measure{Step: 1, Pairs: 1, Train: &train.StepMeasure{Loss: 1, Parts: map[string]float64{}}}
		for i := range parts {
			m.Train.Parts[fmt.Sprintf("part %03d", i)] = float64(i)
		}
		if err := errors.Join(train.AppendMeasure(dir, m), train.Plot(dir)); err != nil {
			t.Fatal(err)
		}
		picture, err := os.ReadFile(filepath.Join(dir, "loss.png"))
		if err != nil {
			t.Fatal(err)
		}
		return picture
	}
	if few := drawn(31); !bytes.Equal(few, drawn(200)) || bytes.Equal(few, drawn(30)) {
		t.Error("200 parts are not drawn as the total and 31 of them")
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
