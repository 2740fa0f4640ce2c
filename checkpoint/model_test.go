package checkpoint_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint"
	"github.com/loopitr/loopitr/checkpoint/safetensors"
)

type config struct {
	Width int    `json:"width"`
	Name  string `json:"name"`
}

func parts() checkpoint.Parts {
	return checkpoint.Parts{
		Config: config{Width: 3, Name: "nano"},
		Weights: []checkpoint.Tensor{
			{Name: "text/weight", Dims: []int{2, 2}, Values: []float32{1, -2, 0.1, 4}},
			{Name: "cross/bias", Dims: []int{3}, Values: []float32{0.5, 0, 7}},
			{Name: "temperature", Values: []float32{0.07}},
		},
		Vocabulary: []byte("[PAD]\n[UNK]\n"),
		Card:       "# Nano\n",
	}
}

func shapes() []checkpoint.Shape {
	return []checkpoint.Shape{{"temperature", nil}, {"text/weight", []int{2, 2}}, {"cross/bias", []int{3}}}
}

func saved(t *testing.T, p checkpoint.Parts) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "model")
	if err := checkpoint.Save(dir, p); err != nil {
		t.Fatal(err)
	}
	return dir
}

func open(t *testing.T, dir string) *checkpoint.Model {
	t.Helper()
	m, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

func TestWhatIsSavedIsLoaded(t *testing.T) {
	for _, store := range []safetensors.DType{"", safetensors.F32, safetensors.F16, safetensors.BF16} {
		t.Run("as "+string(store), func(t *testing.T) {
			p := parts()
			p.Store = store
			dir := saved(t, p)
			m := open(t, dir)
			var got config
			if err := m.Config(&got); err != nil || got != p.Config {
				t.Errorf("config: got %v, %v", got, err)
			}
			if string(m.Vocabulary()) != string(p.Vocabulary) {
				t.Errorf("vocabulary: got %q", m.Vocabulary())
			}
			if card, err := os.ReadFile(filepath.Join(dir, "README.md")); err != nil || string(card) != p.Card {
				t.Errorf("card: got %q, %v", card, err)
			}
			weights, err := m.Weights(shapes())
			if err != nil {
				t.Fatal(err)
			}
			want := []checkpoint.Tensor{p.Weights[2], p.Weights[0], p.Weights[1]}
			for i := range want {
				want[i].Values = rounded(want[i].Values, store)
			}
			if diff := cmp.Diff(want, weights); diff != "" {
				t.Errorf("weights (-want +got):\n%s", diff)
			}
		})
	}
}

func rounded(values []float32, store safetensors.DType) []float32 {
	out := make([]float32, len(values))
	for i, v := range values {
		switch store {
		case safetensors.F16:
			v = safetensors.Float32FromFloat16(safetensors.Float16(v))
		case safetensors.BF16:
			v = safetensors.Float32FromBFloat16(safetensors.BFloat16(v))
		}
		out[i] = v
	}
	return out
}

func TestWrongNamesAndShapesAreListedTogether(t *testing.T) {
	m := open(t, saved(t, parts()))
	want := []checkpoint.Shape{{"text/weight", []int{4}}, {"vision/weight", []int{5}}, {"temperature", nil}}
	for i := range 30 {
		want = append(want, checkpoint.Shape{Name: fmt.Sprintf("block_%02d", i), Dims: []int{1}})
	}
	_, err := m.Weights(want)
	if !errors.Is(err, loopitr.ErrCorrupt) {
		t.Fatalf("got %v, want ErrCorrupt", err)
	}
	for _, part := range []string{
		`31 missing: "vision/weight" [5], "block_00" [1]`, `"block_18" [1] and 11 more`,
		`1 unexpected: "cross/bias" [3]`, `1 mis-shaped: "text/weight" is [2 2], want [4]`,
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in %q", part, err)
		}
	}
	if strings.Contains(err.Error(), "block_19") {
		t.Errorf("list is not cut: %q", err)
	}
}

// rewrite puts other tensors into a saved model's weights file.
func rewrite(t *testing.T, dir string, sources ...safetensors.Source) {
	t.Helper()
	if err := safetensors.WriteFile(filepath.Join(dir, "model.safetensors"), nil, sources); err != nil {
		t.Fatal(err)
	}
}

