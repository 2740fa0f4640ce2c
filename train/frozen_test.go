package train_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loopitr/loopitr/checkpoint/safetensors"
	"github.com/loopitr/loopitr/dataset"
	"github.com/loopitr/loopitr/network"
	"github.com/loopitr/loopitr/train"
)

// sixteenTokens is sixteen with a token file: count tokens of width features each.
func sixteenTokens(t *testing.T, count, width int) *dataset.Set {
	t.Helper()
	dir := t.TempDir()
	table := writeSixteen(t, dir)
	var ids []string
	for _, r := range openSet(t, table).Records {
		ids = append(ids, r.ID)
	}
	chance := rand.New(rand.NewPCG(3, 4))
	tokens := filepath.Join(dir, "tokens.safetensors")
	err := dataset.WriteTokens(tokens, dataset.TokenWriter{IDs: ids, Count: count, Width: width, DType: safetensors.F32, Row: func(_ int, to []float32) error {
		for i := range to {
			to[i] = float32(chance.NormFloat64())
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	set, err := dataset.Open(t.Context(), dataset.Options{Path: table, Tokens: tokens})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { set.Close() })
	return set
}

// A tower that is computed at every step but never moves teaches the rest the same
// as one that was asked once.
func TestFrozenVisionIsTheTowerThatStandsStill(t *testing.T) {
	e := openEngine(t)
	for _, kind := range []string{"pixels", "tokens"} {
		t.Run(kind, func(t *testing.T) {
			c := tiny(6)
			c.Optimizer.Clip, c.Average, c.Validation.Every = 0, 0.9, 3
			set := sixteen(t)
			if kind == "tokens" {
				c.Network = c.Network.WithTokens(5, 12)
				set = sixteenTokens(t, 5, 12)
			}
			standing := train.Options{Config: c, Dir: t.TempDir(), Train: set, Validation: set, Engine: e}
			standing.Config.Optimizer.Rates.Vision = 0
			want := trained(t, standing)
			frozen := standing
			frozen.Config, frozen.Dir = c, t.TempDir()
			frozen.Config.Freeze = []string{"vision"}
			got := trained(t, frozen)
			for name, w := range want {
				if base := name[strings.Index(name, "/")+1:]; strings.HasPrefix(base, "vision/") {
					delete(want, name) // moments and average, which frozen weights have none of
				} else if strings.HasPrefix(name, "vision/") {
					if diff := cmp.Diff(w.Values, got[name].Values); diff != "" {
						t.Errorf("%s moved: %.200s", name, diff)
					}
				}
			}
			agree(t, want, got, 1e-4)
			if diff := cmp.Diff(validated(t, standing.Dir), validated(t, frozen.Dir)); diff != "" {
				t.Errorf("validations differ: %s", diff)
			}

			frozen.Config.Chunk, frozen.Dir = 4, t.TempDir()
			agree(t, got, trained(t, frozen), 1e-4)
		})
	}
}

func TestTokensOfAFrozenTowerOutliveTheirRun(t *testing.T) {
	set, e := sixteen(t), openEngine(t)
	c := tiny(20)
	c.Freeze = []string{"vision"}
	o := train.Options{Config: c, Dir: t.TempDir(), Train: set, Engine: e}
	want := trained(t, o)
	tokens := filepath.Join(o.Dir, "run", "tokens", "train-00000.safetensors")
	before, err := os.Stat(tokens)
	if err != nil {
		t.Fatal(err)
	}
	noted := func(o train.Options) (notes string) {
		t.Helper()
		o.Observe = func(p train.Progress) { notes += p.Stage + "\n" }
		agree(t, want, trained(t, o), 0)
		return notes
	}
	o.Resume, o.Config = true, train.Config{}
	if notes := noted(o); strings.Contains(notes, "once") {
		t.Errorf("tokens were made twice: %q", notes)
	}
	if after, err := os.Stat(tokens); err != nil || !os.SameFile(before, after) {
		t.Errorf("the token file is another: %v", err)
	}

	o.Resume, o.Config, o.Dir = false, c, t.TempDir()
	interrupted(t, o, 10)
	tokens = filepath.Join(o.Dir, "run", "tokens", "train-00000.safetensors")
	if err := os.WriteFile(tokens, []byte("damaged"), 0o644); err != nil {
		t.Fatal(err)
	}
	o.Resume, o.Config = true, train.Config{}
	if notes := noted(o); !strings.Contains(notes, "once") {
		t.Errorf("damaged tokens were not made again: %q", notes)
	}
}

func TestFrozenPartsStayAndLearnNothing(t *testing.T) {
	set, e := sixteen(t), openEngine(t)
	c := tiny(2)
	c.Freeze = []string{"text", "cross"}
	dir := t.TempDir()
	vocabulary := vocabularyOf(t, set, c)
	c.Network.Text.Vocabulary = vocabulary.Size()
	initial := network.Initial(c.Network, 5)
	state := trained(t, train.Options{Config: c, Dir: dir, Train: set, Engine: e, Vocabulary: vocabulary, Initial: initial})
	for name, w := range state {
		frozen := strings.HasPrefix(name, "text/") || strings.HasPrefix(name, "cross/")
		start, parameter := initial[name]
		if parameter && frozen != cmp.Equal(start, w.Values) && !strings.HasSuffix(name, "/key/bias") {
			t.Errorf("%s: frozen is %v, but it stayed: %v", name, frozen, !frozen)
		}
		if !parameter && (strings.Contains(name, "/text/") && !strings.Contains(name, "project") || strings.Contains(name, "/cross/")) {
			t.Errorf("a frozen part has %s", name)
		}
	}
}
