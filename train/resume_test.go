package train_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/dataset"
	"github.com/loopitr/loopitr/infer"
	"github.com/loopitr/loopitr/internal/engine"
	"github.com/loopitr/loopitr/pixels"
	"github.com/loopitr/loopitr/train"
)

// killed tells the test binary to be the run that a test kills: the table to train
// on, and the run's folder.
const killed = "LOOPITR_TEST_KILLED_RUN"

func TestMain(m *testing.M) {
	if args := os.Getenv(killed); args != "" {
		table, dir, _ := strings.Cut(args, "\n")
		if err := runUntilKilled(table, dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// noisy is a recipe that uses every source of chance, and saves at every step.
func noisy(steps int) train.Config {
	c := nano(steps)
	c.Network.Dropout, c.Network.Text.MaskedModeling = 0.1, true
	c.Loss.MaskedTokens.Weight = 0.5
	c.Hardness = train.Hardness{From: 0, Steps: 10}
	c.Alone, c.Average = 0.3, 0.99
	c.Augment = pixels.FineTuning()
	c.Augment.Affine = pixels.AffineConfig{Share: 0.5, Degrees: 20, Translate: 0.2, Fill: 255}
	c.Augment.Colour = pixels.ColourConfig{Share: 0.5, Brightness: 0.4, Contrast: 0.4}
	c.Patches = train.Patches{Drop: 0.5, Steps: 12}
	c.SaveEvery = 1
	return c
}

func runUntilKilled(table, dir string) error {
	set, err := dataset.Open(context.Background(), dataset.Options{Path: table})
	if err != nil {
		return err
	}
	defer set.Close()
	e, err := engine.Open(os.Getenv("LOOPITR_ENGINE"))
	if err != nil {
		return err
	}
	defer e.Close()
	_, err = os.Stat(filepath.Join(dir, "run", "run.json"))
	o := train.Options{Dir: dir, Resume: err == nil, Train: set, Validation: set, Engine: e}
	if !o.Resume {
		o.Config = killedRecipe()
	}
	_, err = train.Run(context.Background(), o)
	return err
}

// killedRecipe also computes in chunks, and keeps the best model of ten: neither every
// one nor the last.
func killedRecipe() train.Config {
	c := noisy(20)
	c.Chunk, c.Validation.Every, c.Validation.Pictures = 4, 2, 8
	return c
}

// newest is the newest saved step in a run's folder, -1 if there is none.
func newest(dir string) int {
	states, _ := filepath.Glob(filepath.Join(dir, "run", "state-*.safetensors"))
	step := -1
	for _, s := range states {
		var n int
		if _, err := fmt.Sscanf(filepath.Base(s), "state-%d.safetensors", &n); err == nil {
			step = max(step, n)
		}
	}
	return step
}

// killOnce runs until some steps are done and a moment more, and kills. It tells
// whether the run was faster.
func killOnce(t *testing.T, table, dir string, chance *rand.Rand) (ended bool) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	c := exec.Command(exe)
	c.Env = append(os.Environ(), killed+"="+table+"\n"+dir)
	c.Stderr = &stderr
	until := newest(dir) + chance.IntN(6)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- c.Wait() }()
	for {
		select {
		case err := <-done:
			if err != nil {
				t.Fatalf("run: %v: %s", err, stderr.String())
			}
			return true
		case <-time.After(time.Millisecond):
		}
		if newest(dir) >= until {
			time.Sleep(time.Duration(chance.IntN(20_000)) * time.Microsecond)
			if err := c.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
				t.Fatal(err)
			}
			<-done
			return false
		}
	}
}