func TestWeightsThatAreNotNumbersAreRefused(t *testing.T) {
	nan := float32(math.NaN())
	p := parts()
	p.Weights[1].Values[2] = nan
	dir := filepath.Join(t.TempDir(), "model")
	err := checkpoint.Save(dir, p)
	if !errors.Is(err, loopitr.ErrInvalid) || !strings.Contains(err.Error(), `"cross/bias": value 2 is NaN`) {
		t.Errorf("saving: got %v", err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("refused save touched the folder: %v", err)
	}

	dir = saved(t, parts())
	rewrite(t, dir, safetensors.FromFloat32("a", safetensors.F32, []int{2}, []float32{1, nan}))
	_, err = open(t, dir).Weights([]checkpoint.Shape{{"a", []int{2}}})
	if !errors.Is(err, loopitr.ErrCorrupt) || !strings.Contains(err.Error(), `"a": value 1 is NaN`) {
		t.Errorf("loading: got %v", err)
	}
	dir = saved(t, parts()) // Windows replaces no file that is open
	rewrite(t, dir, safetensors.FromBytes("a", safetensors.I8, []int{2}, []byte{1, 2}))
	if _, err = open(t, dir).Weights([]checkpoint.Shape{{"a", []int{2}}}); !errors.Is(err, loopitr.ErrCorrupt) {
		t.Errorf("whole numbers as weights: got %v", err)
	}
	p = parts()
	p.Weights[0].Values[0], p.Store = 1e6, safetensors.F16
	if err := checkpoint.Save(saved(t, parts()), p); !errors.Is(err, loopitr.ErrInvalid) || !strings.Contains(err.Error(), "text/weight") {
		t.Errorf("too large for float16: got %v", err)
	}
}

func TestUnusablePartsAreRefused(t *testing.T) {
	tests := map[string]func(p *checkpoint.Parts){
		"no config":     func(p *checkpoint.Parts) { p.Config = nil },
		"no weights":    func(p *checkpoint.Parts) { p.Weights = nil },
		"no vocabulary": func(p *checkpoint.Parts) { p.Vocabulary = nil },
		"store":         func(p *checkpoint.Parts) { p.Store = safetensors.I8 },
		"length":        func(p *checkpoint.Parts) { p.Weights[0].Values = nil },
		"name twice":    func(p *checkpoint.Parts) { p.Weights[0].Name = "temperature"; p.Weights[0] = p.Weights[2] },
		"config value":  func(p *checkpoint.Parts) { p.Config = math.Inf(1) },
	}
	for name, spoil := range tests {
		p := parts()
		spoil(&p)
		if err := checkpoint.Save(filepath.Join(t.TempDir(), "m"), p); !errors.Is(err, loopitr.ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
	}
}

func TestDamagedFoldersAreNamed(t *testing.T) {
	edit := func(old, new string) func(dir string) error {
		return func(dir string) error {
			path := filepath.Join(dir, "config.json")
			raw, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(path, []byte(strings.Replace(string(raw), old, new, 1)), 0o600)
		}
	}
	remove := func(name string) func(dir string) error {
		return func(dir string) error { return os.Remove(filepath.Join(dir, name)) }
	}
	tests := []struct {
		name  string
		spoil func(dir string) error
		kind  error
		says  string
	}{
		{"no folder", os.RemoveAll, loopitr.ErrNotFound, "model"},
		{"no config", remove("config.json"), loopitr.ErrNotFound, "config.json"},
		{"no weights", remove("model.safetensors"), loopitr.ErrNotFound, "model.safetensors"},
		{"no vocabulary", remove("vocab.txt"), loopitr.ErrNotFound, "vocab.txt"},
		{"a file", func(dir string) error { return errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600)) }, loopitr.ErrInvalid, "not a folder"},
		{"newer format", edit(`"format": 1`, `"format": 2, "more": {}`), loopitr.ErrInvalid, "format 2 is newer than 1"},
		{"format 0", edit(`"format": 1`, `"format": 0`), loopitr.ErrCorrupt, "format 0"},
		{"no format", edit(`"format": 1,`, ``), loopitr.ErrInvalid, "no format number"},
		{"broken JSON", edit(`{`, `[`), loopitr.ErrCorrupt, "config.json"},
		{"unknown field", edit(`"format": 1`, `"format": 1, "extra": 2`), loopitr.ErrCorrupt, `"extra"`},
		{"something behind", edit("\n}\n", "\n}\n{}"), loopitr.ErrCorrupt, "config.json"},
		{"config is a folder", func(dir string) error {
			path := filepath.Join(dir, "config.json")
			return errors.Join(os.Remove(path), os.Mkdir(path, 0o700))
		}, loopitr.ErrInvalid, "not a plain file"},
		{"truncated weights", func(dir string) error { return os.Truncate(filepath.Join(dir, "model.safetensors"), 300) }, loopitr.ErrCorrupt, "model.safetensors"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := saved(t, parts())
			if err := tt.spoil(dir); err != nil {
				t.Fatal(err)
			}
			_, err := checkpoint.Open(dir)
			if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want %v saying %q", err, tt.kind, tt.says)
			}
		})
	}
}

