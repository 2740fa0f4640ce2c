package train_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/loopitr/loopitr/checkpoint"
	"github.com/loopitr/loopitr/dataset"
	"github.com/loopitr/loopitr/infer"
	"github.com/loopitr/loopitr/internal/engine"
	"github.com/loopitr/loopitr/network"
	"github.com/loopitr/loopitr/pixels"
	"github.com/loopitr/loopitr/train"
)

// sixteen is a data set of sixteen pictures, a square of one of four colours on one
// of four grounds, and what each shows in words.
func sixteen(t *testing.T) *dataset.Set {
	t.Helper()
	return openSet(t, writeSixteen(t, t.TempDir()))
}

func openSet(t *testing.T, path string) *dataset.Set {
	t.Helper()
	set, err := dataset.Open(context.Background(), dataset.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { set.Close() })
	return set
}

// writeSixteen writes the data set and returns its table.
func writeSixteen(t *testing.T, dir string) string {
	t.Helper()
	var table strings.Builder
	table.WriteString("image\tcaption\n")
	balls := map[string]color.RGBA{"red": {220, 30, 30, 255}, "green": {30, 180, 30, 255}, "blue": {30, 30, 220, 255}, "yellow": {230, 220, 30, 255}}
	grounds := map[string]color.RGBA{"snow": {250, 250, 250, 255}, "night": {10, 10, 10, 255}, "sand": {200, 170, 120, 255}, "fog": {128, 128, 128, 255}}
	for _, ball := range slices.Sorted(maps.Keys(balls)) {
		for _, ground := range slices.Sorted(maps.Keys(grounds)) {
			picture := image.NewRGBA(image.Rect(0, 0, 32, 32))
			draw.Draw(picture, picture.Bounds(), image.NewUniform(grounds[ground]), image.Point{}, draw.Src)
			draw.Draw(picture, image.Rect(8, 8, 24, 24), image.NewUniform(balls[ball]), image.Point{}, draw.Src)
			var encoded bytes.Buffer
			if err := png.Encode(&encoded, picture); err != nil {
				t.Fatal(err)
			}
			file := ball + "-" + ground + ".png"
			if err := os.WriteFile(filepath.Join(dir, file), encoded.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&table, "%s\t%s square in the %s\n", file, ball, ground)
		}
	}
	path := filepath.Join(dir, "pairs.tsv")
	if err := os.WriteFile(path, []byte(table.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// nano is a recipe small enough for tests.
func nano(steps int) train.Config {
	c := train.Default(network.Nano())
	c.Batch, c.Steps = 8, steps
	c.Captions.MaxTokens = 8
	c.Augment = pixels.AugmentConfig{}
	c.Optimizer.WarmUp, c.Optimizer.LearningRate, c.Optimizer.WeightDecay = 10, 1e-3, 0
	c.Loss.Distill.WarmupSteps = 1000
	c.Average = 0
	c.Validation.Rerank = 4
	c.Validation.Every = 1000
	return c
}

func openEngine(t *testing.T) *engine.Engine {
	t.Helper()
	e, err := engine.Open(os.Getenv("LOOPITR_ENGINE"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func TestRunLearnsSixteenPairsByHeart(t *testing.T) {
	set, e := sixteen(t), openEngine(t)
	dir := t.TempDir()
	result, err := train.Run(context.Background(), train.Options{
		Config: nano(150), Dir: dir, Train: set, Validation: set, Engine: e,
	})
	if err != nil {
		t.Fatal(err)
	}
	if b := result.Best; b.DualSum < 599.9 || b.RerankedSum < 599.9 {
		t.Errorf("recall sums are %.1f dual and %.1f re-ranked, want 600 each", b.DualSum, b.RerankedSum)
	}
	m, err := infer.Open(dir, e)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	card(t, dir, "from scratch", "16 pictures with ", "16 pictures to validate on", "| re-ranked | 100.0 ")
	for _, file := range []string{"metrics.jsonl", "loss.png", "recall.png", "run.json"} {
		if _, err := os.Stat(filepath.Join(dir, "run", file)); err != nil {
			t.Error(err)
		}
	}
}

// card wants a model's README.md to have all sections in order and to say these.
func card(t *testing.T, dir string, says ...string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for _, section := range []string{"Origin", "Data", "Recipe", "Results", "Licence", "Limits"} {
		next := strings.Index(string(text), "\n## "+section+"\n\n")
		if next <= at {
			t.Errorf("section %s is missing or out of order:\n%s", section, text)
		}
		at = next
	}
	for _, want := range says {
		if !strings.Contains(string(text), want) {
			t.Errorf("the card does not say %q:\n%s", want, text)
		}
	}
}

// weights are the parameters and moments a run left.
func weights(t *testing.T, dir string) []checkpoint.Tensor {
	t.Helper()
	var progress map[string]any
	s, damaged, err := checkpoint.LoadState(filepath.Join(dir, "run"), &progress)
	if err != nil || len(damaged) > 0 {
		t.Fatal(err, damaged)
	}
	return s.Tensors
}

// differ says where two states differ first, bit by bit, and is empty if nowhere.
func differ(want, got []checkpoint.Tensor) string {
	if len(want) != len(got) {
		return fmt.Sprintf("%d tensors, want %d", len(got), len(want))
	}
	for i, w := range want {
		if w.Name != got[i].Name || len(w.Values) != len(got[i].Values) {
			return fmt.Sprintf("tensor %d is %s, want %s", i, got[i].Name, w.Name)
		}
		for at, v := range w.Values {
			if math.Float32bits(v) != math.Float32bits(got[i].Values[at]) {
				return fmt.Sprintf("%s: place %d is %v, want %v", w.Name, at, got[i].Values[at], v)
			}
		}
	}
	return ""
}