func TestRunKilledAnywhereEndsInTheSameBits(t *testing.T) {
	table := writeSixteen(t, t.TempDir())
	seed := rand.Uint64()
	chance := rand.New(rand.NewPCG(seed, 0))
	whole := t.TempDir()
	set := openSet(t, table)
	if _, err := train.Run(t.Context(), train.Options{Config: killedRecipe(), Dir: whole, Train: set, Validation: set, Engine: openEngine(t)}); err != nil {
		t.Fatal(err)
	}
	dir, kills := t.TempDir(), 0
	for !killOnce(t, table, dir, chance) {
		kills++
	}
	if kills < 3 {
		t.Errorf("the run was killed %d times only", kills)
	}
	if diff := differ(weights(t, whole), weights(t, dir)); diff != "" {
		t.Errorf("killed %d times by seed %d, the weights differ: %s", kills, seed, diff)
	}
	sameModel(t, whole, dir)
	if diff := cmp.Diff(validated(t, whole), validated(t, dir)); diff != "" {
		t.Errorf("validations differ: %s", diff)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "run", ".*")); len(left) > 0 {
		t.Errorf("kills left %q", left)
	}
}

// sameModel compares the weights that two runs kept, byte by byte.
func sameModel(t *testing.T, want, got string) {
	t.Helper()
	a, err := os.ReadFile(filepath.Join(want, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(got, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(a, b) {
		t.Error("the kept models differ")
	}
}

// interrupted runs to the reported step and stops there by its context.
func interrupted(t *testing.T, o train.Options, step int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	observe := o.Observe
	o.Observe = func(p train.Progress) {
		if p.Measure.Train != nil && p.Measure.Step >= step {
			cancel()
		}
		if observe != nil {
			observe(p)
		}
	}
	if _, err := train.Run(ctx, o); !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted run: %v, want the context's error", err)
	}
}

func TestRunStoppedByContextResumes(t *testing.T) {
	set, e := sixteen(t), openEngine(t)
	c := noisy(24)
	c.SaveEvery = train.Duration(time.Hour)
	c.Validation.Every, c.Chunk = 12, 4
	whole := train.Options{Config: c, Dir: t.TempDir(), Train: set, Validation: set, Engine: e}
	if _, err := train.Run(t.Context(), whole); err != nil {
		t.Fatal(err)
	}
	parts := whole
	parts.Dir = t.TempDir()
	interrupted(t, parts, 10)
	parts.Config, parts.Resume = train.Config{}, true
	interrupted(t, parts, 20)
	if _, err := train.Run(t.Context(), parts); err != nil {
		t.Fatal(err)
	}
	if diff := differ(weights(t, whole.Dir), weights(t, parts.Dir)); diff != "" {
		t.Errorf("weights differ: %s", diff)
	}
	sameModel(t, whole.Dir, parts.Dir)
	if diff := cmp.Diff(validated(t, whole.Dir), validated(t, parts.Dir)); diff != "" {
		t.Errorf("validations differ: %s", diff)
	}
}

// validated lists the steps that a run validated after, with what it found.
func validated(t *testing.T, dir string) map[int]train.ValidationMeasure {
	t.Helper()
	measures, err := train.ReadMetrics(filepath.Join(dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[int]train.ValidationMeasure{}
	for _, m := range measures {
		if m.Validation != nil {
			if _, twice := found[m.Step]; twice {
				t.Errorf("step %d was validated twice", m.Step)
			}
			found[m.Step] = *m.Validation
		}
	}
	return found
}

func TestResumeRewindsMetrics(t *testing.T) {
	set, e := sixteen(t), openEngine(t)
	o := train.Options{Config: noisy(20), Dir: t.TempDir(), Train: set, Engine: e}
	interrupted(t, o, 10)
	file := filepath.Join(o.Dir, "run", "metrics.jsonl")
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	// A validation that was not saved, a later measure, and one that a kill cut short.
	later := string(content) + `{"step":10,"pairs":80,"seconds":1,"validation":{"best":true}}` + "\n" +
		`{"step":17,"pairs":136,"seconds":1,"train":{"loss":1,"parts":{}}}` + "\n" + `{"step":18,"pai`
	if err := os.WriteFile(file, []byte(later), 0o644); err != nil {
		t.Fatal(err)
	}
	o.Config, o.Resume = train.Config{}, true
	if _, err := train.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	measures, err := train.ReadMetrics(filepath.Join(o.Dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	var steps []int
	for _, m := range measures {
		steps = append(steps, m.Step)
	}
	if !slices.Equal(steps, []int{10, 20}) {
		t.Errorf("measures of steps %v, want 10 and 20", steps)
	}
	content, err = os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(content), "\n"); n != 2 {
		t.Errorf("%d lines, want 2", n)
	}
}

func TestResumeProlongs(t *testing.T) {
	set, e := sixteen(t), openEngine(t)
	o := train.Options{Config: noisy(6), Dir: t.TempDir(), Train: set, Engine: e}
	if _, err := train.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	o.Config, o.Resume = train.Config{Steps: 12}, true
	result, err := train.Run(t.Context(), o)
	if err != nil || result.Step != 12 {
		t.Fatalf("prolonged to step %d: %v, want 12", result.Step, err)
	}
	// The new end is the run's own from then on, and a run that ended is complete.
	before := weights(t, o.Dir)
	o.Config = train.Config{}
	result, err = train.Run(t.Context(), o)
	if err != nil || result.Step != 12 {
		t.Fatalf("resumed at its end: step %d: %v, want 12", result.Step, err)
	}
	if diff := differ(before, weights(t, o.Dir)); diff != "" {
		t.Errorf("resuming a complete run changed it: %s", diff)
	}
}

func TestDamagedNewestStateFallsBack(t *testing.T) {
	set, e := sixteen(t), openEngine(t)
	whole := train.Options{Config: noisy(12), Dir: t.TempDir(), Train: set, Engine: e}
	if _, err := train.Run(t.Context(), whole); err != nil {
		t.Fatal(err)
	}
	o := whole
	o.Dir = t.TempDir()
	interrupted(t, o, 10)
	state := filepath.Join(o.Dir, "run", fmt.Sprintf("state-%012d.safetensors", newest(o.Dir)))
	content, err := os.ReadFile(state)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	if err := os.WriteFile(state, content, 0o644); err != nil {
		t.Fatal(err)
	}
	o.Config, o.Resume = train.Config{}, true
	var notes []string
	o.Observe = func(p train.Progress) { notes = append(notes, p.Note) }
	if _, err := train.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(notes, "\n"), "digest") || !slices.Contains(notes, "resuming at step 9") {
		t.Errorf("notes are %q, want the damage and the step before", notes)
	}
	if diff := differ(weights(t, whole.Dir), weights(t, o.Dir)); diff != "" {
		t.Errorf("weights differ: %s", diff)
	}
}

func TestFoldersThatCannotBeUsed(t *testing.T) {
	set, e := sixteen(t), openEngine(t)
	o := train.Options{Config: noisy(2), Dir: t.TempDir(), Train: set, Engine: e}
	if _, err := train.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	before := weights(t, o.Dir)
	if _, err := train.Run(t.Context(), o); !errors.Is(err, loopitr.ErrInvalid) || !strings.Contains(err.Error(), "holds a run") {
		t.Errorf("a new run in the folder of another: %v, want a refusal", err)
	}
	other := o
	other.Resume, other.Dir = true, t.TempDir()
	if _, err := train.Run(t.Context(), other); !errors.Is(err, loopitr.ErrNotFound) {
		t.Errorf("resuming nothing: %v, want not found", err)
	}
	fewer := writeSixteen(t, t.TempDir())
	table, err := os.ReadFile(fewer)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(table), "\n")
	if err := os.WriteFile(fewer, []byte(strings.Join(lines[:len(lines)-2], "")), 0o644); err != nil {
		t.Fatal(err)
	}
	other = o
	other.Resume, other.Train = true, openSet(t, fewer)
	if _, err := train.Run(t.Context(), other); !errors.Is(err, loopitr.ErrInvalid) || !strings.Contains(err.Error(), "began with") {
		t.Errorf("resuming with other pictures: %v, want a refusal", err)
	}
	if diff := differ(before, weights(t, o.Dir)); diff != "" {
		t.Errorf("a refused run changed the folder: %s", diff)
	}
	m, err := infer.Open(o.Dir, e)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}