func TestUnknownConfigFieldIsRefused(t *testing.T) {
	m := open(t, saved(t, parts()))
	var small struct {
		Width int `json:"width"`
	}
	if err := m.Config(&small); !errors.Is(err, loopitr.ErrCorrupt) || !strings.Contains(err.Error(), `"name"`) {
		t.Errorf("got %v, want ErrCorrupt naming the field", err)
	}
}

func TestOtherFilesOfTheFolderStay(t *testing.T) {
	dir := saved(t, parts())
	path := filepath.Join(dir, "metrics.jsonl")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := checkpoint.Save(dir, parts()); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "mine" {
		t.Errorf("got %q, %v", got, err)
	}
}

func fingerprint(t *testing.T, dir string, preprocessing any) string {
	t.Helper()
	sum, err := open(t, dir).Fingerprint(preprocessing)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func TestFingerprintTellsModelsApart(t *testing.T) {
	dir := saved(t, parts())
	size := map[string]int{"size": 64, "words": 30}
	want := fingerprint(t, dir, size)
	if len(want) != 32 {
		t.Errorf("fingerprint %q is not 32 digits", want)
	}
	same := parts()
	same.Weights[0], same.Weights[2] = same.Weights[2], same.Weights[0]
	same.Card, same.Config = "", config{}
	if got := fingerprint(t, saved(t, same), struct {
		Words int `json:"words"`
		Size  int `json:"size"`
	}{30, 64}); got != want {
		t.Error("order of tensors, card, configuration or order of fields changed it")
	}
	others := map[string]func(p *checkpoint.Parts){
		"value":      func(p *checkpoint.Parts) { p.Weights[0].Values[3] = 5 },
		"name":       func(p *checkpoint.Parts) { p.Weights[0].Name = "text/kernel" },
		"shape":      func(p *checkpoint.Parts) { p.Weights[0].Dims = []int{4, 1} },
		"store":      func(p *checkpoint.Parts) { p.Store = safetensors.F16 },
		"vocabulary": func(p *checkpoint.Parts) { p.Vocabulary = []byte("[PAD]\n") },
	}
	for name, change := range others {
		p := parts()
		change(&p)
		if fingerprint(t, saved(t, p), size) == want {
			t.Errorf("another %s did not change it", name)
		}
	}
	if fingerprint(t, dir, map[string]int{"size": 65, "words": 30}) == want {
		t.Error("another preprocessing did not change it")
	}
}

func TestFingerprintOfCopiedModelIsTheSame(t *testing.T) {
	dir := saved(t, parts())
	want := fingerprint(t, dir, nil)
	weights := filepath.Join(dir, "model.safetensors")
	if err := os.Chtimes(weights, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := fingerprint(t, dir, nil); got != want {
		t.Errorf("with another time: got %s, want %s", got, want)
	}
}

func TestExchangedWeightsAreNoticed(t *testing.T) {
	dir, other := saved(t, parts()), parts()
	other.Weights[0].Values[0]++
	from, to := filepath.Join(saved(t, other), "model.safetensors"), filepath.Join(dir, "model.safetensors")
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(to, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, dir).Fingerprint(nil); !errors.Is(err, loopitr.ErrCorrupt) {
		t.Errorf("got %v, want ErrCorrupt", err)
	}
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte(`{"format":1,"config":{"width":3,"name":"x"}}`))
	f.Add([]byte(`{"format":1,"weights":{"sha256":"","bytes":1,"modified":"2026-01-01T00:00:00Z"},"config":null}`))
	f.Add([]byte(`{"format":9}`))
	dir := filepath.Join(f.TempDir(), "model")
	if err := checkpoint.Save(dir, parts()); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if err := os.WriteFile(filepath.Join(dir, "config.json"), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := checkpoint.Open(dir)
		if err != nil {
			if !errors.Is(err, loopitr.ErrCorrupt) && !errors.Is(err, loopitr.ErrInvalid) {
				t.Fatalf("error of another kind: %v", err)
			}
			return
		}
		defer m.Close()
		var c config
		if err := m.Config(&c); err != nil && !errors.Is(err, loopitr.ErrCorrupt) {
			t.Fatalf("error of another kind: %v", err)
		}
		if _, err := m.Fingerprint(nil); err != nil && !errors.Is(err, loopitr.ErrCorrupt) {
			t.Fatalf("error of another kind: %v", err)
		}
	})
}
