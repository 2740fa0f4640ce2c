package train_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/train"
)

func TestLossThatIsNotFiniteNamesTheStep(t *testing.T) {
	set, e := sixteen(t), openEngine(t)
	c := noisy(20)
	c.Optimizer.LearningRate, c.Optimizer.WarmUp = 1e30, 0
	o := train.Options{Config: c, Dir: t.TempDir(), Train: set, Engine: e}
	_, err := train.Run(t.Context(), o)
	if err == nil || !regexp.MustCompile(`step \d+: .* is .*(NaN|Inf)`).MatchString(err.Error()) {
		t.Fatalf("error is %v, want the step named", err)
	}
	for _, w := range weights(t, o.Dir) {
		for _, v := range w.Values {
			if v != v {
				t.Fatalf("%s of the saved state is NaN", w.Name)
			}
		}
	}
}

func TestUnreadablePicturesAreSkippedAndNoted(t *testing.T) {
	dir := t.TempDir()
	table := writeSixteen(t, dir)
	for name, content := range map[string]string{"torn.png": "\x89PNG\r\n\x1a\n", "text.png": "no picture"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(table, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(f, "%s\tsomething nobody can see\n", name)
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	set := openSet(t, table)
	var notes strings.Builder
	for _, s := range set.Skipped.Details {
		fmt.Fprintln(&notes, s)
	}
	o := train.Options{Config: noisy(2), Dir: t.TempDir(), Train: set, Engine: openEngine(t)}
	o.Observe = func(p train.Progress) { fmt.Fprintln(&notes, p.Note, p.Skipped) }
	if _, err := train.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"torn.png", "text.png"} {
		if !strings.Contains(notes.String(), name) {
			t.Errorf("notes %q say nothing of %s", notes.String(), name)
		}
	}
}

// Decoding may take minutes: what is known without it is said before.
func TestBatchLargerThanTheDataIsRefusedBeforeDecoding(t *testing.T) {
	dir := t.TempDir()
	table := writeSixteen(t, dir)
	pictures, err := filepath.Glob(filepath.Join(dir, "*.png"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(pictures[0], []byte("no picture"), 0o644); err != nil {
		t.Fatal(err)
	}
	o := train.Options{Config: noisy(2), Dir: filepath.Join(dir, "run here"), Train: openSet(t, table), Engine: openEngine(t)}
	o.Config.Batch = 17
	o.Observe = func(p train.Progress) { t.Errorf("pictures were decoded: %s", p.Note) }
	if _, err := train.Run(t.Context(), o); !errors.Is(err, loopitr.ErrInvalid) || !strings.Contains(err.Error(), "batch 17") {
		t.Errorf("error is %v, want one of the batch", err)
	}
}

func TestOptionsAreJudgedWithoutData(t *testing.T) {
	dir := t.TempDir()
	o := train.Options{Config: noisy(2), Dir: dir}
	if err := o.Validate(); err != nil {
		t.Error(err)
	}
	o.Resume = true
	if err := o.Validate(); !errors.Is(err, loopitr.ErrNotFound) {
		t.Errorf("no run to resume: %v, want not found", err)
	}
	for name, change := range map[string]func(o *train.Options){
		"no end":                  func(o *train.Options) { o.Config.Steps = 0 },
		"chunks that do not fit":  func(o *train.Options) { o.Config.Chunk = 7 },
		"a folder with a run":     func(o *train.Options) { o.Dir = ran(t) },
		"resume with two endings": func(o *train.Options) { o.Dir, o.Resume, o.Config.For = ran(t), true, 1 },
	} {
		o := train.Options{Config: noisy(2), Dir: dir}
		change(&o)
		if err := o.Validate(); !errors.Is(err, loopitr.ErrInvalid) {
			t.Errorf("%s: %v, want invalid", name, err)
		}
	}
}

// ran is a folder with a run of one step.
func ran(t *testing.T) string {
	t.Helper()
	o := train.Options{Config: tiny(1), Dir: t.TempDir(), Train: sixteen(t), Engine: openEngine(t)}
	if _, err := train.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	return o.Dir
}

func TestImpossibleDataIsRefusedBeforeAnythingIsWritten(t *testing.T) {
	e := openEngine(t)
	tests := map[string]func(t *testing.T, o *train.Options){
		"batch larger than the data": func(t *testing.T, o *train.Options) { o.Config.Batch = 17 },
		"no picture can be used": func(t *testing.T, o *train.Options) {
			dir := t.TempDir()
			table := writeSixteen(t, dir)
			pictures, err := filepath.Glob(filepath.Join(dir, "*.png"))
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range pictures {
				if err := os.WriteFile(p, []byte("no picture"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			o.Train = openSet(t, table)
		},
		"initial weights of another network": func(t *testing.T, o *train.Options) {
			o.Initial = map[string][]float32{"temperature": {0.07}}
		},
		"no end": func(t *testing.T, o *train.Options) { o.Config.Steps = 0 },
		"token input without tokens": func(t *testing.T, o *train.Options) {
			o.Config.Network = o.Config.Network.WithTokens(4, 8)
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			o := train.Options{Config: noisy(2), Dir: filepath.Join(t.TempDir(), "run here"), Train: sixteen(t), Engine: e}
			change(t, &o)
			if _, err := train.Run(t.Context(), o); !errors.Is(err, loopitr.ErrInvalid) && !errors.Is(err, loopitr.ErrCorrupt) {
				t.Errorf("error is %v, want one of invalid input", err)
			}
			if _, err := os.Stat(o.Dir); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the folder was made: %v", err)
			}
		})
	}
}
