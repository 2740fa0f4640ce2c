package checkpoint_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint"
	"github.com/loopitr/loopitr/checkpoint/safetensors"
)

// Lazy weights make the same model as those in memory; what they cannot give is not
// saved.
func TestLazyWeightsMakeTheSameModel(t *testing.T) {
	lazily := func(change func(values []float32) ([]float32, error)) checkpoint.Parts {
		p := parts()
		for _, w := range p.Weights {
			p.Lazy = append(p.Lazy, checkpoint.Lazy{Name: w.Name, Dims: w.Dims, Read: func() ([]float32, error) { return change(w.Values) }})
		}
		p.Weights = nil
		return p
	}
	as := func(values []float32) ([]float32, error) { return values, nil }
	for _, store := range []safetensors.DType{safetensors.F32, safetensors.F16} {
		now, later := parts(), lazily(as)
		now.Store, later.Store = store, store
		want, err := os.ReadFile(filepath.Join(saved(t, now), "model.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(saved(t, later), "model.safetensors"))
		if err != nil || string(got) != string(want) {
			t.Errorf("%s: other bytes: %v", store, err)
		}
	}
	broken := errors.New("broken")
	both := lazily(as)
	both.Weights = parts().Weights
	for what, c := range map[string]struct {
		parts checkpoint.Parts
		want  error
	}{
		"an error":    {lazily(func([]float32) ([]float32, error) { return nil, broken }), broken},
		"zeros":       {lazily(func(v []float32) ([]float32, error) { return make([]float32, len(v)), nil }), nil},
		"NaN":         {lazily(func(v []float32) ([]float32, error) { return append(v[:len(v)-1:len(v)-1], float32(math.NaN())), nil }), loopitr.ErrInvalid},
		"too few":     {lazily(func(v []float32) ([]float32, error) { return v[1:], nil }), loopitr.ErrInvalid},
		"given twice": {both, loopitr.ErrInvalid},
	} {
		dir := filepath.Join(t.TempDir(), "model")
		if err := checkpoint.Save(dir, c.parts); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", what, err, c.want)
		}
		if _, err := os.Stat(filepath.Join(dir, "config.json")); err == nil && c.want != nil {
			t.Errorf("%s: it was saved", what)
		}
	}
}
