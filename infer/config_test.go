package infer_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint/safetensors"
	"github.com/loopitr/loopitr/infer"
	"github.com/loopitr/loopitr/network"
	"github.com/loopitr/loopitr/wordpiece"
)

// FuzzConfig opens a model by a configuration that anyone may have written: it is
// refused, or the model reads pictures and captions and judges them. checkpoint's
// FuzzConfig has the file around it.
func FuzzConfig(f *testing.F) {
	fixture := newFixture(f, network.PoolFirst)
	dir := fixture.save(f, safetensors.F32)
	for _, change := range []func(*infer.Config){
		func(*infer.Config) {},
		func(c *infer.Config) { c.Network.Cross.Pool, c.ScoreWeight = network.PoolMean, -1 },
		func(c *infer.Config) { c.Captions.MaxTokens, c.Captions.Delete, c.Captions.Blank = 2, "a", "d\u00e9" },
		func(c *infer.Config) { c.Pixels.Fit, c.Pixels.MaxPixels, c.Pixels.Std[0] = "crop", 5, 1e-45 },
		func(c *infer.Config) { c.Network.Vision.Layers, c.Network.Text.Vocabulary = 256, 1<<20 },
		func(c *infer.Config) { c.Pixels.Size++ },
		func(c *infer.Config) { c.Captions.MaxTokens = wordpiece.MaxTokensLimit },
		func(c *infer.Config) { c.Training = &infer.Training{Steps: -1, Seconds: 1e300} },
	} {
		c := fixture.config
		change(&c)
		raw, err := json.Marshal(c)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte("{}"))
	var file bytes.Buffer
	if err := png.Encode(&file, image.NewGray(image.Rect(0, 0, 3, 2))); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		content := append(append([]byte(`{"format":1,"config":`), raw...), '}')
		if err := os.WriteFile(filepath.Join(dir, "config.json"), content, 0o644); err != nil {
			t.Fatal(err)
		}
		m, err := infer.Open(dir, fixture.engine)
		if err != nil {
			if !errors.Is(err, loopitr.ErrCorrupt) && !errors.Is(err, loopitr.ErrInvalid) {
				t.Fatalf("error of another kind: %v", err)
			}
			return
		}
		defer m.Close()
		stays(t, m.Config())
		works(t, m, file.Bytes())
	})
}

// stays stores a configuration that was opened and reads it again.
func stays(t *testing.T, want infer.Config) {
	t.Helper()
	raw, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got infer.Config
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("stored and read again (-want +got):\n%s", diff)
	}
}

// works encodes a picture and captions, and judges them together.
func works(t *testing.T, m *infer.Model, file []byte) {
	t.Helper()
	picture, _, err := m.Prepare(file)
	if err != nil {
		if limit := m.Config().Pixels.MaxPixels; limit < 1 || limit >= 6 {
			t.Fatalf("a picture of 6 pixels under a limit of %d: %v", limit, err)
		}
		return
	}
	images, texts := encodeImages(t, m, picture), encodeTexts(t, m, captions...)
	var pairs []loopitr.Pair
	for i, text := range texts {
		if most := m.Config().Captions.MaxTokens; text.States.Count < 2 || text.States.Count > most {
			t.Fatalf("caption %q has %d states, the limit is %d", captions[i], text.States.Count, most)
		}
		pairs = append(pairs, loopitr.Pair{Text: text.States, Image: images[0].States})
	}
	if z, err := m.Match(t.Context(), pairs); err != nil || len(z) != len(pairs) {
		t.Fatalf("%d judgements of %d pairs: %v", len(z), len(pairs), err)
	}
}
