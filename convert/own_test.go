package convert_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint"
	"github.com/loopitr/loopitr/checkpoint/safetensors"
	"github.com/loopitr/loopitr/convert"
	"github.com/loopitr/loopitr/infer"
	"github.com/loopitr/loopitr/network"
	"github.com/loopitr/loopitr/pixels"
	"github.com/loopitr/loopitr/wordpiece"
)

// trainedHere is a model that no import made, with settings no source has.
func trainedHere(t *testing.T, change func(*network.Config), store safetensors.DType) string {
	t.Helper()
	words := slices.Values([]string{"a red ball on the grass", "two dogs in the snow"})
	vocabulary, err := wordpiece.Train(words, wordpiece.DefaultTrainConfig(wordpiece.Plain()))
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if _, err := vocabulary.WriteTo(&text); err != nil {
		t.Fatal(err)
	}
	n := network.Nano()
	n.Text.Vocabulary, n.Dropout, n.InitDeviation = vocabulary.Size(), 0.1, 0.03
	change(&n)
	c := infer.Config{Network: n, Pixels: pixels.Half(n.Vision.ImageSize), Captions: wordpiece.Plain()}
	c.Captions.MaxTokens, c.ScoreWeight = 17, 0.3
	if n.Vision.Input == network.Tokens {
		c.Pixels = pixels.Config{}
	}
	initial := network.Initial(n, 3)
	var weights []checkpoint.Tensor
	for _, p := range n.Params() {
		weights = append(weights, checkpoint.Tensor{Name: p.Name, Dims: p.Shape, Values: initial[p.Name]})
	}
	dir := filepath.Join(t.TempDir(), "model")
	if err := checkpoint.Save(dir, checkpoint.Parts{Config: c, Weights: weights, Store: store, Vocabulary: []byte(text.String())}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// What was trained here goes out and comes back as what was imported does.
func TestModelsTrainedHereComeBackBitForBit(t *testing.T) {
	same := func(*network.Config) {}
	fromIDs := func(n *network.Config) {
		n.Cross.From, n.Cross.Layers, n.Text.NoTypes = network.FromIDs, n.Text.Layers, true
	}
	for name, c := range map[string]struct {
		change func(*network.Config)
		store  safetensors.DType
		format convert.Format
	}{
		"albef":         {same, safetensors.F32, convert.AsALBEF},
		"albef in half": {same, safetensors.F16, convert.AsALBEF},
		"blip":          {fromIDs, safetensors.BF16, convert.AsHuggingBLIP},
		"stem":          {func(n *network.Config) { n.Vision.Stem = network.StemConv }, safetensors.F32, convert.AsSafetensors},
		"tokens":        {func(n *network.Config) { *n = n.WithTokens(4, 6) }, safetensors.F32, convert.AsSafetensors},
		"mean, masked words, hidden layer": {func(n *network.Config) {
			n.Cross.Pool, n.Text.MaskedModeling = network.PoolMean, true
			n.Cross.Match = network.MatchConfig{Hidden: 24, LayerNormEpsilon: 1e-5}
		}, safetensors.BF16, convert.AsSafetensors},
	} {
		t.Run(name, func(t *testing.T) {
			dir := trainedHere(t, c.change, c.store)
			out, again := filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "again")
			if err := convert.Export(t.Context(), dir, out, convert.ExportConfig{Format: c.format}); err != nil {
				t.Fatal(err)
			}
			r, err := convert.Import(t.Context(), out, again, convert.Config{})
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Fresh) > 0 {
				t.Errorf("drawn: %v", r.Fresh)
			}
			config, fingerprint := identity(t, dir)
			gotConfig, got := identity(t, again)
			if diff := cmp.Diff(config, gotConfig); diff != "" || got != fingerprint {
				t.Errorf("fingerprint %s, was %s; configuration (-before +after):\n%s", got, fingerprint, diff)
			}
		})
	}
	for name, format := range map[string]convert.Format{"stem": convert.AsALBEF, "tokens": convert.AsHuggingBLIP} {
		dir := trainedHere(t, map[string]func(*network.Config){
			"stem": func(n *network.Config) { n.Vision.Stem = network.StemConv }, "tokens": func(n *network.Config) { *n = n.WithTokens(4, 6) },
		}[name], safetensors.F32)
		if err := convert.Export(t.Context(), dir, filepath.Join(t.TempDir(), "out"), convert.ExportConfig{Format: format}); !errors.Is(err, loopitr.ErrInvalid) {
			t.Errorf("%s as %s: %v", name, format, err)
		}
	}
}

// counting tells how far an export or import came, and cancels its context after
// most tensors.
func counting(t *testing.T, most int) (ctx context.Context, progress func(done, total int), left func() int) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	told, all := 0, 0
	progress = func(done, total int) {
		if told++; done != told || all != 0 && total != all {
			t.Errorf("told %d of %d as tensor %d, before of %d", done, total, told, all)
		}
		if all = total; done == most {
			stop()
		}
	}
	return ctx, progress, func() int { return all - told }
}

// An export and an import count their tensors to the last; ctx ends them between
// two, and then what was begun is not there.
func TestTensorsAreCountedAndStoppedBetween(t *testing.T) {
	fromIDs := func(n *network.Config) {
		n.Cross.From, n.Cross.Layers, n.Text.NoTypes = network.FromIDs, n.Text.Layers, true
	}
	for format, change := range map[convert.Format]func(*network.Config){
		convert.AsALBEF: func(*network.Config) {}, convert.AsSafetensors: func(*network.Config) {}, convert.AsHuggingBLIP: fromIDs,
	} {
		dir := trainedHere(t, change, safetensors.F32)
		for _, most := range []int{0, 5} {
			out, again := filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "again")
			ctx, progress, left := counting(t, most)
			judge := func(what, dir string, err error) {
				files, _ := os.ReadDir(dir)
				switch stopped := most > 0; {
				case stopped && (!errors.Is(err, context.Canceled) || len(files) > 0 || left() == 0):
					t.Errorf("%s of %s, stopped: error %v, left %d tensors and files %v", what, format, err, left(), files)
				case !stopped && (err != nil || left() != 0):
					t.Errorf("%s of %s: error %v, %d tensors not told of", what, format, err, left())
				}
			}
			err := convert.Export(ctx, dir, out, convert.ExportConfig{Format: format, Progress: progress})
			judge("export", out, err)
			whole := filepath.Join(t.TempDir(), "whole")
			if err := convert.Export(t.Context(), dir, whole, convert.ExportConfig{Format: format}); err != nil {
				t.Fatal(err)
			}
			ctx, progress, left = counting(t, most)
			_, err = convert.Import(ctx, whole, again, convert.Config{Progress: progress})
			judge("import", again, err)
		}
	}
}
